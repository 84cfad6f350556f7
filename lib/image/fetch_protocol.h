/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libcri.so asks of cri-fetch, and what that answers: JSON objects, one a message, over a SOCK_SEQPACKET socket,
 * the session. `cri-fetch files` has one, its descriptor 3, and ends with it. `cri-fetch network` is sent sessions over
 * its descriptor 3, one descriptor with a byte each, and ends with that or when it has been idle; a session that gets
 * no answer to its first request met such an end. Jobs run side by side; `job` is a number of the asker's choice.
 *
 *     {"job":1,"kind":"layer","source":"file","digest":"sha256:…","size":123,"limit":1000000}   fds: source, sink
 *         source → sha256 → inflate (gzip, zstd or plain, by content) → sha256 → sink
 *     {"job":2,"kind":"blob","source":"file","digest":"sha256:…","size":123,"limit":4194304}    fds: source
 *         source → sha256 → memory
 *     {"job":6,"kind":"digest","source":"file","digest":"sha256:…","size":123,"limit":1000000}  fds: source
 *         source → sha256, and nothing of it is kept
 *     {"job":8,"kind":"deflate","source":"file","limit":1000000}                                fds: source, sink
 *         source → sha256 → gzip → sha256 → sink; done like a layer, with diff_id that of the source
 *     {"job":3,"kind":"chain","diff_ids":["sha256:…"]}
 *         the chain ids of the OCI image specification, one for each diff id
 *
 *     {"job":7,"kind":"verify","payload":"…","signature":"base64","key":"PEM"}
 *         whether the key, a public one, signed the payload: error CRI_ESIGNATURE, CRI_EINVAL for a bad key. Instead of
 *         "key" there may be "key_data", base64 of PEM
 *
 *     {"job":4,"kind":"registry","repository":"library/busybox","endpoints":[{"url":"https://registry-1.docker.io",
 *      "mirror":false,"credentials":true,"skip_verify":false,"ca_file":"","certificate_file":"","key_file":""}],
 *      "auth":{"username":"","password":"","auth":"","identity_token":"","registry_token":""},
 *      "proxies":{"http":"","https":"","none":""}}
 *         first in a session of `cri-fetch network`; endpoints are tried in order, what fails at a mirror is tried at
 *         the next; credentials go only where it says so. Then "source":"registry" gets a blob by its digest, and
 *     {"job":5,"kind":"manifest","reference":"latest","head":false,"limit":4194304}
 *         registry → sha256 → memory; with head, only what the registry says of it
 *
 * `digest` and `size` are checked when they are there; `limit` bounds what comes out. A source is where the bytes come
 * from; "file" is a descriptor that is read from its start to its end.
 *
 *     {"job":1,"event":"progress","bytes":B}                                      so far from the source
 *     {"job":1,"event":"done","digest":"sha256:…","diff_id":"sha256:…","bytes":B,"plain_bytes":P}
 *     {"job":2,"event":"done","digest":"sha256:…","bytes":B}                      fds: a sealed memfd with the bytes
 *     {"job":6,"event":"done","digest":"sha256:…","bytes":B}
 *     {"job":4,"event":"done"}, as also for 7
 *     {"job":5,"event":"done","digest":"sha256:…","media_type":"…","bytes":B}     fds: as for a blob; none with head
 *     {"job":3,"event":"done","chain_ids":["sha256:…"]}
 *     {"job":1,"event":"error","code":-13,"errno":0,"text":"…"}                   code: a cri_code
 */
#ifndef LIBCRI_IMAGE_FETCH_PROTOCOL_H
#define LIBCRI_IMAGE_FETCH_PROTOCOL_H

#define FETCH_MESSAGE_MAX ((size_t)64 * 1024)
#define FETCH_MAX_JOBS 64

/* "sha256:", 64 hex digits, NUL. */
#define DIGEST_SIZE 72
#define DIGEST_PREFIX "sha256:"

/* The error's code when the reader of the sink went away: whoever reads knows better why. */
#define FETCH_SINK_CLOSED CRI_ECANCELED

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libcri.so asks of cri-fetch, and what that answers: JSON objects, one a message, over the socket that is the
 * helper's descriptor 3 (SOCK_SEQPACKET). The helper ends with the socket. Jobs run side by side; `job` is a number of
 * the asker's choice.
 *
 *     {"job":1,"kind":"layer","source":"file","digest":"sha256:…","size":123,"limit":1000000}   fds: source, sink
 *         source → sha256 → inflate (gzip, zstd or plain, by content) → sha256 → sink
 *     {"job":2,"kind":"blob","source":"file","digest":"sha256:…","size":123,"limit":4194304}    fds: source
 *         source → sha256 → memory
 *     {"job":3,"kind":"chain","diff_ids":["sha256:…"]}
 *         the chain ids of the OCI image specification, one for each diff id
 *
 * `digest` and `size` are checked when they are there; `limit` bounds what comes out. A source is where the bytes come
 * from; "file" is a descriptor that is read from its start to its end.
 *
 *     {"job":1,"event":"progress","bytes":B}                                      so far from the source
 *     {"job":1,"event":"done","digest":"sha256:…","diff_id":"sha256:…","bytes":B,"plain_bytes":P}
 *     {"job":2,"event":"done","digest":"sha256:…","bytes":B}                      fds: a sealed memfd with the bytes
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

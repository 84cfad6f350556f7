/* SPDX-License-Identifier: Apache-2.0 */
/* The client of cri-fetch (image/fetch_protocol.h): jobs that run side by side, answers as they come. */
#ifndef LIBCRI_IMAGE_FETCH_H
#define LIBCRI_IMAGE_FETCH_H

#include "base/arena.h"
#include "core/engine.h"
#include "image/fetch_protocol.h"

#include <cjson/cJSON.h>

struct fetch {
	int socket;
	int process;
	int64_t last_job;
};
#define FETCH_CLOSED                                                                                                   \
	{                                                                                                              \
		-1, -1, 0                                                                                              \
	}

int fetch_start(cri_engine *engine, struct fetch *fetch, cri_call *call);
/* Takes a session of the engine's helper for registries, which is started if there is none. The session's request
 * "registry" has gone; takes `registry`. (fetch_service.c) */
int fetch_start_network(cri_engine *engine, struct fetch *fetch, cJSON *registry, cri_call *call);
/* The same from a helper of its own, in the cgroup of `charge`. */
struct charge;
int fetch_start_charged(cri_engine *engine, struct fetch *fetch, const struct charge *charge, cJSON *registry,
			cri_call *call);
/* At the engine's end; NULL is allowed. */
void fetch_service_free(struct fetch_service *service);

/* Ends the helper, or the session, with all its jobs. */
void fetch_stop(struct fetch *fetch);
#define CLEANUP_FETCH CLEANUP(fetch_stop)

/* What bytes must be: digest "" and size UINT64_MAX are not checked. */
struct fetch_expected {
	const char *digest;
	uint64_t size;
	uint64_t limit; /* of what comes out */
};

/* Starts the pass of a layer from `source`, -1 being the session's registry, to `sink`; the descriptors stay the
 * caller's, who closes its copy of `sink`. */
int fetch_layer(struct fetch *fetch, int source, int sink, const struct fetch_expected *expected, int64_t *job,
		cri_call *call);

/* Starts the pass of a plain tar to gzip; descriptors as above. The answer has the digest and the bytes of what went to
 * `sink`, and the digest of the tar as its diff_id. */
int fetch_deflate(struct fetch *fetch, int source, int sink, uint64_t limit, int64_t *job, cri_call *call);

enum fetch_event { FETCH_PROGRESS, FETCH_DONE, FETCH_FAILED };
struct fetch_reply {
	int64_t job;
	enum fetch_event event;
	char digest[DIGEST_SIZE], diff_id[DIGEST_SIZE]; /* FETCH_DONE */
	uint64_t bytes;
	int code, error; /* FETCH_FAILED */
	char text[256];
};
/* The next answer, without waiting: 1, or 0 when there is none yet (poll fetch->socket). Not for blobs and chains. */
int fetch_receive(struct fetch *fetch, struct fetch_reply *reply, cri_call *call);

/* Waits for a document of `source`, as above: its verified bytes, NUL-terminated, and their digest, in the arena. No
 * other job may run. */
int fetch_blob(struct fetch *fetch, struct arena *arena, int source, const struct fetch_expected *expected,
	       const char **bytes, size_t *length, const char **digest, cri_call *call);
/* What a registry has under a tag or a digest, a manifest or an index. With `head` only its digest, which may be "".
 * Else the bytes, NUL-terminated, with the digest that they have. No other job may run. CRI_ENOTFOUND, CRI_EPERM,
 * CRI_EREGISTRY. */
struct fetch_manifest {
	const char *bytes, *media_type, *digest;
	size_t length;
};
int fetch_manifest(struct fetch *fetch, struct arena *arena, const char *reference, bool head,
		   struct fetch_manifest *manifest, cri_call *call);
/* Sends the session's first request, which says what its registry is. Takes it. */
int fetch_open(struct fetch *fetch, cJSON *registry, cri_call *call);
/* Waits for the digest of `source`, of which no byte is kept. `progress`, unless it is NULL, hears of the bytes so far.
 * No other job may run. */
int fetch_digest(struct fetch *fetch, int source, const struct fetch_expected *expected, char digest[DIGEST_SIZE],
		 void (*progress)(uint64_t bytes, void *data), void *data, cri_call *call);
/* Whether a public key signed a text. The key is PEM, or base64 of PEM. CRI_ESIGNATURE: it did not; CRI_EINVAL: it is
 * no such key. No other job may run. */
struct fetch_key {
	const char *text;
	bool base64;
};
int fetch_verify(struct fetch *fetch, const char *payload, const char *signature, const struct fetch_key *key,
		 cri_call *call);
/* Waits for the chain ids of diff ids. No other job may run. */
int fetch_chain(struct fetch *fetch, struct arena *arena, const char *const *diff_ids, size_t n_diff_ids,
		const char *const **chain_ids, cri_call *call);

#endif

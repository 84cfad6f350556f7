/* SPDX-License-Identifier: Apache-2.0 */
/* The way out of the store: source → sha256 → gzip → sha256 → sink. */
#include "fetch.h"

#include "libcri/error.h"

#include <isa-l.h>
#include <stdlib.h>
#include <string.h>

/* Of ISA-L's levels 0 to 3, by 180 MB of a tar of libraries and random bytes: 94, 81, 80 and 79 MB in 0.29, 0.28, 0.30
 * and 0.60 s; gzip -1 makes 80 MB in 2.5 s. */
#define LEVEL 2
#define LEVEL_SIZE ISAL_DEF_LVL2_DEFAULT

struct deflating {
	struct job *job;
	struct digest *digest, *diff;
	uint64_t bytes, plain_bytes;
	struct isal_zstream stream;
	uint8_t level[LEVEL_SIZE];
	uint8_t buffer[CHUNK_SIZE];
};

static int give(struct deflating *deflating, const void *bytes, size_t length, struct failure *failure)
{
	deflating->bytes += length;
	if (digest_add(deflating->digest, bytes, length))
		return fail(failure, CRI_EINTERNAL, "sha256 failed");
	return sink_write(deflating->job->sink, bytes, length, failure);
}

/* All that is in stream.next_in. */
static int deflate_some(struct deflating *deflating, struct failure *failure)
{
	struct isal_zstream *stream = &deflating->stream;

	do {
		stream->next_out = deflating->buffer;
		stream->avail_out = sizeof(deflating->buffer);
		if (isal_deflate(stream) != COMP_OK)
			return fail(failure, CRI_EINTERNAL, "deflate failed");
		if (give(deflating, deflating->buffer, sizeof(deflating->buffer) - stream->avail_out, failure))
			return -1;
	} while (stream->avail_out == 0);
	return 0;
}

static int take(void *context, const void *bytes, size_t length, struct failure *failure)
{
	struct deflating *deflating = context;

	deflating->plain_bytes += length;
	if (deflating->plain_bytes > deflating->job->limit)
		return fail(failure, CRI_EEXHAUSTED, "it is larger than the limit of %llu bytes",
			    (unsigned long long)deflating->job->limit);
	if (digest_add(deflating->diff, bytes, length))
		return fail(failure, CRI_EINTERNAL, "sha256 failed");
	deflating->stream.next_in = (uint8_t *)(uintptr_t)bytes;
	deflating->stream.avail_in = (uint32_t)length;
	return deflate_some(deflating, failure);
}

static int answer(struct deflating *deflating, struct failure *failure)
{
	char digest[DIGEST_SIZE], diff[DIGEST_SIZE];
	cJSON *reply;

	if (digest_end(deflating->digest, digest) || digest_end(deflating->diff, diff))
		return fail(failure, CRI_EINTERNAL, "sha256 failed");
	reply = cJSON_CreateObject();
	if (!cJSON_AddStringToObject(reply, "digest", digest) || !cJSON_AddStringToObject(reply, "diff_id", diff) ||
	    !cJSON_AddNumberToObject(reply, "bytes", (double)deflating->bytes) ||
	    !cJSON_AddNumberToObject(reply, "plain_bytes", (double)deflating->plain_bytes)) {
		cJSON_Delete(reply);
		return fail(failure, CRI_ENOMEM, "memory ran out");
	}
	return reply_done(deflating->job, reply, -1, failure);
}

int deflate_run(struct job *job, struct failure *failure)
{
	struct deflating *deflating = calloc(1, sizeof(*deflating));
	int result;

	if (!deflating)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	deflating->job = job;
	deflating->digest = digest_new();
	deflating->diff = digest_new();
	isal_deflate_init(&deflating->stream);
	deflating->stream.level = LEVEL;
	deflating->stream.level_buf = deflating->level;
	deflating->stream.level_buf_size = sizeof(deflating->level);
	deflating->stream.gzip_flag = IGZIP_GZIP;
	if (!deflating->digest || !deflating->diff)
		result = fail(failure, CRI_ENOMEM, "memory ran out");
	else
		result = job_read(job, take, deflating, failure);
	if (!result) {
		deflating->stream.end_of_stream = 1;
		result = deflate_some(deflating, failure);
	}
	if (!result)
		result = answer(deflating, failure);
	digest_free(deflating->digest);
	digest_free(deflating->diff);
	free(deflating);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's one pass: source → sha256 → inflate → sha256 → sink. */
#include "fetch.h"

#include "libcri/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct layer {
	struct job *job;
	struct digest *digest, *diff;
	struct inflater *inflater;
	unsigned char first[INFLATER_FIRST]; /* until there is an inflater */
	size_t n_first;
	uint64_t windows; /* of the session's */
	uint64_t bytes, plain_bytes;
	int64_t reported;
};

static int output(void *context, const void *bytes, size_t length, struct failure *failure)
{
	struct layer *layer = context;

	layer->plain_bytes += length;
	if (layer->plain_bytes > layer->job->limit)
		return fail(failure, CRI_EEXHAUSTED, "unpacked it is larger than the limit of %llu bytes",
			    (unsigned long long)layer->job->limit);
	if (digest_add(layer->diff, bytes, length))
		return fail(failure, CRI_EINTERNAL, "sha256 failed");
	return sink_write(layer->job->sink, bytes, length, failure);
}

static int reserve(void *context, uint64_t bytes, struct failure *failure)
{
	struct layer *layer = context;

	/* Others may wait for what this one has. */
	session_give_windows(layer->job->session, layer->windows);
	layer->windows = 0;
	if (!session_take_windows(layer->job->session, bytes))
		return fail(failure, CRI_ECANCELED, "nobody waits for it");
	layer->windows = bytes;
	return 0;
}

static int begin_inflating(struct layer *layer, struct failure *failure)
{
	const struct inflater_client client = { output, reserve, layer };

	layer->inflater = inflater_new(layer->first, layer->n_first, &client, failure);
	return layer->inflater ? inflater_add(layer->inflater, layer->first, layer->n_first, failure) : -1;
}

static int take(void *context, const void *bytes, size_t length, struct failure *failure)
{
	struct layer *layer = context;
	size_t part = 0;

	layer->bytes += length;
	if (layer->bytes > layer->job->size)
		return job_check(layer->job, "", layer->bytes, failure);
	if (digest_add(layer->digest, bytes, length))
		return fail(failure, CRI_EINTERNAL, "sha256 failed");
	if (!layer->inflater) {
		part = INFLATER_FIRST - layer->n_first < length ? INFLATER_FIRST - layer->n_first : length;
		memcpy(layer->first + layer->n_first, bytes, part);
		layer->n_first += part;
		if (layer->n_first < INFLATER_FIRST)
			return 0;
		if (begin_inflating(layer, failure))
			return -1;
	}
	if (length > part && inflater_add(layer->inflater, (const char *)bytes + part, length - part, failure))
		return -1;
	reply_progress_sometimes(layer->job, layer->bytes, &layer->reported);
	return 0;
}

static int pass(struct layer *layer, struct failure *failure)
{
	if (job_read(layer->job, take, layer, failure))
		return -1;
	if (!layer->inflater && begin_inflating(layer, failure))
		return -1;
	return inflater_end(layer->inflater, failure);
}

static int answer(struct layer *layer, struct failure *failure)
{
	char digest[DIGEST_SIZE], diff[DIGEST_SIZE];
	cJSON *reply;

	if (digest_end(layer->digest, digest) || digest_end(layer->diff, diff))
		return fail(failure, CRI_EINTERNAL, "sha256 failed");
	if (job_check(layer->job, digest, layer->bytes, failure))
		return -1;
	/* The end of the sink's stream must not be later than the answer. */
	close(layer->job->sink);
	layer->job->sink = -1;
	reply = cJSON_CreateObject();
	if (!cJSON_AddStringToObject(reply, "digest", digest) || !cJSON_AddStringToObject(reply, "diff_id", diff) ||
	    !cJSON_AddNumberToObject(reply, "bytes", (double)layer->bytes) ||
	    !cJSON_AddNumberToObject(reply, "plain_bytes", (double)layer->plain_bytes)) {
		cJSON_Delete(reply);
		return fail(failure, CRI_ENOMEM, "memory ran out");
	}
	return reply_done(layer->job, reply, -1, failure);
}

int layer_run(struct job *job, struct failure *failure)
{
	struct layer layer = { .job = job, .digest = digest_new(), .diff = digest_new() };
	int result;

	if (!layer.digest || !layer.diff)
		result = fail(failure, CRI_ENOMEM, "memory ran out");
	else
		result = pass(&layer, failure);
	if (!result)
		result = answer(&layer, failure);
	inflater_free(layer.inflater);
	session_give_windows(job->session, layer.windows);
	digest_free(layer.digest);
	digest_free(layer.diff);
	return result;
}

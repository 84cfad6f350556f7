/* SPDX-License-Identifier: Apache-2.0 */
/* Vouches for bytes that stay where they are: source → sha256. */
#include "fetch.h"

#include "libcri/error.h"

struct sum {
	struct job *job;
	struct digest *digest;
	uint64_t bytes;
	int64_t reported;
};

static int take(void *context, const void *bytes, size_t length, struct failure *failure)
{
	struct sum *sum = context;

	sum->bytes += length;
	if (sum->bytes > sum->job->size)
		return job_check(sum->job, "", sum->bytes, failure);
	if (sum->bytes > sum->job->limit)
		return fail(failure, CRI_EEXHAUSTED, "it is larger than the limit of %llu bytes",
			    (unsigned long long)sum->job->limit);
	if (digest_add(sum->digest, bytes, length))
		return fail(failure, CRI_EINTERNAL, "sha256 failed");
	reply_progress_sometimes(sum->job, sum->bytes, &sum->reported);
	return 0;
}

static int answer(const struct sum *sum, const char *digest, struct failure *failure)
{
	cJSON *reply = cJSON_CreateObject();

	if (!cJSON_AddStringToObject(reply, "digest", digest) ||
	    !cJSON_AddNumberToObject(reply, "bytes", (double)sum->bytes)) {
		cJSON_Delete(reply);
		return fail(failure, CRI_ENOMEM, "memory ran out");
	}
	return reply_done(sum->job, reply, -1, failure);
}

int sum_run(struct job *job, struct failure *failure)
{
	struct sum sum = { .job = job, .digest = digest_new() };
	char digest[DIGEST_SIZE];
	int result = sum.digest ? 0 : fail(failure, CRI_ENOMEM, "memory ran out");

	if (!result)
		result = job_read(job, take, &sum, failure);
	if (!result && digest_end(sum.digest, digest))
		result = fail(failure, CRI_EINTERNAL, "sha256 failed");
	if (!result)
		result = job_check(job, digest, sum.bytes, failure);
	if (!result)
		result = answer(&sum, digest, failure);
	digest_free(sum.digest);
	return result;
}

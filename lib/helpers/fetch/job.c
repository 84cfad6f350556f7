/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "base/json.h"
#include "libcri/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

int job_check(const struct job *job, const char *digest, uint64_t bytes, struct failure *failure)
{
	if (job->size != UINT64_MAX && bytes != job->size)
		return fail(failure, CRI_ECORRUPT, "it has %s%llu bytes and should have %llu",
			    bytes > job->size ? "at least " : "", (unsigned long long)bytes,
			    (unsigned long long)job->size);
	if (*job->digest && strcmp(digest, job->digest) != 0)
		return fail(failure, CRI_ECORRUPT, "its digest is %s and should be %s", digest, job->digest);
	return 0;
}

/* All of the source, in memory that nobody can change any more. */
static int read_blob(struct job *job, int memory, struct digest *digest, uint64_t *total, struct failure *failure)
{
	char chunk[16384];
	ssize_t length;

	*total = 0;
	while ((length = job->source.read(&job->source, chunk, sizeof(chunk), failure)) > 0) {
		*total += (uint64_t)length;
		if (*total > job->limit)
			return fail(failure, CRI_EEXHAUSTED, "it is larger than the limit of %llu bytes",
				    (unsigned long long)job->limit);
		if (*total > job->size)
			return job_check(job, "", *total, failure);
		if (digest_add(digest, chunk, (size_t)length))
			return fail(failure, CRI_EINTERNAL, "sha256 failed");
		for (ssize_t done = 0, n; done < length; done += n) {
			n = write(memory, chunk + done, (size_t)(length - done));
			if (n < 0)
				return fail_errno(failure, errno, "write to memory");
		}
	}
	if (length < 0)
		return -1;
	if (fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		return fail_errno(failure, errno, "seal the memory");
	return 0;
}

static int blob_run(struct job *job, struct failure *failure)
{
	CLEANUP_CLOSE int memory = memfd_create("cri-fetch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct digest *digest = digest_new();
	char text[DIGEST_SIZE];
	uint64_t total = 0;
	cJSON *reply = NULL;
	int result;

	if (memory < 0)
		result = fail_errno(failure, errno, "make a memory file");
	else if (!digest)
		result = fail(failure, CRI_ENOMEM, "memory ran out");
	else
		result = read_blob(job, memory, digest, &total, failure);
	if (!result && digest_end(digest, text))
		result = fail(failure, CRI_EINTERNAL, "sha256 failed");
	digest_free(digest);
	if (!result)
		result = job_check(job, text, total, failure);
	if (result)
		return result;
	reply = cJSON_CreateObject();
	if (!cJSON_AddStringToObject(reply, "digest", text) ||
	    !cJSON_AddNumberToObject(reply, "bytes", (double)total)) {
		cJSON_Delete(reply);
		return fail(failure, CRI_ENOMEM, "memory ran out");
	}
	return reply_done(job->number, reply, memory) ? fail(failure, CRI_ENOMEM, "memory ran out") : 0;
}

/* chain(1) = diff(1); chain(n) = sha256(chain(n-1) " " diff(n)). */
static int next_chain_id(char chain[DIGEST_SIZE], const char *diff_id, struct failure *failure)
{
	struct digest *digest;
	int error;

	if (strlen(diff_id) >= DIGEST_SIZE)
		return fail(failure, CRI_EINVAL, "a diff id is no sha256 digest");
	if (!*chain) {
		memcpy(chain, diff_id, strlen(diff_id) + 1);
		return 0;
	}
	digest = digest_new();
	if (!digest)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	error = digest_add(digest, chain, strlen(chain));
	if (!error)
		error = digest_add(digest, " ", 1);
	if (!error)
		error = digest_add(digest, diff_id, strlen(diff_id));
	if (!error)
		error = digest_end(digest, chain);
	digest_free(digest);
	return error ? fail(failure, CRI_EINTERNAL, "sha256 failed") : 0;
}

static int chain_run(struct job *job, struct failure *failure)
{
	CLEANUP_JSON cJSON *reply = cJSON_CreateObject();
	cJSON *chain_ids = cJSON_AddArrayToObject(reply, "chain_ids");
	const cJSON *diff_ids, *item;
	char chain[DIGEST_SIZE] = "";

	if (!chain_ids)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	if (json_array(job->request, "diff_ids", &diff_ids))
		return fail(failure, CRI_EINVAL, "no diff_ids");
	cJSON_ArrayForEach(item, diff_ids)
	{
		cJSON *text;

		if (!cJSON_IsString(item))
			return fail(failure, CRI_EINVAL, "a diff id is no text");
		if (next_chain_id(chain, item->valuestring, failure))
			return -1;
		text = cJSON_CreateString(chain);
		if (!text || !cJSON_AddItemToArray(chain_ids, text)) {
			cJSON_Delete(text);
			return fail(failure, CRI_ENOMEM, "memory ran out");
		}
	}
	return reply_done(job->number, TAKE_POINTER(reply), -1) ? fail(failure, CRI_ENOMEM, "memory ran out") : 0;
}

void job_run(struct job *job)
{
	struct failure failure = { 0 };
	int result;

	switch (job->kind) {
	case JOB_LAYER:
		result = layer_run(job, &failure);
		break;
	case JOB_BLOB:
		result = blob_run(job, &failure);
		break;
	default:
		result = chain_run(job, &failure);
	}
	if (result)
		reply_failure(job->number, &failure);
	job_free(job);
}

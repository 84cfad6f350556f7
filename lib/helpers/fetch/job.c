/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include "base/json.h"
#include "libcri/error.h"

#include <string.h>

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

int job_read(struct job *job, take_bytes take, void *context, struct failure *failure)
{
	if (job->file >= 0)
		return file_read(job->file, take, context, failure);
	return registry_blob(job->session, job->digest, take, context, failure);
}

struct blob {
	const struct job *job;
	struct document document;
};

static int take_blob(void *context, const void *bytes, size_t length, struct failure *failure)
{
	struct blob *blob = context;

	if (blob->document.size + length > blob->job->size)
		return job_check(blob->job, "", blob->document.size + length, failure);
	return document_take(&blob->document, bytes, length, failure);
}

static int answer_document(const struct job *job, struct document *document, const char *digest, const char *media_type,
			   struct failure *failure)
{
	cJSON *reply = cJSON_CreateObject();

	if (!cJSON_AddStringToObject(reply, "digest", digest) ||
	    !cJSON_AddNumberToObject(reply, "bytes", (double)document->size) ||
	    !cJSON_AddStringToObject(reply, "media_type", media_type)) {
		cJSON_Delete(reply);
		return fail(failure, CRI_ENOMEM, "memory ran out");
	}
	return reply_done(job, reply, document->memory, failure);
}

static int blob_run(struct job *job, struct failure *failure)
{
	struct blob blob = { .job = job };
	char digest[DIGEST_SIZE];
	int result = document_begin(&blob.document, job->limit, failure);

	if (!result)
		result = job_read(job, take_blob, &blob, failure);
	if (!result)
		result = document_end(&blob.document, digest, failure);
	if (!result)
		result = job_check(job, digest, blob.document.size, failure);
	if (!result)
		result = answer_document(job, &blob.document, digest, "", failure);
	document_free(&blob.document);
	return result;
}

static int manifest_run(struct job *job, struct failure *failure)
{
	struct document document = { .memory = -1 };
	struct manifest_answer answer = { .digest = "" };
	char digest[DIGEST_SIZE];
	const char *reference;
	bool head = false;
	int result = 0;

	if (json_string(job->request, "reference", &reference))
		return fail(failure, CRI_EINVAL, "no reference");
	(void)json_bool(job->request, "head", &head);
	if (!head)
		result = document_begin(&document, job->limit, failure);
	if (!result)
		result = registry_manifest(job->session, reference, head ? NULL : &document, &answer, failure);
	if (!result && !head) {
		result = document_end(&document, digest, failure);
		/* A registry that gives a digest along vouches for these bytes. */
		if (!result && *answer.digest && strcmp(answer.digest, digest) != 0)
			result = fail(failure, CRI_ECORRUPT, "the manifest's digest is %s and should be %s", digest,
				      answer.digest);
		memcpy(answer.digest, digest, sizeof(digest));
	}
	if (!result)
		result = job_check(job, answer.digest, document.size, failure);
	if (!result)
		result = answer_document(job, &document, answer.digest, answer.media_type, failure);
	document_free(&document);
	return result;
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
	return reply_done(job, TAKE_POINTER(reply), -1, failure);
}

void job_run(struct job *job)
{
	struct failure failure = { 0 };
	int result;

	switch (job->kind) {
	case JOB_LAYER:
		result = layer_run(job, &failure);
		break;
	case JOB_DEFLATE:
		result = deflate_run(job, &failure);
		break;
	case JOB_BLOB:
		result = blob_run(job, &failure);
		break;
	case JOB_DIGEST:
		result = sum_run(job, &failure);
		break;
	case JOB_VERIFY:
		result = verify_run(job, &failure);
		break;
	case JOB_MANIFEST:
		result = manifest_run(job, &failure);
		break;
	default:
		result = chain_run(job, &failure);
	}
	if (result)
		reply_failure(job->session, job->number, &failure);
	job_free(job);
}

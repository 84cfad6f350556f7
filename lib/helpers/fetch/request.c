/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "base/json.h"
#include "base/text.h"
#include "libcri/error.h"

#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	enum job_kind kind;
	size_t n_fds;
} kinds[] = {
	{ "layer", JOB_LAYER, 2 },
	{ "blob", JOB_BLOB, 1 },
	{ "chain", JOB_CHAIN, 0 },
};

static int read_source(struct job *job, struct failure *failure)
{
	const char *text;

	if (json_string(job->request, "source", &text) || strcmp(text, "file") != 0)
		return fail(failure, CRI_ENOTSUP, "unknown source");
	source_open_file(&job->source, job->source.fd);
	if (json_uint64(job->request, "limit", &job->limit))
		return fail(failure, CRI_EINVAL, "no limit");
	job->size = UINT64_MAX;
	(void)json_uint64(job->request, "size", &job->size);
	if (json_string(job->request, "digest", &text) == 0) {
		if (strlen(text) >= sizeof(job->digest) || !text_starts(text, DIGEST_PREFIX))
			return fail(failure, CRI_ENOTSUP, "only sha256 digests are known");
		memcpy(job->digest, text, strlen(text) + 1);
	}
	return 0;
}

static int read_request(struct job *job, size_t n_fds, struct failure *failure)
{
	const char *kind;
	size_t i = 0;

	if (json_int64(job->request, "job", &job->number) || json_string(job->request, "kind", &kind))
		return fail(failure, CRI_EINVAL, "the request has no job or kind");
	while (i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i].name, kind) != 0)
		i++;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return fail(failure, CRI_ENOTSUP, "unknown kind");
	if (n_fds != kinds[i].n_fds)
		return fail(failure, CRI_EINVAL, "the request brings %zu descriptors", n_fds);
	job->kind = kinds[i].kind;
	return job->kind == JOB_CHAIN ? 0 : read_source(job, failure);
}

struct job *job_parse(cJSON *request, const int *fds, size_t n_fds, struct failure *failure)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		cJSON_Delete(request);
		fail(failure, CRI_ENOMEM, "memory ran out");
		return NULL;
	}
	job->request = request;
	job->source.fd = n_fds > 0 ? fds[0] : -1;
	job->sink = n_fds > 1 ? fds[1] : -1;
	for (size_t i = 2; i < n_fds; i++)
		close(fds[i]);
	if (read_request(job, n_fds, failure)) {
		job_free(job);
		return NULL;
	}
	return job;
}

void job_free(struct job *job)
{
	if (job->source.fd >= 0)
		close(job->source.fd);
	if (job->sink >= 0)
		close(job->sink);
	cJSON_Delete(job->request);
	free(job);
}

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
	size_t n_fds; /* beside that of the source */
} kinds[] = {
	{ "layer", JOB_LAYER, 1 },       { "blob", JOB_BLOB, 0 },   { "digest", JOB_DIGEST, 0 },
	{ "manifest", JOB_MANIFEST, 0 }, { "chain", JOB_CHAIN, 0 }, { "verify", JOB_VERIFY, 0 },
	{ "deflate", JOB_DEFLATE, 1 },
};

/* Those that are given what they work on in the request. */
static bool needs_source(enum job_kind kind)
{
	return kind != JOB_CHAIN && kind != JOB_VERIFY;
}

static bool has_file(const struct job *job)
{
	const char *text;

	return json_string(job->request, "source", &text) == 0 && strcmp(text, "file") == 0;
}

static int read_expected(struct job *job, struct failure *failure)
{
	const char *text;

	if (json_uint64(job->request, "limit", &job->limit))
		return fail(failure, CRI_EINVAL, "no limit");
	job->size = UINT64_MAX;
	(void)json_uint64(job->request, "size", &job->size);
	if (json_string(job->request, "digest", &text) == 0) {
		if (strlen(text) >= sizeof(job->digest) || !text_starts(text, DIGEST_PREFIX))
			return fail(failure, CRI_ENOTSUP, "only sha256 digests are known");
		memcpy(job->digest, text, strlen(text) + 1);
	}
	if (job->file < 0 && (!job->session->registry || (job->kind != JOB_MANIFEST && !*job->digest)))
		return fail(failure, CRI_EINVAL, "no source");
	return 0;
}

static int read_request(struct job *job, const int *fds, size_t n_fds, struct failure *failure)
{
	const char *kind;
	size_t i = 0, n_file = 0;

	if (json_int64(job->request, "job", &job->number) || json_string(job->request, "kind", &kind))
		return fail(failure, CRI_EINVAL, "the request has no job or kind");
	while (i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i].name, kind) != 0)
		i++;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return fail(failure, CRI_ENOTSUP, "unknown kind");
	if (kinds[i].kind != JOB_MANIFEST && needs_source(kinds[i].kind) && has_file(job))
		n_file = 1;
	if (n_fds != n_file + kinds[i].n_fds)
		return fail(failure, CRI_EINVAL, "the request brings %zu descriptors", n_fds);
	job->kind = kinds[i].kind;
	if (n_file)
		job->file = fds[0];
	if (kinds[i].n_fds)
		job->sink = fds[n_file];
	return needs_source(job->kind) ? read_expected(job, failure) : 0;
}

struct job *job_parse(struct session *session, cJSON *request, const int *fds, size_t n_fds, struct failure *failure)
{
	struct job *job = calloc(1, sizeof(*job));
	int result = job ? 0 : fail(failure, CRI_ENOMEM, "memory ran out");

	if (job) {
		*job = (struct job){ .session = session, .file = -1, .sink = -1, .request = request };
		atomic_fetch_add(&session->references, 1);
		result = read_request(job, fds, n_fds, failure);
	} else {
		cJSON_Delete(request);
	}
	for (size_t i = 0; i < n_fds; i++)
		if (!job || (fds[i] != job->file && fds[i] != job->sink))
			close(fds[i]);
	if (job && result) {
		job_free(job);
		job = NULL;
	}
	return job;
}

void job_free(struct job *job)
{
	if (job->file >= 0)
		close(job->file);
	if (job->sink >= 0)
		close(job->sink);
	cJSON_Delete(job->request);
	session_drop(job->session);
	free(job);
}

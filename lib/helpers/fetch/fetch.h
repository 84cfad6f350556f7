/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cri-fetch: jobs (image/fetch_protocol.h), one thread each. */
#ifndef LIBCRI_HELPERS_FETCH_H
#define LIBCRI_HELPERS_FETCH_H

#include "image/fetch_protocol.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REQUEST_FD 3
/* What is read, inflated and written at a time. */
#define CHUNK_SIZE ((size_t)256 * 1024)

/* Why a job failed; the first reason counts. Functions that take one answer 0 or -1. */
struct failure {
	int code, error;
	char text[256];
};
int fail(struct failure *failure, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int fail_errno(struct failure *failure, int error, const char *what);

/* Where bytes come from. (source.c) */
struct source {
	/* Bytes read, 0 at the end, -1. */
	ssize_t (*read)(struct source *source, void *bytes, size_t size, struct failure *failure);
	int fd;
};
void source_open_file(struct source *source, int fd);

/* A running sha256. (digest.c) */
struct digest;
int digest_prepare(void); /* once, before the confinement: loads what OpenSSL needs. 0 or -ENOTSUP */
struct digest *digest_new(void);
int digest_add(struct digest *digest, const void *bytes, size_t length);
int digest_end(struct digest *digest, char text[DIGEST_SIZE]);
void digest_free(struct digest *digest);

/* From the first bytes: gzip, zstd, plain; others are refused by name. (inflate.c) */
typedef int (*inflate_output)(void *context, const void *bytes, size_t length, struct failure *failure);
struct inflater;
struct inflater *inflater_new(const void *first, size_t length, inflate_output output, void *context,
			      struct failure *failure);
int inflater_add(struct inflater *inflater, const void *bytes, size_t length, struct failure *failure);
int inflater_end(struct inflater *inflater, struct failure *failure);
void inflater_free(struct inflater *inflater);

enum job_kind { JOB_LAYER, JOB_BLOB, JOB_CHAIN };

struct job {
	int64_t number;
	enum job_kind kind;
	struct source source;
	int sink;                 /* -1: none */
	char digest[DIGEST_SIZE]; /* "": not checked */
	uint64_t size;            /* UINT64_MAX: not checked */
	uint64_t limit;
	cJSON *request;
};

/* Takes the descriptors and the request, whatever it answers. NULL: *failure says why. (request.c) */
struct job *job_parse(cJSON *request, const int *fds, size_t n_fds, struct failure *failure);
void job_free(struct job *job);
/* Does it and answers it. (job.c, layer.c) */
void job_run(struct job *job);
int layer_run(struct job *job, struct failure *failure);

/* Answers. (reply.c) */
void reply_progress(int64_t job, uint64_t bytes);
void reply_failure(int64_t job, const struct failure *failure);
/* Takes `reply`; fd is -1 or goes with it. */
int reply_done(int64_t job, cJSON *reply, int fd);

/* Reads on until the buffer is full or the source ends. */
ssize_t source_read_full(struct source *source, void *bytes, size_t size, struct failure *failure);
/* Compares what came with what was announced. */
int job_check(const struct job *job, const char *digest, uint64_t bytes, struct failure *failure);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cri-fetch: sessions and their jobs (image/fetch_protocol.h), one thread each, beside the one that all
 * transfers are in (transfers.c). */
#ifndef LIBCRI_HELPERS_FETCH_H
#define LIBCRI_HELPERS_FETCH_H

#include "image/fetch_protocol.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REQUEST_FD 3
#define STACK_SIZE ((size_t)512 * 1024)
/* What is read, inflated and written at a time. */
#define CHUNK_SIZE ((size_t)256 * 1024)

/* Why a job failed; the first reason counts. Functions that take one answer 0 or -1. */
struct failure {
	int code, error;
	char text[256];
};
int fail(struct failure *failure, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int fail_errno(struct failure *failure, int error, const char *what);

/* Who takes bytes as they come, any number at a time; -1 ends it, and *failure says why. */
typedef int (*take_bytes)(void *context, const void *bytes, size_t length, struct failure *failure);

/* Pushes all bytes of a file. (source.c) */
int file_read(int fd, take_bytes take, void *context, struct failure *failure);
/* Writes all; a reader that went away is FETCH_SINK_CLOSED. (sink.c) */
int sink_write(int fd, const void *bytes, size_t length, struct failure *failure);

/* One asker: a socket, its jobs, and the registry that it talks to. (session.c) */
struct session {
	int socket;
	atomic_int references;
	atomic_bool ended; /* nobody waits for answers any more */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct registry *registry; /* NULL: files only */
	uint64_t windows;          /* bytes in use, under the lock */
	atomic_int waiting;        /* jobs that wait for windows, and take nothing meanwhile */
};
/* Takes the socket, also when it fails. NULL: memory ran out. */
struct session *session_new(int socket);
/* Does what the asker asks for until it goes away, then waits for nothing. Drops the caller's reference. Answers
 * -errno when the socket failed. */
int session_run(struct session *session);
void session_drop(struct session *session);
/* Waits, unless the session ends before: false. */
bool session_sleep(struct session *session, int64_t milliseconds);
/* Memory for windows, of which a session's jobs have so much together: more than one image may take. Waits for other
 * jobs to give some back, unless the session ends before: false. */
#define SESSION_WINDOWS ((uint64_t)16 << 20)
bool session_take_windows(struct session *session, uint64_t bytes);
void session_give_windows(struct session *session, uint64_t bytes);

/* A running sha256. (digest.c) */
struct digest;
int digest_prepare(void); /* once, before the confinement: loads what OpenSSL needs. 0 or -ENOTSUP */
struct digest *digest_new(void);
int digest_add(struct digest *digest, const void *bytes, size_t length);
int digest_end(struct digest *digest, char text[DIGEST_SIZE]);
void digest_free(struct digest *digest);

/* Who inflates something. */
struct inflater_client {
	take_bytes output;
	/* Before more memory is used than before; -1: *failure says why. */
	int (*reserve)(void *context, uint64_t bytes, struct failure *failure);
	void *context;
};

/* From the first bytes: gzip, zstd, plain; others are refused by name. (inflate.c) */
#define INFLATER_FIRST 6 /* so many bytes, if there are, tell the format */
struct inflater;
struct inflater *inflater_new(const void *first, size_t length, const struct inflater_client *client,
			      struct failure *failure);
int inflater_add(struct inflater *inflater, const void *bytes, size_t length, struct failure *failure);
int inflater_end(struct inflater *inflater, struct failure *failure);
void inflater_free(struct inflater *inflater);

enum job_kind { JOB_LAYER, JOB_BLOB, JOB_DIGEST, JOB_CHAIN, JOB_VERIFY, JOB_MANIFEST, JOB_DEFLATE };

struct job {
	struct session *session;
	int64_t number;
	enum job_kind kind;
	int file;                 /* the source; -1: the registry */
	int sink;                 /* -1: none */
	char digest[DIGEST_SIZE]; /* "": not checked */
	uint64_t size;            /* UINT64_MAX: not checked */
	uint64_t limit;
	cJSON *request;
};

/* Takes the descriptors and the request, whatever it answers. NULL: *failure says why. (request.c) */
struct job *job_parse(struct session *session, cJSON *request, const int *fds, size_t n_fds, struct failure *failure);
void job_free(struct job *job);
/* Does it and answers it. (job.c, layer.c, sum.c, verify.c, deflate.c) */
void job_run(struct job *job);
int sum_run(struct job *job, struct failure *failure);
int verify_run(struct job *job, struct failure *failure);
int layer_run(struct job *job, struct failure *failure);
int deflate_run(struct job *job, struct failure *failure);
/* Pushes the bytes of the job's source. */
int job_read(struct job *job, take_bytes take, void *context, struct failure *failure);

/* A document on its way to memory that nobody can change any more. (document.c) */
struct document {
	int memory; /* -1: not begun */
	uint64_t size, limit;
	struct digest *digest;
};
int document_begin(struct document *document, uint64_t limit, struct failure *failure);
int document_take(void *document, const void *bytes, size_t length, struct failure *failure);
int document_end(struct document *document, char digest[DIGEST_SIZE], struct failure *failure);
void document_free(struct document *document);

/* Answers. (reply.c) */
void reply_progress(const struct job *job, uint64_t bytes);
/* The same, at most ten times a second: *reported is when the last one was, 0 at first. */
void reply_progress_sometimes(const struct job *job, uint64_t bytes, int64_t *reported);
void reply_failure(struct session *session, int64_t job, const struct failure *failure);
/* Takes `reply`; fd is -1 or goes with it. */
int reply_done(const struct job *job, cJSON *reply, int fd, struct failure *failure);

/* Compares what came with what was announced. */
int job_check(const struct job *job, const char *digest, uint64_t bytes, struct failure *failure);

#endif

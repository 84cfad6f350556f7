/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of cri_call: where a failure is described, and the only place where libcri waits.
 *
 * Inside the library `call` is never NULL: a public function begins with API_ENTER (api.h), which supplies one.
 */
#ifndef LIBCRI_CORE_CALL_H
#define LIBCRI_CORE_CALL_H

#include "libcri/call.h"

#include <poll.h>
#include <stdint.h>

#define CALL_NO_DEADLINE INT64_MAX

struct op_context; /* op.c */

struct cri_call {
	int64_t deadline; /* clock_boot() */
	int cancel_fd;    /* an eventfd, made by cri_call_new; -1 in a call on the stack */
	int code, error;
	char step[64];
	char object[160];
	char message[512];
	struct op_context *op; /* not NULL: running inside an operation */
};

void call_init(cri_call *call);
void call_clear(cri_call *call); /* the details of the last failure */

/* What the following failures are about: "container 3f2a…". */
void call_object(cri_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Describes a failure and returns `code`, so that it reads `return call_fail(call, CRI_EINVAL, "check config",
 * "hostname: %s is longer than 64 characters", hostname)`. The message becomes "<object>: <step>: <text>".
 * The first failure of a call is kept: what fails while it is being undone does not hide it.
 */
int call_fail(cri_call *call, int code, const char *step, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same for a failed system call; `error` is an errno, positive or negative. The code is derived from it
 * (ENOENT → CRI_ENOTFOUND, ENOSPC and EDQUOT → CRI_EEXHAUSTED, EPERM and EACCES → CRI_EPERM, ENOMEM, else
 * CRI_EINTERNAL), and its text is added to the message. */
int call_fail_errno(cri_call *call, int error, const char *step, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

int call_no_memory(cri_call *call, const char *step);

/* 0, or CRI_ETIMEDOUT or CRI_ECANCELED with the failure described. */
int call_check(cri_call *call, const char *step);

/*
 * Waits for descriptors, for a cancellation and for the deadline; the one place in the library that blocks. In an
 * operation it gives the thread back to the caller instead, so nothing of the thread may be held across it: no mutex,
 * no database statement, no cached errno.
 * `timeout` is in milliseconds from now, -1 for none.
 * > 0: so many descriptors are ready; 0: `timeout` passed; CRI_ETIMEDOUT, CRI_ECANCELED: described in `call`.
 */
int call_wait(cri_call *call, const char *step, struct pollfd *fds, size_t n_fds, int64_t timeout);

/* Milliseconds until the deadline, at most `limit`; for handing the deadline on to a helper. */
int64_t call_remaining(const cri_call *call, int64_t limit);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of cri_call: where a failure is described, and the only place where libcri waits.
 *
 * Inside the library `call` is never NULL: api.h supplies one where the user gave none.
 *
 * An operation may be continued by another thread than the one that began it. glibc declares __errno_location() const,
 * so a compiler may keep the address of one thread's errno across a wait, and then read or write that of a thread which
 * is gone. base/thread_errno.h makes `errno` safe; whatever else asks which thread it is must ask again after a wait.
 */
#ifndef LIBCRI_CORE_CALL_H
#define LIBCRI_CORE_CALL_H

#include "base/thread_errno.h"
#include "libcri/call.h"

#include <poll.h>
#include <stdint.h>

#define CALL_NO_DEADLINE INT64_MAX

/* So many descriptors may one wait be for. */
#define CALL_WAIT_MAX 64

/* How long the waits of one outermost call_shield may take together. */
#define CALL_SHIELD_MILLISECONDS 20000

struct cri_call {
	int64_t deadline; /* clock_boot() */
	int cancel_fd;    /* an eventfd, made by cri_call_new; -1 in a call on the stack */
	int code, error;
	char step[64];
	char object[160];
	char message[512];
	unsigned shields;
	int64_t shield_deadline; /* while shields > 0 */
	cri_op *op;              /* not NULL: running inside an operation */
};

/* A call without deadline and cancellation, outside of any operation: its waits block the thread. */
void call_init(cri_call *call);

/* A call that waits as `parent` does (its operation, deadline, cancellation, shield), with details of its own: for
 * work whose failure is not that of the parent. */
void call_init_child(cri_call *call, const cri_call *parent);

/* The same for a thread that takes part in the parent's work: it knows the deadline and the cancellation, and no
 * operation, of which the stack is not its own. */
void call_init_thread(cri_call *call, const cri_call *parent);

/* Forgets the last failure: for one that is forgiven, so that the next can be described. call_object stays. */
void call_clear(cri_call *call);

/* Copies code, errno, object, step and message. */
void call_copy_failure(cri_call *to, const cri_call *from);

/* What the following failures are about: "container 3f2a…". */
void call_object(cri_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for an object whose id the user gave, who may have given none. */
void call_object_id(cri_call *call, const char *what, const char *id);

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

/* For callbacks of lib/base: whether `call`, a cri_call, is neither cancelled nor late. Whoever hears "no" asks
 * call_check why. */
bool call_goes_on(void *call);

/*
 * Waits for descriptors, for a cancellation and for the deadline; the one place in the library that blocks. In an
 * operation it gives the thread back to the caller instead, so nothing of the thread may be held across it: no mutex,
 * no database statement, no cached errno.
 * `timeout` is in milliseconds from now, -1 for none.
 * > 0: so many descriptors are ready; 0: `timeout` passed; CRI_ETIMEDOUT, CRI_ECANCELED: described in `call`.
 */
int call_wait(cri_call *call, const char *step, struct pollfd *fds, size_t n_fds, int64_t timeout);

/*
 * Between the two, waits take no notice of the call's deadline and cancellation: for undoing what must not be left half
 * done because the user lost patience. They end, with CRI_ETIMEDOUT, CALL_SHIELD_MILLISECONDS after the outermost
 * call_shield. Pairs nest.
 * In an operation these waits give the thread back as all do. Only when cri_op_free undoes an operation that nobody
 * will continue do they block, the rest of that time at most; unshielded ones then answer CRI_ECANCELED at once.
 */
void call_shield(cri_call *call);
void call_unshield(cri_call *call);

/* Milliseconds until the deadline, at most `limit`; for handing the deadline on to a helper. */
int64_t call_remaining(const cri_call *call, int64_t limit);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/call.h
 * The optional last argument of every call: deadline, cancellation, and the details of a failure; and operations, the
 * same calls for event loops.
 */
#ifndef LIBCRI_CALL_H
#define LIBCRI_CALL_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Makes a call object, freed with cri_call_free. It may serve any number of calls, one after another; each call clears
 * the details of the last.
 * @return 0, or CRI_ENOMEM (also when descriptors ran out).
 */
CRI_API int cri_call_new(cri_call **call);

/** Frees it; not while a call or an operation uses it. NULL is allowed. */
CRI_API void cri_call_free(cri_call *call);

/**
 * Sets the deadline: `milliseconds` from now (CLOCK_BOOTTIME). Negative means none, which is the default.
 * A call that passes it undoes what it began and answers CRI_ETIMEDOUT.
 */
CRI_API void cri_call_set_timeout(cri_call *call, int64_t milliseconds);

/** Cancels the running call, or the next one if none runs. The only function that another thread may use on a call
 *  object in use; async-signal-safe. */
CRI_API void cri_call_cancel(cri_call *call);

/** Forgets a cancellation and the deadline, so that the object can serve again. */
CRI_API void cri_call_reset(cri_call *call);

/** @name Details of the last failure
 *  Valid until the next call with this object. Never NULL: "" when nothing is known. @{ */
CRI_API int cri_call_code(const cri_call *call);            /**< the cri_code, 0 after success */
CRI_API const char *cri_call_message(const cri_call *call); /**< a sentence: object, step, cause, remedy */
CRI_API const char *cri_call_object(const cri_call *call);  /**< what it was about: "container 3f2a…", "image a:b" */
CRI_API const char *cri_call_step(const cri_call *call);    /**< what was being done: "mount rootfs" */
CRI_API int cri_call_errno(const cri_call *call);           /**< the system's errno behind it, or 0 */
/** @} */

/** @name Operations
 * Each call that can wait has a twin, cri_<area>_<verb>_begin(…, cri_op **op, cri_call *call), which starts the work
 * and returns at once. Poll cri_op_fd for POLLIN; when it is readable, cri_op_finish does the next piece of work and
 * answers CRI_EAGAIN until the call is over. All work happens inside these functions, in the thread that calls them:
 * there is no hidden thread and no hidden loop.
 * @{ */

/** A pollable descriptor, readable when cri_op_finish should be called. Owned by the operation. */
CRI_API int cri_op_fd(const cri_op *op);

/**
 * Continues the operation.
 * @param output where the call's result goes: what the plain call takes as its output parameter (char **,
 *        cri_list **, …), or NULL when it has none. Untouched unless 0 is returned.
 * @param call   receives the details of a failure; the deadline is the one given to `_begin`. May be NULL.
 * @return CRI_EAGAIN: not over. Anything else is the result of the call; after that only cri_op_free is allowed.
 */
CRI_API int cri_op_finish(cri_op *op, void *output, cri_call *call);

/** Asks the operation to stop: cri_op_finish soon answers CRI_ECANCELED, or the result if it was quicker.
 *  May be called from any thread. NULL is allowed. */
CRI_API void cri_op_cancel(cri_op *op);

/** Frees an operation. One that is not over is cancelled and undone first; where undoing has to wait, as for a killed
 *  process to end, this function waits: milliseconds as a rule, 20 seconds at the very most. To avoid that, cancel it
 * and let it finish. NULL is allowed. */
CRI_API void cri_op_free(cri_op *op);
/** @} */

#ifdef __cplusplus
}
#endif
#endif

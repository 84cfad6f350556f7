/* SPDX-License-Identifier: Apache-2.0 */
/* Operations, as the API's entry and call_wait see them. */
#ifndef LIBCRI_CORE_OP_H
#define LIBCRI_CORE_OP_H

#include "core/api.h"
#include "core/call.h"

/* How long an operation may go on with descriptors that are ready before it gives its thread back. */
#define OP_SLICE_MILLISECONDS 5

/* Makes an operation and runs its first piece. `args` are copied; `call` lends its deadline and hears of a failure to
 * begin. */
int op_begin(cri_engine *engine, api_function function, const void *args, size_t args_size, api_copy copy,
	     enum api_output output, cri_op **op, cri_call *call);

/* Nobody will continue it: its function is being brought to an end by cri_op_free. */
bool op_is_abandoned(const cri_op *op);

/* It has used up its slice. */
bool op_is_due(const cri_op *op, int64_t now);

/*
 * Gives the thread back to whoever continued the operation, until one of `fds` is ready, the boot clock reaches `until`
 * (CALL_NO_DEADLINE: never; a past one: at once), or, if `cancellable`, it is cancelled. 0 or -errno.
 */
int op_suspend(cri_op *op, const struct pollfd *fds, size_t n_fds, int64_t until, bool cancellable);

#endif

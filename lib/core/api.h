/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a public function enters the library.
 *
 * A call that can wait is written once, as an api_function over an argument struct; the plain function and its _begin
 * twin are both three lines:
 *
 *     struct stop_args { const char *id; int64_t grace; };
 *
 *     int cri_container_stop(cri_engine *engine, const char *id, int64_t grace, cri_call *call)
 *     {
 *             const struct stop_args args = { id, grace };
 *             return api_call(engine, stop, &args, NULL, call);
 *     }
 *
 * In a twin the function runs on a stack of its own (op.c) and call_wait switches back to the caller, so the arguments
 * must outlive the call of _begin: `copy` copies what they point to into the operation's arena.
 */
#ifndef LIBCRI_CORE_API_H
#define LIBCRI_CORE_API_H

#include "base/arena.h"
#include "core/call.h"
#include "libcri/engine.h"

/* The work. `output` is what the public function's output parameter points to, NULL when there is none; it is set only
 * when 0 is returned. */
typedef int (*api_function)(cri_engine *engine, const void *args, void *output, cri_call *call);

/* Copies what `args`, itself already a copy, points to. 0 or a cri_code. */
typedef int (*api_copy)(struct arena *arena, void *args, cri_call *call);

/* What an operation frees when its output is never taken. API_STRING is any one block for cri_free. */
enum api_output { API_NO_OUTPUT, API_STRING, API_LIST, API_INT32 };

/* Supplies a call when the user gave none, clears the last failure, refuses a NULL engine and one that was opened
 * before a fork (CRI_EFORKED), and runs the function. */
int api_call(cri_engine *engine, api_function function, const void *args, void *output, cri_call *call);

/* The same for functions that always have an output: NULL is CRI_EINVAL. */
int api_call_output(cri_engine *engine, api_function function, const void *args, void *output, cri_call *call);

/* The twin. Runs the function up to its first wait; all that it answers, also at once, is what cri_op_finish answers.
 * Fails itself when `engine` or `op` is NULL, the engine was forked, the call is already cancelled or past its
 * deadline, or the arguments cannot be copied. */
int api_begin(cri_engine *engine, api_function function, const void *args, size_t args_size, api_copy copy,
	      enum api_output output, cri_op **op, cri_call *call);

/* For args that hold just one id. */
struct api_id_args {
	const char *id;
};
int api_copy_id(struct arena *arena, void *args, cri_call *call);

/*
 * For public functions without an engine and without waits:
 *
 *     cri_call spare;
 *
 *     call = api_enter(call, &spare);
 *     return api_leave(call, convert(json, call));
 *
 * api_enter supplies a call when the user gave none and clears the last failure; api_leave makes the details agree with
 * the result.
 */
cri_call *api_enter(cri_call *call, cri_call *spare);
int api_leave(cri_call *call, int result);

#endif

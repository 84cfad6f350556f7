/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api.h"

#include "core/engine.h"
#include "core/op.h"

cri_call *api_enter(cri_call *call, cri_call *spare)
{
	if (!call) {
		call_init(spare);
		return spare;
	}
	call_clear(call);
	call->object[0] = '\0';
	return call;
}

int api_leave(cri_call *call, int result)
{
	if (result >= 0) {
		call_clear(call);
		return 0;
	}
	if (!call->code)
		call_fail(call, result, cri_code_name(result), "%s", cri_code_text(result));
	/* An earlier failure that was forgiven without call_clear has left its text; the code is the result's. */
	call->code = result;
	return result;
}

static int check_engine(const cri_engine *engine, cri_call *call)
{
	const char *step = "check arguments";

	if (!engine)
		return call_fail(call, CRI_EINVAL, step, "engine: it is NULL");
	if (engine->opened_by != getpid())
		return call_fail(call, CRI_EFORKED, step,
				 "process %d opened the engine, before a fork; open another in this process",
				 (int)engine->opened_by);
	return 0;
}

int api_call(cri_engine *engine, api_function function, const void *args, void *output, cri_call *call)
{
	cri_call spare;
	int result;

	call = api_enter(call, &spare);
	result = check_engine(engine, call);
	if (result == 0)
		result = function(engine, args, output, call);
	return api_leave(call, result);
}

int api_call_output(cri_engine *engine, api_function function, const void *args, void *output, cri_call *call)
{
	cri_call spare;

	if (output)
		return api_call(engine, function, args, output, call);
	call = api_enter(call, &spare);
	return call_fail(call, CRI_EINVAL, "check arguments", "the output: it is NULL");
}

int api_begin(cri_engine *engine, api_function function, const void *args, size_t args_size, api_copy copy,
	      enum api_output output, cri_op **op, cri_call *call)
{
	cri_call spare;
	int result;

	call = api_enter(call, &spare);
	result = check_engine(engine, call);
	if (result == 0 && !op)
		result = call_fail(call, CRI_EINVAL, "check arguments", "op: it is NULL");
	if (result == 0)
		result = call_check(call, "begin an operation");
	if (result == 0)
		result = op_begin(engine, function, args, args_size, copy, output, op, call);
	return api_leave(call, result);
}

int api_copy_id(struct arena *arena, void *args, cri_call *call)
{
	struct api_id_args *ids = args;

	if (!ids->id)
		return 0;
	ids->id = arena_strdup(arena, ids->id);
	return ids->id ? 0 : call_no_memory(call, "copy the id");
}

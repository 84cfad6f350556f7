/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that the shim of a running container carries out as they are: a signal, a reopened log. */
#include "container/signal.h"

#include "base/signals.h"
#include "container/container.h"
#include "core/api.h"
#include "runtime/shim.h"

int container_signal(cri_engine *engine, const char *id, int signal, cri_call *call)
{
	CLEANUP_JSON cJSON *request = cJSON_CreateObject();

	if (!request || !cJSON_AddStringToObject(request, "op", "signal") ||
	    !cJSON_AddNumberToObject(request, "signal", signal))
		return call_no_memory(call, "ask the shim");
	return shim_command(engine, id, request, NULL, call);
}

/* The row of a container that the shim is to be asked about; it must be in one of `states`. */
static int find(cri_engine *engine, struct arena *arena, const char *id, unsigned states, struct container_row *row,
		cri_call *call)
{
	int result;

	call_object_id(call, "container", id);
	result = store_container_get(engine->store, arena, id, false, row, call);
	if (result == 0 && !(states & (1u << row->state)))
		return call_fail(call, CRI_EPRECONDITION, "check its state", "it does not run");
	return result;
}

struct signal_args {
	const char *id;
	const char *signal;
};

static int copy_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct signal_args *args = pointer;
	int result = api_copy_id(arena, &args->id, call);

	if (result == 0 && args->signal && !(args->signal = arena_strdup(arena, args->signal)))
		result = call_no_memory(call, "copy the signal");
	return result;
}

static int send_signal(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct signal_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	int number = args->signal ? signal_from_name(args->signal) : -EINVAL;
	int result;

	(void)output;
	if (number < 0)
		return call_fail(call, CRI_EINVAL, "check arguments", "signal: \"%s\" is no signal",
				 args->signal ? args->signal : "");
	result = find(engine, &arena, args->id, 1u << CONTAINER_RUNNING, &row, call);
	return result < 0 ? result : container_signal(engine, row.id, number, call);
}

int cri_container_signal(cri_engine *engine, const char *id, const char *signal, cri_call *call)
{
	const struct signal_args args = { id, signal };

	return api_call(engine, send_signal, &args, NULL, call);
}

int cri_container_signal_begin(cri_engine *engine, const char *id, const char *signal, cri_op **op, cri_call *call)
{
	const struct signal_args args = { id, signal };

	return api_begin(engine, send_signal, &args, sizeof(args), copy_args, API_NO_OUTPUT, op, call);
}

static int reopen_log(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *request = cJSON_CreateObject();
	struct container_row row;
	int result;

	(void)output;
	result = find(engine, &arena, args->id, (1u << CONTAINER_RUNNING) | (1u << CONTAINER_CREATED), &row, call);
	if (result < 0)
		return result;
	if (!request || !cJSON_AddStringToObject(request, "op", "reopen_log"))
		return call_no_memory(call, "ask the shim");
	return shim_command(engine, row.id, request, NULL, call);
}

int cri_container_reopen_log(cri_engine *engine, const char *id, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call(engine, reopen_log, &args, NULL, call);
}

int cri_container_reopen_log_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_begin(engine, reopen_log, &args, sizeof(args), api_copy_id, API_NO_OUTPUT, op, call);
}

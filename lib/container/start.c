/* SPDX-License-Identifier: Apache-2.0 */
/* StartContainer. */
#include "container/container.h"

#include "base/clock.h"
#include "base/lock.h"
#include "container/exits.h"
#include "core/api.h"
#include "core/test_point.h"
#include "runtime/process_exec.h"
#include "runtime/shim.h"

#include <string.h>

/* The end of a container whose command could not be executed says so, whatever its processes then did. */
static int record_start_error(cri_engine *engine, const char *id, const cri_call *failure, cri_call *call)
{
	const struct container_exit exit = {
		.finished_at = clock_wall(),
		.exit_code = process_exit_code(cri_call_errno(failure)),
		.reason = "StartError",
		.message = cri_call_message(failure),
	};
	bool changed;
	int result = store_container_exited(engine->store, id, &exit, &changed, call);

	if (result == 0 && changed)
		engine_wake(engine);
	return result;
}

static int refuse(enum container_state state, cri_call *call)
{
	return call_fail(call, CRI_EPRECONDITION, "check its state", "it %s",
			 state == CONTAINER_RUNNING ? "runs already" : "has exited; a container starts once");
}

/* Whether it was started by a program that was killed before it could commit that, which is done now. */
static bool runs_already(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;

	return container_reconcile(engine, id, call) == 0 &&
	       store_container_get(engine->store, &arena, id, true, &row, call) == 0 && row.state == CONTAINER_RUNNING;
}

int container_launch(cri_engine *engine, const struct container_row *row, cri_call *call)
{
	CLEANUP_JSON cJSON *request = cJSON_CreateObject();
	CLEANUP_JSON cJSON *answer = NULL;
	int64_t started_at = 0;
	cri_call after;
	int result;

	if (!request || !cJSON_AddStringToObject(request, "op", "start"))
		return call_no_memory(call, "ask the shim");
	result = shim_command(engine, row->id, request, &answer, call);
	if (result == 0) {
		test_point("container executed");
		if (json_int64(answer, "started_at", &started_at) < 0)
			started_at = clock_wall();
		result = store_container_started(engine->store, row->id, started_at, call);
		test_point("container started");
		if (result == 0)
			engine_wake(engine);
		return result;
	}
	if (result == CRI_ECANCELED || result == CRI_ETIMEDOUT)
		return result;
	/* What follows has a call of its own: the failure above is the one that is told. */
	call_init_child(&after, call);
	call_shield(&after);
	if (result == CRI_EPRECONDITION && runs_already(engine, row->id, &after)) {
		call_unshield(&after);
		call_clear(call);
		return refuse(CONTAINER_RUNNING, call);
	}
	call_clear(&after);
	if (record_start_error(engine, row->id, call, &after) < 0 || container_kill(engine, row->id, &after) < 0)
		engine_log(engine, CRI_LOG_ERROR, "%s", cri_call_message(&after));
	return result;
}

static int start(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	CLEANUP_LOCK int log_lock = -1;
	CLEANUP_LOCK int lock = -1;
	int result;

	(void)output;
	call_object_id(call, "container", args->id);
	result = store_container_get(engine->store, &arena, args->id, false, &row, call);
	/* Two that are started at once with one log would each find the other not running yet. */
	if (result == 0 && *row.log_path)
		result = engine_lock_name(engine, row.log_path, &log_lock, call);
	if (result == 0)
		result = engine_lock_object(engine, row.id, &lock, call);
	if (result == 0)
		result = container_reconcile_helpers(engine, row.id, call);
	if (result == 0)
		result = store_container_get(engine->store, &arena, row.id, false, &row, call);
	if (result < 0)
		return result;
	if (row.state != CONTAINER_CREATED)
		return refuse(row.state, call);
	result = store_container_check_log(engine->store, row.id, row.log_path, call);
	return result < 0 ? result : container_launch(engine, &row, call);
}

int cri_container_start(cri_engine *engine, const char *id, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call(engine, start, &args, NULL, call);
}

int cri_container_start_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_begin(engine, start, &args, sizeof(args), api_copy_id, API_NO_OUTPUT, op, call);
}

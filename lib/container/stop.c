/* SPDX-License-Identifier: Apache-2.0 */
/* StopContainer, RemoveContainer and waiting for the end. */
#include "container/container.h"

#include "base/lock.h"
#include "base/signals.h"
#include "container/exits.h"
#include "container/signal.h"
#include "core/api.h"
#include "image/image.h"

#include <signal.h>

#define GRACE_LIMIT (INT64_MAX / 2000) /* seconds: what still fits when it is counted in milliseconds */

struct stop_args {
	const char *id;
	int64_t grace;
};

/* The container, or *gone: that it is gone is a success to those who stop and remove. */
static int find(cri_engine *engine, struct arena *arena, const char *id, struct container_row *row, bool *gone,
		cri_call *call)
{
	int result = store_container_get(engine->store, arena, id, false, row, call);

	*gone = result == CRI_ENOTFOUND;
	if (*gone)
		call_clear(call);
	return *gone ? 0 : result;
}

/* Asks it to end, and waits. Without the lock: others may look, and kill, meanwhile. */
static int stop_gracefully(cri_engine *engine, const struct container_row *row, int64_t grace, cri_call *call)
{
	int result = container_signal(engine, row->id, signal_from_name(row->stop_signal), call);

	/* It ended by itself just now; the wait sees it. */
	if (result == CRI_EPRECONDITION)
		call_clear(call);
	else if (result < 0)
		return result;
	result = container_await_exit(engine, row->id, grace * 1000, false, call);
	return result == CRI_EAGAIN ? 0 : result;
}

static int stop(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct stop_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	CLEANUP_LOCK int lock = -1;
	bool gone;
	int result;

	(void)output;
	call_object_id(call, "container", args->id);
	if (args->grace < 0)
		return call_fail(call, CRI_EINVAL, "check arguments", "grace: %lld is negative",
				 (long long)args->grace);
	result = find(engine, &arena, args->id, &row, &gone, call);
	if (result < 0 || gone)
		return result;
	if (args->grace > 0 && row.state == CONTAINER_RUNNING)
		result = stop_gracefully(engine, &row, args->grace > GRACE_LIMIT ? GRACE_LIMIT : args->grace, call);
	if (result == CRI_ENOTFOUND) {
		call_clear(call);
		return 0;
	}
	if (result == 0)
		result = engine_lock_object(engine, row.id, &lock, call);
	return result < 0 ? result : container_kill(engine, row.id, call);
}

static int remove_container(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	CLEANUP_LOCK int lock = -1;
	bool gone;
	int result;

	(void)output;
	call_object_id(call, "container", args->id);
	result = find(engine, &arena, args->id, &row, &gone, call);
	if (result < 0 || gone)
		return result;
	result = engine_lock_object(engine, row.id, &lock, call);
	if (result == 0)
		result = container_destroy(engine, row.id, call);
	/* It may have been the last user of layers whose image is gone. */
	return result < 0 ? result : image_collect_layers(engine, call);
}

static int wait_for_exit(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	int result;

	call_object_id(call, "container", args->id);
	result = store_container_get(engine->store, &arena, args->id, false, &row, call);
	if (result == 0)
		result = container_await_exit(engine, row.id, -1, false, call);
	if (result == 0)
		result = store_container_get(engine->store, &arena, row.id, true, &row, call);
	if (result == 0 && output)
		*(int32_t *)output = row.exit_code;
	return result;
}

int cri_container_stop(cri_engine *engine, const char *id, int64_t grace, cri_call *call)
{
	const struct stop_args args = { id, grace };

	return api_call(engine, stop, &args, NULL, call);
}

int cri_container_stop_begin(cri_engine *engine, const char *id, int64_t grace, cri_op **op, cri_call *call)
{
	const struct stop_args args = { id, grace };

	return api_begin(engine, stop, &args, sizeof(args), api_copy_id, API_NO_OUTPUT, op, call);
}

int cri_container_remove(cri_engine *engine, const char *id, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call(engine, remove_container, &args, NULL, call);
}

int cri_container_remove_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_begin(engine, remove_container, &args, sizeof(args), api_copy_id, API_NO_OUTPUT, op, call);
}

int cri_container_wait(cri_engine *engine, const char *id, int32_t *exit_code, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call(engine, wait_for_exit, &args, exit_code, call);
}

int cri_container_wait_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_begin(engine, wait_for_exit, &args, sizeof(args), api_copy_id, API_INT32, op, call);
}

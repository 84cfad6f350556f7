/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container.h"

#include "base/clock.h"
#include "base/fs.h"
#include "cgroup/cgroup.h"
#include "container/exits.h"
#include "core/paths.h"
#include "core/test_point.h"
#include "image/mounted.h"
#include "runtime/shim.h"
#include "runtime/shim_process.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define KILLED_EXIT_CODE 137 /* 128 + SIGKILL */

/* How long an end may take to be published once every process was killed: the shim drains the log in between. */
#define END_TIMEOUT 10000

/* Nobody saw how it ended. */
static int record_unknown_end(cri_engine *engine, const char *id, cri_call *call)
{
	const struct container_exit exit = {
		.finished_at = clock_wall(),
		.exit_code = KILLED_EXIT_CODE,
		.reason = "Unknown",
		.message = "its monitor is gone and left no exit record",
	};
	bool changed;
	int result = store_container_exited(engine->store, id, &exit, &changed, call);

	if (result == 0 && changed)
		engine_wake(engine);
	return result;
}

/* The container started, and its program was killed before it could commit that. */
static int catch_up_start(cri_engine *engine, const struct container_row *row, cri_call *call)
{
	CLEANUP_JSON cJSON *request = cJSON_CreateObject();
	CLEANUP_JSON cJSON *answer = NULL;
	const char *state = NULL;
	int64_t started_at = 0;
	int result;

	if (!request || !cJSON_AddStringToObject(request, "op", "status"))
		return call_no_memory(call, "ask the shim");
	result = shim_command(engine, row->id, request, &answer, call);
	if (result < 0)
		return result;
	if (json_string(answer, "state", &state) < 0 || strcmp(state, "running") != 0)
		return 0;
	if (json_int64(answer, "started_at", &started_at) < 0)
		started_at = clock_wall();
	result = store_container_started(engine->store, row->id, started_at, call);
	if (result == 0)
		engine_wake(engine);
	return result == CRI_EPRECONDITION ? (call_clear(call), 0) : result;
}

/* *row as it is then; *asks: only the shim knows whether it was started. */
static int reconcile(cri_engine *engine, const char *id, struct arena *arena, struct container_row *row, bool *asks,
		     cri_call *call)
{
	enum shim_liveness liveness;
	bool folded;
	int result;

	*asks = false;
	/* Before the record is looked for: an end between the two looks is then found in the record. */
	result = shim_liveness(engine, id, &liveness, call);
	if (result == 0)
		result = container_fold_exit(engine, id, &folded, call);
	if (result == 0)
		result = store_container_get(engine->store, arena, id, true, row, call);
	if (result || (row->state != CONTAINER_CREATED && row->state != CONTAINER_RUNNING))
		return result;
	*asks = row->state == CONTAINER_CREATED;
	switch (liveness) {
	case SHIM_ORPHANED:
		return shim_resume(engine, id, call);
	case SHIM_DEAD:
		*asks = false;
		result = cgroup_kill(engine->cgroups, row->cgroup, call);
		return result < 0 ? result : record_unknown_end(engine, id, call);
	case SHIM_ALIVE:
		break;
	}
	return 0;
}

int container_reconcile_helpers(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	bool asks;

	return reconcile(engine, id, &arena, &row, &asks, call);
}

int container_reconcile(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	bool asks;
	int result = reconcile(engine, id, &arena, &row, &asks, call);

	return result == 0 && asks ? catch_up_start(engine, &row, call) : result;
}

int container_kill(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	int result = store_container_get(engine->store, &arena, id, true, &row, call);

	if (result == CRI_ENOTFOUND)
		call_clear(call);
	if (result < 0)
		return result == CRI_ENOTFOUND ? 0 : result;
	if (row.state != CONTAINER_CREATED && row.state != CONTAINER_RUNNING)
		return 0;
	result = cgroup_kill(engine->cgroups, row.cgroup, call);
	test_point("container killed");
	if (result == 0)
		result = container_await_exit(engine, id, END_TIMEOUT, true, call);
	if (result == CRI_EAGAIN)
		return call_fail(call, CRI_EINTERNAL, "wait for the killed container",
				 "its end was not recorded within %d seconds", END_TIMEOUT / 1000);
	return result;
}

static int remove_directories(cri_engine *engine, const char *id, cri_call *call)
{
	char path[PATH_MAX];
	int result = fs_remove_tree(AT_FDCWD, path_container(engine, id, "", path));

	if (result == 0)
		result = fs_remove_tree(AT_FDCWD, path_container_root(engine, id, path));
	return result < 0 ? call_fail_errno(call, result, "remove directories", "%s", path) : 0;
}

int container_destroy(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	bool changed;
	int result = store_container_get(engine->store, &arena, id, true, &row, call);

	if (result == CRI_ENOTFOUND)
		call_clear(call);
	if (result < 0)
		return result == CRI_ENOTFOUND ? 0 : result;
	if (row.state == CONTAINER_CREATED || row.state == CONTAINER_RUNNING)
		result = container_kill(engine, id, call);
	if (result == 0)
		result = store_container_removing(engine->store, id, &changed, call);
	test_point("container removing");
	/* A creation that was killed may have left processes without a recorded state. */
	if (result == 0)
		result = cgroup_kill(engine->cgroups, row.cgroup, call);
	if (result == 0)
		result = shim_process_kill(engine, id, call);
	test_point("container processes gone");
	if (result == 0)
		result = cgroup_remove(engine->cgroups, row.cgroup, call);
	test_point("container cgroup gone");
	if (result < 0)
		return result;
	exit_record_delete(engine, id);
	result = remove_directories(engine, id, call);
	test_point("container directories gone");
	if (result == 0)
		result = store_container_delete(engine->store, id, call);
	test_point("container deleted");
	if (result == 0)
		image_unmount_idle(engine, call);
	if (result == 0)
		engine_wake(engine);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* StopPodSandbox and RemovePodSandbox. */
#include "sandbox/sandbox.h"

#include "base/fs.h"
#include "base/lock.h"
#include "cgroup/cgroup.h"
#include "container/container.h"
#include "core/api.h"
#include "core/paths.h"
#include "core/test_point.h"
#include "image/image.h"
#include "network/namespaces.h"
#include "network/network.h"

#include <errno.h>
#include <fcntl.h>

static const char remove_step[] = "remove directories";

/* So long may a helper of a killed program be at work. */
#define PINNING_MILLISECONDS 512

typedef int (*container_action)(cri_engine *engine, const char *id, cri_call *call);

/* One after another, each under its lock; its pause container, which keeps the namespace of the others, last. */
static int for_each_container(cri_engine *engine, const char *sandbox, container_action action, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row *rows;
	size_t n_rows;
	int result = store_container_list(engine->store, &arena, NULL, sandbox, STATES_ALL, true, &rows, &n_rows, call);

	for (int pause = 0; pause <= 1 && result == 0; pause++) {
		for (size_t i = 0; i < n_rows && result == 0; i++) {
			CLEANUP_LOCK int lock = -1;

			if (rows[i].pause != pause)
				continue;
			result = engine_lock_object(engine, rows[i].id, &lock, call);
			if (result == 0)
				result = action(engine, rows[i].id, call);
		}
	}
	return result;
}

int sandbox_halt(cri_engine *engine, const struct sandbox_row *row, cri_call *call)
{
	char directory[PATH_MAX];
	bool changed = false;
	/* First: from here on nobody adds a container. */
	int result = store_sandbox_set_state(engine->store, row->id, SANDBOX_READY, SANDBOX_NOTREADY, &changed, call);

	test_point("sandbox halting");
	/* All at once, before each is waited for. */
	if (result == 0)
		result = cgroup_kill(engine->cgroups, row->cgroup, call);
	if (result == 0)
		result = for_each_container(engine, row->id, container_kill, call);
	test_point("sandbox containers killed");
	/* While the namespace is there: some plugins need it. */
	if (result == 0 && network_is_recorded(row->network))
		result = network_detach(engine, row->id, call);
	test_point("sandbox network gone");
	if (result == 0)
		result = namespaces_unpin(path_sandbox(engine, row->id, "", directory), call);
	test_point("sandbox unpinned");
	if (result == 0)
		result = sandbox_unmount_shared_memory(engine, row->id, call);
	if (changed)
		engine_wake(engine);
	return result;
}

static int remove_directory(cri_engine *engine, const char *id, cri_call *call)
{
	char path[PATH_MAX];
	int result = namespaces_unpin(path_sandbox(engine, id, "", path), call);

	if (result == 0)
		result = sandbox_unmount_shared_memory(engine, id, call);
	if (result < 0)
		return result;
	result = fs_remove_tree(AT_FDCWD, path);
	return result < 0 ? call_fail_errno(call, result, remove_step, "%s", path) : 0;
}

/* A cri-sandbox whose host was killed works on: what it makes meanwhile is removed again, until the directory is gone
 * and it can make no more. */
static int remove_directory_for_good(cri_engine *engine, const char *id, cri_call *call)
{
	for (int64_t wait = 1; wait <= PINNING_MILLISECONDS; wait *= 2) {
		cri_call attempt;
		int result;

		call_init_child(&attempt, call);
		result = remove_directory(engine, id, &attempt);
		if (result == 0)
			return 0;
		if (cri_call_errno(&attempt) != EBUSY && cri_call_errno(&attempt) != ENOTEMPTY)
			break;
		result = call_wait(call, remove_step, NULL, 0, wait);
		if (result < 0)
			return result;
	}
	return remove_directory(engine, id, call);
}

int sandbox_destroy(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row row;
	bool changed;
	int result = store_sandbox_get(engine->store, &arena, id, true, &row, call);

	if (result < 0)
		return result == CRI_ENOTFOUND ? (call_clear(call), 0) : result;
	if (row.state == SANDBOX_READY || row.state == SANDBOX_NOTREADY)
		result = sandbox_halt(engine, &row, call);
	if (result == 0)
		result = store_sandbox_set_state(engine->store, id, SANDBOX_NOTREADY, SANDBOX_REMOVING, &changed, call);
	test_point("sandbox removing");
	if (result == 0)
		result = for_each_container(engine, id, container_destroy, call);
	test_point("sandbox containers gone");
	/* What halting did already is found done; a half-made pod was never halted. */
	if (result == 0)
		result = cgroup_kill(engine->cgroups, row.cgroup, call);
	if (result == 0 && network_is_recorded(row.network))
		result = network_detach(engine, id, call);
	if (result == 0)
		result = cgroup_remove(engine->cgroups, row.cgroup, call);
	test_point("sandbox cgroup gone");
	if (result == 0)
		result = remove_directory_for_good(engine, id, call);
	test_point("sandbox directory gone");
	if (result == 0)
		result = store_sandbox_delete(engine->store, id, call);
	test_point("sandbox deleted");
	if (result == 0)
		engine_wake(engine);
	return result;
}

/* The pod and its lock, or *gone. */
static int find_and_lock(cri_engine *engine, struct arena *arena, const char *id, struct sandbox_row *row, int *lock,
			 bool *gone, cri_call *call)
{
	int result;

	call_object_id(call, "sandbox", id);
	result = store_sandbox_get(engine->store, arena, id, false, row, call);
	if (result == 0)
		result = engine_lock_object(engine, row->id, lock, call);
	/* Somebody may have removed it before the lock was had. */
	if (result == 0)
		result = store_sandbox_get(engine->store, arena, row->id, false, row, call);
	*gone = result == CRI_ENOTFOUND;
	if (*gone)
		call_clear(call);
	return *gone ? 0 : result;
}

static int stop(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row row;
	CLEANUP_LOCK int lock = -1;
	bool gone;
	int result;

	(void)output;
	result = find_and_lock(engine, &arena, args->id, &row, &lock, &gone, call);
	return result < 0 || gone ? result : sandbox_halt(engine, &row, call);
}

static int remove_sandbox(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row row;
	CLEANUP_LOCK int lock = -1;
	bool gone;
	int result;

	(void)output;
	result = find_and_lock(engine, &arena, args->id, &row, &lock, &gone, call);
	if (result < 0 || gone)
		return result;
	result = sandbox_destroy(engine, row.id, call);
	return result < 0 ? result : image_collect_layers(engine, call);
}

int cri_sandbox_stop(cri_engine *engine, const char *id, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call(engine, stop, &args, NULL, call);
}

int cri_sandbox_stop_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_begin(engine, stop, &args, sizeof(args), api_copy_id, API_NO_OUTPUT, op, call);
}

int cri_sandbox_remove(cri_engine *engine, const char *id, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call(engine, remove_sandbox, &args, NULL, call);
}

int cri_sandbox_remove_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_begin(engine, remove_sandbox, &args, sizeof(args), api_copy_id, API_NO_OUTPUT, op, call);
}

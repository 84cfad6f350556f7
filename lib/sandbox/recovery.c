/* SPDX-License-Identifier: Apache-2.0 */
/* What is put right when a root is opened. */
#include "sandbox/sandbox.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/lock.h"
#include "container/container.h"
#include "container/exits.h"
#include "core/paths.h"

#include <fcntl.h>
#include <string.h>

#define RECOVERY_SECONDS 60

typedef int (*recover_object)(cri_engine *engine, const char *id, cri_call *call);

/* Runs an action on an object unless somebody is at work on it. A failure is logged and left for the next open: one
 * broken pod must not keep the engine shut. */
static void try_recover(cri_engine *engine, const char *kind, const char *id, recover_object recover, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	int result;

	call_clear(call);
	call_object(call, "%s %s", kind, id);
	result = engine_trylock_object(engine, id, &lock, call);
	if (result == 0)
		result = recover(engine, id, call);
	if (result < 0 && result != CRI_EAGAIN)
		engine_log(engine, CRI_LOG_ERROR, "recovery: %s", cri_call_message(call));
	call_clear(call);
}

static int recover_containers(cri_engine *engine, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row *rows;
	size_t n_rows;
	int result = store_container_list(engine->store, &arena, NULL, NULL, STATES_ALL, true, &rows, &n_rows, call);

	for (size_t i = 0; i < n_rows && result == 0; i++) {
		switch (rows[i].state) {
		case CONTAINER_CREATING:
		case CONTAINER_REMOVING:
			try_recover(engine, "container", rows[i].id, container_destroy, call);
			break;
		case CONTAINER_CREATED:
		case CONTAINER_RUNNING:
			try_recover(engine, "container", rows[i].id, container_reconcile, call);
			break;
		case CONTAINER_EXITED:
			break;
		}
	}
	return result;
}

/* A READY pod whose namespaces are gone: the machine was restarted, and with it the state directory made anew. */
static int halt_if_lost(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row row;
	char path[PATH_MAX];
	int result = store_sandbox_get(engine->store, &arena, id, true, &row, call);

	if (result < 0 || row.state != SANDBOX_READY)
		return result == CRI_ENOTFOUND ? (call_clear(call), 0) : result;
	if (access(path_sandbox(engine, id, "hostname", path), F_OK) == 0)
		return 0;
	return sandbox_halt(engine, &row, call);
}

/* NOTREADY from a stop that was killed: whatever it left is finished. Cheap for those that are done. */
static int finish_halt(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row row;
	char path[PATH_MAX];
	int result = store_sandbox_get(engine->store, &arena, id, true, &row, call);

	if (result < 0 || row.state != SANDBOX_NOTREADY)
		return result == CRI_ENOTFOUND ? (call_clear(call), 0) : result;
	if (access(path_sandbox(engine, id, "", path), F_OK) < 0)
		return 0;
	return sandbox_halt(engine, &row, call);
}

static int recover_sandboxes(cri_engine *engine, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row *rows;
	size_t n_rows;
	int result = store_sandbox_list(engine->store, &arena, NULL, STATES_ALL, &rows, &n_rows, call);

	for (size_t i = 0; i < n_rows && result == 0; i++) {
		static const recover_object actions[] = {
			[SANDBOX_CREATING] = sandbox_destroy,
			[SANDBOX_REMOVING] = sandbox_destroy,
			[SANDBOX_READY] = halt_if_lost,
			[SANDBOX_NOTREADY] = finish_halt,
		};

		try_recover(engine, "sandbox", rows[i].id, actions[rows[i].state], call);
	}
	return result;
}

/* Network plugins that hang must not keep the engine shut: what they keep is tried again when the pod is stopped or
 * removed, and at the next open. */
static int recover_sandboxes_in_time(cri_engine *engine, cri_call *call)
{
	const int64_t limit = clock_boot() + RECOVERY_SECONDS * NANOSECONDS_PER_SECOND;
	cri_call bounded;
	int result = call_check(call, "recover the sandboxes");

	if (result < 0)
		return result;
	call_init_child(&bounded, call);
	bounded.deadline = bounded.deadline < limit ? bounded.deadline : limit;
	result = recover_sandboxes(engine, &bounded);
	if (result < 0)
		call_copy_failure(call, &bounded);
	return result;
}

int sandbox_recover(cri_engine *engine, cri_call *call)
{
	int result = container_fold_exits(engine, call);

	/* Pods first: removing one that was half-made takes its containers along. */
	if (result == 0)
		result = recover_sandboxes_in_time(engine, call);
	if (result == 0)
		result = recover_containers(engine, call);
	return result;
}

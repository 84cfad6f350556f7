/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing an engine. */
#include "core/engine.h"

#include "base/fs.h"
#include "base/lock.h"
#include "base/recent.h"
#include "cgroup/cgroup.h"
#include "core/api.h"
#include "core/options.h"
#include "core/paths.h"
#include "core/place.h"
#include "core/settings.h"
#include "image/fetch.h"
#include "image/image.h"
#include "network/namespaces.h"
#include "network/network.h"
#include "runtime/handler.h"
#include "runtime/shim_zygote.h"
#include "sandbox/sandbox.h"
#include "store/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char step[] = "open the engine";

/* Byte 0 of the lock file; objects have bytes by hash, of which none is 0 or 1. */
#define RECOVERY_LOCK 0

static int take_options(cri_engine *engine, const cri_engine_options *given, cri_call *call)
{
	const struct runtime_handler *handler;
	int result = options_settle(&engine->arena, given, &engine->options, call);

	if (result < 0)
		return result;
	engine->root = engine->options.root;
	engine->state = engine->options.state;
	engine->helpers = engine->options.helper_directory;
	result = settings_begin(engine, call);
	return result < 0 ? result : runtime_handler_find(engine, engine->options.default_handler, &handler, call);
}

static int make_directories(cri_engine *engine, cri_call *call)
{
	static const char *const below_root[] = { "l", "c", "tmp" };
	char path[PATH_MAX];
	int result = fs_make_directories(engine->root, 0700);

	for (size_t i = 0; i < sizeof(below_root) / sizeof(*below_root) && result == 0; i++) {
		result = fs_path(path, sizeof(path), "%s/%s", engine->root, below_root[i]);
		if (result == 0)
			result = fs_make_directories(path, 0700);
	}
	if (result == -ENOTDIR)
		return call_fail(call, CRI_EINVAL, step, "root: a part of %s is no directory", engine->root);
	return result < 0 ? call_fail_errno(call, result, step, "make %s", engine->root) : 0;
}

static int make_state(cri_engine *engine, cri_call *call)
{
	static const char *const below_state[] = { "exits", "sandboxes", "containers" };
	char path[PATH_MAX];
	int result = namespaces_prepare_state(engine, call);

	if (result < 0)
		return result;
	for (size_t i = 0; i < sizeof(below_state) / sizeof(*below_state) && result == 0; i++) {
		result = fs_path(path, sizeof(path), "%s/%s", engine->state, below_state[i]);
		if (result == 0)
			result = fs_make_directories(path, 0711);
	}
	if (result == 0) {
		CLEANUP_CLOSE int wake =
			open(path_wake(engine, path), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		result = wake < 0 ? -errno : 0;
	}
	return result < 0 ? call_fail_errno(call, result, step, "make %s", engine->state) : 0;
}

static int lock_recovery(cri_engine *engine, int *lock, cri_call *call)
{
	char path[PATH_MAX];

	for (int64_t wait = 1;; wait = wait < 50 ? wait * 2 : wait) {
		int result = lock_try(path_lock(engine, path), RECOVERY_LOCK);

		if (result >= 0) {
			*lock = result;
			return 0;
		}
		if (result != -EAGAIN)
			return call_fail_errno(call, result, step, "lock %s", path);
		result = call_wait(call, "wait for another program to open the root", NULL, 0, wait);
		if (result < 0)
			return result;
	}
}

static int open_engine(cri_engine *engine, const cri_engine_options *options, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	char path[PATH_MAX];
	int result;

	if (geteuid() != 0)
		return call_fail(call, CRI_EPERM, step, "running containers needs root");
	result = take_options(engine, options, call);
	if (result == 0)
		result = image_policy_check(engine, call);
	if (result == 0)
		result = make_directories(engine, call);
	if (result == 0)
		result = cgroup_detect(&engine->cgroups, call);
	if (result == 0)
		result = lock_recovery(engine, &lock, call);
	if (result == 0)
		result = store_open(path_database(engine, path), engine->options.max_events, &engine->store, call);
	if (result == 0)
		result = place_enter(engine, call);
	if (result == 0)
		result = make_state(engine, call);
	if (result == 0)
		result = sandbox_recover(engine, call);
	if (result == 0)
		result = network_collect(engine, call);
	if (result == 0)
		result = image_recover(engine, call);
	return result;
}

int cri_engine_open(const cri_engine_options *options, cri_engine **engine, cri_call *call)
{
	cri_engine *made = calloc(1, sizeof(*made));
	cri_call local;
	int result;

	call = api_enter(call, &local);
	if (!engine) {
		free(made);
		return call_fail(call, CRI_EINVAL, step, "engine: it is NULL");
	}
	if (!made)
		return call_no_memory(call, step);
	made->opened_by = getpid();
	made->presence = -1;
	result = pthread_mutex_init(&made->settings, NULL);
	if (result) {
		free(made);
		return call_fail_errno(call, result, step, "make a mutex");
	}
	result = open_engine(made, options, call);
	if (result < 0) {
		cri_engine_close(made);
		return result;
	}
	*engine = made;
	return 0;
}

void cri_engine_close(cri_engine *engine)
{
	if (!engine)
		return;
	/* A child of fork must not touch the database: SQLite's locks are its parent's. */
	if (engine->opened_by == getpid())
		store_close(engine->store);
	place_leave(engine);
	fetch_service_free(engine->fetch_service);
	shim_zygote_free(engine);
	settings_release(engine->current);
	recent_free(engine->rates);
	recent_free(engine->walks);
	cgroup_system_free(engine->cgroups);
	pthread_mutex_destroy(&engine->settings);
	arena_free(&engine->arena);
	free(engine);
}

const char *cri_version(void)
{
	return CRI_VERSION;
}

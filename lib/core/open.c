/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing an engine. */
#include "core/engine.h"

#include "base/fs.h"
#include "base/lock.h"
#include "base/text.h"
#include "config/config.h"
#include "core/paths.h"
#include "core/place.h"
#include "image/fetch.h"
#include "image/image.h"
#include "network/namespaces.h"
#include "runtime/cgroup.h"
#include "runtime/handler.h"
#include "sandbox/sandbox.h"
#include "store/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char step[] = "open the engine";

#define DEFAULT_ROOT "/var/lib/libcri"
#define DEFAULT_STATE "/run/libcri"
#define DEFAULT_CGROUP_PARENT "/libcri"
#define DEFAULT_HANDLER "lxc"
#define DEFAULT_LAYERS 4
#define DEFAULT_LAYER_BYTES (UINT64_C(64) << 30)
#define DEFAULT_EVENTS 10000

/* What is appended to root and state stays well below PATH_MAX, and 127 layer paths below a page of mount options. */
#define DIRECTORY_MAX 1024

/* Byte 0 of the lock file; objects have bytes by hash, of which none is 0 or 1. */
#define RECOVERY_LOCK 0

static const char *or_default(const char *text, const char *otherwise)
{
	return text_is_empty(text) ? otherwise : text;
}

/* Absolute, without "//" and trailing "/"; ".." would make two names of one root. */
static int settle_directory(struct arena *arena, const char *name, const char **directory, cri_call *call)
{
	const char *from = *directory;
	char *to;
	size_t n = 0;

	if (from[0] != '/')
		return call_fail(call, CRI_EINVAL, step, "%s: \"%s\" is not absolute", name, from);
	if (strlen(from) > DIRECTORY_MAX)
		return call_fail(call, CRI_EINVAL, step, "%s: it is longer than %d characters", name, DIRECTORY_MAX);
	if (strstr(from, "/../") || text_ends(from, "/.."))
		return call_fail(call, CRI_EINVAL, step, "%s: \"%s\" has a \"..\"", name, from);
	/* overlayfs separates layers by ':' and options by ','. */
	if (strpbrk(from, ":,\\\"\n"))
		return call_fail(call, CRI_EINVAL, step, "%s: \"%s\" has a character that mount options cannot hold",
				 name, from);
	to = arena_alloc(arena, strlen(from) + 1);
	if (!to)
		return call_no_memory(call, step);
	for (size_t i = 0; from[i]; i++) {
		if (from[i] != '/' || (from[i + 1] && from[i + 1] != '/'))
			to[n++] = from[i];
	}
	if (!n)
		return call_fail(call, CRI_EINVAL, step, "%s: it is \"/\"", name);
	*directory = to;
	return 0;
}

/* Options whose area is not built yet must not be taken and ignored. */
static int check_built(const cri_engine_options *options, cri_call *call)
{
	if (options->network_plugin != CRI_NETWORK_NONE)
		return call_fail(call, CRI_ENOTSUP, step,
				 "network_plugin: networking beyond loopback is not built yet");
	if (options->cgroup_driver != CRI_CGROUP_CGROUPFS)
		return call_fail(call, CRI_ENOTSUP, step, "cgroup_driver: the systemd driver is not built yet");
	if (options->n_handlers)
		return call_fail(call, CRI_ENOTSUP, step, "handlers: handlers beside lxc are not built yet");
	if (!text_is_empty(options->image_policy_file))
		return call_fail(call, CRI_ENOTSUP, step, "image_policy_file: image policies are not built yet");
	return 0;
}

static int settle_options(cri_engine *engine, const cri_engine_options *given, cri_call *call)
{
	cri_engine_options *options = &engine->options;
	const struct runtime_handler *handler;
	const char *environment = secure_getenv("LIBCRI_HELPER_DIRECTORY");
	const void *copy;
	int result = config_copy(&config_engine_options, &engine->arena, given, &copy, call);

	if (result < 0)
		return result;
	*options = *(const cri_engine_options *)copy;
	options->root = or_default(options->root, DEFAULT_ROOT);
	options->state = or_default(options->state, DEFAULT_STATE);
	options->helper_directory =
		or_default(options->helper_directory, or_default(environment, LIBCRI_HELPER_DIRECTORY));
	options->cgroup_parent = or_default(options->cgroup_parent, DEFAULT_CGROUP_PARENT);
	options->default_handler = or_default(options->default_handler, DEFAULT_HANDLER);
	options->max_parallel_layers = options->max_parallel_layers ? options->max_parallel_layers : DEFAULT_LAYERS;
	options->max_layer_bytes = options->max_layer_bytes ? options->max_layer_bytes : DEFAULT_LAYER_BYTES;
	options->max_events = options->max_events ? options->max_events : DEFAULT_EVENTS;
	result = settle_directory(&engine->arena, "root", &options->root, call);
	if (result == 0)
		result = settle_directory(&engine->arena, "state", &options->state, call);
	if (result == 0)
		result = settle_directory(&engine->arena, "helper_directory", &options->helper_directory, call);
	if (result == 0)
		result = cgroup_check_path(options->cgroup_parent, "cgroup_parent", call);
	if (result == 0)
		result = check_built(options, call);
	engine->root = options->root;
	engine->state = options->state;
	engine->helpers = options->helper_directory;
	return result < 0 ? result : runtime_handler_find(engine, options->default_handler, &handler, call);
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
	result = settle_options(engine, options, call);
	if (result == 0)
		result = make_directories(engine, call);
	if (result == 0)
		result = cgroup_detect(&engine->cgroups, call);
	if (result == 0)
		result = lock_recovery(engine, &lock, call);
	if (result == 0)
		result = store_open(path_database(engine, path), engine->options.max_events, &engine->store, call);
	if (result == 0)
		result = place_check(engine, call);
	if (result == 0)
		result = make_state(engine, call);
	if (result == 0)
		result = sandbox_recover(engine, call);
	if (result == 0)
		result = image_recover(engine, call);
	return result;
}

int cri_engine_open(const cri_engine_options *options, cri_engine **engine, cri_call *call)
{
	cri_engine *made = calloc(1, sizeof(*made));
	cri_call local;
	int result;

	if (!call) {
		call_init(&local);
		call = &local;
	}
	call_clear(call);
	if (!engine) {
		free(made);
		return call_fail(call, CRI_EINVAL, step, "engine: it is NULL");
	}
	if (!made)
		return call_no_memory(call, step);
	made->opened_by = getpid();
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
	fetch_service_free(engine->fetch_service);
	cgroup_system_free(engine->cgroups);
	pthread_mutex_destroy(&engine->settings);
	arena_free(&engine->arena);
	free(engine);
}

const char *cri_version(void)
{
	return CRI_VERSION;
}

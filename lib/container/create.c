/* SPDX-License-Identifier: Apache-2.0 */
/* CreateContainer. */
#include "container/container.h"

#include "base/fs.h"
#include "base/lock.h"
#include "base/random.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "config/config.h"
#include "container/log_path.h"
#include "container/settle.h"
#include "core/api.h"
#include "core/paths.h"
#include "core/test_point.h"
#include "image/mounted.h"
#include "runtime/handler.h"
#include "runtime/shim.h"

#include <fcntl.h>
#include <string.h>

static const char make_step[] = "make directories";

struct create_args {
	const char *sandbox_id;
	const cri_container_config *config;
};

static int copy_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct create_args *args = pointer;
	const void *config = NULL;
	int result = api_copy_id(arena, &args->sandbox_id, call);

	if (result == 0)
		result = config_copy(&config_container, arena, args->config, &config, call);
	args->config = config;
	return result;
}

static int make_state_directory(cri_engine *engine, const char *id, cri_call *call)
{
	char path[PATH_MAX];
	int result = fs_make_directories(path_container(engine, id, "", path), 0700);

	return result < 0 ? call_fail_errno(call, result, make_step, "%s", path) : 0;
}

static int make_writable_layer(cri_engine *engine, const char *id, cri_call *call)
{
	char path[PATH_MAX];
	char child[PATH_MAX];
	int result = fs_make_directories(path_container_root(engine, id, path), 0700);

	if (result == 0)
		result = fs_path(child, sizeof(child), "%s/upper", path);
	/* The upper directory's mode is what the container sees of "/". */
	if (result == 0)
		result = fs_make_directories(child, 0755);
	if (result == 0)
		result = fs_path(child, sizeof(child), "%s/work", path);
	if (result == 0)
		result = fs_make_directories(child, 0700);
	return result < 0 ? call_fail_errno(call, result, make_step, "%s", path) : 0;
}

/* What nobody needs yet while liblxc is at work. What the container may use is settled last: until it is started, its
 * first process is ours. */
static int make_beside(cri_engine *engine, const struct runtime_handler *handler,
		       const struct runtime_container *description, const cri_resources *resources,
		       const struct shim_start *start, cri_call *call)
{
	int result = cgroup_create(engine->cgroups, description->cgroup, call);

	if (result == 0 && resources)
		result = cgroup_limit(engine->cgroups, description->cgroup, resources, call);
	if (result == 0)
		result = shim_go(start, call);
	if (result == 0)
		result = handler->confine(engine, description, call);
	test_point("container cgroup");
	return result;
}

static int make(cri_engine *engine, const struct container_row *row, const struct runtime_container *description,
		const cri_resources *resources, struct shim_start *start, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct runtime_handler *handler;
	struct shim_created created;
	int result = runtime_handler_find(engine, description->handler, &handler, call);

	test_point("container inserted");
	if (result == 0)
		result = image_mount_layers(engine, row->layers, row->n_layers, call);
	if (result == 0)
		result = make_state_directory(engine, row->id, call);
	if (result == 0)
		result = handler->prepare(engine, description, call);
	test_point("container prepared");
	if (result == 0 && description->n_layers)
		result = make_writable_layer(engine, row->id, call);
	test_point("container directories");
	if (result == 0)
		result = shim_order(engine, row->id, row->cgroup, start, call);
	test_point("container ordered");
	if (result == 0)
		result = make_beside(engine, handler, description, resources, start, call);
	if (result == 0)
		result = shim_create(engine, row->id, start, &arena, &created, call);
	test_point("container shim");
	if (result == 0)
		result = store_container_created(engine->store, row->id, created.user, created.pid, call);
	test_point("container created");
	return result;
}

/* What looks like a fault of liblxc's was the end of its first process, if the pod was stopped meanwhile. */
static int explain(cri_engine *engine, const struct container_row *row, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row sandbox;
	cri_call look;
	int result;

	call_init_child(&look, call);
	call_shield(&look);
	result = store_sandbox_get(engine->store, &arena, row->sandbox_id, true, &sandbox, &look);
	if (result != CRI_ENOTFOUND && (result < 0 || sandbox.state == SANDBOX_READY))
		return CRI_EINTERNAL;
	call_clear(call);
	return call_fail(call, CRI_EPRECONDITION, "create the container", "sandbox %s was stopped meanwhile",
			 row->sandbox_id);
}

int container_make(cri_engine *engine, struct container_row *row, const struct runtime_container *description,
		   const cri_resources *resources, struct shim_start *start, cri_call *call)
{
	int result = store_container_insert(engine->store, row, call);

	if (result < 0)
		return result;
	result = make(engine, row, description, resources, start, call);
	if (result < 0) {
		shim_abandon(engine, row->id, start, call);
		call_shield(call);
		if (container_destroy(engine, row->id, call) < 0)
			engine_log(engine, CRI_LOG_ERROR, "container %s: what was made is removed at the next open",
				   row->id);
		call_unshield(call);
		return result == CRI_EINTERNAL && !row->pause ? explain(engine, row, call) : result;
	}
	engine_wake(engine);
	return 0;
}

/* Everything is settled and checked before the row is inserted: bad input changes nothing. */
static int settle(cri_engine *engine, struct arena *arena, const struct create_args *args, const char *id,
		  struct container_row *row, struct settled_container *settled, struct shim_start *start,
		  cri_call *call)
{
	struct sandbox_row *sandbox = &settled->sandbox;
	const void *sandbox_config;
	int result = store_sandbox_get(engine->store, arena, args->sandbox_id, false, sandbox, call);

	if (result < 0)
		return result;
	if (sandbox->state != SANDBOX_READY)
		return call_fail(call, CRI_EPRECONDITION, "find the sandbox",
				 "sandbox %s is not ready: it was stopped, or the machine was restarted", sandbox->id);
	result = config_from_json(&config_sandbox, arena, sandbox->config, strlen(sandbox->config), &sandbox_config,
				  call);
	if (result < 0)
		return result;
	settled->config = args->config;
	settled->sandbox_config = sandbox_config;
	result = config_check_container(args->config, settled->sandbox_config, call);
	/* Nothing of the container is needed for it. */
	if (result == 0 && shim_begins_early(engine))
		result = shim_begin(engine, id, NULL, start, call);
	if (result == 0)
		result = image_find(engine, arena, args->config->image, &settled->image, call);
	if (result == 0)
		result = image_config_parse(arena, settled->image.config, strlen(settled->image.config),
					    &settled->image_config, call);
	if (result == 0)
		result = settle_container(engine, arena, id, settled, call);
	if (result == 0)
		result = settle_row(arena, id, settled, row, call);
	return result;
}

static int create(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct create_args *args = pointer;
	struct create_args copy = *args;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct settled_container settled = { 0 };
	struct container_row row = { 0 };
	struct shim_start start = SHIM_START_NONE;
	char id[ID_LENGTH + 1];
	CLEANUP_FREE char *result_id = NULL;
	CLEANUP_LOCK int lock = -1;
	int result;

	result = copy_args(&arena, &copy, call);
	if (result)
		return result;
	result = random_id(id);
	if (result < 0)
		return call_fail_errno(call, result, "make an id", "getrandom");
	call_object(call, "container %s", text_is_empty(copy.config->name) ? id : copy.config->name);
	result_id = strdup(id);
	if (!result_id)
		return call_no_memory(call, "make an id");
	result = settle(engine, &arena, &copy, id, &row, &settled, &start, call);
	if (result == 0)
		result = engine_lock_object(engine, id, &lock, call);
	if (result == 0)
		result = container_make(engine, &row, &settled.description, settled.resources, &start, call);
	if (result < 0)
		shim_abandon(engine, id, &start, call);
	if (result < 0)
		return result; /* NOLINT(clang-analyzer-unix.Malloc): cleanup attributes are unknown to it */
	*(char **)output = TAKE_POINTER(result_id);
	return 0;
}

int cri_container_create(cri_engine *engine, const char *sandbox_id, const cri_container_config *config, char **id,
			 cri_call *call)
{
	const struct create_args args = { sandbox_id, config };

	return api_call_output(engine, create, &args, id, call);
}

int cri_container_create_begin(cri_engine *engine, const char *sandbox_id, const cri_container_config *config,
			       cri_op **op, cri_call *call)
{
	const struct create_args args = { sandbox_id, config };

	return api_begin(engine, create, &args, sizeof(args), copy_args, API_STRING, op, call);
}

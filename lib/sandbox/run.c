/* SPDX-License-Identifier: Apache-2.0 */
/* RunPodSandbox. */
#include "sandbox/sandbox.h"

#include "base/fs.h"
#include "base/lock.h"
#include "base/random.h"
#include "cgroup/cgroup.h"
#include "config/config.h"
#include "core/api.h"
#include "core/paths.h"
#include "core/test_point.h"
#include "network/namespaces.h"
#include "network/network.h"
#include "runtime/handler.h"
#include "runtime/shim.h"
#include "runtime/shim_zygote.h"

#include <string.h>

static const char step[] = "run the sandbox";

struct run_args {
	const cri_sandbox_config *config;
	const char *handler;
};

static int copy_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct run_args *args = pointer;
	const void *config;
	int result = config_copy(&config_sandbox, arena, args->config, &config, call);

	if (result < 0)
		return result;
	args->config = config;
	args->handler = arena_strdup(arena, args->handler ? args->handler : "");
	return args->handler ? 0 : call_no_memory(call, step);
}

static int fill_row(cri_engine *engine, struct arena *arena, const cri_sandbox_config *config, const char *handler,
		    const char *id, struct sandbox_row *row, cri_call *call)
{
	const char *parent =
		text_is_empty(config->cgroup_parent) ? engine->options.cgroup_parent : config->cgroup_parent;
	char pause[ID_LENGTH + 1] = "";
	int result;

	if (sandbox_needs_pause(engine, config)) {
		result = random_id(pause);
		if (result < 0)
			return call_fail_errno(call, result, "make an id", "getrandom");
	}
	*row = (struct sandbox_row){
		.id = id,
		.name = config->name,
		.uid = config->uid,
		.namespace_ = config->namespace_,
		.attempt = config->attempt,
		.state = SANDBOX_CREATING,
		.handler = handler,
		.cgroup = arena_printf(arena, "%s/%s", !strcmp(parent, "/") ? "" : parent, id),
		.network = "{}",
		.pause = arena_strdup(arena, pause),
	};
	if (!row->cgroup || !row->pause)
		return call_no_memory(call, step);
	result = config_to_text(&config_sandbox, arena, config, &row->config, call);
	if (result == 0)
		result = config_pairs_to_text(arena, config->labels, config->n_labels, &row->labels, call);
	if (result == 0)
		result = config_pairs_to_text(arena, config->annotations, config->n_annotations, &row->annotations,
					      call);
	return result;
}

/* Whoever made or removed a pod of this name and was killed: what it left is cleared away, so that the name is free. */
static int clear_name(cri_engine *engine, const cri_sandbox_config *config, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row row;
	CLEANUP_LOCK int lock = -1;
	int result = store_sandbox_by_name(engine->store, &arena, config->name, config->uid, config->namespace_,
					   config->attempt, &row, call);

	if (result == CRI_ENOTFOUND)
		return 0;
	if (result < 0 || row.state == SANDBOX_READY || row.state == SANDBOX_NOTREADY)
		return result;
	result = engine_trylock_object(engine, row.id, &lock, call);
	if (result == CRI_EAGAIN)
		return 0;
	return result < 0 ? result : sandbox_destroy(engine, row.id, call);
}

/* What is in the making. */
struct making {
	struct namespace_request request;
	struct namespace_pinning pinning;
	struct network_attaching attaching;
};

/* What has not been told of the pod yet: it waits for nobody. */
static void abandon(struct making *making)
{
	namespaces_abandon(&making->pinning);
	network_attach_give_up(&making->attaching, NULL);
}

/* What takes long and needs nothing of the pod begins before the pod is committed: its namespaces, of which nothing
 * shows until they are pinned, starting cri-network, and loading what its containers' shims are forked from. */
static int begin(cri_engine *engine, const cri_sandbox_config *config, struct making *making, cri_call *call)
{
	struct namespace_request *request = &making->request;
	int result = 0;

	*request = (struct namespace_request){
		.network = config->network != CRI_NAMESPACE_NODE,
		.ipc = config->ipc != CRI_NAMESPACE_NODE,
		.uts = !sandbox_shares_host_name(config),
		.sysctls = config->sysctls,
		.n_sysctls = config->n_sysctls,
	};
	if (request->network || request->ipc || request->uts)
		result = namespaces_begin(engine, request, &making->pinning, call);
	if (result == 0 && request->network)
		result = network_attach_begin(engine, &making->attaching, call);
	if (result == 0 && shim_begins_early(engine))
		shim_zygote_warm(engine);
	return result;
}

/* The cgroup is made while cri-sandbox pins the namespaces. */
static int make_namespaces_and_cgroup(cri_engine *engine, const struct sandbox_row *row,
				      const cri_sandbox_config *config, struct making *making, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char directory[PATH_MAX];
	int result, made;

	making->request.directory = path_sandbox(engine, row->id, "", directory);
	making->request.hostname = sandbox_hostname(&arena, config);
	if (!making->request.hostname)
		return call_no_memory(call, step);
	if (making->pinning.pidfd < 0)
		return cgroup_create(engine->cgroups, row->cgroup, call);
	result = namespaces_pin_begin(&making->request, &making->pinning, call);
	if (result < 0)
		return result;
	made = cgroup_create(engine->cgroups, row->cgroup, call);
	result = namespaces_pin_end(&making->request, &making->pinning, call);
	return made < 0 ? made : result;
}

static int make_network(cri_engine *engine, const char *id, const cri_sandbox_config *config, struct making *making,
			cri_call *call)
{
	const bool any = making->attaching.record != NULL;
	int result = network_attach_end(engine, id, &making->attaching, call);

	return result < 0 || !any ? result : sandbox_write_hosts(engine, id, config, call);
}

static int make(cri_engine *engine, const struct sandbox_row *row, const cri_sandbox_config *config,
		struct making *making, cri_call *call)
{
	char path[PATH_MAX];
	bool changed;
	int result;

	test_point("sandbox inserted");
	result = fs_make_directories(path_sandbox(engine, row->id, "", path), 0711);

	if (result < 0)
		return call_fail_errno(call, result, "make directories", "%s", path);
	/* It needs the namespaces last. */
	result = network_attach(engine, row->id, config, path_sandbox(engine, row->id, "net", path), &making->attaching,
				call);
	if (result == 0)
		result = sandbox_write_files(engine, row->id, config, call);
	test_point("sandbox files");
	if (result == 0 && config->ipc != CRI_NAMESPACE_NODE)
		result = sandbox_mount_shared_memory(engine, row->id, call);
	test_point("sandbox shared memory");
	if (result == 0)
		result = make_namespaces_and_cgroup(engine, row, config, making, call);
	test_point("sandbox namespaces");
	if (result == 0)
		result = make_network(engine, row->id, config, making, call);
	test_point("sandbox network");
	if (result == 0 && !text_is_empty(row->pause))
		result = sandbox_start_pause(engine, row, config, call);
	test_point("sandbox pause");
	if (result == 0)
		result = store_sandbox_set_state(engine->store, row->id, SANDBOX_CREATING, SANDBOX_READY, &changed,
						 call);
	test_point("sandbox ready");
	return result;
}

static int make_or_undo(cri_engine *engine, const struct sandbox_row *row, const cri_sandbox_config *config,
			struct making *making, cri_call *call)
{
	int result = make(engine, row, config, making, call);

	if (result == 0) {
		engine_wake(engine);
		return 0;
	}
	network_attach_give_up(&making->attaching, call);
	call_shield(call);
	if (sandbox_destroy(engine, row->id, call) < 0)
		engine_log(engine, CRI_LOG_ERROR, "sandbox %s: what was made is removed at the next open", row->id);
	call_unshield(call);
	return result;
}

/* Its name for the lock: no two names make the same text, whatever characters they hold. */
static char *lock_name(const cri_sandbox_config *config)
{
	return text_printf("%zu:%s%zu:%s%zu:%s%u", strlen(config->name), config->name, strlen(config->uid), config->uid,
			   strlen(config->namespace_), config->namespace_, config->attempt);
}

static int run(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	struct run_args args = *(const struct run_args *)pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP(abandon)
	struct making making = { .pinning = NAMESPACE_PINNING_NONE, .attaching = NETWORK_ATTACHING_NOTHING };
	const struct runtime_handler *handler = NULL;
	struct sandbox_row row;
	char id[ID_LENGTH + 1];
	CLEANUP_FREE char *result_id = NULL;
	CLEANUP_FREE char *name = NULL;
	CLEANUP_LOCK int name_lock = -1;
	CLEANUP_LOCK int lock = -1;
	int result = copy_args(&arena, &args, call);

	if (result < 0)
		return result;
	call_object(call, "sandbox %s", args.config->name);
	result = config_check_sandbox(args.config, call);
	if (result == 0)
		result = runtime_handler_find(engine, args.handler, &handler, call);
	if (result == 0 && !text_is_empty(args.config->cgroup_parent))
		result = cgroup_check_path(args.config->cgroup_parent, "linux.cgroup_parent", call);
	if (result == 0)
		result = sandbox_prepare_pause(engine, call);
	if (result == 0)
		result = begin(engine, args.config, &making, call);
	if (result)
		return result;
	result = random_id(id);
	if (result < 0)
		return call_fail_errno(call, result, "make an id", "getrandom");
	result_id = strdup(id);
	name = lock_name(args.config);
	if (!result_id || !name)
		/* Cleanup attributes are unknown to it. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		return call_no_memory(call, step);
	result = fill_row(engine, &arena, args.config, handler->name, id, &row, call);
	if (result == 0)
		result = engine_lock_name(engine, name, &name_lock, call);
	if (result == 0)
		result = clear_name(engine, args.config, call);
	if (result == 0)
		result = engine_lock_object(engine, id, &lock, call);
	if (result == 0)
		result = store_sandbox_insert(engine->store, &row, call);
	if (result == 0)
		result = make_or_undo(engine, &row, args.config, &making, call);
	if (result < 0)
		return result;
	*(char **)output = TAKE_POINTER(result_id);
	return 0;
}

int cri_sandbox_run(cri_engine *engine, const cri_sandbox_config *config, const char *handler, char **id,
		    cri_call *call)
{
	const struct run_args args = { config, handler };

	return api_call_output(engine, run, &args, id, call);
}

int cri_sandbox_run_begin(cri_engine *engine, const cri_sandbox_config *config, const char *handler, cri_op **op,
			  cri_call *call)
{
	const struct run_args args = { config, handler };

	return api_begin(engine, run, &args, sizeof(args), copy_args, API_STRING, op, call);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Status, RuntimeConfig and UpdateRuntimeConfig. */
#include "core/engine.h"

#include "base/json.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"
#include "image/filesystem.h"
#include "network/network.h"

#include <string.h>
#include <unistd.h>

static const char step[] = "read the status";

/* What a container cannot be made without. */
static const char *const needed_helpers[] = { "cri-shim", "cri-init", "cri-sandbox", "cri-unpack", "cri-fetch" };

/* The program that is missing, or NULL. */
static const char *missing_helper(const cri_engine *engine)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(needed_helpers) / sizeof(*needed_helpers); i++) {
		if (access(path_helper(engine, needed_helpers[i], path), X_OK) < 0)
			return needed_helpers[i];
	}
	return NULL;
}

static cri_condition *add_condition(struct arena *arena, const cri_condition **conditions, size_t *n, const char *type)
{
	cri_condition *condition = arena_alloc(arena, sizeof(*condition));

	if (!condition)
		return NULL;
	*condition = (cri_condition){ .type = type, .status = true, .reason = "", .message = "" };
	conditions[(*n)++] = condition;
	return condition;
}

static int fill_conditions(cri_engine *engine, struct arena *arena, cri_engine_status *status, cri_call *call)
{
	const cri_condition **conditions = arena_array(arena, 2, sizeof(*conditions));
	const char *missing = missing_helper(engine);
	cri_condition *runtime, *network;

	if (!conditions)
		return call_no_memory(call, step);
	status->conditions = conditions;
	runtime = add_condition(arena, conditions, &status->n_conditions, "RuntimeReady");
	network = add_condition(arena, conditions, &status->n_conditions, "NetworkReady");
	if (!runtime || !network)
		return call_no_memory(call, step);
	if (missing) {
		runtime->status = false;
		runtime->reason = "HelperMissing";
		runtime->message = arena_printf(arena, "%s is not in %s", missing, engine->helpers);
		if (!runtime->message)
			return call_no_memory(call, step);
	}
	return network_ready(engine, arena, &network->status, &network->reason, &network->message, call);
}

static int fill_handlers(struct arena *arena, cri_engine_status *status, cri_call *call)
{
	static const char *const names[] = { "", "lxc", "lcr" };
	const size_t n_names = sizeof(names) / sizeof(*names);
	const cri_handler_status **handlers = arena_array(arena, n_names, sizeof(*handlers));

	if (!handlers)
		return call_no_memory(call, step);
	for (size_t i = 0; i < n_names; i++) {
		cri_handler_status *handler = arena_alloc(arena, sizeof(*handler));

		if (!handler)
			return call_no_memory(call, step);
		handler->name = names[i];
		handler->recursive_read_only_mounts = true;
		handlers[i] = handler;
	}
	status->handlers = handlers;
	status->n_handlers = n_names;
	return 0;
}

static int fill_filesystem(cri_engine *engine, struct arena *arena, cri_engine_status *status, cri_call *call)
{
	const char *mountpoint, *uuid;
	int result = filesystem_of_root(engine, &mountpoint, &uuid, call);

	if (result < 0)
		return result;
	/* The list may outlive the engine. */
	status->filesystem = arena_strdup(arena, mountpoint);
	return status->filesystem ? 0 : call_no_memory(call, step);
}

static int get_status(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	CLEANUP_LIST cri_list *made = list_new(LIST_ENGINE_STATUS, sizeof(cri_engine_status));
	cri_engine_status *status = made ? list_add(made) : NULL;
	int result;

	(void)pointer;
	if (!status)
		return call_no_memory(call, step);
	*status = (cri_engine_status){
		.supplemental_groups_policy = true,
		.mount_options = true,
		.cgroup_driver = engine->options.cgroup_driver,
		.cgroup_version = engine->cgroups->unified ? 2 : 1,
		.root = arena_strdup(&made->arena, engine->root),
		.state = arena_strdup(&made->arena, engine->state),
	};
	if (!status->root || !status->state)
		return call_no_memory(call, step);
	result = fill_filesystem(engine, &made->arena, status, call);
	if (result == 0)
		result = fill_conditions(engine, &made->arena, status, call);
	if (result == 0)
		result = fill_handlers(&made->arena, status, call);
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

int cri_engine_status_get(cri_engine *engine, cri_list **status, cri_call *call)
{
	return api_call_output(engine, get_status, NULL, status, call);
}

int cri_engine_status_get_begin(cri_engine *engine, cri_op **op, cri_call *call)
{
	return api_begin(engine, get_status, NULL, 0, NULL, API_LIST, op, call);
}

const cri_engine_status *cri_engine_status_at(const cri_list *status, size_t index)
{
	return list_at(status, LIST_ENGINE_STATUS, index);
}

static int info_json(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const cri_engine_options *options = &engine->options;
	CLEANUP_JSON cJSON *info = cJSON_CreateObject();
	cJSON *config = info ? cJSON_AddObjectToObject(info, "config") : NULL;
	int result;
	char *text;

	(void)pointer;
	if (!config || !cJSON_AddStringToObject(info, "version", CRI_VERSION) ||
	    !cJSON_AddStringToObject(config, "root", options->root) ||
	    !cJSON_AddStringToObject(config, "state", options->state) ||
	    !cJSON_AddStringToObject(config, "helperDirectory", options->helper_directory) ||
	    !cJSON_AddStringToObject(config, "cgroupParent", options->cgroup_parent) ||
	    !cJSON_AddStringToObject(config, "podSandboxImage", options->pod_sandbox_image) ||
	    !cJSON_AddStringToObject(config, "defaultHandler", options->default_handler) ||
	    !cJSON_AddNumberToObject(config, "maxParallelLayers", options->max_parallel_layers) ||
	    !cJSON_AddNumberToObject(config, "maxEvents", options->max_events) ||
	    !cJSON_AddNumberToObject(info, "cgroupVersion", engine->cgroups->unified ? 2 : 1))
		return call_no_memory(call, step);
	result = network_describe(engine, info, call);
	if (result < 0)
		return result;
	text = cJSON_PrintUnformatted(info);
	if (!text)
		return call_no_memory(call, step);
	*(char **)output = text;
	return 0;
}

int cri_engine_info_json(cri_engine *engine, char **json, cri_call *call)
{
	return api_call_output(engine, info_json, NULL, json, call);
}

static int update_runtime_config(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const char *const *pod_cidr = pointer;

	(void)output;
	(void)call;
	engine_log(engine, CRI_LOG_INFO, "UpdateRuntimeConfig: pod CIDR \"%s\" is noted and changes nothing",
		   *pod_cidr ? *pod_cidr : "");
	return 0;
}

int cri_engine_update_runtime_config(cri_engine *engine, const char *pod_cidr, cri_call *call)
{
	return api_call(engine, update_runtime_config, &pod_cidr, NULL, call);
}

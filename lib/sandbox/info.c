/* SPDX-License-Identifier: Apache-2.0 */
/* PodSandboxStatus and ListPodSandbox. */
#include "sandbox/info.h"

#include "base/json.h"
#include "base/text.h"
#include "config/config.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"
#include "network/network.h"
#include "sandbox/sandbox.h"

#include <string.h>

int sandbox_info_fill(struct arena *arena, const struct sandbox_row *row, cri_sandbox_info *info, cri_call *call)
{
	int result;

	*info = (cri_sandbox_info){
		.id = row->id,
		.name = row->name,
		.uid = row->uid,
		.namespace_ = row->namespace_,
		.attempt = row->attempt,
		.state = row->state == SANDBOX_READY ? CRI_SANDBOX_READY : CRI_SANDBOX_NOTREADY,
		.created_at = row->created_at,
		.handler = row->handler,
	};
	result = config_pairs_from_json(arena, row->labels, &info->labels, &info->n_labels, call);
	if (result == 0)
		result =
			config_pairs_from_json(arena, row->annotations, &info->annotations, &info->n_annotations, call);
	return result;
}

int sandbox_list_items(cri_engine *engine, struct arena *arena, const cri_sandbox_filter *filter, bool ready,
		       struct sandbox_item **items, size_t *n_items, cri_call *call)
{
	const cri_sandbox_filter *wanted;
	const void *copy;
	struct sandbox_row *rows;
	unsigned states = SANDBOX_VISIBLE;
	size_t n_rows;
	int result = config_copy(&config_sandbox_filter, arena, filter, &copy, call);

	if (result < 0)
		return result;
	wanted = copy;
	if (ready)
		states = 1u << SANDBOX_READY;
	else if (wanted->has_state)
		states = wanted->state == CRI_SANDBOX_READY ? 1u << SANDBOX_READY : 1u << SANDBOX_NOTREADY;
	result = store_sandbox_list(engine->store, arena, text_is_empty(wanted->id) ? NULL : wanted->id, states, &rows,
				    &n_rows, call);
	if (result < 0)
		return result;
	*items = arena_array(arena, n_rows + 1, sizeof(**items));
	if (!*items)
		return call_no_memory(call, "list sandboxes");
	*n_items = 0;
	for (size_t i = 0; i < n_rows; i++) {
		struct sandbox_item *item = &(*items)[*n_items];

		item->row = rows[i];
		result = sandbox_info_fill(arena, &rows[i], &item->info, call);
		if (result < 0)
			return result;
		if (config_pairs_match(item->info.labels, item->info.n_labels, wanted->label_selector,
				       wanted->n_label_selector))
			(*n_items)++;
	}
	return 0;
}

static int list(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const cri_sandbox_filter *const *filter = pointer;
	CLEANUP_LIST cri_list *made = list_new(LIST_SANDBOX, sizeof(cri_sandbox_info));
	struct sandbox_item *items;
	size_t n_items = 0;
	int result;

	if (!made)
		return call_no_memory(call, "list sandboxes");
	result = sandbox_list_items(engine, &made->arena, *filter, false, &items, &n_items, call);
	if (result)
		return result;
	for (size_t i = 0; i < n_items; i++) {
		cri_sandbox_info *info = list_add(made);

		if (!info)
			return call_no_memory(call, "list sandboxes");
		*info = items[i].info;
	}
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

int cri_sandbox_list(cri_engine *engine, const cri_sandbox_filter *filter, cri_list **sandboxes, cri_call *call)
{
	return api_call_output(engine, list, &filter, sandboxes, call);
}

const cri_sandbox_info *cri_sandbox_at(const cri_list *sandboxes, size_t index)
{
	return list_at(sandboxes, LIST_SANDBOX, index);
}

/* The interfaces that were attached: [{"interface":…,"network":…,"ips":[…]}…]. */
static int fill_networks(struct arena *arena, const struct sandbox_row *row, cri_sandbox_status *status, cri_call *call)
{
	static const char step[] = "read the pod's network";
	CLEANUP_JSON cJSON *json = NULL;
	const cJSON *interfaces = NULL, *interface, *ip;
	const cri_sandbox_network **networks;

	status->ip = "";
	if (json_parse(row->network, strlen(row->network), NETWORK_RECORD_MAX, &json) < 0)
		return call_fail(call, CRI_ECORRUPT, step, "the store's record is no JSON");
	if (json_array(json, "interfaces", &interfaces) < 0)
		return 0;
	networks = arena_array(arena, (size_t)cJSON_GetArraySize(interfaces) + 1, sizeof(*networks));
	if (!networks)
		return call_no_memory(call, step);
	cJSON_ArrayForEach(interface, interfaces)
	{
		cri_sandbox_network *network = arena_alloc(arena, sizeof(*network));
		const char *name = "", *of = "";
		const cJSON *ips = NULL;
		const char **texts;

		json_string(interface, "interface", &name);
		json_string(interface, "network", &of);
		json_array(interface, "ips", &ips);
		texts = arena_array(arena, (size_t)cJSON_GetArraySize(ips) + 1, sizeof(*texts));
		if (!network || !texts)
			return call_no_memory(call, step);
		network->interface_name = arena_strdup(arena, name);
		network->network = arena_strdup(arena, of);
		network->ips = texts;
		cJSON_ArrayForEach(ip, ips)
		{
			texts[network->n_ips] = arena_strdup(arena, cJSON_IsString(ip) ? ip->valuestring : "");
			if (!texts[network->n_ips++])
				return call_no_memory(call, step);
		}
		if (!network->interface_name || !network->network)
			return call_no_memory(call, step);
		networks[status->n_networks++] = network;
	}
	status->networks = networks;
	if (status->n_networks && networks[0]->n_ips) {
		status->ip = networks[0]->ips[0];
		status->additional_ips = networks[0]->ips + 1;
		status->n_additional_ips = networks[0]->n_ips - 1;
	}
	return 0;
}

static int fill_status(cri_engine *engine, struct arena *arena, const struct sandbox_row *row,
		       cri_sandbox_status *status, cri_call *call)
{
	const cri_sandbox_config *config;
	const void *parsed;
	char path[PATH_MAX];
	int result = sandbox_info_fill(arena, row, &status->info, call);

	if (result == 0)
		result = config_from_json(&config_sandbox, arena, row->config, strlen(row->config), &parsed, call);
	if (result == 0)
		result = fill_networks(arena, row, status, call);
	if (result)
		return result;
	config = parsed;
	status->network = config->network;
	status->pid = config->pid;
	status->ipc = config->ipc;
	status->user_namespace = config->user_namespace;
	status->cgroup = row->cgroup;
	status->network_namespace =
		arena_strdup(arena, config->network == CRI_NAMESPACE_NODE ? path_host_namespace(engine, path)
									  : path_sandbox(engine, row->id, "net", path));
	return status->network_namespace ? 0 : call_no_memory(call, "read the sandbox");
}

static int get_status(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_LIST cri_list *made = list_new(LIST_SANDBOX_STATUS, sizeof(cri_sandbox_status));
	cri_sandbox_status *status = made ? list_add(made) : NULL;
	struct sandbox_row row;
	int result;

	if (!status)
		return call_no_memory(call, "read the sandbox");
	call_object_id(call, "sandbox", args->id);
	result = store_sandbox_get(engine->store, &made->arena, args->id, false, &row, call);
	if (result == 0)
		result = fill_status(engine, &made->arena, &row, status, call);
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

int cri_sandbox_status_get(cri_engine *engine, const char *id, cri_list **status, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call_output(engine, get_status, &args, status, call);
}

const cri_sandbox_status *cri_sandbox_status_at(const cri_list *status, size_t index)
{
	return list_at(status, LIST_SANDBOX_STATUS, index);
}

static int info_json(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	static const char step[] = "write the sandbox's information";
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *info = cJSON_CreateObject();
	struct sandbox_row row;
	char path[PATH_MAX];
	char *text;
	int result;

	call_object_id(call, "sandbox", args->id);
	result = store_sandbox_get(engine->store, &arena, args->id, false, &row, call);
	if (result < 0)
		return result;
	if (!info || !cJSON_AddRawToObject(info, "config", row.config) ||
	    !cJSON_AddRawToObject(info, "network", row.network) ||
	    !cJSON_AddStringToObject(info, "runtimeHandler", row.handler) ||
	    !cJSON_AddStringToObject(info, "cgroup", row.cgroup) ||
	    !cJSON_AddStringToObject(info, "pauseContainer", row.pause) ||
	    !cJSON_AddStringToObject(info, "stateDirectory", path_sandbox(engine, row.id, "", path)))
		return call_no_memory(call, step);
	if (row.state == SANDBOX_READY && network_is_recorded(row.network)) {
		const char *problem;

		result = network_check(engine, &arena, row.id, &problem, call);
		if (result < 0)
			return result;
		if (!cJSON_AddStringToObject(info, "networkCheck", text_is_empty(problem) ? "OK" : problem))
			return call_no_memory(call, step);
	}
	text = cJSON_PrintUnformatted(info);
	if (!text)
		return call_no_memory(call, step);
	*(char **)output = text;
	return 0;
}

int cri_sandbox_info_json(cri_engine *engine, const char *id, char **json, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call_output(engine, info_json, &args, json, call);
}

int cri_sandbox_info_json_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_begin(engine, info_json, &args, sizeof(args), api_copy_id, API_STRING, op, call);
}

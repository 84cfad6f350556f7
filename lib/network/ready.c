/* SPDX-License-Identifier: Apache-2.0 */
/* The condition NetworkReady, and what else is told of the networks. */
#include "network/network.h"

#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "network/ask.h"
#include "network/networks.h"
#include "network/plan.h"

#include <string.h>

static const char step[] = "read the network's status";

/* From CNI 1.1.0 on plugins can say themselves that they are not ready. */
#define FIRST_WITH_STATUS "1.1.0"

static int make_record(cri_engine *engine, const cJSON *list, cJSON **record, cri_call *call)
{
	CLEANUP_JSON cJSON *made = cJSON_CreateObject();
	cJSON *attachments = made ? cJSON_AddArrayToObject(made, "attachments") : NULL;
	cJSON *attachment = cJSON_CreateObject();
	cJSON *copy = cJSON_Duplicate(list, true);

	if (!attachments || !attachment || !cJSON_AddItemToArray(attachments, attachment)) {
		cJSON_Delete(attachment);
		cJSON_Delete(copy);
		return call_no_memory(call, step);
	}
	if (!copy || !cJSON_AddItemToObject(attachment, "list", copy)) {
		cJSON_Delete(copy);
		return call_no_memory(call, step);
	}
	if (!cJSON_AddStringToObject(attachment, "interface", PLAN_DEFAULT_INTERFACE) ||
	    !cJSON_AddStringToObject(made, "args", "IgnoreUnknown=1") || !plan_add_path(engine, made) ||
	    !cJSON_AddBoolToObject(made, "inProcess", !engine->options.cni_exec_all))
		return call_no_memory(call, step);
	*record = TAKE_POINTER(made);
	return 0;
}

/* Asks the plugins. A failure is theirs, not the call's. */
static int ask_plugins(cri_engine *engine, struct arena *arena, const cJSON *list, bool *ready, const char **message,
		       cri_call *call)
{
	/* Several may ask at once: none waits for another, nor for a pod. */
	char id[ID_LENGTH + 1];
	struct network_question question = { .command = "STATUS", .id = id, .netns = "", .patience = NETWORK_PATIENCE };
	CLEANUP_JSON cJSON *record = NULL;
	CLEANUP_JSON cJSON *answer = NULL;
	cri_call asking;
	bool undone;
	int result = random_id(id);

	if (result < 0)
		return call_fail_errno(call, result, step, "getrandom");
	result = make_record(engine, list, &record, call);
	if (result < 0)
		return result;
	question.record = record;
	call_init_child(&asking, call);
	result = network_question_ask(engine, &question, &answer, &undone, &asking);
	if (result == 0)
		return 0;
	*ready = false;
	*message = arena_strdup(arena, cri_call_message(&asking));
	return *message ? 0 : call_no_memory(call, step);
}

static int cni_ready(cri_engine *engine, struct arena *arena, bool *ready, const char **reason, const char **message,
		     cri_call *call)
{
	CLEANUP_JSON cJSON *networks = NULL;
	const char *problem = "", *version = "";
	bool stale = false;
	const cJSON *list;
	int result = networks_load(engine, &networks, call);

	if (result < 0)
		return result;
	(void)json_string(networks, "problem", &problem);
	list = networks_find(networks, NULL);
	*ready = list != NULL;
	*reason = list ? "" : "NetworkPluginNotReady";
	(void)json_bool(networks, "stale", &stale);
	*message = stale ? arena_printf(arena, "the last good configuration stays in force: %s", problem)
			 : arena_strdup(arena, problem);
	if (!*message)
		return call_no_memory(call, step);
	if (!list || json_string(list, "cniVersion", &version) < 0 || strcmp(version, FIRST_WITH_STATUS) < 0)
		return 0;
	result = ask_plugins(engine, arena, list, ready, message, call);
	if (result == 0 && !*ready)
		*reason = "NetworkPluginNotReady";
	return result;
}

int network_ready(cri_engine *engine, struct arena *arena, bool *ready, const char **reason, const char **message,
		  cri_call *call)
{
	*ready = true;
	*reason = "";
	switch (engine->options.network_plugin) {
	case CRI_NETWORK_NONE:
		*message = "pods have loopback only";
		return 0;
	case CRI_NETWORK_NATIVE:
		*message = "pods are on the bridge " NATIVE_BRIDGE;
		return 0;
	case CRI_NETWORK_CNI:
		break;
	}
	return cni_ready(engine, arena, ready, reason, message, call);
}

int network_refresh(cri_engine *engine, cri_call *call)
{
	CLEANUP_JSON cJSON *networks = NULL;

	return engine->options.network_plugin == CRI_NETWORK_CNI ? networks_load(engine, &networks, call) : 0;
}

/* The networks in force, the default one first, as their files say. */
static int describe_cni(cri_engine *engine, cJSON *network, cri_call *call)
{
	CLEANUP_JSON cJSON *networks = NULL;
	int result = networks_load(engine, &networks, call);
	cJSON *member;

	if (result < 0)
		return result;
	member = cJSON_DetachItemFromObjectCaseSensitive(networks, "networks");
	if (!member || !cJSON_AddItemToObject(network, "networks", member)) {
		cJSON_Delete(member);
		return call_no_memory(call, step);
	}
	member = cJSON_DetachItemFromObjectCaseSensitive(networks, "problem");
	if (!member || !cJSON_AddItemToObject(network, "problem", member)) {
		cJSON_Delete(member);
		return call_no_memory(call, step);
	}
	return plan_add_path(engine, network) ? 0 : call_no_memory(call, step);
}

int network_describe(cri_engine *engine, cJSON *info, cri_call *call)
{
	static const char *const names[] = {
		[CRI_NETWORK_NONE] = "none", [CRI_NETWORK_CNI] = "cni", [CRI_NETWORK_NATIVE] = "native"
	};
	const cri_network_plugin plugin = engine->options.network_plugin;
	cJSON *network = cJSON_AddObjectToObject(info, "network");

	if (!network || !cJSON_AddStringToObject(network, "plugin", names[plugin]))
		return call_no_memory(call, step);
	return plugin == CRI_NETWORK_CNI ? describe_cni(engine, network, call) : 0;
}

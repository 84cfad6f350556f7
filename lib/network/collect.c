/* SPDX-License-Identifier: Apache-2.0 */
/* Garbage that only plugins know of: GC of CNI 1.1.0. */
#include "network/network.h"

#include "base/fs.h"
#include "base/random.h"
#include "base/text.h"
#include "network/ask.h"
#include "network/networks.h"
#include "network/plan.h"
#include "store/store.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "collect the networks' garbage";

/* From this version on plugins have GC. */
#define FIRST_WITH_GC "1.1.0"
#define PATIENCE_MILLISECONDS 10000

/* 1: this call is the first since the boot, as <state> is a tmpfs. */
static int is_first(cri_engine *engine, cri_call *call)
{
	char path[PATH_MAX];
	int result = fs_path(path, sizeof(path), "%s/network.collected", engine->state);
	int fd = result < 0 ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		close(fd);
		return 1;
	}
	if (result == 0 && errno == EEXIST)
		return 0;
	return call_fail_errno(call, result < 0 ? result : errno, step, "make %s/network.collected", engine->state);
}

static bool add_item(cJSON *array, cJSON *item)
{
	if (item && cJSON_AddItemToArray(array, item))
		return true;
	cJSON_Delete(item);
	return false;
}

/* One of the record's attachments, below the name of its network. */
static bool add_valid(cJSON *valid, const cJSON *attachment, const char *id)
{
	const char *name = "", *interface = "";
	cJSON *entries, *entry = cJSON_CreateObject();

	(void)json_string(cJSON_GetObjectItemCaseSensitive(attachment, "list"), "name", &name);
	(void)json_string(attachment, "interface", &interface);
	entries = cJSON_GetObjectItemCaseSensitive(valid, name);
	if (!entries)
		entries = cJSON_AddArrayToObject(valid, name);
	if (!entries || !entry) {
		cJSON_Delete(entry);
		return false;
	}
	return add_item(entries, entry) && cJSON_AddStringToObject(entry, "containerID", id) &&
	       cJSON_AddStringToObject(entry, "ifname", interface);
}

/* Every attachment that any pod's row names, by network. */
static int list_valid(cri_engine *engine, cJSON *valid, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row *rows;
	size_t n_rows = 0;
	int result = store_sandbox_list(engine->store, &arena, NULL, STATES_ALL, &rows, &n_rows, call);

	for (size_t i = 0; i < n_rows && result == 0; i++) {
		CLEANUP_JSON cJSON *record = NULL;
		const cJSON *attachment;

		if (json_parse(rows[i].network, strlen(rows[i].network), NETWORK_RECORD_MAX, &record) < 0)
			return call_fail(call, CRI_ECORRUPT, step, "the network of the pod %s is no JSON", rows[i].id);
		cJSON_ArrayForEach(attachment, cJSON_GetObjectItemCaseSensitive(record, "attachments"))
		{
			if (!add_valid(valid, attachment, rows[i].id))
				return call_no_memory(call, step);
		}
	}
	return result;
}

/* The networks that have GC. Whoever shares one with another program sets disableGC, as the specification says. */
static bool add_networks(const cJSON *networks, cJSON *attachments)
{
	const cJSON *network;

	cJSON_ArrayForEach(network, cJSON_GetObjectItemCaseSensitive(networks, "networks"))
	{
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(network, "list");
		const char *version = "";
		bool disabled = false;
		cJSON *attachment, *copy;

		(void)json_string(list, "cniVersion", &version);
		(void)json_bool(list, "disableGC", &disabled);
		if (disabled || strcmp(version, FIRST_WITH_GC) < 0)
			continue;
		attachment = cJSON_CreateObject();
		copy = cJSON_Duplicate(list, true);
		if (!attachment || !add_item(attachments, attachment)) {
			cJSON_Delete(copy);
			return false;
		}
		if (!copy || !cJSON_AddItemToObject(attachment, "list", copy)) {
			cJSON_Delete(copy);
			return false;
		}
		if (!cJSON_AddStringToObject(attachment, "interface", PLAN_DEFAULT_INTERFACE))
			return false;
	}
	return true;
}

static int collect(cri_engine *engine, cri_call *call)
{
	char id[ID_LENGTH + 1];
	struct network_question question = {
		.command = "GC", .id = id, .netns = "", .patience = PATIENCE_MILLISECONDS
	};
	CLEANUP_JSON cJSON *networks = NULL;
	CLEANUP_JSON cJSON *record = cJSON_CreateObject();
	CLEANUP_JSON cJSON *answer = NULL;
	cJSON *attachments = record ? cJSON_AddArrayToObject(record, "attachments") : NULL;
	cJSON *valid = record ? cJSON_AddObjectToObject(record, "valid") : NULL;
	bool undone;
	int result = networks_load(engine, &networks, call);

	if (result < 0)
		return result;
	if (!attachments || !valid || !add_networks(networks, attachments))
		return call_no_memory(call, step);
	if (!attachments->child)
		return 0;
	result = list_valid(engine, valid, call);
	if (result < 0)
		return result;
	if (!cJSON_AddStringToObject(record, "args", "IgnoreUnknown=1") || !plan_add_path(engine, record) ||
	    !cJSON_AddBoolToObject(record, "inProcess", !engine->options.cni_exec_all))
		return call_no_memory(call, step);
	result = random_id(id);
	if (result < 0)
		return call_fail_errno(call, result, step, "getrandom");
	question.record = record;
	return network_question_ask(engine, &question, &answer, &undone, call);
}

int network_collect(cri_engine *engine, cri_call *call)
{
	cri_call collecting;
	int result;

	if (engine->options.network_plugin != CRI_NETWORK_CNI)
		return 0;
	result = is_first(engine, call);
	if (result <= 0)
		return result;
	call_init_child(&collecting, call);
	if (collect(engine, &collecting) < 0)
		engine_log(engine, CRI_LOG_WARNING, "the networks' garbage stays: %s", cri_call_message(&collecting));
	return 0;
}

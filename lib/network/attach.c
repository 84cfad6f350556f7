/* SPDX-License-Identifier: Apache-2.0 */
#include "network/network.h"

#include "base/json.h"
#include "base/text.h"
#include "core/paths.h"
#include "core/test_point.h"
#include "network/ask.h"
#include "network/plan.h"
#include "store/store.h"

#include <string.h>
#include <unistd.h>

static const char step[] = "set up the pod's network";

static int save(cri_engine *engine, const char *id, const cJSON *record, cri_call *call)
{
	CLEANUP_FREE char *text = cJSON_PrintUnformatted(record);

	if (!text)
		return call_no_memory(call, step);
	if (strlen(text) > NETWORK_RECORD_MAX)
		return call_fail(
			call, CRI_EINVAL, step,
			"the pod's annotations and the configuration of its networks are larger than %u bytes together",
			NETWORK_RECORD_MAX);
	return store_sandbox_set_network(engine->store, id, text, call);
}

/* Whether an address is on the interface that the pod sees as `interface`; results of old versions do not say. */
static bool is_on(const cJSON *result, const cJSON *ip, const char *interface)
{
	const cJSON *interfaces = NULL, *its;
	const char *name = "", *sandbox = "";
	int64_t index = -1;

	if (json_int64(ip, "interface", &index) < 0)
		return true;
	(void)json_array(result, "interfaces", &interfaces);
	its = cJSON_GetArrayItem(interfaces, (int)index);
	(void)json_string(its, "name", &name);
	(void)json_string(its, "sandbox", &sandbox);
	return !text_is_empty(sandbox) && !strcmp(name, interface);
}

static bool add_addresses(const cJSON *result, const char *interface, cJSON *shown)
{
	cJSON *ips = cJSON_AddArrayToObject(shown, "ips");
	const cJSON *list = NULL, *ip;

	(void)json_array(result, "ips", &list);
	cJSON_ArrayForEach(ip, list)
	{
		const char *address = "";
		char text[64];
		cJSON *item;

		if (!ips)
			return false;
		if (json_string(ip, "address", &address) < 0 || !is_on(result, ip, interface))
			continue;
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(address, "/"), address);
		item = cJSON_CreateString(text);
		if (!item || !cJSON_AddItemToArray(ips, item)) {
			cJSON_Delete(item);
			return false;
		}
	}
	return ips != NULL;
}

/* What PodSandboxStatus shows. */
static bool show(const cJSON *attachment, const cJSON *result, cJSON *interfaces)
{
	cJSON *shown = cJSON_CreateObject();
	const char *interface = "", *network = "";

	if (!shown || !cJSON_AddItemToArray(interfaces, shown)) {
		cJSON_Delete(shown);
		return false;
	}
	(void)json_string(attachment, "interface", &interface);
	(void)json_string(cJSON_GetObjectItemCaseSensitive(attachment, "list"), "name", &network);
	return cJSON_AddStringToObject(shown, "interface", interface) &&
	       cJSON_AddStringToObject(shown, "network", network) && add_addresses(result, interface, shown);
}

static int add_results(cJSON *record, const cJSON *answer, cri_call *call)
{
	cJSON *interfaces = cJSON_AddArrayToObject(record, "interfaces");
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(answer, "results");
	cJSON *attachment;

	result = result ? result->child : NULL;
	cJSON_ArrayForEach(attachment, cJSON_GetObjectItemCaseSensitive(record, "attachments"))
	{
		cJSON *copy = result ? cJSON_Duplicate(result, true) : NULL;

		if (!result)
			return call_fail(call, CRI_EINTERNAL, step, "cri-network answered too few results");
		if (!interfaces || !copy || !cJSON_AddItemToObject(attachment, "result", copy)) {
			cJSON_Delete(copy);
			return call_no_memory(call, step);
		}
		if (!show(attachment, result, interfaces))
			return call_no_memory(call, step);
		result = result->next;
	}
	return 0;
}

int network_attach_begin(cri_engine *engine, struct network_attaching *attaching, cri_call *call)
{
	return engine->options.network_plugin == CRI_NETWORK_NONE
		       ? 0
		       : network_asking_start(engine, &attaching->asking, call);
}

int network_attach(cri_engine *engine, const char *sandbox_id, const cri_sandbox_config *config, const char *netns_path,
		   struct network_attaching *attaching, cri_call *call)
{
	struct network_question question = { .command = "ADD", .id = sandbox_id, .netns = netns_path, .early = true };
	int result;

	if (attaching->asking.control < 0)
		return 0;
	result = plan_make(engine, config, sandbox_id, &attaching->record, call);
	if (result == 0)
		result = save(engine, sandbox_id, attaching->record, call);
	if (result < 0)
		return result;
	test_point("sandbox network planned");
	question.record = attaching->record;
	return network_asking_ask(engine, &question, &attaching->asking, call);
}

static int end(cri_engine *engine, const char *sandbox_id, struct network_attaching *attaching, cri_call *call)
{
	CLEANUP_JSON cJSON *answer = NULL;
	bool undone;
	int result;

	network_asking_go(&attaching->asking);
	result = network_asking_end(&attaching->asking, &answer, &undone, call);
	test_point("sandbox network attached");
	if (result < 0) {
		/* Else the removal of the pod tries it again. */
		if (undone)
			(void)store_sandbox_set_network(engine->store, sandbox_id, NETWORK_NOTHING, call);
		return result;
	}
	result = add_results(attaching->record, answer, call);
	return result < 0 ? result : save(engine, sandbox_id, attaching->record, call);
}

int network_attach_end(cri_engine *engine, const char *sandbox_id, struct network_attaching *attaching, cri_call *call)
{
	int result = attaching->asking.control < 0 ? 0 : end(engine, sandbox_id, attaching, call);

	cJSON_Delete(attaching->record);
	attaching->record = NULL;
	return result;
}

void network_attach_give_up(struct network_attaching *attaching, cri_call *call)
{
	network_asking_give_up(&attaching->asking, call);
	cJSON_Delete(attaching->record);
	attaching->record = NULL;
}

/* The pod's record, or NULL when nothing is attached. */
static int load(cri_engine *engine, const char *id, cJSON **record, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row row;
	int result = store_sandbox_get(engine->store, &arena, id, true, &row, call);

	*record = NULL;
	if (result < 0 || !network_is_recorded(row.network))
		return result;
	if (json_parse(row.network, strlen(row.network), NETWORK_RECORD_MAX, record) < 0)
		return call_fail(call, CRI_ECORRUPT, "read the pod's network", "the store's record is no JSON");
	return 0;
}

int network_detach(cri_engine *engine, const char *sandbox_id, cri_call *call)
{
	struct network_question question = { .command = "DEL", .id = sandbox_id, .netns = "" };
	CLEANUP_JSON cJSON *record = NULL;
	CLEANUP_JSON cJSON *answer = NULL;
	char path[PATH_MAX];
	bool undone;
	int result = load(engine, sandbox_id, &record, call);

	if (result < 0 || !record || !cJSON_GetObjectItemCaseSensitive(record, "attachments"))
		return result;
	if (!plan_widen_path(engine, record))
		return call_no_memory(call, step);
	if (access(path_sandbox(engine, sandbox_id, "net", path), F_OK) == 0)
		question.netns = path;
	question.record = record;
	test_point("sandbox network detaching");
	result = network_question_ask(engine, &question, &answer, &undone, call);
	test_point("sandbox network detached");
	return result < 0 ? result : store_sandbox_set_network(engine->store, sandbox_id, NETWORK_NOTHING, call);
}

int network_check(cri_engine *engine, struct arena *arena, const char *sandbox_id, const char **problem, cri_call *call)
{
	struct network_question question = { .command = "CHECK", .id = sandbox_id, .patience = NETWORK_PATIENCE };
	CLEANUP_JSON cJSON *record = NULL;
	CLEANUP_JSON cJSON *answer = NULL;
	char path[PATH_MAX];
	cri_call asking;
	bool undone;
	int result = load(engine, sandbox_id, &record, call);

	*problem = "";
	if (result < 0 || !record)
		return result;
	question.netns = path_sandbox(engine, sandbox_id, "net", path);
	question.record = record;
	call_init_child(&asking, call);
	if (network_question_ask(engine, &question, &answer, &undone, &asking) == 0)
		return 0;
	*problem = arena_strdup(arena, cri_call_message(&asking));
	return *problem ? 0 : call_no_memory(call, step);
}

int network_addresses(cri_engine *engine, struct arena *arena, const char *sandbox_id, const char *const **ips,
		      size_t *n_ips, cri_call *call)
{
	CLEANUP_JSON cJSON *record = NULL;
	const cJSON *interfaces = NULL, *interface, *ip;
	const char **texts = NULL;
	int result = load(engine, sandbox_id, &record, call);

	*ips = NULL;
	*n_ips = 0;
	if (result < 0 || !record || json_array(record, "interfaces", &interfaces) < 0)
		return result;
	for (int counting = 1; counting >= 0; counting--) {
		size_t n = 0;

		cJSON_ArrayForEach(interface, interfaces)
		{
			cJSON_ArrayForEach(ip, cJSON_GetObjectItemCaseSensitive(interface, "ips"))
			{
				if (texts && !(texts[n] = arena_strdup(arena, cJSON_GetStringValue(ip))))
					return call_no_memory(call, step);
				n++;
			}
		}
		if (counting && !(texts = arena_array(arena, n + 1, sizeof(*texts))))
			return call_no_memory(call, step);
		*n_ips = n;
	}
	*ips = texts;
	return 0;
}

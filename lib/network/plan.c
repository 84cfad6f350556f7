/* SPDX-License-Identifier: Apache-2.0 */
#include "network/plan.h"

#include "base/text.h"
#include "core/settings.h"
#include "network/capabilities.h"
#include "network/networks.h"

#include <net/if.h>
#include <string.h>

static const char step[] = "choose the pod's networks";

#define MOST_NETWORKS 16
#define ANNOTATION_MAX 65536

/* The entries of the annotation; NULL: it is not given. */
static int read_annotation(const cri_sandbox_config *config, cJSON **entries, cri_call *call)
{
	const char *text = capabilities_annotation(config, PLAN_ANNOTATION);

	*entries = NULL;
	if (text_is_empty(text))
		return 0;
	if (json_parse(text, strlen(text), ANNOTATION_MAX, entries) < 0 || !cJSON_IsArray(*entries) ||
	    cJSON_GetArraySize(*entries) > MOST_NETWORKS)
		return call_fail(call, CRI_EINVAL, step,
				 "annotation " PLAN_ANNOTATION ": it is no JSON array of at most %d networks",
				 MOST_NETWORKS);
	return 0;
}

static bool is_interface_name(const char *name)
{
	return *name && strlen(name) < IFNAMSIZ && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strcmp(name, "lo") != 0 && !strpbrk(name, "/: \t\n");
}

static bool has_interface(const cJSON *attachments, const char *interface)
{
	const cJSON *attachment;
	const char *its;

	cJSON_ArrayForEach(attachment, attachments)
	{
		if (json_string(attachment, "interface", &its) == 0 && !strcmp(its, interface))
			return true;
	}
	return false;
}

static bool is_capable(const cJSON *list, const char *capability)
{
	const cJSON *plugin;

	cJSON_ArrayForEach(plugin, cJSON_GetObjectItemCaseSensitive(list, "plugins"))
	{
		bool its = false;

		(void)json_bool(cJSON_GetObjectItemCaseSensitive(plugin, "capabilities"), capability, &its);
		if (its)
			return true;
	}
	return false;
}

/* What a pod asks for and no plugin can do is left out, as the CNI conventions want it; but not in silence. */
static void warn_of_unused(cri_engine *engine, const cri_sandbox_config *config, const cJSON *list,
			   const cJSON *capabilities)
{
	static const char *const wishes[] = { "portMappings", "bandwidth", "ips", "mac" };
	const char *name = "";

	(void)json_string(list, "name", &name);
	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++) {
		if (cJSON_GetObjectItemCaseSensitive(capabilities, wishes[i]) && !is_capable(list, wishes[i]))
			engine_log(
				engine, CRI_LOG_WARNING,
				"sandbox %s: no plugin of the network %s has the capability %s, which the pod asks for",
				config->name, name, wishes[i]);
	}
}

static int add(cri_engine *engine, const cri_sandbox_config *config, const cJSON *list, const char *interface,
	       const cJSON *entry, bool is_default, cJSON *attachments, cri_call *call)
{
	CLEANUP_JSON cJSON *attachment = cJSON_CreateObject();
	CLEANUP_JSON cJSON *capabilities = NULL;
	cJSON *copy = cJSON_Duplicate(list, true);
	int result = capabilities_make(config, entry, is_default, &capabilities, call);

	if (!attachment || !copy || !cJSON_AddItemToObject(attachment, "list", copy)) {
		cJSON_Delete(copy);
		return call_no_memory(call, step);
	}
	if (result < 0)
		return result;
	warn_of_unused(engine, config, list, capabilities);
	if (!cJSON_AddStringToObject(attachment, "interface", interface) ||
	    !cJSON_AddItemToObject(attachment, "capabilities", capabilities))
		return call_no_memory(call, step);
	TAKE_POINTER(capabilities);
	if (!cJSON_AddItemToArray(attachments, attachment))
		return call_no_memory(call, step);
	TAKE_POINTER(attachment);
	return 0;
}

/* An entry of the annotation. `number`: of its interface, if it names none. */
static int add_entry(cri_engine *engine, const cri_sandbox_config *config, const cJSON *networks, const cJSON *entry,
		     int number, cJSON *attachments, cri_call *call)
{
	const char *name = "", *interface = "";
	const cJSON *list;
	char numbered[16];

	if (!cJSON_IsObject(entry) || json_string(entry, "name", &name) == -EINVAL ||
	    json_string(entry, "interface", &interface) == -EINVAL)
		return call_fail(call, CRI_EINVAL, step, "annotation " PLAN_ANNOTATION ": an entry is malformed");
	if (text_is_empty(interface)) {
		snprintf(numbered, sizeof(numbered), "eth%d", number);
		interface = numbered;
	}
	if (!is_interface_name(interface))
		return call_fail(call, CRI_EINVAL, step,
				 "annotation " PLAN_ANNOTATION ": \"%s\" is no name for an interface", interface);
	if (has_interface(attachments, interface))
		return call_fail(call, CRI_EINVAL, step, "annotation " PLAN_ANNOTATION ": interface %s is named twice",
				 interface);
	list = networks_find(networks, text_is_empty(name) ? NULL : name);
	if (!list)
		return call_fail(call, CRI_EINVAL, step, "annotation " PLAN_ANNOTATION ": there is no network \"%s\"",
				 name);
	return add(engine, config, list, interface, entry, !strcmp(interface, PLAN_DEFAULT_INTERFACE), attachments,
		   call);
}

static bool is_default_entry(const cJSON *entry)
{
	const char *interface = "";

	return json_string(entry, "interface", &interface) == 0 && !strcmp(interface, PLAN_DEFAULT_INTERFACE);
}

/* The default network is always the first. */
static int add_all(cri_engine *engine, const cri_sandbox_config *config, const cJSON *networks, const cJSON *entries,
		   cJSON *attachments, cri_call *call)
{
	const cJSON *entry, *chosen = NULL;
	int result, number = 1;

	cJSON_ArrayForEach(entry, entries)
	{
		if (!chosen && is_default_entry(entry))
			chosen = entry;
	}
	if (chosen)
		result = add_entry(engine, config, networks, chosen, 0, attachments, call);
	else
		result = add(engine, config, networks_find(networks, NULL), PLAN_DEFAULT_INTERFACE, NULL, true,
			     attachments, call);
	cJSON_ArrayForEach(entry, entries)
	{
		if (result == 0 && entry != chosen)
			result = add_entry(engine, config, networks, entry, number++, attachments, call);
	}
	return result;
}

/* What plugins learn of the pod. Their separators cannot be escaped. */
static int make_args(const cri_sandbox_config *config, const char *id, char **args, cri_call *call)
{
	if (strpbrk(config->name, ";=") || strpbrk(config->namespace_, ";=") || strpbrk(config->uid, ";="))
		return call_fail(call, CRI_EINVAL, step,
				 "metadata: a pod with a network cannot have ';' or '=' in its names");
	*args = text_printf("IgnoreUnknown=1;K8S_POD_NAMESPACE=%s;K8S_POD_NAME=%s;K8S_POD_INFRA_CONTAINER_ID=%s;"
			    "K8S_POD_UID=%s",
			    config->namespace_, config->name, id, config->uid);
	return *args ? 0 : call_no_memory(call, step);
}

static bool has_text(const cJSON *array, const char *text)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
	{
		if (cJSON_IsString(item) && !strcmp(item->valuestring, text))
			return true;
	}
	return false;
}

static bool widen(cri_engine *engine, cJSON *record)
{
	static const char *const usual[] = { "/opt/cni/bin", "/usr/lib/cni" };
	CLEANUP_SETTINGS const struct settings *settings = settings_take(engine);
	const bool given = settings->n_cni_plugin_directories > 0;
	const char *const *directories = given ? settings->cni_plugin_directories : usual;
	const size_t n = given ? settings->n_cni_plugin_directories : 2;
	cJSON *path = cJSON_GetObjectItemCaseSensitive(record, "path");

	for (size_t i = 0; i < n && path; i++) {
		cJSON *directory;

		if (has_text(path, directories[i]))
			continue;
		directory = cJSON_CreateString(directories[i]);
		if (!directory || !cJSON_AddItemToArray(path, directory)) {
			cJSON_Delete(directory);
			return false;
		}
	}
	return path != NULL;
}

bool plan_widen_path(cri_engine *engine, cJSON *record)
{
	const cJSON *path = cJSON_GetObjectItemCaseSensitive(record, "path");

	/* The native network has no plugins. */
	return path && !cJSON_GetArraySize(path) ? true : widen(engine, record);
}

bool plan_add_path(cri_engine *engine, cJSON *record)
{
	return cJSON_AddArrayToObject(record, "path") && widen(engine, record);
}

static int load(cri_engine *engine, cJSON **networks, cri_call *call)
{
	int result;
	const char *problem = "";

	if (engine->options.network_plugin == CRI_NETWORK_NATIVE)
		return networks_native(networks, call);
	result = networks_load(engine, networks, call);
	if (result < 0 || networks_find(*networks, NULL))
		return result;
	(void)json_string(*networks, "problem", &problem);
	return call_fail(call, CRI_EPRECONDITION, step, "there is no network yet: %s", problem);
}

int plan_make(cri_engine *engine, const cri_sandbox_config *config, const char *sandbox_id, cJSON **record,
	      cri_call *call)
{
	const bool native = engine->options.network_plugin == CRI_NETWORK_NATIVE;
	CLEANUP_JSON cJSON *networks = NULL;
	CLEANUP_JSON cJSON *entries = NULL;
	CLEANUP_JSON cJSON *made = cJSON_CreateObject();
	CLEANUP_FREE char *args = NULL;
	cJSON *attachments;
	int result = made ? load(engine, &networks, call) : call_no_memory(call, step);

	if (result == 0)
		result = make_args(config, sandbox_id, &args, call);
	if (result == 0)
		result = read_annotation(config, &entries, call);
	if (result < 0)
		return result;
	if (!cJSON_AddStringToObject(made, "args", args) ||
	    !(native ? cJSON_AddArrayToObject(made, "path") != NULL : plan_add_path(engine, made)) ||
	    !cJSON_AddBoolToObject(made, "inProcess", native || !engine->options.cni_exec_all) ||
	    !(attachments = cJSON_AddArrayToObject(made, "attachments")))
		return call_no_memory(call, step);
	result = add_all(engine, config, networks, entries, attachments, call);
	if (result == 0)
		*record = TAKE_POINTER(made);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "network/cni_config.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

/* Oldest first. A configuration that names none means 0.2.0, as plugins take it. */
static const char *const versions[] = { "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };
#define N_VERSIONS ((int)(sizeof(versions) / sizeof(*versions)))
#define DEFAULT_VERSION "0.2.0"

static int version_index(const char *version)
{
	int i = N_VERSIONS - 1;

	while (i >= 0 && strcmp(version, versions[i]) != 0)
		i--;
	return i;
}

static int wrong(const char **problem, const char *text)
{
	*problem = text;
	return -EINVAL;
}

static int find_version(const cJSON *file, const char **version, const char **problem)
{
	const cJSON *several = NULL, *one;
	int best = -1;

	*version = DEFAULT_VERSION;
	if (json_string(file, "cniVersion", version) == -EINVAL || json_array(file, "cniVersions", &several) == -EINVAL)
		return wrong(problem, "\"cniVersion\" or \"cniVersions\" is malformed");
	if (text_is_empty(*version))
		*version = DEFAULT_VERSION;
	best = version_index(*version);
	cJSON_ArrayForEach(one, several)
	{
		int index = cJSON_IsString(one) ? version_index(one->valuestring) : -1;

		best = index > best ? index : best;
	}
	if (best < 0)
		return wrong(problem, "its \"cniVersion\" is not known");
	*version = versions[best];
	return 0;
}

/* It becomes a part of paths. */
static bool is_name(const char *name)
{
	if (!isalnum((unsigned char)name[0]) || strlen(name) > 128)
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
			return false;
	}
	return true;
}

static int check_plugin(const cJSON *plugin, const char **problem)
{
	const cJSON *ipam = NULL;
	const char *type = "";

	if (!cJSON_IsObject(plugin) || json_string(plugin, "type", &type) < 0 || text_is_empty(type))
		return wrong(problem, "a plugin has no \"type\"");
	if (strchr(type, '/'))
		return wrong(problem, "a plugin's \"type\" is no file name");
	if (json_object(plugin, "ipam", &ipam) == -EINVAL)
		return wrong(problem, "a plugin's \"ipam\" is no object");
	type = "";
	if (ipam && ipam->child && json_string(ipam, "type", &type) == -EINVAL)
		return wrong(problem, "the type of a plugin's \"ipam\" is no text");
	return strchr(type, '/') ? wrong(problem, "the type of a plugin's \"ipam\" is no file name") : 0;
}

static int copy_flag(const cJSON *file, const char *key, cJSON *list, const char **problem)
{
	bool flag = false;

	/* Some write them as texts. */
	const cJSON *given = cJSON_GetObjectItemCaseSensitive(file, key);

	if (cJSON_IsString(given) && (!strcmp(given->valuestring, "true") || !strcmp(given->valuestring, "false")))
		flag = !strcmp(given->valuestring, "true");
	else if (json_bool(file, key, &flag) == -EINVAL)
		return wrong(problem, "\"disableCheck\" or \"disableGC\" is neither true nor false");
	return !flag || cJSON_AddTrueToObject(list, key) ? 0 : -ENOMEM;
}

static int add_plugins(const cJSON *file, bool is_list, cJSON *list, const char **problem)
{
	const cJSON *plugins = NULL, *plugin;
	cJSON *array = cJSON_AddArrayToObject(list, "plugins");
	cJSON *copy;
	int result;

	if (!array)
		return -ENOMEM;
	if (!is_list) {
		result = check_plugin(file, problem);
		copy = result < 0 ? NULL : cJSON_Duplicate(file, true);
		return result < 0 ? result : copy && cJSON_AddItemToArray(array, copy) ? 0 : -ENOMEM;
	}
	if (json_array(file, "plugins", &plugins) < 0 || cJSON_GetArraySize(plugins) < 1 ||
	    cJSON_GetArraySize(plugins) > CNI_PLUGINS_MAX)
		return wrong(problem, "\"plugins\" is no list of 1 to 16 plugins");
	cJSON_ArrayForEach(plugin, plugins)
	{
		result = check_plugin(plugin, problem);
		if (result < 0)
			return result;
		copy = cJSON_Duplicate(plugin, true);
		if (!copy || !cJSON_AddItemToArray(array, copy)) {
			cJSON_Delete(copy);
			return -ENOMEM;
		}
	}
	return 0;
}

int cni_config_read(const char *text, size_t length, bool is_list, cJSON **list, const char **problem)
{
	CLEANUP_JSON cJSON *file = NULL;
	CLEANUP_JSON cJSON *made = NULL;
	const char *name = "", *version;
	int result = json_parse(text, length, CNI_CONFIG_MAX, &file);

	*problem = "memory ran out";
	if (result == -ENOMEM)
		return result;
	if (result < 0 || !cJSON_IsObject(file))
		return wrong(problem, result == -EFBIG ? "it is larger than 256 KiB" : "it is no JSON object");
	if (json_string(file, "name", &name) < 0 || !is_name(name))
		return wrong(problem, "its \"name\" is missing or no name of a network");
	result = find_version(file, &version, problem);
	if (result < 0)
		return result;
	made = cJSON_CreateObject();
	if (!made || !cJSON_AddStringToObject(made, "cniVersion", version) ||
	    !cJSON_AddStringToObject(made, "name", name))
		return -ENOMEM;
	result = copy_flag(file, "disableCheck", made, problem);
	if (result == 0)
		result = copy_flag(file, "disableGC", made, problem);
	if (result == 0)
		result = add_plugins(file, is_list, made, problem);
	if (result == 0)
		*list = TAKE_POINTER(made);
	return result;
}

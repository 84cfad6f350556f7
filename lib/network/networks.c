/* SPDX-License-Identifier: Apache-2.0 */
#include "network/networks.h"

#include "base/fs.h"
#include "base/text.h"
#include "core/settings.h"
#include "network/cni_config.h"
#include "store/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const char step[] = "read the network configuration";

#define DEFAULT_DIRECTORY "/etc/cni/net.d"
#define SETTING "network"
#define FILES_MAX 64
#define STORED_MAX (16u << 20)

/* Of the machine, as the bridge is: engines of several roots share it. On tmpfs, as nothing of it outlives a boot. */
#define NATIVE_DIRECTORY "/run/libcri-networks"

/* The range of fd00::/8 was drawn once for this purpose, as RFC 4193 wants it. */
#define NATIVE_NAME "cri0"
#define NATIVE_SUBNET4 "10.88.0.0/16"
#define NATIVE_SUBNET6 "fd4c:1bc7:1a0e:88::/64"

struct files {
	struct dirent **entries;
	int n;
};

static void free_files(struct files *files)
{
	for (int i = 0; i < files->n; i++)
		free(files->entries[i]);
	free(files->entries);
}

static int is_configuration(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && (text_ends(entry->d_name, ".conflist") || text_ends(entry->d_name, ".conf") ||
					   text_ends(entry->d_name, ".json"));
}

/* By bytes, whatever the host's locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* What tells one state of the directory from another. */
static int fingerprint(const char *directory, const struct files *files, struct buffer *text)
{
	buffer_printf(text, "%s\n", directory);
	for (int i = 0; i < files->n; i++) {
		char path[PATH_MAX];
		struct stat status = { 0 };

		if (fs_path(path, sizeof(path), "%s/%s", directory, files->entries[i]->d_name) == 0 &&
		    stat(path, &status) < 0)
			status.st_ino = 0;
		buffer_printf(text, "%s %llu %llu %lld.%09ld\n", files->entries[i]->d_name,
			      (unsigned long long)status.st_ino, (unsigned long long)status.st_size,
			      (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
	}
	return text->failed ? -ENOMEM : 0;
}

/* One file; on failure `problem` says what is wrong with it. */
static int read_file(const char *directory, const char *name, cJSON *networks, struct buffer *problem)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	CLEANUP_JSON cJSON *list = NULL;
	CLEANUP_JSON cJSON *network = cJSON_CreateObject();
	const char *what = "";
	char path[PATH_MAX];
	int result = fs_path(path, sizeof(path), "%s/%s", directory, name);

	if (!network)
		return -ENOMEM;
	if (result == 0)
		result = fs_read(AT_FDCWD, path, CNI_CONFIG_MAX, &content);
	if (result < 0)
		what = strerror(-result);
	else
		result = cni_config_read(content.data ? content.data : "", content.length, text_ends(name, ".conflist"),
					 &list, &what);
	if (result < 0) {
		buffer_printf(problem, "%s%s: %s", problem->length ? "; " : "", path, what);
		return result;
	}
	if (!cJSON_AddStringToObject(network, "file", name) || !cJSON_AddItemToObject(network, "list", list))
		return -ENOMEM;
	TAKE_POINTER(list);
	return cJSON_AddItemToArray(networks, network) ? (TAKE_POINTER(network), 0) : -ENOMEM;
}

/* All files. *first_broken: the one that would be the default network is. */
static int read_files(const char *directory, const struct files *files, cJSON *networks, bool *first_broken,
		      struct buffer *problem, cri_call *call)
{
	*first_broken = files->n == 0;
	for (int i = 0; i < files->n && i < FILES_MAX; i++) {
		int result = read_file(directory, files->entries[i]->d_name, networks, problem);

		if (result == -ENOMEM)
			return call_no_memory(call, step);
		*first_broken |= result < 0 && i == 0;
	}
	if (files->n > FILES_MAX)
		buffer_printf(problem, "%s%s: files after the first %d are not read", problem->length ? "; " : "",
			      directory, FILES_MAX);
	return problem->failed ? call_no_memory(call, step) : 0;
}

static int get_stored(cri_engine *engine, cJSON **stored, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *text;
	int result = store_setting_get(engine->store, &arena, SETTING, &text, call);

	*stored = NULL;
	if (result < 0)
		return result == CRI_ENOTFOUND ? 0 : result;
	/* Written by a later version, or damaged: it is only a copy. */
	(void)json_parse(text, strlen(text), STORED_MAX, stored);
	return 0;
}

/* Before an engine was ever given a good configuration any will do; later, a broken one does not replace it. */
static int choose(cJSON *stored, cJSON *fresh, bool first_broken, const char *print, const char *problem,
		  cJSON **networks, cri_call *call)
{
	const cJSON *last = stored ? cJSON_GetObjectItemCaseSensitive(stored, "networks") : NULL;
	CLEANUP_JSON cJSON *kept = NULL;
	CLEANUP_JSON cJSON *made = cJSON_CreateObject();
	bool stale = false;

	if (cJSON_GetArraySize(last) && (first_broken || !cJSON_GetArraySize(fresh)))
		stale = (kept = cJSON_Duplicate(last, true)) != NULL;
	else
		kept = cJSON_Duplicate(fresh, true);
	if (!made || !kept || !cJSON_AddStringToObject(made, "fingerprint", print) ||
	    !cJSON_AddStringToObject(made, "problem", problem) || !cJSON_AddBoolToObject(made, "stale", stale) ||
	    !cJSON_AddItemToObject(made, "networks", kept))
		return call_no_memory(call, step);
	TAKE_POINTER(kept);
	*networks = TAKE_POINTER(made);
	return 0;
}

static int store(cri_engine *engine, const cJSON *networks, cri_call *call)
{
	CLEANUP_FREE char *text = cJSON_PrintUnformatted(networks);

	return text ? store_setting_set(engine->store, SETTING, text, call) : call_no_memory(call, step);
}

static int refresh(cri_engine *engine, const char *directory, const struct files *files, const char *missing,
		   const char *print, cJSON *stored, cJSON **networks, cri_call *call)
{
	CLEANUP_BUFFER struct buffer problem = BUFFER_EMPTY;
	CLEANUP_JSON cJSON *fresh = cJSON_CreateArray();
	bool first_broken;
	int result;

	if (!fresh)
		return call_no_memory(call, step);
	if (missing)
		buffer_printf(&problem, "%s: %s", directory, missing);
	else if (!files->n)
		buffer_printf(&problem, "%s: it has no configuration", directory);
	result = read_files(directory, files, fresh, &first_broken, &problem, call);
	if (result == 0)
		result = choose(stored, fresh, first_broken, print, problem.data ? problem.data : "", networks, call);
	if (result == 0)
		result = store(engine, *networks, call);
	if (result == 0 && problem.length)
		engine_log(engine, CRI_LOG_WARNING, "network configuration: %s", problem.data);
	return result;
}

int networks_load(cri_engine *engine, cJSON **networks, cri_call *call)
{
	CLEANUP_BUFFER struct buffer print = BUFFER_EMPTY;
	__attribute__((cleanup(free_files))) struct files files = { NULL, 0 };
	CLEANUP_JSON cJSON *stored = NULL;
	CLEANUP_SETTINGS const struct settings *settings = settings_take(engine);
	const char *directory =
		text_is_empty(settings->cni_config_directory) ? DEFAULT_DIRECTORY : settings->cni_config_directory;
	const char *missing = NULL, *known = "";
	int result;

	files.n = scandir(directory, &files.entries, is_configuration, compare_names);
	if (files.n < 0) {
		if (errno == ENOMEM)
			return call_no_memory(call, step);
		missing = errno == ENOENT ? "it does not exist" : strerror(errno);
		files.n = 0;
	}
	if (fingerprint(directory, &files, &print) < 0)
		return call_no_memory(call, step);
	result = get_stored(engine, &stored, call);
	if (result < 0)
		return result;
	if (json_string(stored, "fingerprint", &known) == 0 && !strcmp(known, print.data) &&
	    cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(stored, "networks"))) {
		*networks = TAKE_POINTER(stored);
		return 0;
	}
	return refresh(engine, directory, &files, missing, print.data, stored, networks, call);
}

const cJSON *networks_find(const cJSON *networks, const char *name)
{
	const cJSON *network;

	cJSON_ArrayForEach(network, cJSON_GetObjectItemCaseSensitive(networks, "networks"))
	{
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(network, "list");
		const char *its = "";

		if (json_string(list, "name", &its) == 0 && (!name || !strcmp(name, its)))
			return list;
	}
	return NULL;
}

int networks_native(cJSON **networks, cri_call *call)
{
	CLEANUP_FREE char *text = text_printf(
		"{\"problem\":\"\",\"networks\":[{\"file\":\"\",\"list\":{\"cniVersion\":\"1.0.0\",\"name\":\"%s\","
		"\"plugins\":[{\"type\":\"bridge\",\"bridge\":\"%s\",\"isDefaultGateway\":true,\"ipMasq\":true,"
		"\"hairpinMode\":true,\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"%s\","
		"\"ranges\":[[{\"subnet\":\"%s\"}],[{\"subnet\":\"%s\"}]]}},"
		"{\"type\":\"portmap\",\"snat\":true,\"capabilities\":{\"portMappings\":true}}]}}]}",
		NATIVE_NAME, NATIVE_BRIDGE, NATIVE_DIRECTORY, NATIVE_SUBNET4, NATIVE_SUBNET6);

	if (!text)
		return call_no_memory(call, step);
	if (json_parse(text, strlen(text), CNI_CONFIG_MAX, networks) < 0)
		return call_no_memory(call, step);
	return 0;
}

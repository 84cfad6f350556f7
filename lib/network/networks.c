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
#include <time.h>

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

/*
 * What tells one state of the directory from another. Times are as coarse as the kernel's clock tick: a file that was
 * changed a moment ago may be changed again without a trace, so *settled tells whether the text can be relied on.
 */
static int fingerprint(const char *directory, const struct files *files, struct buffer *text, bool *settled)
{
	struct timespec now;

	*settled = true;
	clock_gettime(CLOCK_REALTIME, &now);
	buffer_printf(text, "%s\n", directory);
	for (int i = 0; i < files->n; i++) {
		char path[PATH_MAX];
		struct stat status = { 0 };

		if (fs_path(path, sizeof(path), "%s/%s", directory, files->entries[i]->d_name) < 0 ||
		    stat(path, &status) < 0)
			status = (struct stat){ 0 };
		if (status.st_mtim.tv_sec >= now.tv_sec - 1 || status.st_ctim.tv_sec >= now.tv_sec - 1)
			*settled = false;
		buffer_printf(text, "%s %llu %llu %lld.%09ld %lld.%09ld\n", files->entries[i]->d_name,
			      (unsigned long long)status.st_ino, (unsigned long long)status.st_size,
			      (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
			      (long long)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
	}
	return text->failed ? -ENOMEM : 0;
}

/* A look at the directory. */
struct reading {
	const char *directory;
	const cJSON *last; /* the networks in force until now, or NULL */
	cJSON *networks;
	struct buffer problem; /* what is wrong with the files */
	bool stale;            /* something of the last is still in force for want of a good file */
};

static void add_problem(struct reading *reading, const char *what, const char *why)
{
	buffer_printf(&reading->problem, "%s%s: %s", reading->problem.length ? "; " : "", what, why);
}

static int add_network(struct reading *reading, cJSON *network)
{
	if (network && cJSON_AddItemToArray(reading->networks, network))
		return 0;
	cJSON_Delete(network);
	return -ENOMEM;
}

static int add_list(struct reading *reading, const char *name, cJSON *list)
{
	cJSON *network = cJSON_CreateObject();

	if (!network || !cJSON_AddItemToObject(network, "list", list)) {
		cJSON_Delete(list);
		cJSON_Delete(network);
		return -ENOMEM;
	}
	if (!cJSON_AddStringToObject(network, "file", name)) {
		cJSON_Delete(network);
		return -ENOMEM;
	}
	return add_network(reading, network);
}

/* What a file that is broken now said when it was good stays in force. */
static int keep_last(struct reading *reading, const char *name)
{
	const cJSON *network;

	cJSON_ArrayForEach(network, reading->last)
	{
		const char *file = "";

		if (json_string(network, "file", &file) < 0 || strcmp(file, name) != 0)
			continue;
		reading->stale = true;
		return add_network(reading, cJSON_Duplicate(network, true));
	}
	return 0;
}

static int read_file(struct reading *reading, const char *name)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	const char *what = "";
	char path[PATH_MAX];
	cJSON *list = NULL;
	int result = fs_path(path, sizeof(path), "%s/%s", reading->directory, name);

	if (result == 0)
		result = fs_read(AT_FDCWD, path, CNI_CONFIG_MAX, &content);
	if (result < 0)
		what = strerror(-result);
	else
		result = cni_config_read(content.data ? content.data : "", content.length, text_ends(name, ".conflist"),
					 &list, &what);
	if (result == 0)
		return add_list(reading, name, list);
	if (result == -ENOMEM)
		return result;
	add_problem(reading, path, what);
	return keep_last(reading, name);
}

static int read_files(struct reading *reading, const struct files *files)
{
	int result = 0;

	for (int i = 0; i < files->n && i < FILES_MAX && result == 0; i++)
		result = read_file(reading, files->entries[i]->d_name);
	if (files->n > FILES_MAX)
		add_problem(reading, reading->directory, "of its files only the first 64 are read");
	/* Nothing at all: whoever replaces the files is not done yet. */
	if (result == 0 && !cJSON_GetArraySize(reading->networks) && cJSON_GetArraySize(reading->last)) {
		cJSON *copy = cJSON_Duplicate(reading->last, true);

		if (!copy)
			return -ENOMEM;
		cJSON_Delete(reading->networks);
		reading->networks = copy;
		reading->stale = true;
	}
	return reading->problem.failed ? -ENOMEM : result;
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

static int finish(struct reading *reading, const char *print, cJSON **networks)
{
	CLEANUP_JSON cJSON *made = cJSON_CreateObject();

	if (!made || !cJSON_AddStringToObject(made, "fingerprint", print) ||
	    !cJSON_AddStringToObject(made, "problem", reading->problem.data ? reading->problem.data : "") ||
	    !cJSON_AddBoolToObject(made, "stale", reading->stale) ||
	    !cJSON_AddItemToObject(made, "networks", reading->networks))
		return -ENOMEM;
	reading->networks = NULL;
	*networks = TAKE_POINTER(made);
	return 0;
}

/* Keeps and tells what is new. */
static int store(cri_engine *engine, const cJSON *stored, const cJSON *networks, cri_call *call)
{
	CLEANUP_FREE char *text = NULL;
	const char *problem = "", *last = "", *name = "";
	const cJSON *list = networks_find(networks, NULL);

	if (stored && cJSON_Compare(stored, networks, true))
		return 0;
	(void)json_string(networks, "problem", &problem);
	(void)json_string(stored, "problem", &last);
	(void)json_string(list, "name", &name);
	if (!text_is_empty(problem) && strcmp(problem, last) != 0)
		engine_log(engine, CRI_LOG_WARNING, "network configuration: %s", problem);
	if (list && (!stored || !cJSON_Compare(list, networks_find(stored, NULL), true)))
		engine_log(engine, CRI_LOG_INFO, "network configuration: the default network is %s", name);
	text = cJSON_PrintUnformatted(networks);
	return text ? store_setting_set(engine->store, SETTING, text, call) : call_no_memory(call, step);
}

static int refresh(cri_engine *engine, const char *directory, const struct files *files, const char *missing,
		   const char *print, cJSON *stored, cJSON **networks, cri_call *call)
{
	struct reading reading = { .directory = directory,
				   .last = cJSON_GetObjectItemCaseSensitive(stored, "networks"),
				   .networks = cJSON_CreateArray() };
	int result = reading.networks ? 0 : -ENOMEM;

	if (missing)
		add_problem(&reading, directory, missing);
	else if (!files->n)
		add_problem(&reading, directory, "it has no configuration");
	if (result == 0)
		result = read_files(&reading, files);
	if (result == 0)
		result = finish(&reading, print, networks);
	cJSON_Delete(reading.networks);
	buffer_free(&reading.problem);
	return result < 0 ? call_no_memory(call, step) : store(engine, stored, *networks, call);
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
	bool settled;
	int result;

	files.n = scandir(directory, &files.entries, is_configuration, compare_names);
	if (files.n < 0) {
		if (errno == ENOMEM)
			return call_no_memory(call, step);
		missing = errno == ENOENT ? "it does not exist" : strerror(errno);
		files.n = 0;
	}
	if (fingerprint(directory, &files, &print, &settled) < 0)
		return call_no_memory(call, step);
	result = get_stored(engine, &stored, call);
	if (result < 0)
		return result;
	if (settled && json_string(stored, "fingerprint", &known) == 0 && !strcmp(known, print.data) &&
	    cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(stored, "networks"))) {
		*networks = TAKE_POINTER(stored);
		return 0;
	}
	/* It becomes reliable only when it is read again. */
	return refresh(engine, directory, &files, missing, settled ? print.data : "", stored, networks, call);
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

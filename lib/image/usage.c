/* SPDX-License-Identifier: Apache-2.0 */
/* cri_image_filesystem_usage. */
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"
#include "image/filesystem.h"
#include "store/store.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "measure the file system";

static int containers_usage(const char *path, cri_filesystem_usage *entry, cri_call *call)
{
	int error = fs_tree_usage(AT_FDCWD, path, call_goes_on, call, &entry->used_bytes, &entry->inodes_used);

	if (error == -ECANCELED)
		return call_check(call, step);
	if (error == -ENOENT)
		return 0;
	return error ? call_fail_errno(call, error, step, "%s", path) : 0;
}

static int add_usage(cri_engine *engine, cri_list *list, cri_filesystem_usage **entry, cri_call *call)
{
	*entry = list_add(list);
	if (!*entry)
		return call_no_memory(call, step);
	(*entry)->timestamp = clock_wall();
	return filesystem_of_root(engine, &(*entry)->mountpoint, &(*entry)->uuid, call);
}

static int usage(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	CLEANUP_LIST cri_list *list = list_new(LIST_FILESYSTEM_USAGE, sizeof(cri_filesystem_usage));
	cri_filesystem_usage *entry;
	char path[PATH_MAX];
	char *slash;
	int result;

	(void)args;
	call_object(call, "root %s", engine->root);
	if (!list)
		return call_no_memory(call, step);
	result = add_usage(engine, list, &entry, call);
	if (result == 0)
		result = store_layer_usage(engine->store, &entry->used_bytes, &entry->inodes_used, call);
	slash = strrchr(path_container_root(engine, "x", path), '/');
	*slash = '\0';
	if (result == 0)
		result = add_usage(engine, list, &entry, call);
	if (result == 0)
		result = containers_usage(path, entry, call);
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(list);
	return 0;
}

int cri_image_filesystem_usage(cri_engine *engine, cri_list **list, cri_call *call)
{
	return api_call_output(engine, usage, NULL, list, call);
}

const cri_filesystem_usage *cri_filesystem_usage_at(const cri_list *list, size_t index)
{
	return list_at(list, LIST_FILESYSTEM_USAGE, index);
}

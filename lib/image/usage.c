/* SPDX-License-Identifier: Apache-2.0 */
/* cri_image_filesystem_usage. */
#include "base/clock.h"
#include "base/fs.h"
#include "core/api.h"
#include "core/list.h"
#include "image/filesystem.h"
#include "image/tree_usage.h"
#include "store/store.h"

static const char step[] = "measure the file system";

static int images_usage(cri_engine *engine, cri_filesystem_usage *usage, cri_call *call)
{
	int result = filesystem_of_root(engine, &usage->mountpoint, &usage->uuid, call);

	if (result < 0)
		return result;
	usage->timestamp = clock_wall();
	usage->known = true;
	return store_layer_usage(engine->store, &usage->used_bytes, &usage->inodes_used, call);
}

static int containers_usage(cri_engine *engine, cri_filesystem_usage *usage, cri_call *call)
{
	char path[PATH_MAX];
	int error = fs_path(path, sizeof(path), "%s/c", engine->root);

	return error ? call_fail_errno(call, error, step, "%s", engine->root)
		     : tree_usage(engine, path, TREE_OF_ALL, usage, call);
}

static int usage(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	CLEANUP_LIST cri_list *list = list_new(LIST_FILESYSTEM_USAGE, sizeof(cri_filesystem_usage));
	cri_filesystem_usage usages[2] = { 0 };
	int result;

	(void)args;
	call_object(call, "root %s", engine->root);
	if (!list)
		return call_no_memory(call, step);
	result = images_usage(engine, &usages[0], call);
	if (result == 0)
		result = containers_usage(engine, &usages[1], call);
	for (size_t i = 0; i < 2 && result == 0; i++) {
		cri_filesystem_usage *entry = list_add(list);

		if (!entry)
			return call_no_memory(call, step);
		*entry = usages[i];
	}
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

/* SPDX-License-Identifier: Apache-2.0 */
/* UpdateContainerResources. */
#include "base/fs.h"
#include "base/lock.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "config/config.h"
#include "container/container.h"
#include "core/api.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "update resources";

struct update_args {
	const char *id;
	const cri_resources *resources;
};

static int copy_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct update_args *args = pointer;
	const void *resources = NULL;
	int result = api_copy_id(arena, &args->id, call);

	if (result == 0)
		result = config_copy(&config_resources, arena, args->resources, &resources, call);
	args->resources = resources;
	return result;
}

/* The first process's alone, as the field says nothing of those that it started since. */
static int set_oom_score(const struct container_row *row, const cri_resources *resources, cri_call *call)
{
	char path[64], value[24];
	int result;

	if (!resources->oom_score_adj && !resources->has_oom_score_adj)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", row->pid);
	snprintf(value, sizeof(value), "%lld", (long long)resources->oom_score_adj);
	result = fs_write_text(AT_FDCWD, path, value);
	/* It has just ended. */
	if (result == -ENOENT || result == -ESRCH)
		return 0;
	return result < 0 ? call_fail_errno(call, result, step, "oom_score_adj: write %s to %s", value, path) : 0;
}

static int apply(cri_engine *engine, struct arena *arena, const struct container_row *row,
		 const cri_resources *resources, cri_call *call)
{
	cri_resources merged;
	CLEANUP_FREE char *json = NULL;
	const void *before;
	int result;

	cri_resources_init(&merged, sizeof(merged));
	if (!text_is_empty(row->resources)) {
		result = config_from_json(&config_resources, arena, row->resources, strlen(row->resources), &before,
					  call);
		if (result < 0)
			return result;
		merged = *(const cri_resources *)before;
	}
	config_merge_resources(&merged, resources);
	result = config_check_resources(&merged, "linux", call);
	if (result == 0)
		result = cgroup_limit(engine->cgroups, row->cgroup, resources, call);
	if (result == 0)
		result = set_oom_score(row, resources, call);
	if (result == 0)
		result = config_to_json(&config_resources, &merged, &json, call);
	return result < 0 ? result : store_container_set_resources(engine->store, row->id, json, call);
}

static int update(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	struct update_args args = *(const struct update_args *)pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	CLEANUP_LOCK int lock = -1;
	int result;

	(void)output;
	result = copy_args(&arena, &args, call);
	if (result)
		return result;
	call_object_id(call, "container", args.id);
	result = config_check_resources(args.resources, "linux", call);
	if (result == 0)
		result = store_container_get(engine->store, &arena, args.id, false, &row, call);
	if (result == 0)
		result = engine_lock_object(engine, row.id, &lock, call);
	if (result == 0)
		result = container_reconcile(engine, row.id, call);
	if (result == 0)
		result = store_container_get(engine->store, &arena, row.id, false, &row, call);
	if (result)
		return result;
	if (row.state != CONTAINER_CREATED && row.state != CONTAINER_RUNNING)
		return call_fail(call, CRI_EPRECONDITION, "check its state", "it has exited");
	return apply(engine, &arena, &row, args.resources, call);
}

int cri_container_update_resources(cri_engine *engine, const char *id, const cri_resources *resources, cri_call *call)
{
	const struct update_args args = { id, resources };

	return api_call(engine, update, &args, NULL, call);
}

int cri_container_update_resources_begin(cri_engine *engine, const char *id, const cri_resources *resources,
					 cri_op **op, cri_call *call)
{
	const struct update_args args = { id, resources };

	return api_begin(engine, update, &args, sizeof(args), copy_args, API_NO_OUTPUT, op, call);
}

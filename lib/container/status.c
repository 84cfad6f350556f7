/* SPDX-License-Identifier: Apache-2.0 */
/* ContainerStatus. */
#include "container/info.h"

#include "base/json.h"
#include "base/lock.h"
#include "base/text.h"
#include "config/config.h"
#include "container/container.h"
#include "container/exits.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"
#include "runtime/shim.h"

#include <string.h>

static const char step[] = "read the container";

/* The record's user, as it was resolved in the container: {"uid":N,"gid":N,"groups":[N…]}. */
static int fill_user(struct arena *arena, const char *text, cri_container_status *status, cri_call *call)
{
	CLEANUP_JSON cJSON *json = NULL;
	const cJSON *groups = NULL, *group;
	int64_t *ids;

	if (text_is_empty(text))
		return 0;
	if (json_parse(text, strlen(text), 1u << 20, &json) < 0 || json_int64(json, "uid", &status->uid) < 0 ||
	    json_int64(json, "gid", &status->gid) < 0)
		return call_fail(call, CRI_ECORRUPT, step, "the store's user record is none");
	status->has_user = true;
	if (json_array(json, "groups", &groups) < 0)
		return 0;
	ids = arena_array(arena, (size_t)cJSON_GetArraySize(groups) + 1, sizeof(*ids));
	if (!ids)
		return call_no_memory(call, step);
	cJSON_ArrayForEach(group, groups) ids[status->n_supplemental_groups++] = (int64_t)cJSON_GetNumberValue(group);
	status->supplemental_groups = ids;
	return 0;
}

/* Once it has ended the number may be another process's. */
static int living_pid(const struct container_row *row)
{
	return row->state == CONTAINER_CREATED || row->state == CONTAINER_RUNNING ? row->pid : 0;
}

static int fill_mounts(struct arena *arena, const char *text, cri_container_status *status, cri_call *call)
{
	const cri_container_config *config;
	const void *parsed;
	int result;

	if (text_is_empty(text))
		return 0;
	result = config_from_json(&config_container, arena, text, strlen(text), &parsed, call);
	if (result)
		return result;
	config = parsed;
	status->mounts = config->mounts;
	status->n_mounts = config->n_mounts;
	return 0;
}

static int fill_resources(struct arena *arena, const char *text, cri_container_status *status, cri_call *call)
{
	const void *parsed;
	int result;

	if (text_is_empty(text))
		return 0;
	result = config_from_json(&config_resources, arena, text, strlen(text), &parsed, call);
	if (result == 0)
		status->resources = parsed;
	return result;
}

static int fill_status(struct arena *arena, const struct container_row *row, cri_container_status *status,
		       cri_call *call)
{
	int result = container_info_fill(arena, row, &status->info, call);

	status->started_at = row->started_at;
	status->finished_at = row->finished_at;
	status->exit_code = row->exit_code;
	status->reason = row->reason;
	status->message = row->message;
	status->log_path = row->shown_log_path;
	status->stop_signal = row->stop_signal;
	status->pid = living_pid(row);
	status->cgroup = row->cgroup;
	if (result == 0)
		result = fill_user(arena, row->user, status, call);
	if (result == 0)
		result = fill_mounts(arena, row->mounts, status, call);
	return result < 0 ? result : fill_resources(arena, row->resources, status, call);
}

/* A container whose shim and monitor were both killed would look as if it ran until the next open. Who asks about it
 * finds out; whoever has its lock is at it already. */
static int notice_death(cri_engine *engine, struct arena *arena, struct container_row *row, enum shim_liveness liveness,
			cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	int result;

	if ((row->state != CONTAINER_RUNNING && row->state != CONTAINER_CREATED) || liveness == SHIM_ALIVE)
		return 0;
	result = engine_trylock_object(engine, row->id, &lock, call);
	if (result == CRI_EAGAIN)
		return 0;
	if (result == 0)
		result = container_reconcile(engine, row->id, call);
	if (result == 0)
		result = store_container_get_status(engine->store, arena, row->id, row, call);
	return result;
}

static int get_status(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_LIST cri_list *made = list_new(LIST_CONTAINER_STATUS, sizeof(cri_container_status));
	cri_container_status *status = made ? list_add(made) : NULL;
	enum shim_liveness liveness = SHIM_ALIVE;
	struct container_row row;
	int result;

	if (!status)
		return call_no_memory(call, step);
	call_object_id(call, "container", args->id);
	result = store_container_get_status(engine->store, &made->arena, args->id, &row, call);
	if (result == 0)
		result = container_overlay_exit(engine, &made->arena, &row, &liveness, call);
	if (result == 0)
		result = notice_death(engine, &made->arena, &row, liveness, call);
	if (result == 0)
		result = fill_status(&made->arena, &row, status, call);
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

int cri_container_status_get(cri_engine *engine, const char *id, cri_list **status, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call_output(engine, get_status, &args, status, call);
}

const cri_container_status *cri_container_status_at(const cri_list *status, size_t index)
{
	return list_at(status, LIST_CONTAINER_STATUS, index);
}

static int info_json(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *info = cJSON_CreateObject();
	struct container_row row;
	char path[PATH_MAX];
	char *text;
	int result;

	call_object_id(call, "container", args->id);
	result = store_container_get(engine->store, &arena, args->id, false, &row, call);
	if (result == 0)
		result = container_overlay_exit(engine, &arena, &row, NULL, call);
	if (result < 0)
		return result;
	if (!info || !cJSON_AddRawToObject(info, "config", row.config) ||
	    !cJSON_AddNumberToObject(info, "pid", living_pid(&row)) ||
	    !cJSON_AddStringToObject(info, "sandboxID", row.sandbox_id) ||
	    !cJSON_AddStringToObject(info, "cgroup", row.cgroup) ||
	    !cJSON_AddStringToObject(info, "writableLayer", path_container_root(engine, row.id, path)) ||
	    !cJSON_AddStringToObject(info, "stateDirectory", path_container(engine, row.id, "", path)))
		return call_no_memory(call, step);
	text = cJSON_PrintUnformatted(info);
	if (!text)
		return call_no_memory(call, step);
	*(char **)output = text;
	return 0;
}

int cri_container_info_json(cri_engine *engine, const char *id, char **json, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call_output(engine, info_json, &args, json, call);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "runtime/shim_protocol.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

static const char step[] = "read the order";

#define ORDER_FILE "shim.json"
#define ORDER_LIMIT (4u << 20)
#define ENTRY_FILES_MAX 64

static int read_texts(struct order *order, const char *key, struct texts *texts, struct failure *failure)
{
	const cJSON *array = NULL;
	const cJSON *item;
	int result = json_array(order->json, key, &array);

	if (result < 0 || cJSON_GetArraySize(array) > ENTRY_FILES_MAX)
		return fail(failure, CRI_ECORRUPT, 0, step, ORDER_FILE ": %s is missing or too long", key);
	texts->items = arena_array(&order->arena, (size_t)cJSON_GetArraySize(array), sizeof(*texts->items));
	if (!texts->items)
		return fail(failure, CRI_ENOMEM, ENOMEM, step, "%s", key);
	cJSON_ArrayForEach(item, array)
	{
		if (!cJSON_IsString(item))
			return fail(failure, CRI_ECORRUPT, 0, step, ORDER_FILE ": %s holds more than texts", key);
		texts->items[texts->n] = arena_strdup(&order->arena, item->valuestring);
		if (!texts->items[texts->n++])
			return fail(failure, CRI_ENOMEM, ENOMEM, step, "%s", key);
	}
	return 0;
}

/* A text that must be there; NULL as arena: borrowed. */
static int read_text(struct arena *arena, const cJSON *object, const char *key, const char **text,
		     struct failure *failure)
{
	const char *value;

	if (json_string(object, key, &value) < 0)
		return fail(failure, CRI_ECORRUPT, 0, step, ORDER_FILE ": %s is missing", key);
	*text = arena ? arena_strdup(arena, value) : value;
	return *text ? 0 : fail(failure, CRI_ENOMEM, ENOMEM, step, "%s", key);
}

static int read_flag(const cJSON *object, const char *key, bool *flag, struct failure *failure)
{
	if (json_bool(object, key, flag) < 0)
		return fail(failure, CRI_ECORRUPT, 0, step, ORDER_FILE ": %s is missing", key);
	return 0;
}

static int read_oom(struct order *order, struct failure *failure)
{
	const cJSON *oom = NULL;
	const char *v1 = "";
	const char *v2 = "";

	order->oom_v1 = order->oom_v2 = "";
	if (json_object(order->json, "oom", &oom) < 0)
		return 0;
	if (json_string(oom, "v1", &v1) == -EINVAL || json_string(oom, "v2", &v2) == -EINVAL)
		return fail(failure, CRI_ECORRUPT, 0, step, ORDER_FILE ": oom is malformed");
	order->oom_v1 = arena_strdup(&order->arena, v1);
	order->oom_v2 = arena_strdup(&order->arena, v2);
	return order->oom_v1 && order->oom_v2 ? 0 : fail(failure, CRI_ENOMEM, ENOMEM, step, "oom");
}

static int read_cgroup_v2(struct order *order, struct failure *failure)
{
	const cJSON *v2 = NULL;
	int result = json_object(order->json, "cgroup_v2", &v2);

	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return fail(failure, CRI_ECORRUPT, 0, step, ORDER_FILE ": cgroup_v2 is no object");
	result = read_text(&order->arena, v2, "mountpoint", &order->cgroup_v2.mountpoint, failure);
	return result < 0 ? result : read_text(&order->arena, v2, "path", &order->cgroup_v2.path, failure);
}

static int read_seccomp(struct order *order, struct failure *failure)
{
	order->seccomp = "";
	if (json_string(order->json, "seccomp", &order->seccomp) == -EINVAL ||
	    json_uint64(order->json, "capabilities", &order->capabilities) == -EINVAL)
		return fail(failure, CRI_ECORRUPT, 0, step, ORDER_FILE ": seccomp or capabilities are malformed");
	return 0;
}

static int read_members(struct order *order, struct failure *failure)
{
	const cJSON *json = order->json;
	int64_t version = 0;
	const char *handler = "";
	int result;

	if (json_int64(json, "version", &version) < 0 || version != SHIM_VERSION)
		return fail(failure, CRI_ECORRUPT, 0, step, ORDER_FILE ": its version is %lld, not %d",
			    (long long)version, SHIM_VERSION);
	if (json_string(json, "handler", &handler) < 0 || strcmp(handler, "lxc") != 0)
		return fail(failure, CRI_ENOTSUP, 0, step, ORDER_FILE ": handler \"%s\" is not known", handler);
	result = read_text(&order->arena, json, "id", &order->id, failure);
	if (result == 0)
		result = read_text(&order->arena, json, "exits", &order->exits, failure);
	if (result == 0)
		result = read_text(&order->arena, json, "log", &order->log, failure);
	if (result == 0)
		result = read_text(NULL, json, "lxc_config", &order->lxc_config, failure);
	if (result == 0)
		result = read_text(NULL, json, "lxc_path", &order->lxc_path, failure);
	if (result == 0)
		result = read_text(NULL, json, "state", &order->state, failure);
	if (result == 0)
		result = read_text(NULL, json, "monitor_namespace", &order->monitor_namespace, failure);
	if (result == 0)
		result = read_text(NULL, json, "monitor_mounts", &order->monitor_mounts, failure);
	if (result == 0)
		result = read_flag(json, "terminal", &order->terminal, failure);
	if (result == 0)
		result = read_flag(json, "stdin", &order->stdin_open, failure);
	if (result == 0)
		result = read_flag(json, "stdin_once", &order->stdin_once, failure);
	if (result == 0)
		result = read_texts(order, "cgroup_entry", &order->cgroup_entry, failure);
	if (result == 0)
		result = read_cgroup_v2(order, failure);
	if (result == 0)
		result = read_texts(order, "monitor_cgroup_entry", &order->monitor_cgroup_entry, failure);
	if (result == 0)
		result = read_oom(order, failure);
	if (result == 0)
		result = read_seccomp(order, failure);
	if (result == 0 && json_array(json, "mounts", &order->mounts) == -EINVAL)
		result = fail(failure, CRI_ECORRUPT, 0, step, ORDER_FILE ": mounts is no array");
	return result;
}

int order_read(const char *directory, struct order *order, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	int result;

	order->directory = directory;
	if (directory[0] != '/')
		return fail(failure, CRI_EINVAL, 0, step, "the directory %s is not absolute", directory);
	order->directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (order->directory_fd < 0)
		return fail(failure, code_of_errno(errno), errno, step, "%s", directory);
	result = fs_read(order->directory_fd, ORDER_FILE, ORDER_LIMIT, &content);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "%s/" ORDER_FILE, directory);
	result = json_parse(content.data, content.length, ORDER_LIMIT, &order->json);
	if (result < 0)
		return fail(failure, result == -ENOMEM ? CRI_ENOMEM : CRI_ECORRUPT, result, step, "%s/" ORDER_FILE,
			    directory);
	result = read_members(order, failure);
	if (result < 0)
		return result;
	order->exits_fd = open(order->exits, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (order->exits_fd < 0)
		return fail(failure, code_of_errno(errno), errno, step, "%s", order->exits);
	return 0;
}

void order_forget(struct order *order)
{
	cJSON_Delete(order->json);
	order->json = NULL;
	order->mounts = NULL;
	order->lxc_config = order->lxc_path = NULL;
	order->state = order->monitor_namespace = order->monitor_mounts = order->seccomp = NULL;
}

int order_enter(const struct texts *files, const char **failed)
{
	for (size_t i = 0; i < files->n; i++) {
		int result = fs_write_text(AT_FDCWD, files->items[i], "0");

		if (result < 0) {
			*failed = files->items[i];
			return result;
		}
	}
	return 0;
}

int order_open_cgroup(const struct order *order)
{
	char path[PATH_MAX];
	int result;
	int fd;

	if (!order->cgroup_v2.path)
		return -ENODATA;
	result = fs_path(path, sizeof(path), "%s%s", order->cgroup_v2.mountpoint, order->cgroup_v2.path);
	if (result < 0)
		return result;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* shim.json: see shim_protocol.h. */
#include "runtime/handler.h"

#include "base/json.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "core/paths.h"
#include "network/pin_protocol.h"
#include "runtime/seccomp.h"
#include "runtime/shim.h"
#include "runtime/shim_protocol.h"

#include <stdio.h>
#include <string.h>

static const char step[] = "write the shim's order";

#define CGROUP_ROOT "/sys/fs/cgroup"

static const char *const cgroup_flags[] = { "nosuid", "nodev", "noexec" };
#define N_CGROUP_FLAGS (sizeof(cgroup_flags) / sizeof(*cgroup_flags))

static bool add_texts(cJSON *object, const char *key, const char *const *texts, size_t n)
{
	cJSON *array = cJSON_AddArrayToObject(object, key);

	if (!array)
		return false;
	for (size_t i = 0; i < n; i++) {
		cJSON *item = cJSON_CreateString(texts[i]);

		if (!item || !cJSON_AddItemToArray(array, item)) {
			cJSON_Delete(item);
			return false;
		}
	}
	return true;
}

static bool add_text(cJSON *object, const char *key, const char *text)
{
	return cJSON_AddStringToObject(object, key, text ? text : "") != NULL;
}

static bool add_bool(cJSON *object, const char *key, bool value)
{
	return cJSON_AddBoolToObject(object, key, value) != NULL;
}

static const char *propagation_name(cri_mount_propagation propagation)
{
	switch (propagation) {
	case CRI_PROPAGATION_HOST_TO_CONTAINER:
		return "slave";
	case CRI_PROPAGATION_BIDIRECTIONAL:
		return "shared";
	case CRI_PROPAGATION_PRIVATE:
		break;
	}
	return "private";
}

static bool fill_mount(cJSON *object, const struct runtime_mount *mount)
{
	switch (mount->type) {
	case RUNTIME_MOUNT_BIND:
		return add_text(object, "type", "bind") && add_text(object, "source", mount->source) &&
		       add_text(object, "target", mount->target) && add_bool(object, "recursive", mount->recursive) &&
		       add_bool(object, "readonly", mount->readonly) &&
		       add_bool(object, "recursive_readonly", mount->recursive_readonly) &&
		       add_text(object, "propagation", propagation_name(mount->propagation)) &&
		       add_texts(object, "flags", mount->flags, mount->n_flags);
	case RUNTIME_MOUNT_LAYER:
		return add_text(object, "type", "layer") && add_text(object, "source", mount->source) &&
		       add_text(object, "target", mount->target);
	case RUNTIME_MOUNT_FRESH:
		return add_text(object, "type", "fresh") && add_text(object, "filesystem", mount->source) &&
		       add_text(object, "target", mount->target) && add_text(object, "data", mount->data) &&
		       add_texts(object, "flags", mount->flags, mount->n_flags);
	case RUNTIME_MOUNT_MASK:
		return add_text(object, "type", "mask") && add_text(object, "target", mount->target);
	case RUNTIME_MOUNT_READONLY:
		return add_text(object, "type", "readonly") && add_text(object, "target", mount->target);
	}
	return false;
}

static bool add_mount(cJSON *array, const struct runtime_mount *mount)
{
	cJSON *object = cJSON_CreateObject();

	if (!object || !cJSON_AddItemToArray(array, object)) {
		cJSON_Delete(object);
		return false;
	}
	return fill_mount(object, mount);
}

/* Whether the container has something of its own at or over /sys/fs/cgroup. */
static bool brings_cgroups(const struct runtime_container *container)
{
	static const char *const places[] = { "/sys", "/sys/fs", CGROUP_ROOT };

	for (size_t i = 0; i < container->n_mounts; i++) {
		const struct runtime_mount *mount = &container->mounts[i];
		size_t length = strlen(mount->target);

		while (length > 1 && mount->target[length - 1] == '/')
			length--;
		for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++) {
			if (mount->type != RUNTIME_MOUNT_MASK && mount->type != RUNTIME_MOUNT_READONLY &&
			    strlen(places[k]) == length && !strncmp(places[k], mount->target, length))
				return true;
		}
	}
	return false;
}

static bool add_cgroup_bind(cJSON *array, const struct cgroup_hierarchy *hierarchy, const char *cgroup,
			    const char *name, size_t length)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *separator = length ? "/" : "";
	const struct runtime_mount mount = {
		.type = RUNTIME_MOUNT_BIND,
		.source = arena_printf(&arena, "%s%s", hierarchy->mountpoint, cgroup),
		.target = arena_printf(&arena, CGROUP_ROOT "%s%.*s", separator, (int)length, name),
		.flags = cgroup_flags,
		.n_flags = N_CGROUP_FLAGS,
	};

	return mount.source && mount.target && add_mount(array, &mount);
}

/* Where the host has it, and with several controllers in one hierarchy ("cpu,cpuacct") also under the name of each,
 * for which hosts have links. */
static bool add_v1_cgroup(cJSON *array, const struct cgroup_hierarchy *hierarchy, const char *cgroup)
{
	const char *name = strrchr(hierarchy->mountpoint, '/') + 1;

	if (!add_cgroup_bind(array, hierarchy, cgroup, name, strlen(name)))
		return false;
	for (const char *at = hierarchy->controllers + 1; *at; at += strcspn(at, ",") + 1) {
		size_t length = strcspn(at, ",");

		if (memchr(at, '=', length) || (strlen(name) == length && !strncmp(name, at, length)))
			continue;
		if (!add_cgroup_bind(array, hierarchy, cgroup, at, length))
			return false;
	}
	return true;
}

/* The container's own cgroups, as the root of what it sees; they may be written only by a privileged one. */
static bool add_cgroup_mounts(const struct cgroup_system *system, const struct runtime_container *container,
			      cJSON *array)
{
	const struct runtime_mount directory = {
		.type = RUNTIME_MOUNT_FRESH,
		.source = "tmpfs",
		.target = CGROUP_ROOT,
		.data = "mode=755,size=64k",
		.flags = cgroup_flags,
		.n_flags = N_CGROUP_FLAGS,
	};
	const struct runtime_mount readonly = { .type = RUNTIME_MOUNT_READONLY, .target = CGROUP_ROOT };
	const char *cgroup = container->cgroup;
	bool good;

	if (container->process.pause || brings_cgroups(container))
		return true;
	good = system->unified ? add_cgroup_bind(array, &system->hierarchies[0], cgroup, "", 0)
			       : add_mount(array, &directory);
	for (size_t i = 0; good && i < system->n_hierarchies; i++) {
		if (!system->hierarchies[i].v2)
			good = add_v1_cgroup(array, &system->hierarchies[i], cgroup);
	}
	return good && (container->privileged || add_mount(array, &readonly));
}

static bool add_mounts(const struct cgroup_system *system, const struct runtime_container *container, cJSON *order)
{
	cJSON *array = cJSON_AddArrayToObject(order, "mounts");

	if (!array || !add_cgroup_mounts(system, container, array))
		return false;
	for (size_t i = 0; i < container->n_mounts; i++) {
		if (!add_mount(array, &container->mounts[i]))
			return false;
	}
	return true;
}

/* What of v2 the container's processes are born in. */
static bool add_container_v2(cJSON *order, const struct cgroup_entry *entry, const char *cgroup)
{
	cJSON *v2 = entry->v2 ? cJSON_AddObjectToObject(order, "cgroup_v2") : NULL;

	return !entry->v2 || (v2 && add_text(v2, "mountpoint", entry->v2->mountpoint) && add_text(v2, "path", cgroup));
}

static int add_entries(cri_engine *engine, const struct runtime_container *container, cJSON *order, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *monitors = shim_monitor_cgroup(engine, container->cgroup, &arena);
	struct cgroup_entry own, monitor;
	int result;

	if (!monitors)
		return call_no_memory(call, step);
	result = cgroup_entry_files(engine->cgroups, container->cgroup, &arena, &own, call);
	if (result == 0)
		result = cgroup_escape_files(engine->cgroups, monitors, &arena, &monitor, call);
	if (result)
		return result;
	if (!add_texts(order, "cgroup_entry", own.files, own.n_files) ||
	    !add_container_v2(order, &own, container->cgroup) ||
	    !add_texts(order, "monitor_cgroup_entry", monitor.files, monitor.n_files) ||
	    (monitor.v2 && !add_text(order, "monitor_cgroup_v2", monitor.v2_directory)))
		return call_no_memory(call, step);
	return 0;
}

static int add_cgroups(cri_engine *engine, const struct runtime_container *container, cJSON *order, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct cgroup_hierarchy *memory = cgroup_hierarchy_of(engine->cgroups, "memory");
	cJSON *oom;
	const char *path;
	int result = add_entries(engine, container, order, call);

	if (result < 0)
		return result;
	oom = cJSON_AddObjectToObject(order, "oom");
	if (!oom)
		return call_no_memory(call, step);
	if (!memory)
		return 0;
	path = arena_printf(&arena, memory->v2 ? "%s%s/memory.events" : "%s%s", memory->mountpoint, container->cgroup);
	return path && add_text(oom, memory->v2 ? "v2" : "v1", path) ? 0 : call_no_memory(call, step);
}

/* A profile of its own lies beside the order. */
static bool add_seccomp(const struct runtime_container *container, cJSON *order)
{
	const char *profile = container->seccomp;

	if (text_is_empty(profile))
		return true;
	return add_text(order, "seccomp", strcmp(profile, SECCOMP_DEFAULT) == 0 ? profile : "profile") &&
	       json_add_int64(order, "capabilities", (int64_t)container->process.capabilities[0]) == 0;
}

static bool fill_order(cri_engine *engine, const struct runtime_container *container, cJSON *order)
{
	char path[PATH_MAX];

	return cJSON_AddNumberToObject(order, "version", SHIM_VERSION) && add_text(order, "id", container->id) &&
	       add_text(order, "handler", container->handler) &&
	       add_text(order, "lxc_config", SHIM_MONITOR_DIRECTORY "/lxc.conf") &&
	       add_text(order, "lxc_path", PIN_LXC_PATH) && add_text(order, "exits", path_exits(engine, path)) &&
	       add_text(order, "log", container->log) && add_bool(order, "terminal", container->process.terminal) &&
	       add_bool(order, "stdin", container->stdin_open) &&
	       add_bool(order, "stdin_once", container->stdin_once) && add_text(order, "state", engine->state) &&
	       add_text(order, "monitor_namespace", path_empty_namespace(engine, path)) &&
	       add_text(order, "monitor_mounts", path_monitor_mounts(engine, path)) && add_seccomp(container, order) &&
	       add_mounts(engine->cgroups, container, order);
}

int runtime_render_order(cri_engine *engine, const struct runtime_container *container, char **json, cri_call *call)
{
	CLEANUP_JSON cJSON *order = cJSON_CreateObject();
	char *text;
	int result;

	if (!order || !fill_order(engine, container, order))
		return call_no_memory(call, step);
	result = add_cgroups(engine, container, order, call);
	if (result < 0)
		return result;
	text = cJSON_PrintUnformatted(order);
	if (!text)
		return call_no_memory(call, step);
	*json = text;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted and which devices there are. */
#include "container/settle.h"

#include "base/text.h"
#include "cgroup/cgroup.h"
#include "core/paths.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char step[] = "settle the mounts";

/* Docker's and containerd's lists: what a container could read of, or do to, the host through /proc and /sys. */
static const char *const masked_paths[] = {
	"/proc/acpi",       "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
	"/proc/keys",       "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
	"/proc/timer_list", "/proc/timer_stats",   "/sys/firmware",     "/sys/devices/virtual/powercap",
};
static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const char *const safe_flags[] = { "nosuid", "nodev", "noexec" };

struct mounts {
	struct runtime_mount *items;
	size_t n;
};

static struct runtime_mount *add(struct mounts *mounts, enum runtime_mount_type type, const char *target)
{
	struct runtime_mount *mount = &mounts->items[mounts->n++];

	mount->type = type;
	mount->target = target;
	return mount;
}

/* Whether the config mounts something there itself, which then stands instead of ours. */
static bool is_taken(const cri_container_config *config, const char *target)
{
	for (size_t i = 0; i < config->n_mounts; i++) {
		const char *path = config->mounts[i]->container_path;
		size_t length = strlen(path);

		while (length > 1 && path[length - 1] == '/')
			length--;
		if (length == strlen(target) && !memcmp(path, target, length))
			return true;
	}
	return false;
}

/* First of all: what else is mounted may be meant to lie on them. */
static void add_layers(const struct settled_container *settled, struct mounts *mounts)
{
	for (size_t i = 0; i < settled->root.n_mounts; i++)
		add(mounts, RUNTIME_MOUNT_LAYER, settled->root.mounts[i].target)->source =
			settled->root.mounts[i].source;
}

static int add_pod_file(cri_engine *engine, struct arena *arena, struct settled_container *settled,
			struct mounts *mounts, const char *name, const char *target, cri_call *call)
{
	struct runtime_mount *mount;
	char path[PATH_MAX];

	if (is_taken(settled->config, target))
		return 0;
	mount = add(mounts, RUNTIME_MOUNT_BIND, target);
	mount->source = arena_strdup(arena, path_sandbox(engine, settled->sandbox.id, name, path));
	return mount->source ? 0 : call_no_memory(call, step);
}

static int add_shared_memory(cri_engine *engine, struct arena *arena, struct settled_container *settled,
			     struct mounts *mounts, cri_call *call)
{
	const cri_container_config *config = settled->config;
	struct runtime_mount *mount;

	if (!is_taken(config, "/dev/mqueue")) {
		mount = add(mounts, RUNTIME_MOUNT_FRESH, "/dev/mqueue");
		mount->source = "mqueue";
		mount->flags = safe_flags;
		mount->n_flags = 3;
	}
	if (is_taken(config, "/dev/shm"))
		return 0;
	if (config->ipc == CRI_NAMESPACE_CONTAINER) {
		mount = add(mounts, RUNTIME_MOUNT_FRESH, "/dev/shm");
		mount->source = "tmpfs";
		mount->data = "mode=1777,size=65536k";
		mount->flags = safe_flags;
		mount->n_flags = 3;
		return 0;
	}
	if (settled->sandbox_config->ipc == CRI_NAMESPACE_NODE) {
		add(mounts, RUNTIME_MOUNT_BIND, "/dev/shm")->source = "/dev/shm";
		return 0;
	}
	return add_pod_file(engine, arena, settled, mounts, "shm", "/dev/shm", call);
}

static size_t depth(const char *path)
{
	size_t n = 0;

	for (size_t i = 0; path[i]; i++)
		n += path[i] == '/' && path[i + 1] && path[i + 1] != '/';
	return n;
}

/* Stable, outer targets before inner ones, so that a mount at /a does not cover the one at /a/b. */
static int by_depth(const cri_mount **sorted, const cri_container_config *config)
{
	for (size_t i = 0; i < config->n_mounts; i++) {
		size_t at = i;

		for (; at > 0 && depth(sorted[at - 1]->container_path) > depth(config->mounts[i]->container_path); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = config->mounts[i];
	}
	return 0;
}

static int add_config_mounts(struct arena *arena, struct settled_container *settled, struct mounts *mounts,
			     cri_call *call)
{
	const cri_container_config *config = settled->config;
	const cri_mount **sorted = arena_array(arena, config->n_mounts + 1, sizeof(const cri_mount *));

	if (!sorted)
		return call_no_memory(call, step);
	by_depth(sorted, config);
	for (size_t i = 0; i < config->n_mounts; i++) {
		const cri_mount *asked = sorted[i];
		struct runtime_mount *mount = add(mounts, RUNTIME_MOUNT_BIND, asked->container_path);
		struct stat stat_;

		if (stat(asked->host_path, &stat_) < 0)
			return call_fail(call, CRI_EINVAL, step, "mounts: host_path %s of container_path %s: %s",
					 asked->host_path, asked->container_path, strerrordesc_np(errno));
		mount->source = asked->host_path;
		mount->recursive = true;
		mount->readonly = asked->readonly;
		mount->recursive_readonly = asked->recursive_read_only;
		mount->propagation = asked->propagation;
		mount->flags = asked->mount_options;
		mount->n_flags = asked->n_mount_options;
	}
	return 0;
}

static int add_device_mounts(struct settled_container *settled, struct mounts *mounts)
{
	const cri_container_config *config = settled->config;

	for (size_t i = 0; i < config->n_devices; i++) {
		struct runtime_mount *mount = add(mounts, RUNTIME_MOUNT_BIND, config->devices[i]->container_path);

		mount->source = config->devices[i]->host_path;
	}
	return 0;
}

static void add_restrictions(struct settled_container *settled, struct mounts *mounts)
{
	const cri_container_config *config = settled->config;
	const char *const *masked = config->masked_paths;
	const char *const *readonly = config->readonly_paths;
	size_t n_masked = config->n_masked_paths, n_readonly = config->n_readonly_paths;

	if (!config->has_masked_paths && !config->privileged) {
		masked = masked_paths;
		n_masked = sizeof(masked_paths) / sizeof(*masked_paths);
	}
	if (!config->has_readonly_paths && !config->privileged) {
		readonly = readonly_paths;
		n_readonly = sizeof(readonly_paths) / sizeof(*readonly_paths);
	}
	for (size_t i = 0; i < n_masked; i++)
		add(mounts, RUNTIME_MOUNT_MASK, masked[i]);
	for (size_t i = 0; i < n_readonly; i++)
		add(mounts, RUNTIME_MOUNT_READONLY, readonly[i]);
	/* Last: until here targets may have to be made. */
	if (config->readonly_rootfs)
		add(mounts, RUNTIME_MOUNT_READONLY, "/");
}

int settle_mounts(cri_engine *engine, struct arena *arena, struct settled_container *settled, cri_call *call)
{
	const cri_container_config *config = settled->config;
	const size_t own =
		8 + sizeof(masked_paths) / sizeof(*masked_paths) + sizeof(readonly_paths) / sizeof(*readonly_paths);
	struct mounts mounts = { 0 };
	int result;

	mounts.items = arena_array(arena,
				   own + settled->root.n_mounts + config->n_mounts + config->n_devices +
					   config->n_masked_paths + config->n_readonly_paths,
				   sizeof(*mounts.items));
	if (!mounts.items)
		return call_no_memory(call, step);
	add_layers(settled, &mounts);
	result = add_pod_file(engine, arena, settled, &mounts, "resolv.conf", "/etc/resolv.conf", call);
	if (result == 0)
		result = add_pod_file(engine, arena, settled, &mounts, "hosts", "/etc/hosts", call);
	if (result == 0)
		result = add_pod_file(engine, arena, settled, &mounts, "hostname", "/etc/hostname", call);
	if (result == 0)
		result = add_shared_memory(engine, arena, settled, &mounts, call);
	if (result == 0)
		result = add_config_mounts(arena, settled, &mounts, call);
	if (result == 0)
		result = add_device_mounts(settled, &mounts);
	if (result < 0)
		return result;
	add_restrictions(settled, &mounts);
	settled->description.mounts = mounts.items;
	settled->description.n_mounts = mounts.n;
	return 0;
}

/* What every container may use: the devices that liblxc makes in /dev, and making (not using) any node. */
static const struct cgroup_device_rule default_rules[] = {
	{ 'c', -1, -1, "m" }, { 'b', -1, -1, "m" },    { 'c', 1, 3, "rwm" }, /* null */
	{ 'c', 1, 5, "rwm" }, { 'c', 1, 7, "rwm" },    { 'c', 1, 8, "rwm" }, /* zero, full, random */
	{ 'c', 1, 9, "rwm" }, { 'c', 5, 0, "rwm" },    { 'c', 5, 1, "rwm" }, /* urandom, tty, console */
	{ 'c', 5, 2, "rwm" }, { 'c', 136, -1, "rwm" },                       /* ptmx, pts */
};
static const struct cgroup_device_rule all_devices = { 'a', -1, -1, "rwm" };

int settle_devices(struct arena *arena, struct settled_container *settled, cri_call *call)
{
	const cri_container_config *config = settled->config;
	const size_t n_default = sizeof(default_rules) / sizeof(*default_rules);
	struct cgroup_device_rule *rules = arena_array(arena, n_default + config->n_devices, sizeof(*rules));

	if (!rules)
		return call_no_memory(call, step);
	settled->description.device_rules = rules;
	settled->description.n_device_rules = n_default + config->n_devices;
	memcpy(rules, default_rules, sizeof(default_rules));
	for (size_t i = 0; i < config->n_devices; i++) {
		const cri_device *device = config->devices[i];
		struct stat stat_;

		if (stat(device->host_path, &stat_) < 0)
			return call_fail(call, CRI_EINVAL, step, "devices: host_path %s: %s", device->host_path,
					 strerrordesc_np(errno));
		if (!S_ISCHR(stat_.st_mode) && !S_ISBLK(stat_.st_mode))
			return call_fail(call, CRI_EINVAL, step, "devices: host_path %s is no device",
					 device->host_path);
		rules[n_default + i] = (struct cgroup_device_rule){
			.type = S_ISCHR(stat_.st_mode) ? 'c' : 'b',
			.major = (int64_t)major(stat_.st_rdev),
			.minor = (int64_t)minor(stat_.st_rdev),
			.access = text_is_empty(device->permissions) ? "rwm" : device->permissions,
		};
	}
	if (config->privileged) {
		settled->description.device_rules = &all_devices;
		settled->description.n_device_rules = 1;
	}
	return 0;
}

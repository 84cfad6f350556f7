/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime_fixture.h"

#include "base/json.h"
#include "runtime/handler.h"

#define HIERARCHY(path, names)                                                                                         \
	{                                                                                                              \
		.mountpoint = (char *)(path), .controllers = (char *)(names)                                           \
	}

static struct cgroup_system layout_hybrid = {
	.hierarchies = { HIERARCHY("/sys/fs/cgroup/cpu,cpuacct", ",cpu,cpuacct,"),
			 HIERARCHY("/sys/fs/cgroup/memory", ",memory,"),
			 HIERARCHY("/sys/fs/cgroup/systemd", ",name=systemd,"),
			 { .mountpoint = (char *)"/sys/fs/cgroup/unified", .controllers = (char *)",", .v2 = true } },
	.n_hierarchies = 4,
};

static cri_engine engine;
static cri_call call;

static cJSON *render(const struct runtime_container *container, struct cgroup_system *layout)
{
	CLEANUP_FREE char *text = NULL;
	cJSON *json = NULL;
	cri_monitor_cgroup monitor_cgroup = engine.options.monitor_cgroup;

	runtime_engine(&engine, layout);
	engine.options.monitor_cgroup = monitor_cgroup;
	call_init(&call);
	assert_int_equal(runtime_render_order(&engine, container, &text, &call), 0);
	assert_int_equal(json_parse(text, strlen(text), 1u << 20, &json), 0);
	return json;
}

static void assert_text(const cJSON *object, const char *key, const char *expected)
{
	const char *value;

	assert_int_equal(json_string(object, key, &value), 0);
	assert_string_equal(value, expected);
}

static void assert_bool(const cJSON *object, const char *key, bool expected)
{
	bool value;

	assert_int_equal(json_bool(object, key, &value), 0);
	assert_int_equal(value, expected);
}

static const cJSON *array_of(const cJSON *object, const char *key, int size)
{
	const cJSON *array;

	assert_int_equal(json_array(object, key, &array), 0);
	assert_int_equal(cJSON_GetArraySize(array), size);
	return array;
}

static void assert_item(const cJSON *array, int index, const char *expected)
{
	assert_string_equal(cJSON_GetArrayItem(array, index)->valuestring, expected);
}

static void assert_mount(const cJSON *mounts, int index, const char *type, const char *target)
{
	assert_text(cJSON_GetArrayItem(mounts, index), "type", type);
	assert_text(cJSON_GetArrayItem(mounts, index), "target", target);
}

static void test_members(void **state)
{
	struct runtime_container container = RUNTIME_CONTAINER;
	CLEANUP_JSON cJSON *order = NULL;
	const cJSON *oom, *entry;
	int64_t version;

	(void)state;
	container.log = "/var/log/pods/x/0.log";
	container.process.terminal = true;
	container.stdin_open = true;
	order = render(&container, &layout_v2);
	assert_int_equal(json_int64(order, "version", &version), 0);
	assert_int_equal(version, 1);
	assert_text(order, "id", "c1");
	assert_text(order, "handler", "lxc");
	assert_text(order, "lxc_config", "/proc/self/fd/8/lxc.conf");
	assert_text(order, "lxc_path", "/run/lxc");
	assert_text(order, "exits", "/run/libcri/exits");
	assert_text(order, "log", "/var/log/pods/x/0.log");
	assert_bool(order, "terminal", true);
	assert_bool(order, "stdin", true);
	assert_bool(order, "stdin_once", false);
	assert_text(order, "state", "/run/libcri");
	assert_text(order, "monitor_namespace", "/run/libcri/ns/empty");
	assert_text(order, "monitor_mounts", "/run/libcri/ns/monitors");
	array_of(order, "cgroup_entry", 0);
	assert_int_equal(json_object(order, "cgroup_v2", &entry), 0);
	assert_text(entry, "mountpoint", "/sys/fs/cgroup");
	assert_text(entry, "path", "/libcri/p1/c1");
	array_of(order, "monitor_cgroup_entry", 0);
	assert_text(order, "monitor_cgroup_v2", "/sys/fs/cgroup/libcri/monitors");
	assert_int_equal(json_object(order, "oom", &oom), 0);
	assert_text(oom, "v2", "/sys/fs/cgroup/libcri/p1/c1/memory.events");
	assert_null(cJSON_GetObjectItem(oom, "v1"));
}

static void test_cgroups_v1(void **state)
{
	const struct runtime_container container = RUNTIME_CONTAINER;
	CLEANUP_JSON cJSON *order = render(&container, &layout_hybrid);
	const cJSON *oom, *entry, *mounts;

	(void)state;
	entry = array_of(order, "cgroup_entry", 3);
	assert_item(entry, 0, "/sys/fs/cgroup/cpu,cpuacct/libcri/p1/c1/tasks");
	assert_item(entry, 1, "/sys/fs/cgroup/memory/libcri/p1/c1/tasks");
	assert_item(entry, 2, "/sys/fs/cgroup/systemd/libcri/p1/c1/tasks");
	assert_null(cJSON_GetObjectItem(order, "cgroup_v2"));
	assert_int_equal(json_array(order, "monitor_cgroup_entry", &entry), 0);
	assert_item(entry, 1, "/sys/fs/cgroup/memory/libcri/monitors/tasks");
	assert_int_equal(json_object(order, "oom", &oom), 0);
	assert_text(oom, "v1", "/sys/fs/cgroup/memory/libcri/p1/c1");
	mounts = array_of(order, "mounts", 7);
	assert_mount(mounts, 0, "fresh", "/sys/fs/cgroup");
	assert_text(cJSON_GetArrayItem(mounts, 0), "filesystem", "tmpfs");
	assert_mount(mounts, 1, "bind", "/sys/fs/cgroup/cpu,cpuacct");
	assert_text(cJSON_GetArrayItem(mounts, 1), "source", "/sys/fs/cgroup/cpu,cpuacct/libcri/p1/c1");
	assert_mount(mounts, 2, "bind", "/sys/fs/cgroup/cpu");
	assert_text(cJSON_GetArrayItem(mounts, 2), "source", "/sys/fs/cgroup/cpu,cpuacct/libcri/p1/c1");
	assert_mount(mounts, 3, "bind", "/sys/fs/cgroup/cpuacct");
	assert_mount(mounts, 4, "bind", "/sys/fs/cgroup/memory");
	assert_mount(mounts, 5, "bind", "/sys/fs/cgroup/systemd");
	assert_mount(mounts, 6, "readonly", "/sys/fs/cgroup");
}

static void test_cgroups_seen(void **state)
{
	static const struct runtime_mount own = { .type = RUNTIME_MOUNT_BIND, .source = "/sys", .target = "/sys//" };
	struct runtime_container container = RUNTIME_CONTAINER;
	CLEANUP_JSON cJSON *unprivileged = render(&container, &layout_v2);
	CLEANUP_JSON cJSON *privileged = NULL;
	CLEANUP_JSON cJSON *covered = NULL;
	CLEANUP_JSON cJSON *pause = NULL;
	const cJSON *mounts = array_of(unprivileged, "mounts", 2);

	(void)state;
	assert_mount(mounts, 0, "bind", "/sys/fs/cgroup");
	assert_text(cJSON_GetArrayItem(mounts, 0), "source", "/sys/fs/cgroup/libcri/p1/c1");
	assert_mount(mounts, 1, "readonly", "/sys/fs/cgroup");
	container.privileged = true;
	privileged = render(&container, &layout_v2);
	mounts = array_of(privileged, "mounts", 1);
	assert_mount(mounts, 0, "bind", "/sys/fs/cgroup");
	container.mounts = &own;
	container.n_mounts = 1;
	covered = render(&container, &layout_v2);
	mounts = array_of(covered, "mounts", 1);
	assert_mount(mounts, 0, "bind", "/sys//");
	container.n_mounts = 0;
	container.process.pause = true;
	pause = render(&container, &layout_hybrid);
	array_of(pause, "mounts", 0);
}

static void test_mounts(void **state)
{
	static const char *const flags[] = { "nosuid", "ro" };
	static const struct runtime_mount mounts[] = {
		{ .type = RUNTIME_MOUNT_BIND,
		  .source = "/srv/a \"b\"",
		  .target = "/data",
		  .recursive = true,
		  .readonly = true,
		  .recursive_readonly = true,
		  .propagation = CRI_PROPAGATION_BIDIRECTIONAL,
		  .flags = flags,
		  .n_flags = 2 },
		{ .type = RUNTIME_MOUNT_BIND,
		  .source = "/x",
		  .target = "/y",
		  .propagation = CRI_PROPAGATION_HOST_TO_CONTAINER },
		{ .type = RUNTIME_MOUNT_FRESH,
		  .source = "mqueue",
		  .target = "/dev/mqueue",
		  .data = "a=b",
		  .flags = flags,
		  .n_flags = 1 },
		{ .type = RUNTIME_MOUNT_MASK, .target = "/proc/kcore" },
		{ .type = RUNTIME_MOUNT_READONLY, .target = "/" },
	};
	struct runtime_container container = RUNTIME_CONTAINER;
	CLEANUP_JSON cJSON *order = NULL;
	const cJSON *array, *mount;

	(void)state;
	container.mounts = mounts;
	container.n_mounts = 5;
	order = render(&container, &layout_v2);
	array = array_of(order, "mounts", 7);
	assert_mount(array, 2, "bind", "/data");
	mount = cJSON_GetArrayItem(array, 2);
	assert_text(mount, "source", "/srv/a \"b\"");
	assert_bool(mount, "recursive", true);
	assert_bool(mount, "readonly", true);
	assert_bool(mount, "recursive_readonly", true);
	assert_text(mount, "propagation", "shared");
	assert_item(array_of(mount, "flags", 2), 1, "ro");
	assert_mount(array, 3, "bind", "/y");
	mount = cJSON_GetArrayItem(array, 3);
	assert_bool(mount, "recursive", false);
	assert_bool(mount, "readonly", false);
	assert_text(mount, "propagation", "slave");
	array_of(mount, "flags", 0);
	assert_mount(array, 4, "fresh", "/dev/mqueue");
	mount = cJSON_GetArrayItem(array, 4);
	assert_text(mount, "filesystem", "mqueue");
	assert_text(mount, "data", "a=b");
	assert_item(array_of(mount, "flags", 1), 0, "nosuid");
	assert_mount(array, 5, "mask", "/proc/kcore");
	assert_mount(array, 6, "readonly", "/");
}

static void test_monitors_in_the_pod(void **state)
{
	const struct runtime_container container = RUNTIME_CONTAINER;
	CLEANUP_JSON cJSON *order = NULL;

	(void)state;
	engine.options.monitor_cgroup = CRI_MONITOR_CGROUP_POD;
	order = render(&container, &layout_v2);
	engine.options.monitor_cgroup = CRI_MONITOR_CGROUP_SHARED;
	assert_text(order, "monitor_cgroup_v2", "/sys/fs/cgroup/libcri/p1/monitors");
}

static void test_handlers(void **state)
{
	static const cri_handler_options configured = { CRI_HANDLER_OPTIONS_INIT, .name = "kata", .type = "shimv2" };
	static const cri_handler_options *const list[] = { &configured };
	static const char *const known[] = { NULL, "", "lxc", "lcr" };
	const struct runtime_handler *handler;

	(void)state;
	runtime_engine(&engine, &layout_v2);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		call_init(&call);
		handler = NULL;
		assert_int_equal(runtime_handler_find(&engine, known[i], &handler, &call), 0);
		assert_string_equal(handler->name, "lxc");
	}
	assert_int_equal(runtime_handler_find(&engine, "runc", &handler, &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "runc"));
	assert_non_null(strstr(call.message, "lxc, lcr"));
	engine.options.default_handler = "runc";
	call_init(&call);
	assert_int_equal(runtime_handler_find(&engine, "", &handler, &call), CRI_EINVAL);
	assert_int_equal(runtime_handler_find(&engine, "lcr", &handler, &call), 0);
	engine.options.handlers = list;
	engine.options.n_handlers = 1;
	call_init(&call);
	assert_int_equal(runtime_handler_find(&engine, "kata", &handler, &call), CRI_ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_cgroups_v1),
		cmocka_unit_test(test_cgroups_seen),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_monitors_in_the_pod),
		cmocka_unit_test(test_handlers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime_fixture.h"

#include "runtime/handler.h"

static cri_engine engine;
static cri_call call;

static void test_pod_container(void **state)
{
	const struct runtime_container container = RUNTIME_CONTAINER;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	runtime_engine(&engine, &layout_v2);
	call_init(&call);
	assert_int_equal(runtime_render_lxc(&engine, &container, &text, &call), 0);
	assert_string_equal(text, "lxc.rootfs.path = overlay:/var/lib/libcri/l/a/fs:/var/lib/libcri/l/2/fs:"
				  "/var/lib/libcri/l/1/fs:/var/lib/libcri/c/c1/upper\n"
				  "lxc.rootfs.options = volatile\n"
				  "lxc.rootfs.mount = /run/lxc/rootfs\n"
				  "lxc.namespace.share.net = /proc/self/fd/10/sandboxes/p1/net\n"
				  "lxc.namespace.share.ipc = /proc/self/fd/10/sandboxes/p1/ipc\n"
				  "lxc.namespace.share.uts = /proc/self/fd/10/sandboxes/p1/uts\n"
				  "lxc.namespace.clone = mnt pid\n"
				  "lxc.log.file = /proc/self/fd/8/lxc.log\n"
				  "lxc.log.level = ERROR\n"
				  "lxc.mount.auto = proc:rw sys:ro\n"
				  "lxc.autodev = 1\n"
				  "lxc.autodev.tmpfs.size = 65536000\n"
				  "lxc.pty.max = 1024\n"
				  "lxc.tty.max = 0\n"
				  "lxc.console.path = none\n"
				  "lxc.apparmor.profile = unconfined\n");
}

static void render(const struct runtime_container *container, char **text)
{
	runtime_engine(&engine, &layout_v2);
	call_init(&call);
	free(*text);
	assert_int_equal(runtime_render_lxc(&engine, container, text, &call), 0);
}

static void test_synced(void **state)
{
	const struct runtime_container container = RUNTIME_CONTAINER;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	runtime_engine(&engine, &layout_v2);
	engine.options.sync_writable_layers = true;
	call_init(&call);
	assert_int_equal(runtime_render_lxc(&engine, &container, &text, &call), 0);
	assert_null(strstr(text, "volatile"));
	assert_null(strstr(text, "lxc.rootfs.options"));
}

static void test_namespaces(void **state)
{
	struct runtime_container container = RUNTIME_CONTAINER;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	container.network_namespace = container.ipc_namespace = container.uts_namespace = container.pid_namespace =
		RUNTIME_NAMESPACE_HOST;
	container.hostname = "not-mine-to-set";
	render(&container, &text);
	assert_non_null(strstr(text, "\nlxc.namespace.share.net = /proc/self/fd/10/ns/host\n"));
	assert_non_null(strstr(text, "\nlxc.namespace.clone = mnt\n"));
	assert_null(strstr(text, "share.ipc"));
	assert_null(strstr(text, "share.uts"));
	assert_null(strstr(text, "share.pid"));
	assert_null(strstr(text, "lxc.uts.name"));
	container.ipc_namespace = container.uts_namespace = "";
	container.pid_namespace = "/proc/17/ns/pid";
	container.hostname = "box";
	render(&container, &text);
	assert_non_null(strstr(text, "\nlxc.namespace.share.pid = /proc/17/ns/pid\n"));
	assert_non_null(strstr(text, "\nlxc.namespace.clone = mnt ipc uts\n"));
	assert_non_null(strstr(text, "\nlxc.uts.name = box\n"));
}

static void test_privileged_and_empty_root(void **state)
{
	struct runtime_container container = RUNTIME_CONTAINER;
	CLEANUP_FREE char *text = NULL;

	(void)state;
	container.privileged = true;
	container.n_layers = 0;
	container.writable = "";
	render(&container, &text);
	assert_non_null(strstr(text, "lxc.rootfs.path = dir:/run/lxc/no-layers\n"));
	assert_non_null(strstr(text, "\nlxc.mount.auto = proc:rw sys:rw\n"));
}

static void refuse(const struct runtime_container *container, int code, const char *what)
{
	char *text = NULL;

	runtime_engine(&engine, &layout_v2);
	call_init(&call);
	assert_int_equal(runtime_render_lxc(&engine, container, &text, &call), code);
	assert_non_null(strstr(call.message, what));
	assert_null(text);
}

static void test_paths_that_do_not_fit(void **state)
{
	static const char *const bad[] = { "/a:b", "/a,b", "/a\\b", "/a\nlxc.hook.pre-start = x", "relative" };
	struct runtime_container container = RUNTIME_CONTAINER;
	const char *layers[200];
	CLEANUP_FREE char *text = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *one[] = { bad[i] };

		container.layers = one;
		container.n_layers = 1;
		refuse(&container, CRI_EINVAL, i == 3 ? "control character" : bad[i]);
		container.layers = runtime_layers;
		container.writable = bad[i];
		refuse(&container, CRI_EINVAL, i == 3 ? "control character" : bad[i]);
		container.writable = "/var/lib/libcri/c/c1";
	}
	container.uts_namespace = "";
	container.hostname = "x\nlxc.rootfs.path = /";
	refuse(&container, CRI_EINVAL, "lxc.uts.name");
	container.hostname = "";
	container.layers = layers;
	for (size_t i = 0; i < 200; i++)
		layers[i] = "/var/lib/libcri/l/zzz/fs";
	container.n_layers = 127;
	render(&container, &text);
	container.n_layers = 200;
	refuse(&container, CRI_EEXHAUSTED, "200 layers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pod_container),
		cmocka_unit_test(test_synced),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_privileged_and_empty_root),
		cmocka_unit_test(test_paths_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

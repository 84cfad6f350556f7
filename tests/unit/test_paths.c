/* SPDX-License-Identifier: Apache-2.0 */
#include "core_fixture.h"

static cri_engine engine = { .root = "/r", .state = "/s", .helpers = "/h" };

static void test_every_path(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_string_equal(path_database(&engine, path), "/r/libcri.db");
	assert_string_equal(path_lock(&engine, path), "/r/lock");
	assert_string_equal(path_container_root(&engine, "abc", path), "/r/c/abc");
	assert_string_equal(path_temporary(&engine, "abc", path), "/r/tmp/abc");
	assert_string_equal(path_empty_namespace(&engine, path), "/s/ns/empty");
	assert_string_equal(path_host_namespace(&engine, path), "/s/ns/host");
	assert_string_equal(path_exits(&engine, path), "/s/exits");
	assert_string_equal(path_exit(&engine, "abc", path), "/s/exits/abc");
	assert_string_equal(path_wake(&engine, path), "/s/exits/.wake");
	assert_string_equal(path_sandbox(&engine, "abc", "net", path), "/s/sandboxes/abc/net");
	assert_string_equal(path_container(&engine, "abc", "rootfs/x", path), "/s/containers/abc/rootfs/x");
	assert_string_equal(path_helper(&engine, "cri-shim", path), "/h/cri-shim");
}

static void test_no_name_is_the_directory(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_string_equal(path_sandbox(&engine, "abc", "", path), "/s/sandboxes/abc");
	assert_string_equal(path_container(&engine, "abc", NULL, path), "/s/containers/abc");
}

static void test_layers_are_numbered_in_base_36(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_string_equal(path_layer(&engine, 0, path), "/r/l/0");
	assert_string_equal(path_layer(&engine, 35, path), "/r/l/z");
	assert_string_equal(path_layer(&engine, 36, path), "/r/l/10");
	assert_string_equal(path_layer_fs(&engine, 36 * 36 - 1, path), "/r/l/zz/fs");
	assert_string_equal(path_layer(&engine, INT64_MAX, path), "/r/l/1y2p0ij32e8e7");
}

static void test_what_does_not_fit_is_null(void **state)
{
	char path[PATH_MAX], root[PATH_MAX];
	cri_engine deep = { .root = root, .state = root, .helpers = root };

	(void)state;
	memset(root, 'x', sizeof(root));
	root[0] = '/';
	root[PATH_MAX - 1] = '\0';
	assert_null(path_lock(&deep, path));
	assert_null(path_layer_fs(&deep, 1, path));
	assert_null(path_container(&deep, "abc", "exit", path));
	root[PATH_MAX - 6] = '\0';
	assert_string_equal(path_lock(&deep, path) + PATH_MAX - 6, "/lock");
	assert_null(path_exits(&deep, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_path),
		cmocka_unit_test(test_no_name_is_the_directory),
		cmocka_unit_test(test_layers_are_numbered_in_base_36),
		cmocka_unit_test(test_what_does_not_fit_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

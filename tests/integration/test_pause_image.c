/* SPDX-License-Identifier: Apache-2.0 */
/* The engine option pod_sandbox_image: every pod has a pause container of it, pulled when it is absent, and pinned. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define MACHINE "amd64"
#elif defined(__aarch64__)
#define MACHINE "aarch64"
#endif

#define COMMAND "/bin/busybox sleep 100000 "

static struct server registry;

/* A busybox that sleeps. */
static void build_pause(struct builder *builder, const struct fixture *fixture)
{
	struct tar tar;

	builder_begin(builder, fixture->directory);
	snprintf(builder->config, sizeof(builder->config), ",\"Cmd\":[\"/bin/busybox\",\"sleep\",\"100000\"]");
	tar_begin(&tar, fixture->directory);
	tar_directory(&tar, "bin", 0755);
	tar_copy(&tar, "bin/busybox", 0755, "/bin/busybox");
	tar_end(&tar);
	builder_layer(builder, &tar, "gzip");
	builder_manifest(builder, NULL);
}

static void open_with(struct fixture *fixture, const char *image)
{
	cri_engine_options options = fixture_options(fixture);

	fixture_close(fixture);
	options.pod_sandbox_image = image;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
}

static bool is_pinned(struct fixture *fixture, const char *reference)
{
	cri_list *list;
	bool pinned;

	expect_ok(fixture, cri_image_status(fixture->engine, reference, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	pinned = cri_image_at(list, 0)->pinned;
	cri_list_free(list);
	return pinned;
}

/* A pod with `pid`, and what a container in it sees as process 1. */
static void assert_pause_runs(struct fixture *fixture, cri_namespace_mode pid)
{
	const cri_sandbox_config pod = { .size = sizeof(pod), .name = "paused", .pid = pid };
	const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		.size = sizeof(config),
		.name = "paused",
		.image = IMAGE,
		.command = command,
		.n_command = 2,
		.pid = pid,
	};
	char *sandbox = NULL, *id = NULL, *output, *json;
	cri_list *list;

	expect_ok(fixture, cri_sandbox_run(fixture->engine, &pod, NULL, &sandbox, fixture->call));
	expect_ok(fixture, cri_sandbox_info_json(fixture->engine, sandbox, &json, fixture->call));
	assert_null(strstr(json, "\"pauseContainer\":\"\""));
	cri_free(json);
	expect_ok(fixture, cri_container_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	output = fixture_exec(fixture, id, "tr '\\0' ' ' </proc/1/cmdline", NULL);
	assert_string_equal(output, pid == CRI_NAMESPACE_POD ? COMMAND : "/bin/sleep 1000 ");
	free(output);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(sandbox);
	cri_free(id);
}

static void test_pulled_and_pinned(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char option[128], name[128], url[64];

	registry_start(&registry, fixture->directory, "registry", free_port(), "", "");
	build_pause(&builder, fixture);
	snprintf(url, sizeof(url), "http://%s", registry.host);
	push(&builder, url, "library/pause-" MACHINE, "3.0", "");
	snprintf(option, sizeof(option), "%s/library/pause-${machine}:3.0", registry.host);
	snprintf(name, sizeof(name), "%s/library/pause-" MACHINE ":3.0", registry.host);
	open_with(fixture, option);
	assert_pause_runs(fixture, CRI_NAMESPACE_CONTAINER);
	assert_true(is_pinned(fixture, name));
	/* It is there now. */
	server_stop(&registry);
	assert_pause_runs(fixture, CRI_NAMESPACE_POD);
	expect_ok(fixture, cri_image_remove(fixture->engine, name, fixture->call));
	fixture_close(fixture);
	fixture_open(fixture);
}

/* One that was imported for something else is pinned as soon as a pod needs it. */
static void test_imported(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	cri_list *images;

	build_pause(&builder, fixture);
	builder_index(&builder, "local.test/pause:1");
	expect_ok(fixture, cri_image_import(fixture->engine, builder.directory, NULL, &images, fixture->call));
	cri_list_free(images);
	assert_false(is_pinned(fixture, "local.test/pause:1"));
	open_with(fixture, "local.test/pause:1");
	assert_pause_runs(fixture, CRI_NAMESPACE_POD);
	assert_true(is_pinned(fixture, "local.test/pause:1"));
	expect_ok(fixture, cri_image_remove(fixture->engine, "local.test/pause:1", fixture->call));
	fixture_close(fixture);
	fixture_open(fixture);
}

static void test_out_of_reach(void **state)
{
	struct fixture *fixture = *state;
	const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "paused" };
	char option[128], word[128];
	char *id = NULL;
	int port = free_port();
	cri_list *list;

	snprintf(option, sizeof(option), "127.0.0.1:%d/none-${machine}:1", port);
	snprintf(word, sizeof(word), "127.0.0.1:%d/none-" MACHINE ":1", port);
	open_with(fixture, option);
	assert_true(cri_sandbox_run(fixture->engine, &config, NULL, &id, fixture->call) < 0);
	assert_null(id);
	assert_non_null(strstr(cri_call_message(fixture->call), "pod_sandbox_image"));
	assert_non_null(strstr(cri_call_message(fixture->call), word));
	expect_ok(fixture, cri_sandbox_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	fixture_assert_clean(fixture);
	open_with(fixture, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_pulled_and_pinned),
		fixture_test(test_imported),
		fixture_test(test_out_of_reach),
	};

	return cmocka_run_group_tests_name("pause image", tests, fixture_set_up, fixture_tear_down);
}

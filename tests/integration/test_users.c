/* SPDX-License-Identifier: Apache-2.0 */
/* Who a container runs as, and what else it takes from its image: command, directory, stop signal. */
#include "fixture.h"
#include "image_builder.h"

#include <stdlib.h>
#include <string.h>

static const char show[] = "echo $(id -u) $(id -g) $(id -G); sleep 1000";

static char *create(struct fixture *fixture, const char *sandbox, const cri_container_config *config)
{
	char *id = NULL;

	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, config, &id, fixture->call));
	return id;
}

/* Runs it; what it says of itself, an exec in it, and its status agree. */
static void assert_identity(struct fixture *fixture, const char *sandbox, const cri_container_config *given,
			    const char *expected)
{
	const char *const command[] = { "/bin/sh", "-c", show };
	static int number;
	cri_container_config config = *given;
	char name[32], log[48], line[128], text[128] = "", *id, *output;
	const cri_container_status *status;
	cri_list *list;

	snprintf(name, sizeof(name), "user%d", number++);
	snprintf(log, sizeof(log), "%s.log", name);
	config.name = name;
	config.log_path = log;
	config.command = command;
	config.n_command = 3;
	if (!config.image)
		config.image = IMAGE;
	id = create(fixture, sandbox, &config);
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	snprintf(line, sizeof(line), " stdout F %s\n", expected);
	fixture_await_line(fixture, name, line);
	output = fixture_exec(fixture, id, "echo $(id -u) $(id -g) $(id -G)", NULL);
	snprintf(line, sizeof(line), "%s\n", expected);
	assert_string_equal(output, line);
	free(output);
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	status = cri_container_status_at(list, 0);
	assert_true(status->has_user);
	snprintf(text, sizeof(text), "%lld %lld", (long long)status->uid, (long long)status->gid);
	/* id -G begins with the primary group. */
	snprintf(text + strlen(text), sizeof(text) - strlen(text), " %lld", (long long)status->gid);
	for (size_t i = 0; i < status->n_supplemental_groups; i++)
		if (status->supplemental_groups[i] != status->gid)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %lld",
				 (long long)status->supplemental_groups[i]);
	assert_string_equal(text, expected);
	cri_list_free(list);
	expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

/* In the image, app (1000) is also in group audio (29). */
static void test_users_and_groups(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "users");
	const int64_t groups[] = { 29, 4321 };
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .run_as_username = "app" };

	assert_identity(fixture, sandbox, &config, "1000 1000 1000 29");
	config.supplemental_groups = groups;
	config.n_supplemental_groups = 2;
	assert_identity(fixture, sandbox, &config, "1000 1000 1000 29 4321");
	config.supplemental_groups_policy = CRI_GROUPS_STRICT;
	assert_identity(fixture, sandbox, &config, "1000 1000 1000 29 4321");
	config.supplemental_groups = groups + 1;
	config.n_supplemental_groups = 1;
	assert_identity(fixture, sandbox, &config, "1000 1000 1000 4321");
	/* The name wins over the number; a group that is given over the image's. */
	config = (cri_container_config){
		CRI_CONTAINER_CONFIG_INIT, .run_as_username = "app", .has_run_as_user = true,
		.run_as_user = 5,          .has_run_as_group = true, .run_as_group = 77,
	};
	assert_identity(fixture, sandbox, &config, "1000 77 77 29");
	config = (cri_container_config){ CRI_CONTAINER_CONFIG_INIT, .has_run_as_user = true, .run_as_user = 1000 };
	assert_identity(fixture, sandbox, &config, "1000 1000 1000 29");
	/* Nobody that the image knows. */
	config.run_as_user = 31337;
	assert_identity(fixture, sandbox, &config, "31337 0 0");
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

static void test_unknown_user(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "unknown");
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,
		.name = "unknown",
		.image = IMAGE,
		.run_as_username = "nobodyknows",
	};
	cri_list *list;
	char *id = NULL;

	expect_code(fixture, CRI_EINVAL, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "nobodyknows"));
	assert_null(id);
	expect_ok(fixture, cri_container_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(sandbox);
}

/* An image whose config says all that it can. */
static void import_image(struct fixture *fixture)
{
	struct builder builder;
	struct tar tar;
	cri_list *images;

	builder_begin(&builder, fixture->directory);
	snprintf(builder.user, sizeof(builder.user), "worker:crew");
	snprintf(builder.config, sizeof(builder.config),
		 ",\"Entrypoint\":[\"/bin/sh\",\"-c\"],\"Cmd\":[\"echo of the image $PWD $KEY; exit 4\"],"
		 "\"WorkingDir\":\"/work\",\"StopSignal\":\"SIGUSR2\",\"Env\":[\"KEY=value\"]");
	tar_begin(&tar, fixture->directory);
	tar_directory(&tar, "bin", 0755);
	tar_copy(&tar, "bin/busybox", 0755, "/bin/busybox");
	tar_symlink(&tar, "bin/sh", "busybox");
	tar_symlink(&tar, "bin/id", "busybox");
	tar_symlink(&tar, "bin/sleep", "busybox");
	tar_directory(&tar, "etc", 0755);
	tar_file(&tar, "etc/passwd", 0644, "worker:x:500:501::/:/bin/sh\n");
	tar_file(&tar, "etc/group", 0644, "crew:x:600:\nextra:x:700:worker\n");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	builder_manifest(&builder, NULL);
	builder_index(&builder, "local.test/full:1");
	expect_ok(fixture, cri_image_import(fixture->engine, builder.directory, NULL, &images, fixture->call));
	cri_list_free(images);
}

static void test_what_the_image_says(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "image");
	const char *const args[] = { "trap 'exit 6' USR2; echo up; while :; do sleep 0.02; done" };
	const char *const command[] = { "/bin/busybox", "echo", "only this" };
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,
		.name = "plain",
		.image = "local.test/full:1",
		.log_path = "plain.log",
	};
	char *id;
	cri_list *list;

	import_image(fixture);
	/* Nothing is said: all is the image's. */
	id = create(fixture, sandbox, &config);
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 4);
	fixture_await_line(fixture, "plain", " stdout F of the image /work value\n");
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	assert_string_equal(cri_container_status_at(list, 0)->stop_signal, "SIGUSR2");
	cri_list_free(list);
	cri_free(id);
	/* args replace Cmd, and the image's stop signal stops it. */
	config.name = "args";
	config.log_path = "args.log";
	config.args = args;
	config.n_args = 1;
	id = create(fixture, sandbox, &config);
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	fixture_await_line(fixture, "args", " stdout F up\n");
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 30, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 6);
	cri_free(id);
	/* A command replaces both. */
	config.name = "command";
	config.log_path = "command.log";
	config.command = command;
	config.n_command = 3;
	config.n_args = 0;
	id = create(fixture, sandbox, &config);
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 0);
	fixture_await_line(fixture, "command", " stdout F only this\n");
	cri_free(id);
	config = (cri_container_config){ CRI_CONTAINER_CONFIG_INIT, .image = "local.test/full:1" };
	/* Whoever names a group gets no others: the image specification's rule. */
	assert_identity(fixture, sandbox, &config, "500 600 600");
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	expect_ok(fixture, cri_image_remove(fixture->engine, "local.test/full:1", fixture->call));
	cri_free(sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_users_and_groups),
		fixture_test(test_unknown_user),
		fixture_test(test_what_the_image_says),
	};

	return cmocka_run_group_tests_name("users", tests, fixture_set_up, fixture_tear_down);
}

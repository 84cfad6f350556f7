/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 of the host program while embedded layers come and go: the next open leaves no mount and no loop device that
 * no container needs, and the device's files are as they were. */
#include "embedded_builder.h"
#include "fixture.h"

#include "core/test_point.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "docker.io/library/device:v1"

static const struct {
	const char *point;
	size_t loops; /* after the next open, which may have kept the container */
} points[] = {
	{ "embedded layer stored", 0 }, { "layer mounted", 0 },  { "container inserted", 0 },
	{ "container directories", 0 }, { "container shim", 0 }, { "container created", 1 },
	{ "container removing", 0 },    { "layer idle", 0 },     { "container deleted", 0 },
	{ "layer unmounted", 0 },
};

static int live(struct fixture *fixture, const struct embedded *embedded, const char *point)
{
	const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "doomed", .log_directory = fixture->logs };
	const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "doomed", .image = NAME,
		.command = command,        .n_command = 2,   .log_path = "doomed.log",
	};
	cri_engine_options options = fixture_options(fixture);
	cri_engine *engine = NULL;
	cri_list *list = NULL;
	char *sandbox = NULL, *container = NULL;

	if (cri_engine_open(&options, &engine, NULL) < 0)
		return 1;
	test_point_wanted = point;
	if (cri_image_import(engine, embedded->manifest, NULL, &list, NULL) < 0)
		return 2;
	if (cri_sandbox_run(engine, &pod, NULL, &sandbox, NULL) < 0 ||
	    cri_container_create(engine, sandbox, &config, &container, NULL) < 0 ||
	    cri_container_start(engine, container, NULL) < 0)
		return 3;
	if (cri_container_stop(engine, container, 0, NULL) < 0 || cri_container_remove(engine, container, NULL) < 0)
		return 4;
	if (cri_image_remove(engine, embedded->digest, NULL) < 0)
		return 5;
	return 0;
}

static bool is_killed(struct fixture *fixture, const struct embedded *embedded, const char *point)
{
	int status;
	pid_t pid;

	fixture_close(fixture);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(live(fixture, embedded, point));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fixture_open(fixture);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL;
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void begin(struct fixture *fixture, struct embedded *embedded)
{
	embedded_begin(embedded, fixture->directory);
	embedded_root(embedded, "root.img", FS_SQUASHFS);
	embedded_layer(embedded, SQUASHFS_TYPE, "root.img", "/");
	embedded_finish(embedded, "device:v1");
}

/* Nothing is left, whatever was. */
static void end(struct fixture *fixture, struct embedded *embedded)
{
	char path[320], digest[DIGEST_TEXT];

	fixture_clear(fixture);
	expect_ok(fixture, cri_image_remove(fixture->engine, embedded->digest, fixture->call));
	embedded_expect_loops(embedded->directory, 0);
	shell("test $(ls '%s/l' | wc -l) -eq 1", fixture->root);
	fixture_assert_clean(fixture);
	snprintf(path, sizeof(path), "%s/root.img", embedded->directory);
	digest_of(path, digest);
	assert_non_null(strstr(embedded->layers, digest));
}

static void test_every_point(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct embedded embedded;

		print_message("kill at: %s\n", points[i].point);
		begin(fixture, &embedded);
		assert_true(is_killed(fixture, &embedded, points[i].point));
		embedded_expect_loops(embedded.directory, points[i].loops);
		end(fixture, &embedded);
	}
}

/* Guards against names that no code has. */
static void test_no_point(void **state)
{
	struct fixture *fixture = *state;
	struct embedded embedded;

	begin(fixture, &embedded);
	assert_false(is_killed(fixture, &embedded, "no such point"));
	embedded_expect_loops(embedded.directory, 0);
	end(fixture, &embedded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_no_point),
		fixture_test(test_every_point),
	};

	return cmocka_run_group_tests_name("embedded images", tests, fixture_set_up, fixture_tear_down);
}

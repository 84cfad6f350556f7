/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 of the host program at every named point of a pod's life: the next open finds or clears everything, nothing
 * that was committed is lost, and nothing is left.
 */
#include "fixture.h"

#include "core/test_point.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const points[] = {
	"sandbox inserted",
	"sandbox files",
	"sandbox shared memory",
	"sandbox namespaces",
	"sandbox pause",
	"sandbox ready",
	"container inserted",
	"container prepared",
	"container ordered",
	"container directories",
	"container cgroup",
	"container shim",
	"container created",
	"container executed",
	"container started",
	"container killed",
	"container removing",
	"container processes gone",
	"container cgroup gone",
	"container directories gone",
	"container deleted",
	"sandbox halting",
	"sandbox containers killed",
	"sandbox unpinned",
	"sandbox removing",
	"sandbox containers gone",
	"sandbox cgroup gone",
	"sandbox directory gone",
	"sandbox deleted",
};

/* The child's life: it dies somewhere in here, or ends with 0 when it never passed the point. */
static int live(struct fixture *fixture, const char *point, bool pause)
{
	const cri_sandbox_config pod = {
		.size = sizeof(pod),
		.name = "doomed",
		.log_directory = fixture->logs,
		.pid = pause ? CRI_NAMESPACE_POD : CRI_NAMESPACE_CONTAINER,
	};
	const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "doomed", .image = IMAGE,
		.command = command,        .n_command = 2,   .log_path = "doomed.log",
	};
	cri_engine_options options = fixture_options(fixture);
	cri_engine *engine = NULL;
	char *sandbox = NULL, *container = NULL;

	if (cri_engine_open(&options, &engine, NULL) < 0)
		return 1;
	test_point_wanted = point;
	if (cri_sandbox_run(engine, &pod, NULL, &sandbox, NULL) < 0)
		return 2;
	if (cri_container_create(engine, sandbox, &config, &container, NULL) < 0 ||
	    cri_container_start(engine, container, NULL) < 0)
		return 3;
	if (cri_container_stop(engine, container, 0, NULL) < 0 || cri_container_remove(engine, container, NULL) < 0)
		return 4;
	if (cri_sandbox_stop(engine, sandbox, NULL) < 0 || cri_sandbox_remove(engine, sandbox, NULL) < 0)
		return 5;
	return 0;
}

/* What is visible must be whole: a ready pod takes containers, a running container executes commands. */
static void check_what_is_there(struct fixture *fixture, const char *point, bool pause)
{
	cri_list *sandboxes = NULL, *containers = NULL;

	expect_ok(fixture, cri_sandbox_list(fixture->engine, NULL, &sandboxes, fixture->call));
	expect_ok(fixture, cri_container_list(fixture->engine, NULL, &containers, fixture->call));
	if (cri_list_count(containers))
		assert_int_equal(cri_list_count(sandboxes), 1);
	for (size_t i = 0; i < cri_list_count(containers); i++) {
		const cri_container_info *info = cri_container_at(containers, i);

		/* Its processes were killed, and nobody has recorded its end yet. */
		if (!strcmp(point, "container killed") || !strncmp(point, "sandbox halting", 15)) {
			assert_int_equal(fixture_wait(fixture, info->id), 137);
			continue;
		}
		if (info->state == CRI_CONTAINER_CREATED)
			expect_ok(fixture, cri_container_start(fixture->engine, info->id, fixture->call));
		if (info->state == CRI_CONTAINER_CREATED || info->state == CRI_CONTAINER_RUNNING) {
			char *output = fixture_exec(fixture, info->id, "echo alive", NULL);

			assert_string_equal(output, "alive\n");
			free(output);
		}
	}
	/* Committed before the kill, so it must be there. With a pause container its points come first. */
	if (!strcmp(point, "sandbox ready") || (!pause && !strcmp(point, "container inserted")))
		assert_int_equal(cri_list_count(sandboxes), 1);
	if (!pause && (!strcmp(point, "container created") || !strcmp(point, "container executed") ||
		       !strcmp(point, "container started"))) {
		assert_int_equal(cri_list_count(containers), 1);
		assert_int_equal(cri_container_at(containers, 0)->state,
				 !strcmp(point, "container created") ? CRI_CONTAINER_CREATED : CRI_CONTAINER_RUNNING);
	}
	cri_list_free(sandboxes);
	cri_list_free(containers);
}

static void kill_at(struct fixture *fixture, const char *point, bool pause)
{
	int status;
	pid_t pid;

	fixture_close(fixture);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(live(fixture, point, pause));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		print_error("%s: the host was not killed there (status %x)\n", point, (unsigned)status);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	fixture_open(fixture);
	check_what_is_there(fixture, point, pause);
	fixture_clear(fixture);
	fixture_assert_clean(fixture);
}

static void test_every_point(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		print_message("kill at: %s\n", points[i]);
		kill_at(fixture, points[i], true);
		if (strcmp(points[i], "sandbox pause") != 0)
			kill_at(fixture, points[i], false);
	}
}

/* A life without a kill passes all: guards against names that no code has. */
static void test_no_point(void **state)
{
	struct fixture *fixture = *state;
	int status;
	pid_t pid;

	fixture_close(fixture);
	pid = fork();
	if (pid == 0)
		_exit(live(fixture, "no such point", true));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	fixture_open(fixture);
	fixture_assert_clean(fixture);
}

/* A program that had the root open all along starts what one that was killed had started: it runs, and goes on. */
static void test_started_by_one_that_was_killed(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	char *sandbox = fixture_run_sandbox(fixture, "twice");
	char *id = fixture_create(fixture, sandbox, "twice", "sleep 1000");
	cri_engine *engine = NULL;
	char *output;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		test_point_wanted = "container executed";
		_exit(cri_engine_open(&options, &engine, NULL) < 0 ? 1 : cri_container_start(engine, id, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	expect_code(fixture, CRI_EPRECONDITION, cri_container_start(fixture->engine, id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "runs already"));
	assert_int_equal(fixture_state_of(fixture, id), CRI_CONTAINER_RUNNING);
	output = fixture_exec(fixture, id, "echo alive", NULL);
	assert_string_equal(output, "alive\n");
	free(output);
	fixture_clear(fixture);
	cri_free(id);
	cri_free(sandbox);
}

static int complaints;

static void complain(cri_log_level level, const char *message, void *data)
{
	(void)data;
	if (level == CRI_LOG_ERROR) {
		print_error("%s\n", message);
		complaints++;
	}
}

static void open_complaining(struct fixture *fixture)
{
	cri_engine_options options = fixture_options(fixture);

	options.log = complain;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
}

/* cri-sandbox outlives its host for a moment, and works on while the next open clears its pod away. */
static void test_while_namespaces_are_pinned(void **state)
{
	struct fixture *fixture = *state;
	const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "pinned" };
	const cri_engine_options options = fixture_options(fixture);

	complaints = 0;
	fixture_close(fixture);
	for (int i = 0; i < 60; i++) {
		int begun[2], status;
		char byte;
		pid_t pid;

		assert_int_equal(pipe(begun), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			cri_engine *engine;
			char *id;

			if (cri_engine_open(&options, &engine, NULL) < 0 || write(begun[1], "", 1) != 1)
				_exit(1);
			while (cri_sandbox_run(engine, &pod, NULL, &id, NULL) == 0 &&
			       cri_sandbox_remove(engine, id, NULL) == 0)
				cri_free(id);
			_exit(2);
		}
		assert_int_equal(read(begun[0], &byte, 1), 1);
		usleep((useconds_t)(500 + 150 * i));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		close(begun[0]);
		close(begun[1]);
		open_complaining(fixture);
		fixture_clear(fixture);
		for (int k = 0; fixture_has_pods(fixture); k++) {
			assert_in_range(k, 0, 500);
			usleep(10000);
			fixture_close(fixture);
			open_complaining(fixture);
		}
		fixture_assert_clean(fixture);
		fixture_close(fixture);
	}
	fixture_open(fixture);
	assert_int_equal(complaints, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_no_point),
		fixture_test(test_every_point),
		fixture_test(test_started_by_one_that_was_killed),
		fixture_test(test_while_namespaces_are_pinned),
	};

	return cmocka_run_group_tests_name("kill points", tests, fixture_set_up, fixture_tear_down);
}

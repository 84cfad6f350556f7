/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 of the helpers: a shim's death costs nothing, a monitor's ends the container and is reported as such. */
#include "fixture.h"

#include "base/fs.h"
#include "runtime/shim.h"
#include "runtime/shim_process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void kill_helper(struct fixture *fixture, const char *id, enum shim_process process)
{
	int pidfd = shim_process_open(fixture->engine, id, process);
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

	assert_true(pidfd >= 0);
	assert_int_equal(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
	assert_int_equal(poll(&poll_fd, 1, 10000), 1);
	close(pidfd);
}

static void assert_end(struct fixture *fixture, const char *id, int exit_code, const char *reason)
{
	cri_list *list;

	assert_int_equal(fixture_wait(fixture, id), exit_code);
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	assert_string_equal(cri_container_status_at(list, 0)->reason, reason);
	cri_list_free(list);
}

static void test_shim_killed_while_running(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "shim");
	char *id = fixture_start(fixture, sandbox, "shim",
				 "echo before; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo after; exit 4");
	char *log;

	kill_helper(fixture, id, SHIM_PROCESS_SHIM);
	assert_int_equal(fixture_state_of(fixture, id), CRI_CONTAINER_RUNNING);
	/* The next call starts a new shim, which has taken the streams over. */
	free(fixture_exec(fixture, id, "touch /tmp/go", NULL));
	assert_end(fixture, id, 4, "Error");
	log = fixture_log(fixture, "shim");
	assert_non_null(strstr(log, " stdout F before\n"));
	assert_non_null(strstr(log, " stdout F after\n"));
	free(log);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* Nobody looks until the container has ended by itself: the monitor alone keeps the exit code. */
static void test_shim_killed_and_container_ends_alone(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "alone");
	char *id = fixture_start(fixture, sandbox, "alone", "sleep 0.3; exit 6");

	kill_helper(fixture, id, SHIM_PROCESS_SHIM);
	fixture_close(fixture);
	usleep(800000);
	fixture_open(fixture);
	assert_int_equal(fixture_state_of(fixture, id), CRI_CONTAINER_EXITED);
	assert_end(fixture, id, 6, "Error");
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void test_shim_killed_before_start(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "created");
	char *id = fixture_create(fixture, sandbox, "created", "echo started; exit 8");
	char *log;

	kill_helper(fixture, id, SHIM_PROCESS_SHIM);
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	assert_end(fixture, id, 8, "Error");
	log = fixture_log(fixture, "created");
	assert_non_null(strstr(log, " stdout F started\n"));
	free(log);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void test_monitor_killed(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "monitor");
	char *id = fixture_start(fixture, sandbox, "monitor", "sleep 1000");

	kill_helper(fixture, id, SHIM_PROCESS_MONITOR);
	assert_end(fixture, id, 137, "Unknown");
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(id);
	cri_free(sandbox);
}

static void test_both_killed(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "both");
	char *id = fixture_start(fixture, sandbox, "both", "sleep 1000");

	kill_helper(fixture, id, SHIM_PROCESS_SHIM);
	kill_helper(fixture, id, SHIM_PROCESS_MONITOR);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_end(fixture, id, 137, "Unknown");
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(id);
	cri_free(sandbox);
}

/* Events of containers that ended while no program ran are delivered at the next open, each once. */
static void test_events_of_unwatched_ends(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "events");
	char *id = fixture_start(fixture, sandbox, "events", "sleep 0.2; exit 2");
	cri_events *events = NULL;
	cri_list *list = NULL;
	int64_t last = 0;
	size_t stops = 0;

	expect_ok(fixture, cri_events_open(fixture->engine, 0, &events, fixture->call));
	expect_ok(fixture, cri_events_next(events, &list, fixture->call));
	for (size_t i = 0; i < cri_list_count(list); i++)
		last = cri_event_at(list, i)->sequence;
	cri_list_free(list);
	cri_events_free(events);
	fixture_close(fixture);
	usleep(600000);
	fixture_open(fixture);
	expect_ok(fixture, cri_events_open(fixture->engine, last, &events, fixture->call));
	expect_ok(fixture, cri_events_next(events, &list, fixture->call));
	for (size_t i = 0; i < cri_list_count(list); i++) {
		const cri_event *event = cri_event_at(list, i);

		if (event->type == CRI_EVENT_STOPPED && !strcmp(event->container_id, id)) {
			assert_int_equal(event->exit_code, 2);
			assert_string_equal(event->sandbox_id, sandbox);
			stops++;
		}
	}
	assert_int_equal(stops, 1);
	cri_list_free(list);
	cri_events_free(events);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* The lock that spares a status the look for an exit record is the first shim's alone, and goes before that is there.
 */
static void test_who_says_that_it_runs_on(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "lock");
	char *first = fixture_start(fixture, sandbox, "first", "sleep 1000");
	char *second = fixture_start(fixture, sandbox, "second", "sleep 1000");

	assert_true(shim_runs_on(fixture->engine, first));
	assert_int_equal(fixture_state_of(fixture, first), CRI_CONTAINER_RUNNING);
	expect_ok(fixture, cri_container_signal(fixture->engine, first, "KILL", fixture->call));
	assert_int_equal(fixture_wait(fixture, first), 137);
	assert_false(shim_runs_on(fixture->engine, first));
	assert_int_equal(fixture_state_of(fixture, first), CRI_CONTAINER_EXITED);
	/* One that takes over cannot know whether the monitor has published. */
	kill_helper(fixture, second, SHIM_PROCESS_SHIM);
	assert_false(shim_runs_on(fixture->engine, second));
	free(fixture_exec(fixture, second, "true", NULL));
	assert_false(shim_runs_on(fixture->engine, second));
	assert_int_equal(fixture_state_of(fixture, second), CRI_CONTAINER_RUNNING);
	expect_ok(fixture, cri_container_stop(fixture->engine, second, 0, fixture->call));
	assert_int_equal(fixture_state_of(fixture, second), CRI_CONTAINER_EXITED);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(second);
	cri_free(first);
	cri_free(sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_shim_killed_while_running),
		fixture_test(test_shim_killed_and_container_ends_alone),
		fixture_test(test_shim_killed_before_start),
		fixture_test(test_monitor_killed),
		fixture_test(test_both_killed),
		fixture_test(test_events_of_unwatched_ends),
		fixture_test(test_who_says_that_it_runs_on),
	};

	return cmocka_run_group_tests_name("killed helpers", tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Events: which come, in which order, to whom; and what is said when some were lost. */
#include "fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static cri_events *subscribe(struct fixture *fixture, int64_t after)
{
	cri_events *events = NULL;

	expect_ok(fixture, cri_events_open(fixture->engine, after, &events, fixture->call));
	return events;
}

static void assert_quiet(struct fixture *fixture, cri_events *events)
{
	cri_list *list;

	expect_ok(fixture, cri_events_next(events, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
}

struct expected {
	cri_event_type type;
	const char *container, *sandbox;
	int exit_code;
};

/* Waits for them by the descriptor; no others come in between. */
static void assert_events(struct fixture *fixture, cri_events *events, const struct expected *expected, size_t n)
{
	int64_t sequence = 0, time = 0;

	for (size_t seen = 0; seen < n;) {
		struct pollfd fd = { .fd = cri_events_fd(events), .events = POLLIN };
		cri_list *list;

		assert_int_equal(poll(&fd, 1, 10000), 1);
		expect_ok(fixture, cri_events_next(events, &list, fixture->call));
		for (size_t i = 0; i < cri_list_count(list); i++) {
			const cri_event *event = cri_event_at(list, i);

			assert_true(seen < n);
			assert_int_equal(event->type, expected[seen].type);
			assert_string_equal(event->container_id, expected[seen].container);
			assert_string_equal(event->sandbox_id, expected[seen].sandbox);
			assert_int_equal(event->exit_code, expected[seen].exit_code);
			assert_true(event->sequence > sequence && event->created_at > time);
			sequence = event->sequence;
			time = event->created_at;
			seen++;
		}
		cri_list_free(list);
	}
	assert_quiet(fixture, events);
}

static void test_a_whole_life(void **state)
{
	struct fixture *fixture = *state;
	cri_events *events = subscribe(fixture, -1);
	char *sandbox = fixture_run_sandbox(fixture, "life");
	char *id = fixture_start(fixture, sandbox, "life", "exit 3");

	assert_int_equal(fixture_wait(fixture, id), 3);
	expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, sandbox, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));

	const struct expected expected[] = {
		{ CRI_EVENT_CREATED, sandbox, sandbox, 0 }, { CRI_EVENT_STARTED, sandbox, sandbox, 0 },
		{ CRI_EVENT_CREATED, id, sandbox, 0 },      { CRI_EVENT_STARTED, id, sandbox, 0 },
		{ CRI_EVENT_STOPPED, id, sandbox, 3 },      { CRI_EVENT_DELETED, id, sandbox, 0 },
		{ CRI_EVENT_STOPPED, sandbox, sandbox, 0 }, { CRI_EVENT_DELETED, sandbox, sandbox, 0 },
	};

	assert_events(fixture, events, expected, sizeof(expected) / sizeof(*expected));
	cri_events_free(events);
	cri_free(sandbox);
	cri_free(id);
}

/* A program that does nothing but wait is woken by what another does, and by an end that nobody asks about. */
static void test_of_another_program(void **state)
{
	struct fixture *fixture = *state;
	cri_events *events;
	char sandbox[65], id[65];

	events = subscribe(fixture, -1);
	fixture_start_elsewhere(fixture, "other", "sleep 0.2; exit 9", NULL, sandbox, id);

	const struct expected expected[] = {
		{ CRI_EVENT_CREATED, sandbox, sandbox, 0 }, { CRI_EVENT_STARTED, sandbox, sandbox, 0 },
		{ CRI_EVENT_CREATED, id, sandbox, 0 },      { CRI_EVENT_STARTED, id, sandbox, 0 },
		{ CRI_EVENT_STOPPED, id, sandbox, 9 },
	};

	assert_events(fixture, events, expected, sizeof(expected) / sizeof(*expected));
	cri_events_free(events);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
}

/* The store keeps a bounded number: whoever comes too late is told, once, and goes on behind the gap. */
static void test_overflow(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	cri_events *late;
	cri_list *list;
	char *sandbox;

	fixture_close(fixture);
	options.max_events = 8;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
	late = subscribe(fixture, -1);
	sandbox = fixture_run_sandbox(fixture, "overflow");
	for (int i = 0; i < 5; i++) {
		char *id = fixture_create(fixture, sandbox, "overflow", "true");

		expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
		cri_free(id);
	}
	list = NULL;
	expect_code(fixture, CRI_EOVERFLOW, cri_events_next(late, &list, fixture->call));
	assert_null(list);
	expect_ok(fixture, cri_events_next(late, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 8);
	assert_int_equal(cri_event_at(list, 7)->type, CRI_EVENT_DELETED);
	cri_list_free(list);
	assert_quiet(fixture, late);
	cri_events_free(late);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
	fixture_close(fixture);
	fixture_open(fixture);
}

static void test_bad_places(void **state)
{
	struct fixture *fixture = *state;
	cri_events *events = NULL;
	cri_list *list;

	expect_code(fixture, CRI_EINVAL, cri_events_open(fixture->engine, -2, &events, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_events_open(fixture->engine, INT64_MAX, &events, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_events_open(fixture->engine, 0, NULL, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_events_next(NULL, &list, fixture->call));
	assert_null(events);
	assert_int_equal(cri_events_fd(NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_a_whole_life),
		fixture_test(test_of_another_program),
		fixture_test(test_overflow),
		fixture_test(test_bad_places),
	};

	return cmocka_run_group_tests_name("events", tests, fixture_set_up, fixture_tear_down);
}

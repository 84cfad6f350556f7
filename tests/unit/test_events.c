/* SPDX-License-Identifier: Apache-2.0 */
/* Event subscriptions over a store whose events come from pods. */
#include "core_fixture.h"

#include "libcri/event.h"
#include "store/store.h"

#define MAX_EVENTS 2000

static void open_store(cri_engine *engine, uint32_t max_events)
{
	char path[PATH_MAX];
	cri_call call;

	call_init(&call);
	assert_int_equal(store_open(path_database(engine, path), max_events, &engine->store, &call), 0);
}

static int setup(void **state)
{
	struct core_fixture *fixture;

	core_setup(state);
	fixture = *state;
	open_store(&fixture->engine, MAX_EVENTS);
	return 0;
}

static int teardown(void **state)
{
	struct core_fixture *fixture = *state;

	store_close(fixture->engine.store);
	return core_teardown(state);
}

/* Two events: CREATED and STARTED of pod `number`. */
static void add_pod(cri_engine *engine, int number)
{
	char id[32];
	struct sandbox_row row = {
		.id = id,
		.name = id,
		.uid = "",
		.namespace_ = "",
		.state = SANDBOX_CREATING,
		.handler = "lxc",
		.config = "{}",
		.labels = "{}",
		.annotations = "{}",
		.cgroup = "/x",
		.network = "{}",
		.pause = "",
	};
	cri_call call;
	bool changed;

	snprintf(id, sizeof(id), "pod%d", number);
	call_init(&call);
	assert_int_equal(store_sandbox_insert(engine->store, &row, &call), 0);
	assert_int_equal(store_sandbox_set_state(engine->store, id, SANDBOX_CREATING, SANDBOX_READY, &changed, &call),
			 0);
	assert_true(changed);
	engine_wake(engine);
}

static bool is_readable(const cri_events *events)
{
	struct pollfd fd = { .fd = cri_events_fd(events), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/* The number of events, of which the first is of pod `first`. */
static size_t next(cri_events *events, int first)
{
	cri_list *list = NULL;
	size_t count;
	char id[32];

	assert_int_equal(cri_events_next(events, &list, NULL), 0);
	count = cri_list_count(list);
	snprintf(id, sizeof(id), "pod%d", first);
	for (size_t i = 0; i < count; i++) {
		const cri_event *event = cri_event_at(list, i);

		if (i == 0)
			assert_string_equal(event->container_id, id);
		else
			assert_true(event->sequence > cri_event_at(list, i - 1)->sequence);
		assert_string_equal(event->sandbox_id, event->container_id);
		assert_true(event->created_at > 0);
	}
	assert_null(cri_event_at(list, count));
	cri_list_free(list);
	return count;
}

static void test_new_events_wake_the_subscriber(void **state)
{
	struct core_fixture *fixture = *state;
	cri_events *events;

	add_pod(&fixture->engine, 1);
	assert_int_equal(cri_events_open(&fixture->engine, -1, &events, NULL), 0);
	assert_false(is_readable(events));
	assert_int_equal(next(events, 0), 0);
	/* The first wake makes the file, the second touches it. */
	for (int i = 2; i < 4; i++) {
		add_pod(&fixture->engine, i);
		assert_true(is_readable(events));
		assert_int_equal(next(events, i), 2);
		assert_false(is_readable(events));
		assert_int_equal(next(events, i), 0);
	}
	cri_events_free(events);
}

static void test_a_subscriber_begins_where_it_wants(void **state)
{
	struct core_fixture *fixture = *state;
	cri_events *events;
	cri_list *list;
	int64_t sequence;

	for (int i = 1; i < 4; i++)
		add_pod(&fixture->engine, i);
	assert_int_equal(cri_events_open(&fixture->engine, 0, &events, NULL), 0);
	assert_true(is_readable(events));
	assert_int_equal(cri_events_next(events, &list, NULL), 0);
	assert_int_equal(cri_list_count(list), 6);
	assert_int_equal(cri_event_at(list, 0)->type, CRI_EVENT_CREATED);
	assert_int_equal(cri_event_at(list, 1)->type, CRI_EVENT_STARTED);
	sequence = cri_event_at(list, 3)->sequence;
	cri_list_free(list);
	cri_events_free(events);
	assert_int_equal(cri_events_open(&fixture->engine, sequence, &events, NULL), 0);
	assert_int_equal(next(events, 3), 2);
	assert_false(is_readable(events));
	cri_events_free(events);
}

static void test_a_full_batch_leaves_the_descriptor_readable(void **state)
{
	struct core_fixture *fixture = *state;
	cri_events *events;

	for (int i = 0; i < 501; i++)
		add_pod(&fixture->engine, i);
	assert_int_equal(cri_events_open(&fixture->engine, 0, &events, NULL), 0);
	assert_int_equal(next(events, 0), 1000);
	assert_true(is_readable(events));
	assert_int_equal(next(events, 500), 2);
	assert_false(is_readable(events));
	cri_events_free(events);
}

static void test_dropped_events_are_reported_once(void **state)
{
	struct core_fixture *fixture = *state;
	cri_events *slow, *late;
	cri_list *list = NULL;
	cri_call *call;

	store_close(fixture->engine.store);
	open_store(&fixture->engine, 4);
	assert_int_equal(cri_call_new(&call), 0);
	add_pod(&fixture->engine, 0);
	assert_int_equal(cri_events_open(&fixture->engine, 0, &slow, call), 0);
	assert_int_equal(next(slow, 0), 2);
	for (int i = 1; i < 6; i++)
		add_pod(&fixture->engine, i);
	assert_int_equal(cri_events_next(slow, &list, call), CRI_EOVERFLOW);
	assert_null(list);
	assert_non_null(strstr(cri_call_message(call), "from 3 to 8"));
	assert_true(is_readable(slow));
	assert_int_equal(next(slow, 4), 4);
	assert_false(is_readable(slow));
	/* Who asks for all that are kept misses nothing, until something is dropped after the opening. */
	assert_int_equal(cri_events_open(&fixture->engine, 0, &late, call), 0);
	assert_int_equal(next(late, 4), 4);
	cri_events_free(late);
	assert_int_equal(cri_events_open(&fixture->engine, 0, &late, call), 0);
	add_pod(&fixture->engine, 6);
	assert_int_equal(cri_events_next(late, &list, call), CRI_EOVERFLOW);
	assert_int_equal(next(late, 5), 4);
	cri_events_free(late);
	cri_events_free(slow);
	cri_call_free(call);
}

static void test_bad_arguments(void **state)
{
	struct core_fixture *fixture = *state;
	cri_events *events = NULL;
	cri_list *list = NULL;
	cri_call *call;

	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(cri_events_open(NULL, 0, &events, call), CRI_EINVAL);
	assert_int_equal(cri_events_open(&fixture->engine, 0, NULL, call), CRI_EINVAL);
	assert_int_equal(cri_events_open(&fixture->engine, -2, &events, call), CRI_EINVAL);
	assert_non_null(strstr(cri_call_message(call), "after"));
	assert_int_equal(cri_events_open(&fixture->engine, 1, &events, call), CRI_EINVAL);
	assert_non_null(strstr(cri_call_message(call), "no event 1"));
	assert_null(events);
	assert_int_equal(cri_events_next(NULL, &list, call), CRI_EINVAL);
	assert_int_equal(cri_events_open(&fixture->engine, 0, &events, call), 0);
	assert_int_equal(cri_events_next(events, NULL, call), CRI_EINVAL);
	assert_int_equal(cri_events_fd(NULL), -1);
	cri_events_free(events);
	cri_events_free(NULL);
	cri_call_free(call);
}

static void test_a_missing_directory_is_told(void **state)
{
	struct core_fixture *fixture = *state;
	cri_events *events = NULL;
	char path[PATH_MAX];
	cri_call *call;

	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(rmdir(path_exits(&fixture->engine, path)), 0);
	assert_int_equal(cri_events_open(&fixture->engine, 0, &events, call), CRI_ENOTFOUND);
	assert_non_null(strstr(cri_call_message(call), path));
	assert_null(events);
	cri_call_free(call);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_new_events_wake_the_subscriber),
		TEST(test_a_subscriber_begins_where_it_wants),
		TEST(test_a_full_batch_leaves_the_descriptor_readable),
		TEST(test_dropped_events_are_reported_once),
		TEST(test_bad_arguments),
		TEST(test_a_missing_directory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

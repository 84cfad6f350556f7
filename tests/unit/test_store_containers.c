/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#define ODD "c'on_%\"ta;iner\xc3\xa4"

static void insert(struct fixture *f, const char *id, const char *sandbox, const char *name)
{
	struct container_row row = fixture_container(id, sandbox, name);

	assert_int_equal(store_container_insert(f->store, &row, &f->call), 0);
}

static void make(struct fixture *f, const char *id, const char *sandbox, const char *name)
{
	insert(f, id, sandbox, name);
	assert_int_equal(store_container_created(f->store, id, "{\"uid\":7}", 42, &f->call), 0);
}

static struct container_row get(struct fixture *f, const char *id)
{
	struct container_row row;

	assert_int_equal(store_container_get(f->store, &f->arena, id, true, &row, &f->call), 0);
	return row;
}

static bool end(struct fixture *f, const char *id, const struct container_exit *exit)
{
	bool changed = false;

	assert_int_equal(store_container_exited(f->store, id, exit, &changed, &f->call), 0);
	return changed;
}

static size_t count(struct fixture *f, const char *id, const char *sandbox, unsigned states)
{
	struct container_row *rows;
	size_t n_rows = 999;

	assert_int_equal(store_container_list(f->store, &f->arena, id, sandbox, states, true, &rows, &n_rows, &f->call),
			 0);
	return n_rows;
}

static void a_row_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	int64_t layers[] = { fixture_layer(f, "sha256:2", ""), fixture_layer(f, "sha256:1", "") };
	struct container_row row = fixture_container("cccc", "aaaa", ODD);
	struct container_row read;

	fixture_ready_sandbox(f, "aaaa", "a");
	row.attempt = UINT32_MAX;
	row.log_path = "/var/log/" ODD;
	row.resources = "{\"cpu\":1}";
	row.layers = layers;
	row.n_layers = 2;
	assert_int_equal(store_container_insert(f->store, &row, &f->call), 0);
	read = get(f, "cccc");
	assert_int_equal(read.state, CONTAINER_CREATING);
	assert_string_equal(read.user, "");
	assert_int_equal(store_container_created(f->store, "cccc", "{\"uid\":7}", 42, &f->call), 0);
	read = get(f, "cccc");
	assert_string_equal(read.id, "cccc");
	assert_string_equal(read.sandbox_id, "aaaa");
	assert_string_equal(read.name, ODD);
	assert_int_equal(read.attempt, UINT32_MAX);
	assert_int_equal(read.state, CONTAINER_CREATED);
	assert_false(read.pause);
	assert_int_equal(read.created_at, row.created_at);
	assert_int_equal(read.started_at, 0);
	assert_int_equal(read.finished_at, 0);
	assert_string_equal(read.reason, "");
	assert_string_equal(read.message, "");
	assert_string_equal(read.image, row.image);
	assert_string_equal(read.user_specified_image, row.user_specified_image);
	assert_string_equal(read.image_id, row.image_id);
	assert_string_equal(read.config, row.config);
	assert_string_equal(read.labels, row.labels);
	assert_string_equal(read.annotations, row.annotations);
	assert_string_equal(read.log_path, row.log_path);
	assert_string_equal(read.resources, row.resources);
	assert_string_equal(read.user, "{\"uid\":7}");
	assert_string_equal(read.stop_signal, row.stop_signal);
	assert_string_equal(read.cgroup, row.cgroup);
	assert_int_equal(read.pid, 42);
	assert_int_equal(read.n_layers, 2);
	assert_memory_equal(read.layers, layers, sizeof(layers));
	assert_int_equal(store_container_set_resources(f->store, "cccc", "{\"cpu\":2}", &f->call), 0);
	assert_string_equal(get(f, "cccc").resources, "{\"cpu\":2}");
	ASSERT_FAILED(&f->call, store_container_set_resources(f->store, "dddd", "", &f->call), CRI_ENOTFOUND, "dddd");
}

static void what_an_insert_needs(void **state)
{
	struct fixture *f = *state;
	int64_t layer = fixture_layer(f, "sha256:1", "");
	const int64_t gone[] = { layer, layer + 100 };
	struct container_row row = fixture_container("cccc", "aaaa", "c");
	struct sandbox_row sandbox = fixture_sandbox("aaaa", "a");
	bool changed;

	ASSERT_FAILED(&f->call, store_container_insert(f->store, &row, &f->call), CRI_EPRECONDITION, "aaaa", "gone");
	assert_int_equal(store_sandbox_insert(f->store, &sandbox, &f->call), 0);
	ASSERT_FAILED(&f->call, store_container_insert(f->store, &row, &f->call), CRI_EPRECONDITION, "aaaa",
		      "not ready");
	row.pause = true;
	assert_int_equal(store_container_insert(f->store, &row, &f->call), 0);
	assert_int_equal(store_sandbox_set_state(f->store, "aaaa", SANDBOX_CREATING, SANDBOX_READY, &changed, &f->call),
			 0);
	/* A pause container takes nobody's name; another of the pod would. */
	row.pause = false;
	row.id = "dddd";
	row.layers = gone;
	row.n_layers = 2;
	ASSERT_FAILED(&f->call, store_container_insert(f->store, &row, &f->call), CRI_ENOTFOUND, "layer");
	assert_int_equal(count(f, NULL, NULL, STATES_ALL), 1);
	assert_int_equal(row.created_at, get(f, "cccc").created_at);
	row.n_layers = 1;
	assert_int_equal(store_container_insert(f->store, &row, &f->call), 0);
	row.id = "eeee";
	ASSERT_FAILED(&f->call, store_container_insert(f->store, &row, &f->call), CRI_EEXIST, "dddd");
	row.attempt = 1;
	assert_int_equal(store_container_insert(f->store, &row, &f->call), 0);
	fixture_ready_sandbox(f, "bbbb", "b");
	row = fixture_container("ffff", "bbbb", "c");
	assert_int_equal(store_container_insert(f->store, &row, &f->call), 0);
	assert_int_equal(store_sandbox_set_state(f->store, "bbbb", SANDBOX_READY, SANDBOX_NOTREADY, &changed, &f->call),
			 0);
	row.id = "9999";
	row.name = "new";
	ASSERT_FAILED(&f->call, store_container_insert(f->store, &row, &f->call), CRI_EPRECONDITION, "bbbb");
}

static void a_life_and_its_events(void **state)
{
	struct fixture *f = *state;
	const struct container_exit exit = { .finished_at = 222, .exit_code = 3, .started_at = 999, .message = "m" };
	struct event_row *events;
	struct container_row row;
	size_t n_events;
	int64_t last;
	bool lost;
	bool changed;

	fixture_ready_sandbox(f, "aaaa", "a");
	last = fixture_last_event(f);
	make(f, "cccc", "aaaa", "c");
	ASSERT_FAILED(&f->call, store_container_created(f->store, "cccc", "", 1, &f->call), CRI_EPRECONDITION, "cccc",
		      "not started");
	ASSERT_FAILED(&f->call, store_container_created(f->store, "dddd", "", 1, &f->call), CRI_ENOTFOUND, "dddd");
	assert_int_equal(store_container_started(f->store, "cccc", 111, &f->call), 0);
	ASSERT_FAILED(&f->call, store_container_started(f->store, "cccc", 112, &f->call), CRI_EPRECONDITION, "running");
	ASSERT_FAILED(&f->call, store_container_started(f->store, "dddd", 112, &f->call), CRI_ENOTFOUND, "dddd");
	ASSERT_FAILED(&f->call, store_container_removing(f->store, "cccc", &changed, &f->call), CRI_EPRECONDITION,
		      "running");
	assert_false(changed);
	assert_true(end(f, "cccc", &exit));
	assert_false(end(f, "cccc", &exit));
	row = get(f, "cccc");
	assert_int_equal(row.state, CONTAINER_EXITED);
	assert_int_equal(row.started_at, 111);
	assert_int_equal(row.finished_at, 222);
	assert_int_equal(row.exit_code, 3);
	assert_string_equal(row.reason, "Error");
	assert_string_equal(row.message, "m");
	ASSERT_FAILED(&f->call, store_container_started(f->store, "cccc", 113, &f->call), CRI_EPRECONDITION, "exited");
	assert_int_equal(store_container_removing(f->store, "cccc", &changed, &f->call), 0);
	assert_true(changed);
	assert_int_equal(store_container_removing(f->store, "cccc", &changed, &f->call), 0);
	assert_false(changed);
	assert_false(end(f, "cccc", &exit));
	assert_int_equal(store_container_delete(f->store, "cccc", &f->call), 0);
	assert_int_equal(store_container_delete(f->store, "cccc", &f->call), 0);
	assert_int_equal(store_container_removing(f->store, "cccc", &changed, &f->call), 0);
	assert_false(changed);
	changed = true;
	ASSERT_SILENT(&f->call, store_container_exited(f->store, "cccc", &exit, &changed, &f->call), CRI_ENOTFOUND);
	assert_false(changed);
	assert_string_equal(fixture_events(f, last), "CRSD");
	assert_int_equal(store_event_list(f->store, &f->arena, last, 10, &events, &n_events, &lost, &f->call), 0);
	assert_string_equal(events[2].container_id, "cccc");
	assert_string_equal(events[2].sandbox_id, "aaaa");
	assert_int_equal(events[2].exit_code, 3);
	/* The configs and references went with it. */
	char left[32] = "";
	fixture_sql(f, "SELECT count(*) FROM container_config", left, sizeof(left));
	assert_string_equal(left, "0");
}

static void ends_that_come_first(void **state)
{
	struct fixture *f = *state;
	const struct container_exit quick = { .finished_at = 20, .exit_code = 0, .started_at = 10 };
	const struct container_exit killed = { .finished_at = 20, .exit_code = 137, .oom = true, .started_at = 10 };
	const struct container_exit never = { .finished_at = 20, .exit_code = 128, .reason = "StartError" };
	bool changed;
	int64_t last;

	fixture_ready_sandbox(f, "aaaa", "a");
	make(f, "c001", "aaaa", "1");
	make(f, "c002", "aaaa", "2");
	make(f, "c003", "aaaa", "3");
	insert(f, "c004", "aaaa", "4");
	last = fixture_last_event(f);
	assert_true(end(f, "c001", &quick));
	assert_string_equal(fixture_events(f, last), "RS");
	assert_int_equal(get(f, "c001").started_at, 10);
	assert_string_equal(get(f, "c001").reason, "Completed");
	assert_true(end(f, "c002", &killed));
	assert_string_equal(fixture_events(f, last + 2), "ROS");
	assert_string_equal(get(f, "c002").reason, "OOMKilled");
	assert_true(end(f, "c003", &never));
	assert_string_equal(fixture_events(f, last + 5), "S");
	assert_string_equal(get(f, "c003").reason, "StartError");
	assert_int_equal(get(f, "c003").started_at, 0);
	/* One that is still being made has no end, and goes in silence. */
	assert_false(end(f, "c004", &quick));
	assert_int_equal(store_container_removing(f->store, "c004", &changed, &f->call), 0);
	assert_true(changed);
	assert_int_equal(store_container_delete(f->store, "c004", &f->call), 0);
	assert_string_equal(fixture_events(f, last + 6), "");
}

static void reasons(void **state)
{
	(void)state;
	assert_string_equal(store_exit_reason("Given", 0, true), "Given");
	assert_string_equal(store_exit_reason("", 0, false), "Completed");
	assert_string_equal(store_exit_reason(NULL, 1, false), "Error");
	assert_string_equal(store_exit_reason("", 137, true), "OOMKilled");
	assert_string_equal(store_exit_reason("", -1, false), "Error");
}

static void pause_containers_are_hidden(void **state)
{
	struct fixture *f = *state;
	struct container_row row = fixture_container("abcdef", "aaaa", "pause");
	const struct container_exit exit = { .finished_at = 1 };
	struct container_row read;
	int64_t last;

	fixture_ready_sandbox(f, "aaaa", "a");
	last = fixture_last_event(f);
	row.pause = true;
	assert_int_equal(store_container_insert(f->store, &row, &f->call), 0);
	assert_int_equal(store_container_created(f->store, "abcdef", "", 1, &f->call), 0);
	assert_int_equal(store_container_started(f->store, "abcdef", 1, &f->call), 0);
	assert_int_equal(count(f, NULL, NULL, CONTAINER_VISIBLE), 0);
	assert_int_equal(count(f, NULL, "aaaa", CONTAINER_VISIBLE), 0);
	assert_int_equal(count(f, "abc", NULL, 1u << CONTAINER_RUNNING), 0);
	assert_int_equal(count(f, NULL, "aaaa", STATES_ALL), 1);
	ASSERT_FAILED(&f->call, store_container_get(f->store, &f->arena, "abcdef", false, &read, &f->call),
		      CRI_ENOTFOUND, "abcdef");
	assert_true(get(f, "abcd").pause);
	assert_true(end(f, "abcdef", &exit));
	assert_int_equal(store_container_delete(f->store, "abcdef", &f->call), 0);
	assert_string_equal(fixture_events(f, last), "");
}

static void found_and_listed(void **state)
{
	struct fixture *f = *state;
	struct container_row *rows;
	struct container_row row;
	size_t n_rows;
	char id[65];
	char name[16];

	fixture_ready_sandbox(f, "aaaa0000", "a");
	fixture_ready_sandbox(f, "aaab0000", "b");
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		make(f, fixture_id(id, 0xc0000000 - i), i % 4 ? "aaaa0000" : "aaab0000", name);
	}
	insert(f, "dddd", "aaaa0000", "creating");
	assert_int_equal(store_container_started(f->store, fixture_id(id, 0xc0000000), 5, &f->call), 0);
	assert_int_equal(store_container_list(f->store, &f->arena, NULL, NULL, CONTAINER_VISIBLE, true, &rows, &n_rows,
					      &f->call),
			 0);
	assert_int_equal(n_rows, 40);
	for (size_t i = 0; i < n_rows; i++) {
		snprintf(name, sizeof(name), "n%zu", 39 - i);
		assert_string_equal(rows[i].name, name);
		assert_string_equal(rows[i].labels, "{\"a\":\"b\"}");
		assert_null(rows[i].config);
		assert_null(rows[i].resources);
		assert_null(rows[i].layers);
		assert_true(i == 0 || rows[i].created_at < rows[i - 1].created_at);
	}
	assert_int_equal(store_container_list(f->store, &f->arena, "", "", STATES_ALL, false, &rows, &n_rows, &f->call),
			 0);
	assert_int_equal(n_rows, 41);
	assert_string_equal(rows[40].config, "{\"k\":1}");
	assert_string_equal(rows[40].resources, "");
	assert_int_equal(count(f, NULL, "aaaa", CONTAINER_VISIBLE), 30);
	assert_int_equal(count(f, NULL, "aaab0000", CONTAINER_VISIBLE), 10);
	assert_int_equal(count(f, NULL, "aa", CONTAINER_VISIBLE), 40);
	assert_int_equal(count(f, NULL, "b", CONTAINER_VISIBLE), 0);
	assert_int_equal(count(f, "bf", NULL, CONTAINER_VISIBLE), 39);
	assert_int_equal(count(f, "bf", "aaab", CONTAINER_VISIBLE), 9);
	assert_int_equal(count(f, "c0", "aaab", 1u << CONTAINER_RUNNING), 1);
	assert_int_equal(count(f, "c0", "aaaa", 1u << CONTAINER_RUNNING), 0);
	assert_int_equal(count(f, "_", NULL, STATES_ALL), 0);
	assert_int_equal(store_container_get(f->store, &f->arena, "c000", false, &row, &f->call), 0);
	assert_int_equal(row.state, CONTAINER_RUNNING);
	ASSERT_FAILED(&f->call, store_container_get(f->store, &f->arena, "bfff", false, &row, &f->call), CRI_EINVAL,
		      "bfff", "more than one container");
	ASSERT_FAILED(&f->call, store_container_get(f->store, &f->arena, "c00", false, &row, &f->call), CRI_ENOTFOUND,
		      "c00");
	ASSERT_FAILED(&f->call, store_container_get(f->store, &f->arena, "dddd", false, &row, &f->call), CRI_ENOTFOUND,
		      "dddd");
}

static void a_log_has_one_running_writer(void **state)
{
	struct fixture *f = *state;
	const struct container_exit exit = { .finished_at = 1 };
	struct container_row row;

	fixture_ready_sandbox(f, "aaaa", "a");
	for (unsigned i = 0; i < 2; i++) {
		row = fixture_container(i ? "c002" : "c001", "aaaa", i ? "2" : "1");
		row.log_path = "/logs/it's.log";
		assert_int_equal(store_container_insert(f->store, &row, &f->call), 0);
		assert_int_equal(store_container_created(f->store, row.id, "", 1, &f->call), 0);
	}
	assert_int_equal(store_container_check_log(f->store, "c001", "/logs/it's.log", &f->call), 0);
	assert_int_equal(store_container_started(f->store, "c001", 1, &f->call), 0);
	assert_int_equal(store_container_check_log(f->store, "c001", "/logs/it's.log", &f->call), 0);
	ASSERT_FAILED(&f->call, store_container_check_log(f->store, "c002", "/logs/it's.log", &f->call), CRI_EEXIST,
		      "c001", "/logs/it's.log");
	assert_int_equal(store_container_check_log(f->store, "c002", "/logs/other.log", &f->call), 0);
	assert_int_equal(store_container_check_log(f->store, "c002", "", &f->call), 0);
	assert_true(end(f, "c001", &exit));
	assert_int_equal(store_container_check_log(f->store, "c002", "/logs/it's.log", &f->call), 0);
}

/* What the first version kept only in the configs, it got from them. */
static void the_first_schema_is_brought_up_to_date(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row sandbox = fixture_sandbox("aaaa", "pod");
	struct container_row one = fixture_container("bbbb", "aaaa", "one"),
			     two = fixture_container("cccc", "aaaa", "two");
	struct container_row row;
	bool changed;

	sandbox.config = "{\"log_directory\":\"/pods/x\",\"metadata\":{\"name\":\"pod\"}}";
	one.config = "{\"metadata\":{\"name\":\"one\"},\"log_path\":\"o.log\",\"mounts\":[{\"host_path\":\"/h\"}]}";
	one.log_path = "/real/o.log";
	assert_int_equal(store_sandbox_insert(f->store, &sandbox, &f->call), 0);
	assert_int_equal(store_sandbox_set_state(f->store, "aaaa", SANDBOX_CREATING, SANDBOX_READY, &changed, &f->call),
			 0);
	assert_int_equal(store_container_insert(f->store, &one, &f->call), 0);
	assert_int_equal(store_container_insert(f->store, &two, &f->call), 0);
	assert_int_equal(store_container_created(f->store, "bbbb", "", 1, &f->call), 0);
	assert_int_equal(store_container_created(f->store, "cccc", "", 1, &f->call), 0);
	fixture_sql(f, "ALTER TABLE container DROP COLUMN mounts", NULL, 0);
	fixture_sql(f, "ALTER TABLE container DROP COLUMN shown_log_path", NULL, 0);
	fixture_sql(f, "PRAGMA user_version = 1", NULL, 0);
	fixture_reopen(f, 100);
	assert_int_equal(store_container_get_status(f->store, &f->arena, "bbbb", &row, &f->call), 0);
	assert_string_equal(row.mounts, "{\"mounts\":[{\"host_path\":\"/h\"}]}");
	assert_string_equal(row.shown_log_path, "/pods/x/o.log");
	assert_string_equal(row.log_path, "/real/o.log");
	assert_null(row.config);
	assert_null(row.layers);
	assert_int_equal(store_container_get_status(f->store, &f->arena, "cccc", &row, &f->call), 0);
	assert_string_equal(row.mounts, "");
	assert_string_equal(row.shown_log_path, "");
	/* And new ones tell it themselves. */
	one = fixture_container("dddd", "aaaa", "three");
	one.mounts = "{\"mounts\":[]}";
	one.shown_log_path = "/pods/x/t.log";
	assert_int_equal(store_container_insert(f->store, &one, &f->call), 0);
	ASSERT_FAILED(&f->call, store_container_get_status(f->store, &f->arena, "dddd", &row, &f->call), CRI_ENOTFOUND,
		      "dddd");
	assert_int_equal(store_container_created(f->store, "dddd", "", 1, &f->call), 0);
	assert_int_equal(store_container_get_status(f->store, &f->arena, "dddd", &row, &f->call), 0);
	assert_string_equal(row.mounts, "{\"mounts\":[]}");
	assert_int_equal(store_container_get(f->store, &f->arena, "dddd", false, &row, &f->call), 0);
	assert_string_equal(row.shown_log_path, "/pods/x/t.log");
	assert_string_equal(row.config, "{\"k\":1}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_row_comes_back_as_it_was, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(what_an_insert_needs, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_life_and_its_events, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(ends_that_come_first, fixture_setup, fixture_teardown),
		cmocka_unit_test(reasons),
		cmocka_unit_test_setup_teardown(pause_containers_are_hidden, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(found_and_listed, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_log_has_one_running_writer, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(the_first_schema_is_brought_up_to_date, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

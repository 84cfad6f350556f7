/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#define ODD "o'dd_%\"na;me--\xc3\xa4\xe2\x82\xac\n"

static int set_state(struct fixture *f, const char *id, enum sandbox_state from, enum sandbox_state to)
{
	bool changed = false;

	assert_int_equal(store_sandbox_set_state(f->store, id, from, to, &changed, &f->call), 0);
	return changed;
}

static size_t count(struct fixture *f, const char *prefix, unsigned states)
{
	struct sandbox_row *rows;
	size_t n_rows = 999;

	assert_int_equal(store_sandbox_list(f->store, &f->arena, prefix, states, &rows, &n_rows, &f->call), 0);
	return n_rows;
}

static void a_row_comes_back_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row row = fixture_sandbox("aaaa", ODD);
	struct sandbox_row read;
	int64_t before = clock_wall();

	row.uid = "u'" ODD;
	row.namespace_ = "n\"" ODD;
	row.attempt = UINT32_MAX;
	row.config = "{\"" ODD "\":1}";
	row.labels = "{\"x\":\"'\"}";
	row.annotations = "{\"y\":\"_\"}";
	row.network = "{\"ip\":\"10.0.0.1\"}";
	row.pause = "bbbb";
	assert_int_equal(store_sandbox_insert(f->store, &row, &f->call), 0);
	assert_true(row.created_at >= before && row.created_at <= clock_wall());
	assert_int_equal(store_sandbox_get(f->store, &f->arena, "aaaa", true, &read, &f->call), 0);
	assert_string_equal(read.id, row.id);
	assert_string_equal(read.name, row.name);
	assert_string_equal(read.uid, row.uid);
	assert_string_equal(read.namespace_, row.namespace_);
	assert_int_equal(read.attempt, row.attempt);
	assert_int_equal(read.state, SANDBOX_CREATING);
	assert_int_equal(read.created_at, row.created_at);
	assert_string_equal(read.handler, row.handler);
	assert_string_equal(read.config, row.config);
	assert_string_equal(read.labels, row.labels);
	assert_string_equal(read.annotations, row.annotations);
	assert_string_equal(read.cgroup, row.cgroup);
	assert_string_equal(read.network, row.network);
	assert_string_equal(read.pause, row.pause);
	assert_int_equal(store_sandbox_set_network(f->store, "aaaa", "{}", &f->call), 0);
	assert_int_equal(store_sandbox_set_config(f->store, "aaaa", "{\"new\":1}", &f->call), 0);
	assert_int_equal(
		store_sandbox_by_name(f->store, &f->arena, ODD, row.uid, row.namespace_, UINT32_MAX, &read, &f->call),
		0);
	assert_string_equal(read.id, "aaaa");
	assert_string_equal(read.network, "{}");
	assert_string_equal(read.config, "{\"new\":1}");
	ASSERT_FAILED(&f->call, store_sandbox_set_network(f->store, "bbbb", "{}", &f->call), CRI_ENOTFOUND, "bbbb");
	ASSERT_FAILED(&f->call, store_sandbox_set_config(f->store, "aaa", "{}", &f->call), CRI_ENOTFOUND, "aaa");
	ASSERT_SILENT(&f->call,
		      store_sandbox_by_name(f->store, &f->arena, ODD, row.uid, row.namespace_, 0, &read, &f->call),
		      CRI_ENOTFOUND);
}

static void names_are_unique_in_all_four_parts(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row row = fixture_sandbox("aaaa", "n");
	struct sandbox_row other = fixture_sandbox("bbbb", "n");

	assert_int_equal(store_sandbox_insert(f->store, &row, &f->call), 0);
	ASSERT_FAILED(&f->call, store_sandbox_insert(f->store, &other, &f->call), CRI_EEXIST, "aaaa", "being created");
	assert_int_equal(other.created_at, 0);
	other.attempt = 1;
	assert_int_equal(store_sandbox_insert(f->store, &other, &f->call), 0);
	other = fixture_sandbox("cccc", "n");
	other.uid = "";
	assert_int_equal(store_sandbox_insert(f->store, &other, &f->call), 0);
	other = fixture_sandbox("dddd", "n");
	other.uid = NULL;
	ASSERT_FAILED(&f->call, store_sandbox_insert(f->store, &other, &f->call), CRI_EEXIST, "cccc");
	other = fixture_sandbox("dddd", "n");
	other.namespace_ = "n2";
	assert_int_equal(store_sandbox_insert(f->store, &other, &f->call), 0);
	/* Underscores do not join: name "a_b" in "c" is not "a" in "b_c". */
	other = fixture_sandbox("eeee", "a_b");
	other.namespace_ = "c";
	assert_int_equal(store_sandbox_insert(f->store, &other, &f->call), 0);
	other = fixture_sandbox("ffff", "a");
	other.namespace_ = "b_c";
	assert_int_equal(store_sandbox_insert(f->store, &other, &f->call), 0);
	/* A name is free again when its row is gone, not earlier. */
	assert_true(set_state(f, "aaaa", SANDBOX_CREATING, SANDBOX_REMOVING));
	row.id = "abcd";
	ASSERT_FAILED(&f->call, store_sandbox_insert(f->store, &row, &f->call), CRI_EEXIST, "aaaa", "being removed");
	assert_int_equal(store_sandbox_delete(f->store, "aaaa", &f->call), 0);
	assert_int_equal(store_sandbox_insert(f->store, &row, &f->call), 0);
}

static void states_and_their_events(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row row = fixture_sandbox("aaaa", "a");
	struct event_row *events;
	size_t n_events;
	bool lost;

	assert_int_equal(store_sandbox_insert(f->store, &row, &f->call), 0);
	assert_false(set_state(f, "aaaa", SANDBOX_READY, SANDBOX_NOTREADY));
	assert_false(set_state(f, "gone", SANDBOX_READY, SANDBOX_NOTREADY));
	assert_string_equal(fixture_events(f, 0), "");
	assert_true(set_state(f, "aaaa", SANDBOX_CREATING, SANDBOX_READY));
	assert_false(set_state(f, "aaaa", SANDBOX_CREATING, SANDBOX_READY));
	assert_string_equal(fixture_events(f, 0), "CR");
	assert_true(set_state(f, "aaaa", SANDBOX_READY, SANDBOX_NOTREADY));
	assert_false(set_state(f, "aaaa", SANDBOX_READY, SANDBOX_NOTREADY));
	assert_true(set_state(f, "aaaa", SANDBOX_NOTREADY, SANDBOX_REMOVING));
	assert_string_equal(fixture_events(f, 0), "CRS");
	assert_int_equal(store_sandbox_delete(f->store, "aaaa", &f->call), 0);
	assert_int_equal(store_sandbox_delete(f->store, "aaaa", &f->call), 0);
	assert_string_equal(fixture_events(f, 0), "CRSD");
	assert_int_equal(store_event_list(f->store, &f->arena, 0, 10, &events, &n_events, &lost, &f->call), 0);
	assert_string_equal(events[3].sandbox_id, "aaaa");
	assert_string_equal(events[3].container_id, "aaaa");
	/* One that was never READY comes and goes in silence. */
	assert_int_equal(store_sandbox_insert(f->store, &row, &f->call), 0);
	assert_true(set_state(f, "aaaa", SANDBOX_CREATING, SANDBOX_REMOVING));
	assert_int_equal(store_sandbox_delete(f->store, "aaaa", &f->call), 0);
	assert_string_equal(fixture_events(f, 4), "");
	/* Neither does one whose removal was never declared announce its end. */
	fixture_ready_sandbox(f, "bbbb", "b");
	assert_int_equal(store_sandbox_delete(f->store, "bbbb", &f->call), 0);
	assert_string_equal(fixture_events(f, 4), "CR");
}

static void found_by_id_and_prefix(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row row;
	char one[65];
	char two[65];
	char hidden[65];
	struct sandbox_row creating = fixture_sandbox(fixture_id(hidden, 0xabcd0200), "hidden");

	fixture_ready_sandbox(f, fixture_id(one, 0xabcd0101), "one");
	fixture_ready_sandbox(f, fixture_id(two, 0xabcd0102), "two");
	assert_int_equal(store_sandbox_insert(f->store, &creating, &f->call), 0);
	assert_int_equal(store_sandbox_get(f->store, &f->arena, one, false, &row, &f->call), 0);
	assert_string_equal(row.name, "one");
	assert_int_equal(store_sandbox_get(f->store, &f->arena, "abcd0102", false, &row, &f->call), 0);
	assert_string_equal(row.name, "two");
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, "abcd", false, &row, &f->call), CRI_EINVAL,
		      "abcd", "more than one sandbox");
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, "abc", false, &row, &f->call), CRI_ENOTFOUND,
		      "abc");
	/* Only what is visible counts, unless any does. */
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, "abcd02", false, &row, &f->call), CRI_ENOTFOUND,
		      "sandbox");
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, hidden, false, &row, &f->call), CRI_ENOTFOUND,
		      hidden);
	assert_int_equal(store_sandbox_get(f->store, &f->arena, "abcd02", true, &row, &f->call), 0);
	assert_string_equal(row.name, "hidden");
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, "", true, &row, &f->call), CRI_EINVAL,
		      "sandbox id");
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, NULL, true, &row, &f->call), CRI_EINVAL,
		      "sandbox id");
	/* Nothing is a wildcard. */
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, "abcd%", true, &row, &f->call), CRI_ENOTFOUND,
		      "%");
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, "____", true, &row, &f->call), CRI_ENOTFOUND,
		      "_");
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, "' OR '1", true, &row, &f->call), CRI_ENOTFOUND,
		      "OR");
	ASSERT_FAILED(&f->call, store_sandbox_get(f->store, &f->arena, "ABCD0101", true, &row, &f->call), CRI_ENOTFOUND,
		      "ABCD");
}

static void lists_are_newest_first(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row *rows;
	size_t n_rows;
	char id[65];
	char name[16];
	struct sandbox_row creating = fixture_sandbox("ffff", "creating");

	assert_int_equal(count(f, NULL, STATES_ALL), 0);
	/* Ids that fall while time grows. */
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		fixture_ready_sandbox(f, fixture_id(id, 0xa0000000 - i), name);
	}
	assert_int_equal(store_sandbox_insert(f->store, &creating, &f->call), 0);
	assert_true(set_state(f, fixture_id(id, 0xa0000000), SANDBOX_READY, SANDBOX_NOTREADY));
	assert_int_equal(store_sandbox_list(f->store, &f->arena, "", SANDBOX_VISIBLE, &rows, &n_rows, &f->call), 0);
	assert_int_equal(n_rows, 100);
	for (size_t i = 0; i < n_rows; i++) {
		snprintf(name, sizeof(name), "n%zu", 99 - i);
		assert_string_equal(rows[i].name, name);
		assert_true(i == 0 || rows[i].created_at < rows[i - 1].created_at);
	}
	assert_int_equal(count(f, NULL, STATES_ALL), 101);
	assert_int_equal(count(f, NULL, 1u << SANDBOX_NOTREADY), 1);
	assert_int_equal(count(f, NULL, 0), 0);
	assert_int_equal(count(f, "9fffff", SANDBOX_VISIBLE), 99);
	assert_int_equal(count(f, "a", SANDBOX_VISIBLE), 1);
	assert_int_equal(count(f, "a", 1u << SANDBOX_READY), 0);
	assert_int_equal(count(f, "ffff", SANDBOX_VISIBLE), 0);
	assert_int_equal(count(f, "%", STATES_ALL), 0);
}

static void time_grows_when_the_clock_was_set_back(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row row = fixture_sandbox("aaaa", "a");
	struct sandbox_row next = fixture_sandbox("bbbb", "b");
	int64_t future = clock_wall() + 3600 * NANOSECONDS_PER_SECOND;
	char sql[128];

	assert_int_equal(store_sandbox_insert(f->store, &row, &f->call), 0);
	snprintf(sql, sizeof(sql), "UPDATE sandbox SET created_at = %lld", (long long)future);
	fixture_sql(f, sql, NULL, 0);
	assert_int_equal(store_sandbox_insert(f->store, &next, &f->call), 0);
	assert_int_equal(next.created_at, future + 1);
}

static void a_sandbox_with_containers_stays(void **state)
{
	struct fixture *f = *state;
	struct container_row container = fixture_container("cccc", "aaaa", "c");

	fixture_ready_sandbox(f, "aaaa", "a");
	assert_int_equal(store_container_insert(f->store, &container, &f->call), 0);
	ASSERT_FAILED(&f->call, store_sandbox_delete(f->store, "aaaa", &f->call), CRI_EPRECONDITION, "cccc", "aaaa");
	assert_int_equal(count(f, NULL, SANDBOX_VISIBLE), 1);
	assert_int_equal(store_container_delete(f->store, "cccc", &f->call), 0);
	assert_int_equal(store_sandbox_delete(f->store, "aaaa", &f->call), 0);
	assert_int_equal(count(f, NULL, STATES_ALL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_row_comes_back_as_it_was, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(names_are_unique_in_all_four_parts, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(states_and_their_events, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(found_by_id_and_prefix, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(lists_are_newest_first, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(time_grows_when_the_clock_was_set_back, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_sandbox_with_containers_stays, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

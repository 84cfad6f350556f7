/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

/* Two events each. */
static void make_events(struct fixture *f, unsigned from, unsigned n)
{
	char id[65];

	for (unsigned i = from; i < from + n; i++)
		fixture_ready_sandbox(f, fixture_id(id, i), id);
}

struct page {
	struct event_row *rows;
	size_t n_rows;
	bool lost;
};

static struct page list(struct fixture *f, int64_t after, size_t limit)
{
	struct page page = { NULL, 99, false };

	assert_int_equal(
		store_event_list(f->store, &f->arena, after, limit, &page.rows, &page.n_rows, &page.lost, &f->call), 0);
	return page;
}

static void read_in_pages(void **state)
{
	struct fixture *f = *state;
	struct page page = list(f, 0, 10);
	int64_t last_time = 0;

	assert_int_equal(page.n_rows, 0);
	assert_false(page.lost);
	assert_int_equal(fixture_last_event(f), 0);
	make_events(f, 0, 10);
	assert_int_equal(fixture_last_event(f), 20);
	page = list(f, 0, 7);
	assert_int_equal(page.n_rows, 7);
	assert_false(page.lost);
	assert_int_equal(page.rows[0].sequence, 1);
	page = list(f, 7, 1000);
	assert_int_equal(page.n_rows, 13);
	for (size_t i = 0; i < page.n_rows; i++) {
		assert_int_equal(page.rows[i].sequence, 8 + i);
		assert_int_equal(page.rows[i].type, i % 2 ? CRI_EVENT_CREATED : CRI_EVENT_STARTED);
		assert_true(page.rows[i].created_at > last_time);
		last_time = page.rows[i].created_at;
	}
	assert_int_equal(list(f, 20, 10).n_rows, 0);
	assert_int_equal(list(f, 0, 0).n_rows, 0);
	page = list(f, 1000, 10);
	assert_int_equal(page.n_rows, 0);
	assert_false(page.lost);
}

static void what_does_not_fit_is_dropped_and_told(void **state)
{
	struct fixture *f = *state;
	struct page page;

	fixture_reopen(f, 5);
	make_events(f, 0, 2);
	page = list(f, 0, 100);
	assert_int_equal(page.n_rows, 4);
	assert_false(page.lost);
	make_events(f, 2, 3);
	page = list(f, 0, 100);
	assert_int_equal(page.n_rows, 5);
	assert_true(page.lost);
	assert_int_equal(page.rows[0].sequence, 6);
	assert_true(list(f, 4, 100).lost);
	page = list(f, 5, 100);
	assert_false(page.lost);
	assert_int_equal(page.n_rows, 5);
	assert_false(list(f, 10, 100).lost);
	/* Another engine with another limit. */
	fixture_reopen(f, 2);
	make_events(f, 5, 1);
	page = list(f, 0, 100);
	assert_int_equal(page.n_rows, 2);
	assert_int_equal(page.rows[1].sequence, 12);
	/* None is no limit that could be kept: the newest stays. */
	fixture_reopen(f, 0);
	make_events(f, 6, 1);
	page = list(f, 13, 100);
	assert_int_equal(page.n_rows, 1);
	assert_int_equal(page.rows[0].sequence, 14);
}

static void sequences_are_never_used_again(void **state)
{
	struct fixture *f = *state;

	make_events(f, 0, 3);
	fixture_sql(f, "DELETE FROM event", NULL, 0);
	assert_int_equal(fixture_last_event(f), 6);
	assert_true(list(f, 5, 10).lost);
	assert_false(list(f, 6, 10).lost);
	fixture_reopen(f, MAX_EVENTS);
	make_events(f, 3, 1);
	assert_int_equal(fixture_last_event(f), 8);
	assert_int_equal(list(f, 0, 10).rows[0].sequence, 7);
}

static void time_grows_when_the_clock_was_set_back(void **state)
{
	struct fixture *f = *state;
	int64_t future = clock_wall() + 3600 * NANOSECONDS_PER_SECOND;
	struct sandbox_row row = fixture_sandbox("ffff", "f");
	struct page page;
	char sql[128];

	make_events(f, 0, 1);
	snprintf(sql, sizeof(sql), "UPDATE event SET created_at = %lld WHERE sequence = 2", (long long)future);
	fixture_sql(f, sql, NULL, 0);
	make_events(f, 1, 1);
	page = list(f, 2, 10);
	assert_int_equal(page.n_rows, 2);
	assert_int_equal(page.rows[0].created_at, future + 1);
	assert_int_equal(page.rows[1].created_at, future + 2);
	/* Objects are not made before events that are known. */
	assert_int_equal(store_sandbox_insert(f->store, &row, &f->call), 0);
	assert_int_equal(row.created_at, future + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(read_in_pages, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_dropped_and_told, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(sequences_are_never_used_again, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(time_grows_when_the_clock_was_set_back, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

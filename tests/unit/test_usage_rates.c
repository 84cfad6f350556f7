/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "runtime/usage_rates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SECOND NANOSECONDS_PER_SECOND
#define MILLISECOND NANOSECONDS_PER_MILLISECOND

static void test_rates(void **state)
{
	struct recent *rates = usage_rates_new();
	int64_t now = 1000 * SECOND;
	uint64_t rate = 77;

	(void)state;
	assert_non_null(rates);
	assert_false(usage_rates_look(rates, "/a", 5000000, now, &rate));
	/* Half a processor for two seconds. */
	assert_true(usage_rates_look(rates, "/a", 5000000 + SECOND, now + 2 * SECOND, &rate));
	assert_int_equal(rate, SECOND / 2);
	/* Just after it: too little time to say anything else. */
	assert_true(usage_rates_look(rates, "/a", 5000000 + SECOND + 1, now + 2 * SECOND + MILLISECOND, &rate));
	assert_int_equal(rate, SECOND / 2);
	/* That look does not count: the next one is from the last that did. */
	assert_true(usage_rates_look(rates, "/a", 5000000 + 3 * SECOND, now + 3 * SECOND, &rate));
	assert_int_equal(rate, 2 * SECOND);
	/* Idle is 0, and known. */
	assert_true(usage_rates_look(rates, "/a", 5000000 + 3 * SECOND, now + 4 * SECOND, &rate));
	assert_int_equal(rate, 0);
	/* Others are others. */
	assert_false(usage_rates_look(rates, "/b", 1, now + 4 * SECOND, &rate));
	/* A counter that went back is another cgroup of the same name. */
	assert_false(usage_rates_look(rates, "/a", 10, now + 5 * SECOND, &rate));
	recent_free(rates);
	recent_free(NULL);
}

static void look_at_many(struct recent *rates, int first, int n, uint64_t used, int64_t now, bool expected)
{
	for (int i = first; i < first + n; i++) {
		char name[32];
		uint64_t rate = 1;

		snprintf(name, sizeof(name), "/pod/%d", i);
		assert_int_equal(usage_rates_look(rates, name, used, now, &rate), expected);
		if (expected)
			assert_int_equal(rate, 1000);
	}
}

/* Hundreds are remembered while they are looked at; those that nobody asks about any more make room. */
static void test_many(void **state)
{
	struct recent *rates = usage_rates_new();
	int64_t now = SECOND;

	(void)state;
	look_at_many(rates, 0, 1000, 0, now, false);
	look_at_many(rates, 0, 1000, 1000, now + SECOND, true);
	for (int hour = 1; hour < 200; hour++) {
		now += 3600 * SECOND;
		look_at_many(rates, 1000 * hour, 1000, 0, now, false);
		look_at_many(rates, 1000 * hour, 1000, 1000, now + SECOND, true);
	}
	/* More at once than it ever remembers: it forgets, and goes on. */
	look_at_many(rates, 1000000, 200000, 0, now, false);
	recent_free(rates);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rates), cmocka_unit_test(test_many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

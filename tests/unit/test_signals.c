/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signals.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_from_name(void **state)
{
	(void)state;
	assert_int_equal(signal_from_name("SIGTERM"), SIGTERM);
	assert_int_equal(signal_from_name("TERM"), SIGTERM);
	assert_int_equal(signal_from_name("term"), SIGTERM);
	assert_int_equal(signal_from_name("sigKill"), SIGKILL);
	assert_int_equal(signal_from_name("15"), 15);
	assert_int_equal(signal_from_name("64"), 64);
	assert_int_equal(signal_from_name("CLD"), SIGCHLD);
	assert_int_equal(signal_from_name("RTMIN"), SIGRTMIN);
	assert_int_equal(signal_from_name("RTMIN+3"), SIGRTMIN + 3);
	assert_int_equal(signal_from_name("SIGRTMAX-2"), SIGRTMAX - 2);
	assert_int_equal(signal_from_name("rtmax"), SIGRTMAX);
	assert_int_equal(signal_from_name("RTMIN+30"), SIGRTMAX);
	assert_int_equal(signal_from_name("RTMAX-30"), SIGRTMIN);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",         "0",         "32",       "33",         "65",
		"-9",       "15x",       "SIG",      "SIGSIGTERM", "SIG15",
		"TERMX",    "RTMIN-1",   "RTMAX+1",  "RTMIN+31",   "RTMAX-31",
		"RTMIN+",   "RTMIN++",   "RTMIN+-1", "RTMIN3",     "RTMAX--1",
		" SIGTERM", "SIGTERM\n", "RTMINX+1", "4294967311", "RTMIN+18446744073709551617",
	};

	(void)state;
	assert_int_equal(signal_from_name(NULL), -EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(signal_from_name(bad[i]), -EINVAL);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(signal_name(SIGTERM), "SIGTERM");
	assert_string_equal(signal_name(SIGABRT), "SIGABRT");
	assert_string_equal(signal_name(SIGIO), "SIGIO");
	assert_string_equal(signal_name(SIGRTMIN), "SIGRTMIN");
	assert_string_equal(signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
	assert_null(signal_name(0));
	assert_null(signal_name(-1));
	assert_null(signal_name(65));
	/* Every signal that has a name is found by it. */
	for (int number = 1; number <= SIGRTMAX; number++) {
		if (number > 31 && number < SIGRTMIN)
			assert_null(signal_name(number));
		else
			assert_int_equal(signal_from_name(signal_name(number)), number);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_name),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Kubernetes' quantities of bits per second. */
#include "network/bandwidth.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_quantities(void **state)
{
	static const struct {
		const char *text;
		uint64_t bits;
	} good[] = {
		{ "1000", 1000 },     { "1k", 1000 },          { "1Ki", 1024 },
		{ "10M", 10000000 },  { "1.5Gi", 1610612736 }, { "0.5G", 500000000 },
		{ ".5G", 500000000 }, { "2e6", 2000000 },      { "2E+6", 2000000 },
		{ "50000e-1", 5000 }, { "1000000m", 1000 },    { "1P", UINT64_C(1000000000000000) },
	};
	static const struct {
		const char *text;
		int error;
	} bad[] = {
		{ "", -EINVAL },       { "M", -EINVAL },      { "10MB", -EINVAL }, { "10 M", -EINVAL },
		{ "-10M", -EINVAL },   { "1.2.3M", -EINVAL }, { "1e", -EINVAL },   { "1e6M", -EINVAL },
		{ "0x10", -EINVAL },   { ".", -EINVAL },      { "inf", -EINVAL },  { "nan", -EINVAL },
		{ "0", -ERANGE },      { "999", -ERANGE },    { "2P", -ERANGE },   { "1e999", -ERANGE },
		{ "1e-999", -ERANGE }, { "5Ei", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		uint64_t bits = 0;

		assert_int_equal(bandwidth_parse(good[i].text, &bits), 0);
		assert_int_equal(bits, good[i].bits);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint64_t bits = 7;

		if (bandwidth_parse(bad[i].text, &bits) != bad[i].error)
			print_error("%s\n", bad[i].text);
		assert_int_equal(bandwidth_parse(bad[i].text, &bits), bad[i].error);
		assert_int_equal(bits, 7);
	}
}

static void test_burst(void **state)
{
	(void)state;
	assert_int_equal(bandwidth_burst(1000), 65536 * 8);
	assert_int_equal(bandwidth_burst(UINT64_C(1000000000)), 50000000);
	assert_int_equal(bandwidth_burst(UINT64_C(1000000000000000)), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantities),
		cmocka_unit_test(test_burst),
	};

	return cmocka_run_group_tests_name("bandwidth", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_comparisons(void **state)
{
	(void)state;
	assert_true(text_is_empty(NULL));
	assert_true(text_is_empty(""));
	assert_false(text_is_empty(" "));
	assert_true(text_equal(NULL, ""));
	assert_true(text_equal(NULL, NULL));
	assert_true(text_equal("a", "a"));
	assert_false(text_equal("a", NULL));
	assert_false(text_equal("a", "ab"));
	assert_true(text_starts("abc", "ab"));
	assert_true(text_starts(NULL, NULL));
	assert_true(text_starts("abc", ""));
	assert_false(text_starts("ab", "abc"));
	assert_false(text_starts(NULL, "a"));
	assert_true(text_ends("abc", "bc"));
	assert_true(text_ends("bc", "bc"));
	assert_true(text_ends(NULL, ""));
	assert_false(text_ends("c", "bc"));
	assert_false(text_ends(NULL, "c"));
}

static void test_int64(void **state)
{
	static const struct {
		const char *text;
		int error;
		int64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "-0", 0, 0 },
		{ "007", 0, 7 },
		{ "+12", 0, 12 },
		{ "-12", 0, -12 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "99999999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "--1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t value = 4711;

		assert_int_equal(text_to_int64(cases[i].text, &value), cases[i].error);
		assert_int_equal(value, cases[i].error ? 4711 : cases[i].value);
	}
}

static void test_uint64(void **state)
{
	uint64_t value = 4711;

	(void)state;
	assert_int_equal(text_to_uint64("18446744073709551616", &value), -ERANGE);
	assert_int_equal(text_to_uint64("-1", &value), -ERANGE);
	assert_int_equal(text_to_uint64("1-", &value), -EINVAL);
	assert_int_equal(text_to_uint64(NULL, &value), -EINVAL);
	assert_int_equal(value, 4711);
	assert_int_equal(text_to_uint64("18446744073709551615", &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(text_to_uint64("-0", &value), 0);
	assert_int_equal(value, 0);
}

static void test_printf(void **state)
{
	char *text = text_printf("%s:%05d", "a", 42);

	(void)state;
	assert_string_equal(text, "a:00042");
	free(text);
}

static void test_utf8(void **state)
{
	static const char *const good[] = {
		"",
		"plain",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"\xe4\xb8\xad\xe6\x96\x87",
	};
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",             /* overlong NUL */
		"\xc1\xbf",             /* overlong */
		"\xc2",                 /* cut */
		"\xc2\x41",             /* no continuation */
		"\xe0\x9f\xbf",         /* overlong */
		"\xe4\xb8",             /* cut */
		"\xed\xa0\x80",         /* surrogate */
		"\xed\xbf\xbf",         /* surrogate */
		"\xf0\x8f\xbf\xbf",     /* overlong */
		"\xf0\x90\x80",         /* cut */
		"\xf4\x90\x80\x80",     /* above U+10FFFF */
		"\xf5\x80\x80\x80",     /* above U+10FFFF */
		"\xe4\xb8\xad\xff",     /* no lead byte */
		"\xf8\x88\x80\x80\x80", /* five bytes */
		"\xe4\xb8\x2d",         /* third byte wrong */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_is_utf8(bad[i], strlen(bad[i])));
	assert_true(text_is_utf8("a\0b", 3));
	/* A length that cuts a sequence, with the rest behind it. */
	assert_false(text_is_utf8("\xe4\xb8\xad", 2));
}

static void test_hex(void **state)
{
	char hex[9];

	(void)state;
	text_hex("\x00\x1f\xa9\xff", 4, hex);
	assert_string_equal(hex, "001fa9ff");
	text_hex("", 0, hex);
	assert_string_equal(hex, "");
}

static void test_random_id(void **state)
{
	char first[ID_LENGTH + 1], second[ID_LENGTH + 1];

	(void)state;
	assert_int_equal(random_id(first), 0);
	assert_int_equal(random_id(second), 0);
	assert_int_equal(strlen(first), ID_LENGTH);
	assert_int_equal(strspn(first, "0123456789abcdef"), ID_LENGTH);
	assert_string_not_equal(first, second);
}

static void test_random_bytes_fill_all(void **state)
{
	static unsigned char bytes[100000];
	size_t zeros = 0;

	(void)state;
	assert_int_equal(random_bytes(bytes, sizeof(bytes)), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		zeros += !bytes[i];
	/* About 390 are to be expected; what was not filled would be thousands. */
	assert_in_range(zeros, 100, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparisons), cmocka_unit_test(test_int64),
		cmocka_unit_test(test_uint64),      cmocka_unit_test(test_printf),
		cmocka_unit_test(test_utf8),        cmocka_unit_test(test_hex),
		cmocka_unit_test(test_random_id),   cmocka_unit_test(test_random_bytes_fill_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT 4096

static int parse(const char *text, cJSON **value)
{
	return json_parse(text, strlen(text), LIMIT, value);
}

static void test_accepts(void **state)
{
	static const char *const good[] = {
		"0",
		"-0",
		" \t\r\n1 ",
		"1.5e+10",
		"1E-2",
		"\"\"",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\"",
		"\"\xe4\xb8\xad\"",
		"true",
		"false",
		"null",
		"[]",
		"{}",
		"[ ]",
		"{ }",
		"[1,[2,{\"a\":[]}],{}]",
		"{\"a\" : 1 , \"b\" : {\"c\":[true,false,null]}}",
		"{\"\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CLEANUP_JSON cJSON *value = NULL;

		assert_int_equal(parse(good[i], &value), 0);
		assert_non_null(value);
	}
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"[",
		"[1",
		"[1,",
		"[1,]",
		"[,1]",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":1",
		"{\"a\":1,",
		"{\"a\":1,}",
		"{a:1}",
		"{1:1}",
		"{\"a\" 1}",
		"[1}",
		"{\"a\":1]",
		"]",
		"1 2",
		"[] []",
		"{}x",
		"01",
		"-",
		"+1",
		"1.",
		".5",
		"1e",
		"1e+",
		"-a",
		"0x10",
		"NaN",
		"Infinity",
		"tru",
		"nul",
		"truex",
		"'a'",
		"\"",
		"\"a",
		"\"\\\"",
		"\"\\x41\"",
		"\"\\u12\"",
		"\"\\u\"",
		"\"\n\"",
		"\"\x01\"",
		"\"\\u0000\"",
		"\"a\\u0000b\"",
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\\ud800\\u0041\"",
		"\"\\ud800x\"",
		"\"\xff\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"\0011",
		"/*c*/1",
		"\xef\xbb\2771",
		/* cJSON would cut a number of this length. */
		"1111111111111111111111111111111111111111111111111111111111111111",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cJSON *value = NULL;

		assert_int_equal(parse(bad[i], &value), -EINVAL);
		assert_null(value);
	}
}

static void test_nul_bytes(void **state)
{
	cJSON *value = NULL;

	(void)state;
	assert_int_equal(json_parse("1\0", 2, LIMIT, &value), -EINVAL);
	assert_int_equal(json_parse("\"a\0b\"", 5, LIMIT, &value), -EINVAL);
	assert_int_equal(json_parse("\0", 1, LIMIT, &value), -EINVAL);
	assert_null(value);
}

static void test_length_ends_the_text(void **state)
{
	CLEANUP_JSON cJSON *value = NULL;

	(void)state;
	/* Behind the length is something that would be wrong. */
	assert_int_equal(json_parse("[12]]", 4, LIMIT, &value), 0);
	assert_int_equal(cJSON_GetArrayItem(value, 0)->valueint, 12);
}

static void test_size_limit(void **state)
{
	CLEANUP_JSON cJSON *value = NULL;

	(void)state;
	assert_int_equal(json_parse("[1234]", 6, 5, &value), -EFBIG);
	assert_null(value);
	assert_int_equal(json_parse("[1234]", 6, 6, &value), 0);
}

static void test_depth_limit(void **state)
{
	char text[2 * (JSON_MAX_DEPTH + 1) + 1];
	CLEANUP_JSON cJSON *value = NULL;

	(void)state;
	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(parse(text, &value), -ELOOP);
	assert_null(value);
	assert_int_equal(json_parse(text + 1, 2 * (size_t)JSON_MAX_DEPTH, LIMIT, &value), 0);
}

static void test_members(void **state)
{
	CLEANUP_JSON cJSON *value = NULL;
	const cJSON *child = NULL;
	const char *text = NULL;
	bool truth = false;

	(void)state;
	assert_int_equal(
		parse("{\"s\":\"text\",\"t\":true,\"f\":false,\"n\":null,\"o\":{\"x\":1},\"a\":[1],\"s\":2,\"S\":3}",
		      &value),
		0);
	assert_int_equal(json_string(value, "s", &text), 0);
	assert_string_equal(text, "text");
	assert_int_equal(json_string(value, "t", &text), -EINVAL);
	assert_int_equal(json_string(value, "n", &text), -ENOENT);
	assert_int_equal(json_string(value, "missing", &text), -ENOENT);
	assert_int_equal(json_string(NULL, "s", &text), -ENOENT);
	assert_string_equal(text, "text");
	assert_int_equal(json_bool(value, "t", &truth), 0);
	assert_true(truth);
	assert_int_equal(json_bool(value, "f", &truth), 0);
	assert_false(truth);
	assert_int_equal(json_bool(value, "s", &truth), -EINVAL);
	assert_int_equal(json_bool(value, "n", &truth), -ENOENT);
	assert_int_equal(json_object(value, "o", &child), 0);
	assert_true(cJSON_IsObject(child));
	assert_int_equal(json_object(value, "a", &child), -EINVAL);
	assert_int_equal(json_array(value, "a", &child), 0);
	assert_true(cJSON_IsArray(child));
	assert_int_equal(json_array(value, "o", &child), -EINVAL);
	assert_true(cJSON_IsArray(child));
	assert_int_equal(json_string(child, "s", &text), -EINVAL);
}

static void test_integers(void **state)
{
	static const struct {
		const char *text;
		int error;
		int64_t value;
		int unsigned_error;
	} cases[] = {
		{ "{\"n\":0}", 0, 0, 0 },
		{ "{\"n\":-5}", 0, -5, -EINVAL },
		{ "{\"n\":1e3}", 0, 1000, 0 },
		{ "{\"n\":1.5}", -EINVAL, 0, -EINVAL },
		{ "{\"n\":9007199254740992}", 0, INT64_C(9007199254740992), 0 },
		{ "{\"n\":-9007199254740992}", 0, -INT64_C(9007199254740992), -EINVAL },
		{ "{\"n\":9007199254740994}", -EINVAL, 0, -EINVAL },
		{ "{\"n\":1e300}", -EINVAL, 0, -EINVAL },
		{ "{\"n\":1e999}", -EINVAL, 0, -EINVAL },
		{ "{\"n\":\"12\"}", 0, 12, 0 },
		{ "{\"n\":\"9223372036854775807\"}", 0, INT64_MAX, 0 },
		{ "{\"n\":\"-9223372036854775808\"}", 0, INT64_MIN, -EINVAL },
		{ "{\"n\":\"9223372036854775808\"}", -EINVAL, 0, 0 },
		{ "{\"n\":\"1.5\"}", -EINVAL, 0, -EINVAL },
		{ "{\"n\":\"\"}", -EINVAL, 0, -EINVAL },
		{ "{\"n\":true}", -EINVAL, 0, -EINVAL },
		{ "{\"n\":null}", -ENOENT, 0, -ENOENT },
		{ "{}", -ENOENT, 0, -ENOENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_JSON cJSON *value = NULL;
		uint64_t unsigned_number = 4711;
		int64_t number = 4711;

		assert_int_equal(parse(cases[i].text, &value), 0);
		assert_int_equal(json_int64(value, "n", &number), cases[i].error);
		assert_int_equal(number, cases[i].error ? 4711 : cases[i].value);
		assert_int_equal(json_uint64(value, "n", &unsigned_number), cases[i].unsigned_error);
		if (cases[i].unsigned_error)
			assert_int_equal(unsigned_number, 4711);
	}
}

static void test_uint64_above_int64(void **state)
{
	CLEANUP_JSON cJSON *value = NULL;
	uint64_t number = 0;

	(void)state;
	assert_int_equal(parse("{\"n\":\"18446744073709551615\"}", &value), 0);
	assert_int_equal(json_uint64(value, "n", &number), 0);
	assert_true(number == UINT64_MAX);
}

static void test_added_integers_print_all_digits(void **state)
{
	static const struct {
		int64_t value;
		const char *text;
	} cases[] = {
		{ 0, "{\"n\":0}" },
		{ -1, "{\"n\":-1}" },
		{ INT64_C(5000000000), "{\"n\":5000000000}" },
		{ INT64_C(999999999999999), "{\"n\":999999999999999}" },
		{ INT64_C(1000000000000000), "{\"n\":1000000000000000}" },
		{ INT64_C(-9007199254740992), "{\"n\":-9007199254740992}" },
		{ INT64_C(9007199254740993), "{\"n\":\"9007199254740993\"}" },
		{ INT64_MAX, "{\"n\":\"9223372036854775807\"}" },
		{ INT64_MIN, "{\"n\":\"-9223372036854775808\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_JSON cJSON *object = cJSON_CreateObject(), *again = NULL;
		CLEANUP_FREE char *text = NULL;
		int64_t number = 0;

		assert_int_equal(json_add_int64(object, "n", cases[i].value), 0);
		text = cJSON_PrintUnformatted(object);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(json_int64(object, "n", &number), 0);
		assert_true(number == cases[i].value);
		assert_int_equal(parse(text, &again), 0);
		number = 0;
		assert_int_equal(json_int64(again, "n", &number), 0);
		assert_true(number == cases[i].value);
	}
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

static void test_out_of_memory_is_told_from_malformed(void **state)
{
	cJSON_Hooks failing = { .malloc_fn = no_memory, .free_fn = free };
	cJSON *value = NULL;
	int error;

	(void)state;
	cJSON_InitHooks(&failing);
	error = parse("{\"a\":1}", &value);
	cJSON_InitHooks(NULL);
	assert_int_equal(error, -ENOMEM);
	assert_null(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_nul_bytes),
		cmocka_unit_test(test_length_ends_the_text),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_depth_limit),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_uint64_above_int64),
		cmocka_unit_test(test_added_integers_print_all_digits),
		cmocka_unit_test(test_out_of_memory_is_told_from_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC's framing and the texts of its headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "grpc/frame.h"
#include "grpc/limits.h"
#include "grpc/metadata.h"

#include <stdlib.h>
#include <string.h>

/* --- frames --- */

static void test_a_message_comes_in_any_pieces(void **state)
{
	const uint8_t bytes[] = { 0, 0, 0, 0, 3, 'a', 'b', 'c' };
	const char *text;

	(void)state;
	for (size_t piece = 1; piece <= sizeof(bytes); piece++) {
		struct frame_reader reader = { 0 };

		for (size_t i = 0; i < sizeof(bytes); i += piece) {
			assert_int_equal(frame_end(&reader, &text), i ? GRPC_INTERNAL : GRPC_UNIMPLEMENTED);
			assert_int_equal(frame_read(&reader, bytes + i,
						    i + piece > sizeof(bytes) ? sizeof(bytes) - i : piece, &text),
					 0);
		}
		assert_int_equal(frame_end(&reader, &text), 0);
		assert_int_equal(reader.length, 3);
		assert_memory_equal(reader.message, "abc", 3);
		frame_reader_clear(&reader);
	}
}

static void test_an_empty_message_is_one(void **state)
{
	const uint8_t bytes[] = { 0, 0, 0, 0, 0 };
	struct frame_reader reader = { 0 };
	const char *text;

	(void)state;
	assert_int_equal(frame_read(&reader, bytes, sizeof(bytes), &text), 0);
	assert_int_equal(frame_end(&reader, &text), 0);
	assert_int_equal(reader.length, 0);
	frame_reader_clear(&reader);
}

static int read_once(const uint8_t *bytes, size_t length, bool encoded)
{
	struct frame_reader reader = { .encoded = encoded };
	const char *text = NULL;
	int status = frame_read(&reader, bytes, length, &text);

	assert_true(!status || text);
	frame_reader_clear(&reader);
	return status;
}

static void test_bad_frames_have_the_status_that_grpc_gives_them(void **state)
{
	const uint8_t compressed[] = { 1, 0, 0, 0, 1 }, flag[] = { 2, 0, 0, 0, 1 };
	const uint8_t largest[] = { 0, 1, 0, 0, 0 }, larger[] = { 0, 1, 0, 0, 1 };
	const uint8_t two[] = { 0, 0, 0, 0, 1, 'a', 0 };

	(void)state;
	assert_int_equal(read_once(compressed, 5, true), GRPC_UNIMPLEMENTED);
	assert_int_equal(read_once(compressed, 5, false), GRPC_INTERNAL);
	assert_int_equal(read_once(flag, 5, true), GRPC_INTERNAL);
	assert_int_equal(read_once(largest, 5, false), 0);
	assert_int_equal(read_once(larger, 5, false), GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(read_once(two, 7, false), GRPC_UNIMPLEMENTED);
}

static void test_a_promised_length_takes_no_memory(void **state)
{
	const uint8_t bytes[] = { 0, 1, 0, 0, 0, 'a' };
	struct frame_reader reader = { 0 };
	const char *text;

	(void)state;
	assert_int_equal(frame_read(&reader, bytes, sizeof(bytes), &text), 0);
	assert_true(reader.allocated <= 4096);
	frame_reader_clear(&reader);
}

static void test_a_prefix_says_the_length(void **state)
{
	uint8_t prefix[FRAME_PREFIX];

	(void)state;
	frame_write_prefix(prefix, 0x01020304);
	assert_memory_equal(prefix, ((uint8_t[]){ 0, 1, 2, 3, 4 }), 5);
}

/* --- grpc-timeout --- */

static void test_timeouts(void **state)
{
	static const struct {
		const char *text;
		int64_t milliseconds; /* -1: malformed */
	} cases[] = {
		{ "1H", 3600000 },
		{ "2M", 120000 },
		{ "3S", 3000 },
		{ "4m", 4 },
		{ "1u", 1 },
		{ "1500u", 2 },
		{ "1n", 1 },
		{ "0n", 0 },
		{ "0S", 0 },
		{ "99999999S", 99999999000 },
		{ "99999999H", 359999996400000 },
		{ "", -1 },
		{ "S", -1 },
		{ "1", -1 },
		{ "123456789S", -1 },
		{ "-1S", -1 },
		{ "1 S", -1 },
		{ "1s", -1 },
		{ "1.5S", -1 },
		{ "1SS", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t milliseconds = -1;
		bool good = metadata_timeout(cases[i].text, strlen(cases[i].text), &milliseconds);

		assert_int_equal(good, cases[i].milliseconds >= 0);
		assert_int_equal(milliseconds, cases[i].milliseconds);
	}
}

static void test_content_types(void **state)
{
	static const char *const good[] = { "application/grpc", "application/grpc+proto",
					    "application/grpc;charset=utf-8", "application/grpc+proto; a=b" };
	static const char *const bad[] = { "",
					   "application/json",
					   "application/grpc-web",
					   "application/grpc+json",
					   "application/grpc+protobuf",
					   "application/grp" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(metadata_is_grpc(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(metadata_is_grpc(bad[i], strlen(bad[i])));
}

/* --- grpc-message --- */

static void check_encoded(const char *text, const char *expected)
{
	char *encoded = metadata_encode_message(text, 1024);

	assert_string_equal(encoded, expected);
	free(encoded);
}

static void test_messages_are_percent_encoded_utf8(void **state)
{
	(void)state;
	check_encoded("", "");
	check_encoded("plain ~text", "plain ~text");
	check_encoded("100%\n", "100%25%0A");
	check_encoded("caf\xc3\xa9", "caf%C3%A9");
	check_encoded("\xf0\x9f\x90\xb3", "%F0%9F%90%B3");
}

static void test_what_is_no_utf8_is_replaced(void **state)
{
	(void)state;
	check_encoded("a\xff"
		      "b",
		      "a%EF%BF%BDb");
	check_encoded("\xc3", "%EF%BF%BD");
	check_encoded("\xc0\x80", "%EF%BF%BD%EF%BF%BD");
	check_encoded("\xed\xa0\x80", "%EF%BF%BD%EF%BF%BD%EF%BF%BD");
	check_encoded("\xf4\x90\x80\x80", "%EF%BF%BD%EF%BF%BD%EF%BF%BD%EF%BF%BD");
}

static void test_a_long_message_is_cut(void **state)
{
	char *encoded = metadata_encode_message("abcdef", 3);

	(void)state;
	assert_string_equal(encoded, "abc");
	free(encoded);
	/* Within a character: its bytes are no character any more. */
	encoded = metadata_encode_message("ab\xc3\xa9", 3);
	assert_string_equal(encoded, "ab%EF%BF%BD");
	free(encoded);
}

static void test_status_names(void **state)
{
	(void)state;
	assert_string_equal(grpc_status_name(0), "OK");
	assert_string_equal(grpc_status_name(16), "UNAUTHENTICATED");
	assert_string_equal(grpc_status_name(17), "UNKNOWN");
	assert_string_equal(grpc_status_name(-1), "UNKNOWN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_comes_in_any_pieces),
		cmocka_unit_test(test_an_empty_message_is_one),
		cmocka_unit_test(test_bad_frames_have_the_status_that_grpc_gives_them),
		cmocka_unit_test(test_a_promised_length_takes_no_memory),
		cmocka_unit_test(test_a_prefix_says_the_length),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_content_types),
		cmocka_unit_test(test_messages_are_percent_encoded_utf8),
		cmocka_unit_test(test_what_is_no_utf8_is_replaced),
		cmocka_unit_test(test_a_long_message_is_cut),
		cmocka_unit_test(test_status_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

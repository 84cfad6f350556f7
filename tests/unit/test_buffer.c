/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_appends_and_ends_with_nul(void **state)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY;

	(void)state;
	buffer_text(&buffer, "one");
	buffer_append(&buffer, "\0two", 4);
	buffer_text(&buffer, NULL);
	buffer_append(&buffer, NULL, 0);
	buffer_printf(&buffer, "-%d", 3);
	assert_false(buffer.failed);
	assert_int_equal(buffer.length, 9);
	assert_memory_equal(buffer.data, "one\0two-3", 10);
}

static void test_grows(void **state)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buffer_printf(&buffer, "%05d", i);
	assert_int_equal(buffer.length, 500000);
	assert_memory_equal(buffer.data + (size_t)5 * 54321, "54321", 5);
	assert_int_equal(strlen(buffer.data), 500000);
}

static void test_printf_longer_than_the_room(void **state)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY;

	(void)state;
	buffer_printf(&buffer, "%1000d", 7);
	assert_int_equal(buffer.length, 1000);
	assert_int_equal(buffer.data[999], '7');
}

static void test_failure_is_remembered(void **state)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY;

	(void)state;
	buffer_text(&buffer, "cut here");
	assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), -ENOMEM);
	assert_true(buffer.failed);
	buffer_text(&buffer, "lost");
	buffer_printf(&buffer, "%s", "lost");
	assert_string_equal(buffer.data, "cut here");
	assert_int_equal(buffer_reserve(&buffer, 1), -ENOMEM);
	assert_null(buffer_take(&buffer));
	assert_null(buffer.data);
	/* Taken, it can be used again. */
	buffer_text(&buffer, "new");
	assert_string_equal(buffer.data, "new");
}

static void test_take(void **state)
{
	struct buffer buffer = BUFFER_EMPTY;
	char *text = buffer_take(&buffer);

	(void)state;
	assert_non_null(text);
	assert_string_equal(text, "");
	free(text);
	buffer_text(&buffer, "mine");
	text = buffer_take(&buffer);
	assert_string_equal(text, "mine");
	assert_null(buffer.data);
	assert_int_equal(buffer.length, 0);
	assert_int_equal(buffer.capacity, 0);
	free(text);
	buffer_free(&buffer);
}

static void test_reserve_makes_room_in_place(void **state)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY;
	char *data;

	(void)state;
	assert_int_equal(buffer_reserve(&buffer, 1000), 0);
	assert_int_equal(buffer.length, 0);
	assert_string_equal(buffer.data, "");
	data = buffer.data;
	for (int i = 0; i < 1000; i++)
		buffer_append(&buffer, "x", 1);
	assert_ptr_equal(buffer.data, data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends_and_ends_with_nul),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_printf_longer_than_the_room),
		cmocka_unit_test(test_failure_is_remembered),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_reserve_makes_room_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

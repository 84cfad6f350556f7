/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_zeroed_aligned_and_apart(void **state)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	unsigned char *memory[300];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		memory[i] = arena_alloc(&arena, i);
		assert_non_null(memory[i]);
		assert_int_equal((uintptr_t)memory[i] % _Alignof(max_align_t), 0);
		for (size_t at = 0; at < i; at++)
			assert_int_equal(memory[i][at], 0);
		memset(memory[i], (int)(i & 0xff) | 1, i);
	}
	for (size_t i = 0; i < 300; i++) {
		for (size_t at = 0; at < i; at++)
			assert_int_equal(memory[i][at], (i & 0xff) | 1);
	}
}

static void test_empty_allocations_are_distinct(void **state)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	void *first = arena_alloc(&arena, 0), *second = arena_alloc(&arena, 0);

	(void)state;
	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
}

static void test_large_allocation_keeps_the_block_in_use(void **state)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char *before = arena_alloc(&arena, 16), *large = arena_alloc(&arena, 1 << 20), *after;

	(void)state;
	assert_non_null(before);
	assert_non_null(large);
	memset(large, 7, 1 << 20);
	after = arena_alloc(&arena, 16);
	assert_ptr_equal(after, before + 16);
	assert_int_equal(after[0], 0);
}

static void test_large_allocation_first(void **state)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char *large = arena_alloc(&arena, 100000), *small;

	(void)state;
	assert_non_null(large);
	memset(large, 7, 100000);
	small = arena_alloc(&arena, 100);
	assert_non_null(small);
	assert_int_equal(small[0], 0);
}

static void test_overflow_is_refused_and_keeps_the_rest(void **state)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char *kept = arena_strdup(&arena, "kept");

	(void)state;
	assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, PTRDIFF_MAX));
	assert_string_equal(kept, "kept");
	assert_non_null(arena_array(&arena, 0, 8));
}

static void test_copies(void **state)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char bytes[] = { 'a', '\0', 'b' };
	char *copy;

	(void)state;
	assert_null(arena_strdup(&arena, NULL));
	assert_string_equal(arena_strdup(&arena, ""), "");
	copy = arena_copy(&arena, bytes, sizeof(bytes));
	assert_memory_equal(copy, bytes, sizeof(bytes));
	assert_ptr_not_equal(copy, bytes);
	assert_non_null(arena_copy(&arena, NULL, 0));
	assert_string_equal(arena_printf(&arena, "%s/%d", "x", 12), "x/12");
	arena_free(&arena);
	assert_string_equal(arena_strdup(&arena, "again"), "again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed_aligned_and_apart),
		cmocka_unit_test(test_empty_allocations_are_distinct),
		cmocka_unit_test(test_large_allocation_keeps_the_block_in_use),
		cmocka_unit_test(test_large_allocation_first),
		cmocka_unit_test(test_overflow_is_refused_and_keeps_the_rest),
		cmocka_unit_test(test_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

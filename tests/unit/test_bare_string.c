/* SPDX-License-Identifier: Apache-2.0 */
/* The string functions that cri-init and cri-sandbox have in place of the C library's, against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *bare_memcpy(void *restrict, const void *restrict, size_t);
void *bare_memmove(void *, const void *, size_t);
void *bare_memset(void *, int, size_t);
int bare_memcmp(const void *, const void *, size_t);
void *bare_memchr(const void *, int, size_t);
size_t bare_strlen(const char *);
size_t bare_strnlen(const char *, size_t);
int bare_strcmp(const char *, const char *);
int bare_strncmp(const char *, const char *, size_t);
char *bare_strchr(const char *, int);
char *bare_strrchr(const char *, int);

#define memcpy bare_memcpy
#define memmove bare_memmove
#define memset bare_memset
#define memcmp bare_memcmp
#define memchr bare_memchr
#define strlen bare_strlen
#define strnlen bare_strnlen
#define strcmp bare_strcmp
#define strncmp bare_strncmp
#define strchr bare_strchr
#define strrchr bare_strrchr
#include "bare/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#define SIZE 12
#define ROUNDS 200000

/* Few different bytes, so that much is equal; reproducible. */
static void fill(char *bytes, uint32_t *seed)
{
	static const char some[] = { 'a', 'b', '\0', (char)0xff, 'a' };

	for (size_t i = 0; i < SIZE; i++) {
		*seed = *seed * 1103515245U + 12345U;
		bytes[i] = some[(*seed >> 16) % sizeof(some)];
	}
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

static void test_reading(void **state)
{
	static const unsigned char sought[] = { 'a', 'b', 0xff, 0 };
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		char a[SIZE + 1], b[SIZE + 1];
		size_t n = (size_t)round % (SIZE + 1);
		int byte = sought[round & 3];

		fill(a, &seed);
		fill(b, &seed);
		a[SIZE] = b[SIZE] = '\0';
		assert_int_equal(sign(bare_memcmp(a, b, n)), sign(memcmp(a, b, n)));
		assert_ptr_equal(bare_memchr(a, byte, n), memchr(a, byte, n));
		assert_int_equal(bare_strlen(a), strlen(a));
		assert_int_equal(bare_strnlen(a, n), strnlen(a, n));
		assert_int_equal(sign(bare_strcmp(a, b)), sign(strcmp(a, b)));
		assert_int_equal(sign(bare_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		assert_ptr_equal(bare_strchr(a, byte), strchr(a, byte));
		assert_ptr_equal(bare_strrchr(a, byte), strrchr(a, byte));
	}
}

static void test_writing(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (size_t from = 0; from < SIZE; from++) {
		for (size_t to = 0; to < SIZE; to++) {
			size_t n = SIZE - (from > to ? from : to);
			char ours[SIZE], theirs[SIZE], other[SIZE];

			fill(ours, &seed);
			memcpy(theirs, ours, SIZE);
			fill(other, &seed);
			assert_ptr_equal(bare_memmove(ours + to, ours + from, n), ours + to);
			memmove(theirs + to, theirs + from, n);
			assert_memory_equal(ours, theirs, SIZE);
			assert_ptr_equal(bare_memcpy(ours + to, other + from, n), ours + to);
			memcpy(theirs + to, other + from, n);
			assert_memory_equal(ours, theirs, SIZE);
			assert_ptr_equal(bare_memset(ours + to, (int)from - 3, n), ours + to);
			memset(theirs + to, (int)from - 3, n);
			assert_memory_equal(ours, theirs, SIZE);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

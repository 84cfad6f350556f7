/* SPDX-License-Identifier: Apache-2.0 */
/* Small questions about text. */
#ifndef LIBCRI_BASE_TEXT_H
#define LIBCRI_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL and "" are the same in every optional text of the API. */
static inline bool text_is_empty(const char *text)
{
	return !text || !*text;
}

/* Both may be NULL, which equals "". */
bool text_equal(const char *a, const char *b);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* A whole decimal number, with sign, no blanks, nothing behind it. 0, -EINVAL or -ERANGE. */
int text_to_int64(const char *text, int64_t *value);
int text_to_uint64(const char *text, uint64_t *value);

/* A copy made by printf; NULL when memory ran out. */
char *text_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True for well-formed UTF-8 (no surrogates, no overlong forms). */
bool text_is_utf8(const char *bytes, size_t length);

/* Lower-case hex of `length` bytes into hex[2 * length + 1]. */
void text_hex(const void *bytes, size_t length, char *hex);

#endif

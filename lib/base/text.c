/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool text_equal(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

bool text_starts(const char *text, const char *prefix)
{
	if (text_is_empty(prefix))
		return true;
	return text && !strncmp(text, prefix, strlen(prefix));
}

bool text_ends(const char *text, const char *suffix)
{
	size_t length, suffix_length;

	if (text_is_empty(suffix))
		return true;
	if (!text)
		return false;
	length = strlen(text);
	suffix_length = strlen(suffix);
	return length >= suffix_length && !strcmp(text + length - suffix_length, suffix);
}

/* The digits behind an optional sign, all of them; the magnitude saturates nowhere: it overflows to -ERANGE. */
static int parse_magnitude(const char *digits, uint64_t *magnitude)
{
	uint64_t sum = 0;
	bool overflow = false;

	if (!*digits)
		return -EINVAL;
	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '9')
			return -EINVAL;
		overflow |= __builtin_mul_overflow(sum, (uint64_t)10, &sum);
		overflow |= __builtin_add_overflow(sum, (uint64_t)(*digits - '0'), &sum);
	}
	*magnitude = sum;
	return overflow ? -ERANGE : 0;
}

static int parse_sign_and_magnitude(const char *text, bool *negative, uint64_t *magnitude)
{
	if (!text)
		return -EINVAL;
	*negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	return parse_magnitude(text, magnitude);
}

int text_to_int64(const char *text, int64_t *value)
{
	uint64_t magnitude, limit;
	bool negative;
	int error = parse_sign_and_magnitude(text, &negative, &magnitude);

	if (error)
		return error;
	limit = (uint64_t)INT64_MAX + negative;
	if (magnitude > limit)
		return -ERANGE;
	if (!negative)
		*value = (int64_t)magnitude;
	else
		*value = magnitude ? -(int64_t)(magnitude - 1) - 1 : 0;
	return 0;
}

int text_to_uint64(const char *text, uint64_t *value)
{
	uint64_t magnitude;
	bool negative;
	int error = parse_sign_and_magnitude(text, &negative, &magnitude);

	if (error)
		return error;
	if (negative && magnitude)
		return -ERANGE;
	*value = magnitude;
	return 0;
}

char *text_printf(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return length < 0 ? NULL : text;
}

/* The length of the sequence that a lead byte begins and the range of its second byte, which is where overlong forms,
 * surrogates and code points above U+10FFFF show (Unicode, table 3-7). 0: no lead byte. */
static size_t sequence_length(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

bool text_is_utf8(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;

	while (length) {
		unsigned char low, high;
		size_t n = sequence_length(*at, &low, &high);

		if (!n || n > length)
			return false;
		if (n > 1 && (at[1] < low || at[1] > high))
			return false;
		for (size_t i = 2; i < n; i++) {
			if ((at[i] & 0xc0) != 0x80)
				return false;
		}
		at += n;
		length -= n;
	}
	return true;
}

void text_hex(const void *bytes, size_t length, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++) {
		*hex++ = digits[at[i] >> 4];
		*hex++ = digits[at[i] & 15];
	}
	*hex = '\0';
}

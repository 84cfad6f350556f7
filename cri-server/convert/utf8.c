/* SPDX-License-Identifier: Apache-2.0 */
/* What processes and tars call themselves may be any bytes; what protobuf calls a string may not. */
#include "convert/message.h"

#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"

/* The length of the character at the beginning, or 0 (RFC 3629, section 4). */
static size_t character(const unsigned char *text, size_t length)
{
	unsigned char lead = text[0], low = 0x80, high = 0xBF;
	size_t size;

	if (lead < 0x80)
		return 1;
	if (lead >= 0xC2 && lead <= 0xDF)
		size = 2;
	else if (lead >= 0xE0 && lead <= 0xEF)
		size = 3;
	else if (lead >= 0xF0 && lead <= 0xF4)
		size = 4;
	else
		return 0;
	if (size > length)
		return 0;
	if (lead == 0xE0)
		low = 0xA0; /* shorter forms exist */
	else if (lead == 0xED)
		high = 0x9F; /* surrogates */
	else if (lead == 0xF0)
		low = 0x90;
	else if (lead == 0xF4)
		high = 0x8F; /* beyond U+10FFFF */
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((text[i] & 0xC0) != 0x80)
			return 0;
	return size;
}

size_t utf8_valid(const char *text, size_t length)
{
	size_t valid = 0;

	while (valid < length) {
		size_t size = character((const unsigned char *)text + valid, length - valid);

		if (!size)
			break;
		valid += size;
	}
	return valid;
}

char *utf8_mend(struct memory *memory, char *text)
{
	const size_t length = strlen(text);
	size_t valid = utf8_valid(text, length);
	char *mended, *end;

	if (valid == length)
		return text;
	mended = length < SIZE_MAX / 4 ? memory_take(memory, length * (sizeof(REPLACEMENT) - 1) + 1) : NULL;
	if (!mended)
		return NULL;
	end = mended;
	for (size_t at = 0; at < length; at++) {
		valid = utf8_valid(text + at, length - at);
		memcpy(end, text + at, valid);
		end += valid;
		at += valid;
		if (at < length) {
			memcpy(end, REPLACEMENT, sizeof(REPLACEMENT) - 1);
			end += sizeof(REPLACEMENT) - 1;
		}
	}
	return mended;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/message.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* The length without a character whose end was cut off. */
static size_t drop_cut_character(const char *text, size_t length)
{
	size_t start = length;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return length;
	const unsigned char lead = (unsigned char)text[start - 1];
	const size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;

	return length - (start - 1) < wanted ? start - 1 : length;
}

size_t message_format(char *text, size_t size, const char *format, va_list arguments)
{
	int wanted = vsnprintf(text, size, format, arguments);

	if (wanted < 0) {
		text[0] = '\0';
		return 0;
	}
	size_t length = (size_t)wanted;

	if (length >= size) {
		length = drop_cut_character(text, size - 1);
		text[length] = '\0';
	}
	const bool valid = text_is_utf8(text, length);

	for (size_t i = 0; i < length; i++) {
		const unsigned char byte = (unsigned char)text[i];

		if (byte < 0x20 || byte == 0x7f)
			text[i] = ' ';
		else if (byte >= 0x80 && !valid)
			text[i] = '?';
	}
	return length;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "failure.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static void append(struct composed *text, const char *bytes, size_t length)
{
	size_t room = text->size - text->length - 1;

	if (length > room)
		length = room;
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

static void append_number(struct composed *text, uint64_t magnitude, unsigned int base, bool negative)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[magnitude % base];
		magnitude /= base;
	} while (magnitude);
	if (negative)
		digits[--at] = '-';
	append(text, digits + at, sizeof(digits) - at);
}

void compose_list(struct composed *text, const char *format, va_list arguments)
{
	for (; *format; format++) {
		const char *word;
		int64_t number;

		if (*format != '%') {
			append(text, format, 1);
			continue;
		}
		switch (*++format) {
		case 's':
			word = va_arg(arguments, const char *);
			append(text, word, strlen(word));
			break;
		case 'd':
			number = va_arg(arguments, int64_t);
			append_number(text, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, number < 0);
			break;
		case 'o':
			append_number(text, va_arg(arguments, uint32_t), 8, false);
			break;
		case 'x':
			append_number(text, va_arg(arguments, uint64_t), 16, false);
			break;
		default:
			return;
		}
	}
}

void compose(struct composed *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	compose_list(text, format, arguments);
	va_end(arguments);
}

int fail(struct failure *failure, int error, const char *step, const char *format, ...)
{
	struct composed text = { failure->message, 0, sizeof(failure->message) };
	va_list arguments;

	failure->error = error < 0 ? -error : error;
	failure->step = step;
	failure->message[0] = '\0';
	va_start(arguments, format);
	compose_list(&text, format, arguments);
	va_end(arguments);
	return -failure->error;
}

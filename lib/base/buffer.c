/* SPDX-License-Identifier: Apache-2.0 */
#include "buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define SMALLEST_CAPACITY 64

int buffer_reserve(struct buffer *buffer, size_t extra)
{
	size_t needed, capacity;
	char *data;

	if (buffer->failed)
		return -ENOMEM;
	/* One more for the NUL. */
	if (__builtin_add_overflow(buffer->length, extra, &needed) || needed >= PTRDIFF_MAX)
		goto failed;
	needed++;
	if (needed <= buffer->capacity)
		return 0;
	capacity = buffer->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buffer->capacity;
	while (capacity < needed)
		capacity = capacity > PTRDIFF_MAX / 2 ? needed : capacity * 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		goto failed;
	data[buffer->length] = '\0';
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
failed:
	buffer->failed = true;
	return -ENOMEM;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	if (buffer_reserve(buffer, length))
		return;
	if (length)
		memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
}

void buffer_text(struct buffer *buffer, const char *text)
{
	if (text)
		buffer_append(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		buffer->failed = true;
		return;
	}
	if (buffer_reserve(buffer, (size_t)length))
		return;
	va_start(arguments, format);
	length = vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		buffer->failed = true;
	else
		buffer->length += (size_t)length;
}

char *buffer_take(struct buffer *buffer)
{
	char *data = NULL;

	/* An empty content is a text too. */
	if (!buffer_reserve(buffer, 0))
		data = TAKE_POINTER(buffer->data);
	buffer_free(buffer);
	return data;
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer)BUFFER_EMPTY;
}

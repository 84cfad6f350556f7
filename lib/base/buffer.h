/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer, always followed by a NUL. A failed allocation is remembered: append freely, check once. */
#ifndef LIBCRI_BASE_BUFFER_H
#define LIBCRI_BASE_BUFFER_H

#include "cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data;
	size_t length, capacity;
	bool failed; /* an allocation failed; the content is cut there */
};

#define BUFFER_EMPTY                                                                                                   \
	{                                                                                                              \
		NULL, 0, 0, false                                                                                      \
	}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for at least `extra` more bytes behind the content. 0 or -ENOMEM. */
int buffer_reserve(struct buffer *buffer, size_t extra);

/* The text, to be freed by the caller; the buffer is left empty. NULL when an allocation failed. */
char *buffer_take(struct buffer *buffer);

void buffer_free(struct buffer *buffer);

#define CLEANUP_BUFFER CLEANUP(buffer_free)

#endif

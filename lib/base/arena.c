/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define FIRST_CAPACITY ((size_t)1024)
#define LARGEST_CAPACITY ((size_t)64 * 1024)

struct arena_block {
	struct arena_block *next;
	max_align_t memory[];
};

static struct arena_block *new_block(size_t capacity)
{
	if (capacity > PTRDIFF_MAX - sizeof(struct arena_block))
		return NULL;
	return calloc(1, sizeof(struct arena_block) + capacity);
}

/* A block of its own, behind the newest one, of which the rest stays in use. */
static void *alloc_large(struct arena *arena, size_t size)
{
	struct arena_block *block = new_block(size);

	if (!block)
		return NULL;
	if (arena->blocks) {
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	} else {
		arena->blocks = block;
		arena->used = arena->capacity = size;
	}
	return block->memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t alignment = _Alignof(max_align_t);
	size_t aligned;
	void *memory;

	/* Every allocation is a pointer of its own, the empty one too. */
	if (!size)
		size = 1;
	if (size > PTRDIFF_MAX - alignment)
		return NULL;
	aligned = (size + alignment - 1) / alignment * alignment;
	if (!arena->blocks || aligned > arena->capacity - arena->used) {
		size_t capacity = arena->capacity * 2;
		struct arena_block *block;

		if (capacity < FIRST_CAPACITY)
			capacity = FIRST_CAPACITY;
		if (capacity > LARGEST_CAPACITY)
			capacity = LARGEST_CAPACITY;
		if (aligned > capacity / 4)
			return alloc_large(arena, aligned);
		block = new_block(capacity);
		if (!block)
			return NULL;
		block->next = arena->blocks;
		arena->blocks = block;
		arena->used = 0;
		arena->capacity = capacity;
	}
	memory = (char *)arena->blocks->memory + arena->used;
	arena->used += aligned;
	return memory;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (copy && size)
		memcpy(copy, bytes, size);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_copy(arena, text, strlen(text) + 1) : NULL;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return NULL;
	text = arena_alloc(arena, (size_t)length + 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	length = vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return length < 0 ? NULL : text;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	arena->used = arena->capacity = 0;
}

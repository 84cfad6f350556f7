/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)4096)
#define ALIGNMENT _Alignof(max_align_t)

struct memory_block {
	struct memory_block *next;
	size_t used;
	size_t size;
	max_align_t bytes[];
};

static void *take_for_protobuf(void *memory, size_t size)
{
	/* protobuf-c takes NULL for a failure, and asks for 0 bytes as well. */
	return memory_take(memory, size ? size : 1);
}

static void keep_until_the_end(void *memory, void *pointer)
{
	(void)memory;
	(void)pointer;
}

void memory_init(struct memory *memory)
{
	*memory = (struct memory){
		.allocator = { .alloc = take_for_protobuf, .free = keep_until_the_end, .allocator_data = memory },
	};
}

void memory_free(struct memory *memory)
{
	struct memory_block *block = memory->blocks, *next;

	for (; block; block = next) {
		next = block->next;
		free(block);
	}
	memory->blocks = NULL;
	memory->taken = 0;
}

static struct memory_block *add_block(struct memory *memory, size_t size)
{
	/* Blocks grow with what is taken, so that their number stays small. */
	size_t room = memory->taken / 4 > BLOCK_SIZE ? memory->taken / 4 : BLOCK_SIZE;
	struct memory_block *block;

	if (room > MEMORY_LIMIT / 16)
		room = MEMORY_LIMIT / 16;
	if (room < size)
		room = size;
	if (room > MEMORY_LIMIT - memory->taken)
		room = MEMORY_LIMIT - memory->taken;
	if (room < size)
		return NULL;
	block = calloc(1, sizeof(*block) + room);
	if (!block)
		return NULL;
	block->size = room;
	block->next = memory->blocks;
	memory->blocks = block;
	memory->taken += room;
	return block;
}

void *memory_take(struct memory *memory, size_t size)
{
	struct memory_block *block = memory->blocks;
	void *piece;

	if (memory->failed || size > MEMORY_LIMIT)
		goto failed;
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (!block || block->size - block->used < size) {
		block = add_block(memory, size);
		if (!block)
			goto failed;
	}
	piece = (char *)block->bytes + block->used;
	block->used += size;
	return piece;
failed:
	memory->failed = true;
	return NULL;
}

void *memory_array(struct memory *memory, size_t n, size_t size)
{
	size_t bytes;

	if (!n)
		return NULL;
	if (__builtin_mul_overflow(n, size, &bytes)) {
		memory->failed = true;
		return NULL;
	}
	return memory_take(memory, bytes);
}

char *memory_text(struct memory *memory, const char *text, size_t length)
{
	char *copy = length < SIZE_MAX ? memory_take(memory, length + 1) : NULL;

	if (copy && length)
		memcpy(copy, text, length);
	return copy;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of one call: taken piece by piece, bounded, freed at its end. */
#ifndef CRI_SERVER_CONVERT_MEMORY_H
#define CRI_SERVER_CONVERT_MEMORY_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* A request of 16 MB, the largest, and an answer of that size, packed and unpacked, need 64 MB. More is asked for only
 * by requests made of millions of empty fields. */
#define MEMORY_LIMIT ((size_t)96 << 20)

struct memory_block;

struct memory {
	struct memory_block *blocks;
	size_t taken;
	/* Set when memory ran out, and for good: so that conversions need to look only once, at their end. */
	bool failed;
	ProtobufCAllocator allocator; /* the same memory for protobuf-c */
};

/* It is not to be moved afterwards. */
void memory_init(struct memory *memory);
void memory_free(struct memory *memory);

/* Zeroed; NULL when there is none left, which sets `failed`. */
void *memory_take(struct memory *memory, size_t size);

/* The same for n elements. n 0 is NULL and no failure. */
void *memory_array(struct memory *memory, size_t n, size_t size);

/* A copy of `length` bytes and a NUL. */
char *memory_text(struct memory *memory, const char *text, size_t length);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An arena: many small allocations, freed together. Results and copied configs live in one. */
#ifndef LIBCRI_BASE_ARENA_H
#define LIBCRI_BASE_ARENA_H

#include "cleanup.h"

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used, capacity; /* of the newest block */
};

#define ARENA_EMPTY                                                                                                    \
	{                                                                                                              \
		NULL, 0, 0                                                                                             \
	}

/* Zeroed memory, aligned for any type. NULL: memory ran out; what was allocated before stays. size 0 gives a valid
 * pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* n * size, checked for overflow. */
void *arena_array(struct arena *arena, size_t n, size_t size);

/* A copy of a text; NULL of NULL. Distinguish from failure by the argument. */
char *arena_strdup(struct arena *arena, const char *text);
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

void arena_free(struct arena *arena);

#define CLEANUP_ARENA CLEANUP(arena_free)

#endif

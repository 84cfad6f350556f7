/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cri_list: an arena with an array of equal elements. */
#ifndef LIBCRI_CORE_LIST_H
#define LIBCRI_CORE_LIST_H

#include "libcri/types.h"

#include "base/arena.h"

/* Which _at function may read a list. */
enum list_kind {
	LIST_SANDBOX_CONFIG,
	LIST_CONTAINER_CONFIG,
	LIST_ENGINE_STATUS,
	LIST_SANDBOX,
	LIST_SANDBOX_STATUS,
	LIST_CONTAINER,
	LIST_CONTAINER_STATUS,
	LIST_IMAGE,
	LIST_FILESYSTEM_USAGE,
	LIST_CONTAINER_STATS,
	LIST_SANDBOX_STATS,
	LIST_METRIC_DESCRIPTOR,
	LIST_METRIC,
	LIST_EVENT,
};

struct cri_list {
	struct arena arena; /* owns the elements and all they point to */
	enum list_kind kind;
	size_t element_size;
	size_t count, capacity;
	void *elements;
};

/* NULL: memory ran out. */
cri_list *list_new(enum list_kind kind, size_t element_size);

/* A new zeroed element at the end; NULL: memory ran out. Earlier pointers to elements go stale. */
void *list_add(cri_list *list);

/* For the _at functions: NULL for a wrong kind or index. */
const void *list_at(const cri_list *list, enum list_kind kind, size_t index);

static inline void cleanup_list(cri_list **list)
{
	cri_list_free(*list);
}
#define CLEANUP_LIST CLEANUP(cleanup_list)

#endif

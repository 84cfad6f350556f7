/* SPDX-License-Identifier: Apache-2.0 */
#include "core/list.h"

#include <stdlib.h>
#include <string.h>

cri_list *list_new(enum list_kind kind, size_t element_size)
{
	cri_list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	list->kind = kind;
	list->element_size = element_size;
	return list;
}

void *list_add(cri_list *list)
{
	if (list->count == list->capacity) {
		const size_t capacity = list->capacity ? 2 * list->capacity : 4;
		void *elements = reallocarray(list->elements, capacity, list->element_size);

		if (!elements)
			return NULL;
		list->elements = elements;
		list->capacity = capacity;
	}
	return memset((char *)list->elements + list->count++ * list->element_size, 0, list->element_size);
}

const void *list_at(const cri_list *list, enum list_kind kind, size_t index)
{
	if (!list || list->kind != kind || index >= list->count)
		return NULL;
	return (const char *)list->elements + index * list->element_size;
}

size_t cri_list_count(const cri_list *list)
{
	return list ? list->count : 0;
}

void cri_list_free(cri_list *list)
{
	if (!list)
		return;
	free(list->elements);
	arena_free(&list->arena);
	free(list);
}

void cri_free(void *pointer)
{
	free(pointer);
}

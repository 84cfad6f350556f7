/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hash_path(const char *path)
{
	uint32_t hash = 2166136261u;

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 16777619u;
	return hash;
}

/* The slot that holds `path`, or the free one where it would go. Removed paths keep their slot, as a bare index, so
 * that the probing of others does not end early. */
static uint32_t *find_slot(const struct path_set *set, const char *path)
{
	size_t i = hash_path(path) & (set->n_slots - 1);

	while (set->slots[i]) {
		const char *other = set->paths[set->slots[i] - 1];

		if (other && strcmp(other, path) == 0)
			break;
		i = (i + 1) & (set->n_slots - 1);
	}
	return &set->slots[i];
}

static int grow(struct path_set *set)
{
	size_t capacity = set->capacity ? set->capacity * 2 : 64;
	char **paths = reallocarray(set->paths, capacity, sizeof(*paths));
	uint32_t *slots;

	if (!paths)
		return -ENOMEM;
	set->paths = paths;
	/* Half full at most. */
	slots = calloc(capacity * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(set->slots);
	set->slots = slots;
	set->n_slots = capacity * 2;
	set->capacity = capacity;
	for (size_t i = 0; i < set->n_paths; i++)
		if (set->paths[i])
			*find_slot(set, set->paths[i]) = (uint32_t)i + 1;
	return 0;
}

int path_set_add(struct path_set *set, const char *path, size_t limit)
{
	uint32_t *slot;
	char *copy;
	int error;

	if (set->n_paths >= limit)
		return -E2BIG;
	if (set->n_paths == set->capacity) {
		error = grow(set);
		if (error)
			return error;
	}
	slot = find_slot(set, path);
	if (*slot)
		return 0;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	set->paths[set->n_paths++] = copy;
	*slot = (uint32_t)set->n_paths;
	return 0;
}

void path_set_remove(struct path_set *set, const char *path)
{
	uint32_t *slot;

	if (!set->n_slots)
		return;
	slot = find_slot(set, path);
	if (!*slot)
		return;
	free(set->paths[*slot - 1]);
	set->paths[*slot - 1] = NULL;
}

int path_clean(const char *name, char clean[PATH_MAX])
{
	size_t length = 0;

	while (*name) {
		size_t part = strcspn(name, "/");

		if (part == 2 && name[0] == '.' && name[1] == '.') {
			if (!length)
				return -EBADMSG;
			while (length && clean[length - 1] != '/')
				length--;
			if (length)
				length--;
		} else if (part && !(part == 1 && name[0] == '.')) {
			if (part > NAME_MAX || length + part + 2 > PATH_MAX)
				return -ENAMETOOLONG;
			if (length)
				clean[length++] = '/';
			memcpy(clean + length, name, part);
			length += part;
		}
		name += part;
		while (*name == '/')
			name++;
	}
	clean[length] = '\0';
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct packed_link *find_slot(struct packed_link *links, size_t n_slots, ino_t inode)
{
	/* Multiplicative hashing: neighbours are what the inodes of one directory are. */
	size_t i = (size_t)((uint64_t)inode * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (n_slots - 1);

	while (links[i].path && links[i].inode != inode)
		i = (i + 1) & (n_slots - 1);
	return &links[i];
}

static int grow(struct pack *pack)
{
	const size_t n_slots = pack->n_slots ? 2 * pack->n_slots : 64;
	struct packed_link *links = calloc(n_slots, sizeof(*links));

	if (!links)
		return -ENOMEM;
	for (size_t i = 0; i < pack->n_slots; i++)
		if (pack->links[i].path)
			*find_slot(links, n_slots, pack->links[i].inode) = pack->links[i];
	free(pack->links);
	pack->links = links;
	pack->n_slots = n_slots;
	return 0;
}

int links_find(struct pack *pack, ino_t inode, const char **path)
{
	struct packed_link *link;
	int error = 2 * (pack->n_links + 1) > pack->n_slots ? grow(pack) : 0;

	if (error)
		return error;
	link = find_slot(pack->links, pack->n_slots, inode);
	*path = link->path;
	if (link->path)
		return 0;
	link->inode = inode;
	link->path = strdup(pack->path);
	if (!link->path)
		return -ENOMEM;
	pack->n_links++;
	return 0;
}

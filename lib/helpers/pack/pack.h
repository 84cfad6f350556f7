/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cri-pack: one directory, one tar. Functions answer 0 or -errno. */
#ifndef LIBCRI_HELPERS_PACK_H
#define LIBCRI_HELPERS_PACK_H

#include "image/pack_protocol.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <sys/stat.h>

#define STATUS_FD 3
#define LAYER_FD 4

/* Where an inode with several links was first met. */
struct packed_link {
	ino_t inode;
	char *path;
};

struct pack {
	struct archive *tar;
	struct archive_entry *entry;
	struct packed_link *links; /* open addressing, by inode; path NULL: free */
	size_t n_links, n_slots;

	/* Of the member that is being packed, from the layer's root; what a failure is about. */
	char path[PATH_MAX];
	size_t length;
	char problem[512];
};

/* Everything below a directory, and the directory itself. Takes `fd`. (walk.c) */
int pack_layer(struct pack *pack, int fd);

/* One member at pack->path, which is `name` in `directory`; `name` "" is the directory itself. (member.c) */
int member_pack(struct pack *pack, int directory, const char *name, const struct stat *status);
/* A file without bytes beside the member at pack->path, by the name that stands for something in a layer. */
int member_mark(struct pack *pack, const char *path);

/* The path under which the inode went into the tar; NULL: it has not, and is noted under pack->path. -ENOMEM. (links.c)
 */
int links_find(struct pack *pack, ino_t inode, const char **path);

#endif

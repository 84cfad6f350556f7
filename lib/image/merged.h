/* SPDX-License-Identifier: Apache-2.0 */
/* What a stack of layers looks like once overlayfs has merged it, without mounting it. */
#ifndef LIBCRI_IMAGE_MERGED_H
#define LIBCRI_IMAGE_MERGED_H

#include "base/cleanup.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

struct merged {
	const int *layers; /* directories, highest first */
	size_t n_layers;
};

struct merged_entry {
	size_t layer;
	int directory;    /* that holds it, in its layer; owned */
	const char *name; /* in the path that was asked for; "." for the root */
	struct stat status;
};
#define MERGED_ENTRY_EMPTY                                                                                             \
	{                                                                                                              \
		.directory = -1                                                                                        \
	}

/* Overlay's mark of a directory that hides what lower layers have there: "y". */
#define MERGED_OPAQUE_ATTRIBUTE "trusted.overlay.opaque"
bool merged_is_opaque(int directory);

/* What is at a path, no link followed: 0, -ENOENT, -errno. The entry may be used before; it is closed first. */
int merged_find(const struct merged *merged, const char *path, struct merged_entry *entry);
void merged_entry_close(struct merged_entry *entry);
#define CLEANUP_ENTRY CLEANUP(merged_entry_close)

/* The path without links on its way, as a process would see it that has the stack as its root; the last component's own
 * link is followed too if `follow`. Components that do not exist are kept. -ELOOP, -ENAMETOOLONG, -errno. */
int merged_resolve(const struct merged *merged, const char *path, bool follow, char resolved[PATH_MAX]);

#endif

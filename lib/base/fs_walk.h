/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of fs_remove.c and fs_usage.c: walks over whole trees, of which the depth, the names and the number of entries
 * are somebody else's choice. No recursion, no path; at most FS_WALK_OPEN + 2 descriptors; of the names of a
 * directory's subdirectories so many at a time that a walk keeps at most 2 MiB, and 2 KiB for each level below those.
 */
#ifndef LIBCRI_BASE_FS_WALK_H
#define LIBCRI_BASE_FS_WALK_H

#include <stdbool.h>
#include <stddef.h>

/* Directories above this depth stay open; below, the walk comes back through "..". */
#define FS_WALK_OPEN 32

#define FS_WALK_LEAF 0
#define FS_WALK_DIRECTORY 1

struct fs_visitor {
	/* An entry: FS_WALK_LEAF when it is done, FS_WALK_DIRECTORY to be walked, or -errno. A file system may show one
	 * again when its directory is changed meanwhile. */
	int (*visit)(struct fs_visitor *visitor, int directory_fd, const char *name, unsigned char type);
	/* A directory of which all entries were visited. 0, -EAGAIN to walk it once more, or -errno. May be NULL. */
	int (*leave)(struct fs_visitor *visitor, int parent_fd, const char *name);
	void *context;
	size_t depth_max; /* 0: none; a deeper tree ends the walk with -ELOOP */
	int error;        /* the first one; the walk goes on */
	bool stopped;     /* it does not */
};

/* Walks below an open directory, which is taken. The visitor's error. */
int fs_walk(int fd, struct fs_visitor *visitor);

/* Ends the walk with this error, whatever was met before. */
static inline int fs_walk_stop(struct fs_visitor *visitor, int error)
{
	visitor->error = error;
	visitor->stopped = true;
	return error;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Moving and copying between layer directories, which keep their times. 0 or -errno. */
#ifndef LIBCRI_IMAGE_TRANSFER_H
#define LIBCRI_IMAGE_TRANSFER_H

#include "core/call.h"
#include "image/merged.h"

/* One directory below `root`, whose parent is there; rmdir of one. Links on the way stay inside `root`. */
int transfer_make_directory(int root, const char *path);
int transfer_remove_directory(int root, const char *path);

/* Owner, mode, extended attributes and time of a directory. */
int transfer_directory_metadata(const struct merged_entry *entry, int fd);

/* Moves all that is in one directory into another, in place of what has the same name there; two directories of one
 * name become one, which is opaque if the one that is moved is. */
int transfer_children(int from, int to);

/* A copy of what is no directory, with its metadata. Described in `call`. */
int transfer_copy(const struct merged_entry *entry, int directory, const char *name, cri_call *call);

/* A hard link, in place of what is there. */
int transfer_link(int from, const char *target, int to, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Paths in the container. What is there was made by the image: links may point anywhere, also to what is missing. */
#ifndef LIBCRI_HELPERS_INIT_TARGET_H
#define LIBCRI_HELPERS_INIT_TARGET_H

enum target_kind { TARGET_DIRECTORY, TARGET_FILE };

/*
 * An O_PATH descriptor of a path below `root_fd`, made with its parents when it is missing: root's, directories with
 * 0755, an empty file with 0644. Links are followed as a process in the root would, and where one leads to something
 * missing, that is made; none leads out. What exists is answered whatever its kind. Answers -errno; -ELOOP after 40
 * dangling links.
 */
int target_make(int root_fd, const char *path, enum target_kind kind);

/* The same without making anything: -ENOENT. */
int target_open(int root_fd, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cgroup*.c: paths and files of one cgroup in one hierarchy. */
#ifndef LIBCRI_CGROUP_FILES_H
#define LIBCRI_CGROUP_FILES_H

#include "cgroup/cgroup.h"

#include <limits.h>
#include <sys/types.h>

/* The directory of a cgroup, or with `file` not NULL a file of it. 0 or -ENAMETOOLONG. */
int cgroup_path(char path[PATH_MAX], const struct cgroup_hierarchy *hierarchy, const char *cgroup, const char *file);

/* The whole of a small file with a NUL behind it, in one read(2), which is atomic for these files. The length, or
 * -errno; -EFBIG: it did not fit. */
ssize_t cgroup_file_read(const char *path, char *text, size_t size);
ssize_t cgroup_file_read_at(int directory_fd, const char *path, char *text, size_t size);

/* A cgroup and all below it, parents before their children. Paths are absolute. */
struct cgroup_subtree {
	char **paths;
	size_t n, capacity;
};
#define CGROUP_SUBTREE_EMPTY                                                                                           \
	{                                                                                                              \
		NULL, 0, 0                                                                                             \
	}

/* Reads it; what vanishes meanwhile is left out. 0, -ENAMETOOLONG, -E2BIG (more than a container could mean), -errno.
 */
int cgroup_subtree_read(const char *path, struct cgroup_subtree *subtree);
void cgroup_subtree_free(struct cgroup_subtree *subtree);
#define CLEANUP_CGROUP_SUBTREE CLEANUP(cgroup_subtree_free)

/* SIGKILL to each process of a cgroup and all below it, and to no other, whatever ends and begins meanwhile. *found is
 * how many there were within reach. 0; -errno, when one of them cannot be killed. */
int cgroup_kill_members(const char *path, size_t *found);

/* Tells of each pid, 0 for one out of reach, in no order. By the time that it is told of, it may be another's. */
int cgroup_each_member(const char *path, void (*action)(pid_t pid, void *context), void *context);

/* The v2 hierarchy, alone or beside v1, or NULL. */
const struct cgroup_hierarchy *cgroup_hierarchy_v2(const struct cgroup_system *system);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The user of a process, by the container's own passwd and group files, which are untrusted. */
#ifndef LIBCRI_HELPERS_INIT_PASSWD_H
#define LIBCRI_HELPERS_INIT_PASSWD_H

#include "process.h"

#include <limits.h>

/* What is read of a file; a larger one is EFBIG. A longer line, or one that is malformed, is as if it were not there.
 */
#define PASSWD_FILE_MAX ((size_t)1 << 20)
#define PASSWD_LINE_MAX ((size_t)64 << 10)
#define PASSWD_NAME_MAX 256

struct identity {
	uint32_t uid, gid;
	uint32_t groups[PROCESS_GROUPS_MAX]; /* the primary group is among them, as in containerd and CRI-O */
	size_t n_groups;
	char home[PATH_MAX]; /* "/" when passwd knows none */
};

/*
 * Resolves process->user with its overriding and supplemental groups. The descriptors are of regular files at their
 * beginning, or -1: no such file.
 *
 * The notation is the OCI image configuration's: a name that consists of digits is an id, known to passwd or not; a
 * name that is not known is ENOENT; "" is uid 0. The primary group is process->group, else the one in the notation,
 * else that of passwd, else 0. The groups of the group file that list the user are added unless the notation names a
 * group (the image specification says that they are ignored then) or the process wants only its own.
 */
int identity_resolve(int passwd_fd, int group_fd, const struct process *process, struct identity *identity,
		     struct failure *failure);

/* The same with the files below a root. */
int identity_resolve_in_root(int root_fd, const struct process *process, struct identity *identity,
			     struct failure *failure);

#endif

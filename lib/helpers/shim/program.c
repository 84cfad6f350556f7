/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cri-init is executed inside containers from the host's file. Through /proc/PID/exe a container's root could open it
 * for writing (CVE-2019-5736): so it is opened from a private copy of its mount that is read-only and that no process
 * has in its mount namespace.
 */
#include "program.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static const char step[] = "open cri-init";

#define PROGRAM "cri-init"

/* The directory of this program. */
static int own_directory(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (length < 0)
		return -errno;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return -ENOENT;
	slash[slash == path ? 1 : 0] = '\0';
	return 0;
}

int program_open(int *program, int *mount, struct failure *failure)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
					 .propagation = MS_PRIVATE };
	CLEANUP_CLOSE int tree = -1;
	char path[PATH_MAX];
	int result = own_directory(path);

	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "/proc/self/exe");
	tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return fail(failure, code_of_errno(errno), errno, step, "copy the mount of %s", path);
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "make the copy read-only");
	*program = openat(tree, PROGRAM, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (*program < 0)
		return fail(failure, code_of_errno(errno), errno, step, "%s/" PROGRAM, path);
	*mount = take_fd(&tree);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/mountinfo.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int clone_here(const char *source, bool recursive)
{
	int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));

	return tree < 0 ? -errno : tree;
}

/* The mount namespace and the root to come back to: entering another changes both. */
struct home {
	int mounts, root;
};

static int leave_home(struct home *home, int mount_namespace)
{
	home->mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	home->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home->mounts < 0 || home->root < 0)
		return -errno;
	return (mount_namespace < 0 ? unshare(CLONE_NEWNS) : setns(mount_namespace, CLONE_NEWNS)) < 0 ? -errno : 0;
}

static int come_home(const struct home *home)
{
	return setns(home->mounts, CLONE_NEWNS) < 0 || fchdir(home->root) < 0 || chroot(".") < 0 ? -errno : 0;
}

static void home_close(struct home *home)
{
	cleanup_close_fd(&home->mounts);
	cleanup_close_fd(&home->root);
}

#define CLEANUP_HOME CLEANUP(home_close)

int tree_clone_in(const char *mount_namespace, const char *source)
{
	CLEANUP_CLOSE int there = open(mount_namespace, O_RDONLY | O_CLOEXEC);
	CLEANUP_CLOSE int tree = -1;
	CLEANUP_HOME struct home home = { -1, -1 };
	int result = there < 0 ? -errno : leave_home(&home, there);

	if (result < 0)
		return result;
	tree = clone_here(source, false);
	result = come_home(&home);
	if (result < 0)
		return result;
	return take_fd(&tree);
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

	return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* The mount namespaces that are bound below the directory and would be copied with it. */
static bool next_bound(char **at, const char *directory, struct mountinfo_line *line)
{
	while (mountinfo_next(at, line)) {
		if (!strcmp(line->type, "nsfs") && text_starts(line->root, "mnt:") &&
		    !strstr(line->propagation, "unbindable") && is_below(line->mountpoint, directory))
			return true;
	}
	return false;
}

/* In a copy of this mount namespace, where making them unbindable concerns nobody. */
static int clone_without(const char *source, struct mountinfo_line *line, char *at, const char *directory)
{
	CLEANUP_CLOSE int tree = -1;
	CLEANUP_HOME struct home home = { -1, -1 };
	int result = leave_home(&home, -1);

	if (result < 0)
		return result;
	/* One that another mount hides stays, and cri-init says why it fails. */
	do
		(void)mount(NULL, line->mountpoint, NULL, MS_UNBINDABLE, NULL);
	while (next_bound(&at, directory, line));
	tree = clone_here(source, true);
	result = come_home(&home);
	if (result < 0)
		return result;
	return take_fd(&tree);
}

int tree_clone(const char *source, bool recursive)
{
	CLEANUP_BUFFER struct buffer mounts = BUFFER_EMPTY;
	CLEANUP_CLOSE int fd = -1;
	struct mountinfo_line line;
	char directory[PATH_MAX];
	struct stat status;
	char *at;
	int result;

	if (!recursive || stat(source, &status) < 0 || !S_ISDIR(status.st_mode))
		return clone_here(source, recursive);
	fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	result = fd < 0 ? -errno : fs_real_path(fd, directory, sizeof(directory));
	if (result == 0)
		result = mountinfo_read(&mounts);
	if (result < 0)
		return result;
	at = mounts.data;
	return next_bound(&at, directory, &line) ? clone_without(source, &line, at, directory)
						 : clone_here(source, true);
}

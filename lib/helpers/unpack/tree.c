/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

void tree_count(struct unpack *unpack, uint64_t bytes)
{
	unpack->inodes++;
	unpack->bytes += bytes;
}

int tree_leave(struct unpack *unpack)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, unpack->parent_time };
	int error = 0;

	if (unpack->parent < 0)
		return 0;
	if (!unpack->archive && futimens(unpack->parent, times))
		error = -errno;
	close(unpack->parent);
	unpack->parent = -1;
	return error;
}

/* Enters a directory that is there; the current one stays when it is not. Links in `path` are followed as a process
 * with this root would. */
static int enter_existing(struct unpack *unpack, const char *path)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat status;
	int error;

	if (unpack->parent >= 0 && strcmp(unpack->parent_path, path) == 0)
		return 0;
	fd = fs_open_in_root(unpack->root, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	/* Before the status is read: both may be the same directory, by way of a link. */
	error = tree_leave(unpack);
	if (error)
		return error;
	if (fstat(fd, &status))
		return -errno;
	unpack->parent = take_fd(&fd);
	unpack->parent_time = status.st_mtim;
	unpack->parent_setgid = status.st_mode & S_ISGID;
	memcpy(unpack->parent_path, path, strlen(path) + 1);
	return 0;
}

static int make_missing(struct unpack *unpack, const char *path, const char *name)
{
	if (mkdirat(unpack->parent, name, unpack->archive ? 0700 : 0755)) {
		if (errno == EEXIST)
			return unpack_refuse(unpack, "\"%.200s\" is a link that leads nowhere", path);
		return -errno;
	}
	if (unpack->parent_setgid &&
	    (fchownat(unpack->parent, name, 0, 0, AT_SYMLINK_NOFOLLOW) || fchmodat(unpack->parent, name, 0755, 0)))
		return -errno;
	tree_count(unpack, 4096);
	return 0;
}

/* A component that is no directory. A whiteout makes way: what follows hides all that was there below. */
static int replace_whiteout(struct unpack *unpack, const char *path, const char *name)
{
	struct stat status;
	int error;

	if (fstatat(unpack->parent, name, &status, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISCHR(status.st_mode) || status.st_rdev != 0)
		return unpack_refuse(unpack, "\"%.200s\" is used as a directory and is none", path);
	error = tree_remove(unpack, name);
	if (error)
		return error;
	error = make_missing(unpack, path, name);
	return error ? error : report(UNPACK_OPAQUE, 0, path, NULL);
}

int tree_enter(struct unpack *unpack, char *path)
{
	size_t start = 0;
	int error = enter_existing(unpack, path);

	if (error != -ENOENT && error != -ENOTDIR)
		return error;
	error = enter_existing(unpack, "");
	while (!error && path[start]) {
		size_t end = start + strcspn(path + start, "/");
		char after = path[end];

		path[end] = '\0';
		error = enter_existing(unpack, path);
		if (error == -ENOENT) {
			error = make_missing(unpack, path, path + start);
			if (!error && !unpack->archive) {
				error = path_set_add(&unpack->missing, path, UNPACK_MAX_MISSING);
				if (error == -E2BIG)
					error = unpack_refuse(unpack, "more than %d directories have no member",
							      UNPACK_MAX_MISSING);
			}
			if (!error)
				error = enter_existing(unpack, path);
		} else if (error == -ENOTDIR) {
			error = replace_whiteout(unpack, path, path + start);
			if (!error)
				error = enter_existing(unpack, path);
		}
		path[end] = after;
		start = end + (after ? 1 : 0);
	}
	return error;
}

int tree_remove(struct unpack *unpack, const char *name)
{
	if (unlinkat(unpack->parent, name, 0) == 0 || errno == ENOENT) {
		unpack->recount = true;
		return 0;
	}
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	unpack->recount = true;
	return fs_remove_tree(unpack->parent, name);
}

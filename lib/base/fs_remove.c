/* SPDX-License-Identifier: Apache-2.0 */
#include "fs.h"

#include "fs_walk.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* How often a tree is walked again when somebody adds to its root. */
#define MAX_RETURNS 16

static int remove_entry(struct fs_visitor *visitor, int directory_fd, const char *name, unsigned char type)
{
	(void)visitor;
	if (type == DT_DIR)
		return FS_WALK_DIRECTORY;
	if (!unlinkat(directory_fd, name, 0) || errno == ENOENT)
		return FS_WALK_LEAF;
	/* Not every file system tells the type. */
	return errno == EISDIR ? FS_WALK_DIRECTORY : -errno;
}

static int remove_directory(struct fs_visitor *visitor, int parent_fd, const char *name)
{
	(void)visitor;
	if (!unlinkat(parent_fd, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? -EAGAIN : -errno;
}

/* The path without the slashes at its end, behind which links would be followed. */
static int trim_path(const char *path, char trimmed[PATH_MAX])
{
	size_t length = strlen(path);
	const char *name;

	while (length > 1 && path[length - 1] == '/')
		length--;
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(trimmed, path, length);
	trimmed[length] = '\0';
	name = strrchr(trimmed, '/');
	name = name ? name + 1 : trimmed;
	return !*name || !strcmp(name, ".") || !strcmp(name, "..") ? -EINVAL : 0;
}

/* 0, -EAGAIN when something was added meanwhile, or -errno. */
static int remove_tree_once(int directory_fd, const char *path)
{
	struct fs_visitor visitor = { .visit = remove_entry, .leave = remove_directory };
	CLEANUP_CLOSE int fd = openat(directory_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statx status;
	int error;

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return !unlinkat(directory_fd, path, 0) || errno == ENOENT ? 0 : -errno;
	if (fd < 0 && errno == EACCES) {
		error = remove_directory(&visitor, directory_fd, path);
		return error == -EAGAIN ? -EACCES : error;
	}
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status))
		return -errno;
	if (status.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return -EBUSY;
	error = fs_walk(take_fd(&fd), &visitor);
	return error ? error : remove_directory(&visitor, directory_fd, path);
}

int fs_remove_tree(int directory_fd, const char *path)
{
	char trimmed[PATH_MAX];
	int error = trim_path(path, trimmed);

	if (error)
		return error;
	for (int attempt = 0; attempt < MAX_RETURNS; attempt++) {
		error = remove_tree_once(directory_fd, trimmed);
		if (error != -EAGAIN)
			return error;
	}
	return -ENOTEMPTY;
}

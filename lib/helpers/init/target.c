/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define MOST_LINKS 40

int target_open(int root_fd, const char *path)
{
	return fs_open_in_root(root_fd, path, O_PATH, 0);
}

static int make_one(int parent_fd, const char *name, enum target_kind kind)
{
	int fd;

	if (kind == TARGET_DIRECTORY)
		return mkdirat(parent_fd, name, 0755) < 0 ? -errno : 0;
	fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* `path` up to `end`, of which `name` is the last component, is a link that leads to something missing: puts what it
 * says into its place, so that the rest is resolved from there. */
static int expand_link(int parent_fd, char path[PATH_MAX], size_t name, size_t end)
{
	char target[PATH_MAX], rest[PATH_MAX], component[NAME_MAX + 1];
	size_t keep, rest_length = strlen(path + end);
	ssize_t length;

	memcpy(component, path + name, end - name);
	component[end - name] = '\0';
	memcpy(rest, path + end, rest_length + 1);
	length = readlinkat(parent_fd, component, target, sizeof(target));
	if (length < 0)
		return -errno;
	keep = target[0] == '/' ? 0 : name;
	if (keep + (size_t)length + rest_length >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path + keep, target, (size_t)length);
	memcpy(path + keep + (size_t)length, rest, rest_length + 1);
	return 0;
}

/* Mostly only the last component is missing. *at is where it begins; 0: more is missing. */
static int open_parent(int root_fd, char path[PATH_MAX], size_t *at)
{
	size_t end = strlen(path);
	int fd = -ENOENT;

	while (end > 1 && path[end - 1] == '/')
		end--;
	while (end && path[end - 1] != '/')
		end--;
	if (end > 1) {
		path[end - 1] = '\0';
		fd = fs_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);
		path[end - 1] = '/';
	}
	*at = fd < 0 ? 0 : end;
	return fd < 0 ? fs_open_in_root(root_fd, "/", O_PATH | O_DIRECTORY, 0) : fd;
}

/* Makes the missing components of `path` in turn. -EAGAIN: one was a link, which now is expanded; begin anew. */
static int make_components(int root_fd, char path[PATH_MAX], enum target_kind kind)
{
	size_t at;
	CLEANUP_CLOSE int parent_fd = open_parent(root_fd, path, &at);

	if (parent_fd < 0)
		return parent_fd;
	for (;;) {
		size_t name, end;
		bool last;
		char separator;
		int fd, result = 0;

		while (path[at] == '/')
			at++;
		if (!path[at])
			return take_fd(&parent_fd);
		name = at;
		while (path[at] && path[at] != '/')
			at++;
		end = at;
		if (end - name > NAME_MAX)
			return -ENAMETOOLONG;
		while (path[at] == '/')
			at++;
		last = !path[at];
		separator = path[end];
		path[end] = '\0';
		fd = fs_open_in_root(root_fd, path, O_PATH, 0);
		if (fd == -ENOENT) {
			result = make_one(parent_fd, path + name, last ? kind : TARGET_DIRECTORY);
			if (result == 0)
				fd = fs_open_in_root(root_fd, path, O_PATH, 0);
		}
		path[end] = separator;
		if (result == -EEXIST) {
			result = expand_link(parent_fd, path, name, end);
			return result < 0 ? result : -EAGAIN;
		}
		if (result < 0 || fd < 0)
			return result < 0 ? result : fd;
		close(parent_fd);
		parent_fd = fd;
		at = end;
	}
}

int target_make(int root_fd, const char *path, enum target_kind kind)
{
	char copy[PATH_MAX];
	size_t length = strlen(path);
	int fd = target_open(root_fd, path);

	if (fd != -ENOENT)
		return fd;
	if (length >= sizeof(copy))
		return -ENAMETOOLONG;
	memcpy(copy, path, length + 1);
	for (int links = 0; links < MOST_LINKS; links++) {
		fd = make_components(root_fd, copy, kind);
		if (fd != -EAGAIN)
			return fd;
	}
	return -ELOOP;
}

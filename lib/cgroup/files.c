/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/files.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SUBTREE_MAX 65536

int cgroup_path(char path[PATH_MAX], const struct cgroup_hierarchy *hierarchy, const char *cgroup, const char *file)
{
	const char *below = strcmp(cgroup, "/") == 0 ? "" : cgroup;

	if (!file)
		return fs_path(path, PATH_MAX, "%s%s", hierarchy->mountpoint, below);
	return fs_path(path, PATH_MAX, "%s%s/%s", hierarchy->mountpoint, below, file);
}

ssize_t cgroup_file_read(const char *path, char *text, size_t size)
{
	return cgroup_file_read_at(AT_FDCWD, path, text, size);
}

ssize_t cgroup_file_read_at(int directory_fd, const char *path, char *text, size_t size)
{
	CLEANUP_CLOSE int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	do
		length = read(fd, text, size);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	if ((size_t)length == size)
		return -EFBIG;
	text[length] = '\0';
	return length;
}

void cgroup_subtree_free(struct cgroup_subtree *subtree)
{
	for (size_t i = 0; i < subtree->n; i++)
		free(subtree->paths[i]);
	free(subtree->paths);
	*subtree = (struct cgroup_subtree)CGROUP_SUBTREE_EMPTY;
}

static int add(struct cgroup_subtree *subtree, const char *path)
{
	if (subtree->n == SUBTREE_MAX)
		return -E2BIG;
	if (subtree->n == subtree->capacity) {
		size_t capacity = subtree->capacity ? 2 * subtree->capacity : 4;
		char **paths = realloc(subtree->paths, capacity * sizeof(*paths));

		if (!paths)
			return -ENOMEM;
		subtree->paths = paths;
		subtree->capacity = capacity;
	}
	subtree->paths[subtree->n] = strdup(path);
	if (!subtree->paths[subtree->n])
		return -ENOMEM;
	subtree->n++;
	return 0;
}

static int add_children(struct cgroup_subtree *subtree, const char *path)
{
	CLEANUP_DIR DIR *directory = opendir(path);
	const struct dirent *entry;
	char child[PATH_MAX];
	int result = 0;

	if (!directory)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	while (result == 0) {
		errno = 0;
		entry = readdir(directory);
		if (!entry)
			return errno == ENOENT || errno == ENODEV ? 0 : -errno;
		/* kernfs always tells the type, and cgroupfs has no links. */
		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		result = fs_path(child, sizeof(child), "%s/%s", path, entry->d_name);
		if (result == 0)
			result = add(subtree, child);
	}
	return result;
}

int cgroup_subtree_read(const char *path, struct cgroup_subtree *subtree)
{
	struct stat stat_;
	int result;

	if (stat(path, &stat_) < 0)
		return errno == ENOENT ? 0 : -errno;
	result = add(subtree, path);
	/* The list is its own queue. A directory of kernfs has two links and one more for each child: most have none,
	 * and need not be read. */
	for (size_t i = 0; result == 0 && i < subtree->n; i++) {
		if (stat(subtree->paths[i], &stat_) == 0 && stat_.st_nlink > 2)
			result = add_children(subtree, subtree->paths[i]);
	}
	return result;
}

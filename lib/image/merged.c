/* SPDX-License-Identifier: Apache-2.0 */
#include "image/merged.h"

#include "base/thread_errno.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define MAX_LINKS 40

enum presence {
	ABSENT, /* lower layers count */
	HIDDEN, /* nothing here, and lower layers do not count */
	PRESENT,
};

void merged_entry_close(struct merged_entry *entry)
{
	cleanup_close_fd(&entry->directory);
	entry->directory = -1;
}

static bool is_whiteout(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == 0;
}

bool merged_is_opaque(int directory)
{
	char value;

	return fgetxattr(directory, MERGED_OPAQUE_ATTRIBUTE, &value, 1) == 1 && value == 'y';
}

/* One layer's say about a path: walks it without following anything. *opaque: a directory on the way hides what lower
 * layers have. */
static int look_into(int layer, const char *path, struct merged_entry *entry, bool *opaque, enum presence *presence)
{
	CLEANUP_CLOSE int directory = openat(layer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_MAX + 1];

	*presence = ABSENT;
	if (directory < 0)
		return -errno;
	for (;;) {
		size_t length = strcspn(path, "/");
		int next;

		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path, length);
		name[length] = '\0';
		*opaque = *opaque || merged_is_opaque(directory);
		if (fstatat(directory, length ? name : ".", &entry->status, AT_SYMLINK_NOFOLLOW))
			return errno == ENOENT ? 0 : -errno;
		if (is_whiteout(&entry->status)) {
			*presence = HIDDEN;
			return 0;
		}
		if (!path[length]) {
			*presence = PRESENT;
			entry->name = length ? path : ".";
			entry->directory = take_fd(&directory);
			return 0;
		}
		if (!S_ISDIR(entry->status.st_mode)) {
			*presence = HIDDEN;
			return 0;
		}
		next = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		close(directory);
		directory = next;
		path += length + 1;
	}
}

int merged_find(const struct merged *merged, const char *path, struct merged_entry *entry)
{
	merged_entry_close(entry);
	for (size_t i = 0; i < merged->n_layers; i++) {
		enum presence presence;
		bool opaque = false;
		int error = look_into(merged->layers[i], path, entry, &opaque, &presence);

		if (error)
			return error;
		entry->layer = i;
		if (presence == PRESENT)
			return 0;
		if (presence == HIDDEN || opaque)
			break;
	}
	return -ENOENT;
}

static int read_link(const struct merged_entry *entry, char target[PATH_MAX])
{
	ssize_t length = readlinkat(entry->directory, entry->name, target, PATH_MAX);

	if (length < 0)
		return -errno;
	if (length == PATH_MAX)
		return -ENAMETOOLONG;
	target[length] = '\0';
	return 0;
}

static void drop_last(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

static int append(char path[PATH_MAX], const char *name, size_t length)
{
	size_t old = strlen(path);

	if (old + length + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	if (old)
		path[old++] = '/';
	memcpy(path + old, name, length);
	path[old + length] = '\0';
	return 0;
}

/* The link's target, then what was left of the path, becomes what is left. */
static int prepend(char rest[PATH_MAX], const char *left, const char *target)
{
	char joined[PATH_MAX];
	int length = snprintf(joined, sizeof(joined), "%s/%s", target, left);

	if (length < 0 || (size_t)length >= sizeof(joined))
		return -ENAMETOOLONG;
	memcpy(rest, joined, (size_t)length + 1);
	return 0;
}

/* One component further. *left is what remains of the path, inside `rest`. */
static int step_into(const struct merged *merged, char resolved[PATH_MAX], char rest[PATH_MAX], const char **left,
		     bool follow, unsigned *n_links)
{
	CLEANUP_ENTRY struct merged_entry entry = MERGED_ENTRY_EMPTY;
	char target[PATH_MAX];
	size_t length = strcspn(*left, "/");
	const char *name = *left;
	int error;

	*left += length;
	*left += strspn(*left, "/");
	if (!length || (length == 1 && name[0] == '.'))
		return 0;
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		drop_last(resolved);
		return 0;
	}
	error = append(resolved, name, length);
	if (error || (!**left && !follow))
		return error;
	error = merged_find(merged, resolved, &entry);
	if (error == -ENOENT)
		return 0;
	if (error || !S_ISLNK(entry.status.st_mode))
		return error;
	if (++*n_links > MAX_LINKS)
		return -ELOOP;
	error = read_link(&entry, target);
	if (!error)
		error = prepend(rest, *left, target);
	if (error)
		return error;
	*left = rest + strspn(rest, "/");
	if (target[0] == '/')
		*resolved = '\0';
	else
		drop_last(resolved);
	return 0;
}

int merged_resolve(const struct merged *merged, const char *path, bool follow, char resolved[PATH_MAX])
{
	char rest[PATH_MAX];
	const char *left = rest;
	unsigned n_links = 0;
	int error = 0;

	if (strlen(path) >= sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(rest, path, strlen(path) + 1);
	*resolved = '\0';
	while (!error && *left)
		error = step_into(merged, resolved, rest, &left, follow, &n_links);
	return error;
}

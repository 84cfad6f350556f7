/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's directories, in the order of their names. */
#include "pack.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
#define OPAQUE_ATTRIBUTE "trusted.overlay.opaque"

struct names {
	char **names;
	size_t n, capacity;
};

static void names_free(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i]);
	free(names->names);
}

static int names_add(struct names *names, const char *name)
{
	if (names->n == names->capacity) {
		size_t capacity = names->capacity ? 2 * names->capacity : 16;
		char **grown = reallocarray(names->names, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		names->names = grown;
		names->capacity = capacity;
	}
	names->names[names->n] = strdup(name);
	return names->names[names->n] ? (names->n++, 0) : -ENOMEM;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_read(struct names *names, DIR *directory)
{
	struct dirent *entry;

	while ((void)(errno = 0), (entry = readdir(directory)) != NULL) {
		int error = 0;

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			error = names_add(names, entry->d_name);
		if (error)
			return error;
	}
	if (errno)
		return -errno;
	if (names->n)
		qsort(names->names, names->n, sizeof(*names->names), compare);
	return 0;
}

/* Appends a component to pack->path; *before is the length to cut it back to. */
static int enter(struct pack *pack, const char *name, size_t *before)
{
	const size_t length = strlen(name);

	*before = pack->length;
	if (pack->length + length + 2 > sizeof(pack->path))
		return -ENAMETOOLONG;
	if (pack->length)
		pack->path[pack->length++] = '/';
	memcpy(pack->path + pack->length, name, length + 1);
	pack->length += length;
	return 0;
}

static void leave(struct pack *pack, size_t before)
{
	pack->length = before;
	pack->path[before] = '\0';
}

/* The name of what stands for a file's or a directory's absence: `prefix``name` in the current directory. */
static int mark(struct pack *pack, const char *prefix, const char *name)
{
	char full[NAME_MAX + sizeof(WHITEOUT)];
	size_t before;
	int error = fs_path(full, sizeof(full), "%s%s", prefix, name);

	if (!error)
		error = enter(pack, full, &before);
	if (error)
		return error;
	error = member_mark(pack, pack->path);
	leave(pack, before);
	return error;
}

static int mark_if_opaque(struct pack *pack, int fd)
{
	char value;
	ssize_t length = fgetxattr(fd, OPAQUE_ATTRIBUTE, &value, 1);

	if (length < 0)
		return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
	return length == 1 && value == 'y' ? mark(pack, "", OPAQUE) : 0;
}

static int pack_directory(struct pack *pack, int fd);

static int pack_name(struct pack *pack, int directory, const char *name)
{
	struct stat status;
	size_t before;
	int error, fd;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISCHR(status.st_mode) && status.st_rdev == 0)
		return mark(pack, WHITEOUT, name);
	error = enter(pack, name, &before);
	if (error)
		return error;
	error = member_pack(pack, directory, name, &status);
	if (!error && S_ISDIR(status.st_mode)) {
		fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		error = fd < 0 ? -errno : pack_directory(pack, fd);
	}
	if (!error)
		leave(pack, before);
	return error;
}

/* What is in it. Takes `fd`. The depth is bounded by PATH_MAX. */
static int pack_directory(struct pack *pack, int fd) // NOLINT(misc-no-recursion)
{
	CLEANUP_DIR DIR *directory = fdopendir(fd);
	struct names names = { NULL, 0, 0 };
	int error;

	if (!directory) {
		error = -errno;
		close(fd);
		return error;
	}
	error = mark_if_opaque(pack, fd);
	if (!error)
		error = names_read(&names, directory);
	for (size_t i = 0; i < names.n && !error; i++)
		error = pack_name(pack, fd, names.names[i]);
	names_free(&names);
	return error;
}

int pack_layer(struct pack *pack, int fd)
{
	struct stat status;
	int error = fstat(fd, &status) ? -errno : 0;

	if (!error) {
		strcpy(pack->path, "./");
		error = member_pack(pack, fd, "", &status);
		leave(pack, 0);
	}
	if (!error)
		return pack_directory(pack, fd);
	close(fd);
	return error;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What one file of the layer becomes in the tar. */
#include "pack.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK_SIZE ((size_t)256 * 1024)
#define NAMES_SIZE ((size_t)64 * 1024) /* XATTR_LIST_MAX */
#define VALUE_SIZE ((size_t)64 * 1024) /* XATTR_SIZE_MAX */

static int write_failed(struct pack *pack)
{
	snprintf(pack->problem, sizeof(pack->problem), "\"%.300s\": %.150s", pack->path,
		 archive_error_string(pack->tar));
	return archive_errno(pack->tar) > 0 ? -archive_errno(pack->tar) : -EIO;
}

static int write_header(struct pack *pack)
{
	int result = archive_write_header(pack->tar, pack->entry);

	/* A name that is not UTF-8 was written as it is, with a note to readers; libarchive warns of that. Another
	 * warning would be a tar that says less than the layer. */
	if (result == ARCHIVE_WARN && archive_errno(pack->tar) == EILSEQ)
		return 0;
	return result == ARCHIVE_OK ? 0 : write_failed(pack);
}

static void set_status(struct pack *pack, const struct stat *status)
{
	archive_entry_clear(pack->entry);
	archive_entry_set_pathname(pack->entry, pack->path);
	archive_entry_set_mode(pack->entry, status->st_mode);
	archive_entry_set_uid(pack->entry, status->st_uid);
	archive_entry_set_gid(pack->entry, status->st_gid);
	archive_entry_set_mtime(pack->entry, status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
}

/* --- extended attributes --- */

/* As cri-unpack keeps them. */
static bool is_kept(const char *name)
{
	if (strcmp(name, "security.capability") == 0)
		return true;
	return strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0;
}

static int add_attributes(struct pack *pack, int fd)
{
	static char names[NAMES_SIZE], value[VALUE_SIZE];
	ssize_t length = flistxattr(fd, names, sizeof(names));

	if (length < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		ssize_t size;

		if (!is_kept(name))
			continue;
		size = fgetxattr(fd, name, value, sizeof(value));
		if (size < 0)
			return -errno;
		archive_entry_xattr_add_entry(pack->entry, name, value, (size_t)size);
	}
	return 0;
}

/* --- data --- */

static int write_range(struct pack *pack, int fd, off_t from, off_t end)
{
	static char buffer[CHUNK_SIZE];

	while (from < end) {
		size_t wanted = (size_t)(end - from) < sizeof(buffer) ? (size_t)(end - from) : sizeof(buffer);
		ssize_t length = pread(fd, buffer, wanted, from);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		/* A layer does not change; a file that is shorter than it was is no layer's. */
		if (length == 0)
			return -EIO;
		if (archive_write_data(pack->tar, buffer, (size_t)length) != length)
			return write_failed(pack);
		from += length;
	}
	return 0;
}

/* Where data is, for the tar's map of holes. 1: the file has holes. */
static int map_holes(struct pack *pack, int fd, off_t size)
{
	off_t data = 0, hole = 0;

	archive_entry_sparse_clear(pack->entry);
	while (hole < size) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			return -errno;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		if (data == 0 && hole >= size)
			return 0;
		archive_entry_sparse_add_entry(pack->entry, data, hole - data);
	}
	/* A hole from end to end: a map needs an entry. */
	if (archive_entry_sparse_count(pack->entry) == 0 && size > 0)
		archive_entry_sparse_add_entry(pack->entry, size, 0);
	return archive_entry_sparse_count(pack->entry) > 0;
}

/* libarchive takes a sparse file's bytes with its holes and leaves those out itself. */
static int write_with_holes(struct pack *pack, int fd, off_t size)
{
	static const char zeros[4096];
	off_t at = 0;

	while (at < size) {
		off_t data = lseek(fd, at, SEEK_DATA), end;
		int error;

		if (data < 0 && errno != ENXIO)
			return -errno;
		data = data < 0 || data > size ? size : data;
		for (; at < data; at += (data - at < (off_t)sizeof(zeros) ? data - at : (off_t)sizeof(zeros)))
			if (archive_write_data(
				    pack->tar, zeros,
				    (size_t)(data - at < (off_t)sizeof(zeros) ? data - at : (off_t)sizeof(zeros))) < 0)
				return write_failed(pack);
		if (at == size)
			break;
		end = lseek(fd, at, SEEK_HOLE);
		if (end < 0)
			return -errno;
		end = end > size ? size : end;
		error = write_range(pack, fd, at, end);
		if (error)
			return error;
		at = end;
	}
	return 0;
}

static int pack_file(struct pack *pack, int directory, const char *name, const struct stat *status)
{
	CLEANUP_CLOSE int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int holes = 0, error;

	if (fd < 0)
		return -errno;
	archive_entry_set_size(pack->entry, status->st_size);
	error = add_attributes(pack, fd);
	if (error)
		return error;
	if (status->st_blocks * 512 < status->st_size)
		holes = map_holes(pack, fd, status->st_size);
	if (holes < 0)
		return holes;
	error = write_header(pack);
	if (error)
		return error;
	return holes ? write_with_holes(pack, fd, status->st_size) : write_range(pack, fd, 0, status->st_size);
}

/* --- members --- */

int member_mark(struct pack *pack, const char *path)
{
	archive_entry_clear(pack->entry);
	archive_entry_set_pathname(pack->entry, path);
	archive_entry_set_mode(pack->entry, S_IFREG);
	archive_entry_set_size(pack->entry, 0);
	archive_entry_set_mtime(pack->entry, 0, 0);
	return write_header(pack);
}

static int pack_directory(struct pack *pack, int directory, const char *name)
{
	CLEANUP_CLOSE int opened = -1;
	int error;

	if (*name)
		opened = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*name && opened < 0)
		return -errno;
	error = add_attributes(pack, *name ? opened : directory);
	return error ? error : write_header(pack);
}

static int pack_symbolic_link(struct pack *pack, int directory, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(directory, name, target, sizeof(target));

	if (length < 0)
		return -errno;
	if (length == sizeof(target))
		return -ENAMETOOLONG;
	target[length] = '\0';
	archive_entry_set_symlink(pack->entry, target);
	return write_header(pack);
}

int member_pack(struct pack *pack, int directory, const char *name, const struct stat *status)
{
	const char *first = NULL;
	int error = 0;

	set_status(pack, status);
	if (!S_ISDIR(status->st_mode) && status->st_nlink > 1) {
		error = links_find(pack, status->st_ino, &first);
		if (error)
			return error;
	}
	if (first) {
		archive_entry_set_hardlink(pack->entry, first);
		return write_header(pack);
	}
	switch (status->st_mode & S_IFMT) {
	case S_IFREG:
		return pack_file(pack, directory, name, status);
	case S_IFDIR:
		return pack_directory(pack, directory, name);
	case S_IFLNK:
		return pack_symbolic_link(pack, directory, name);
	case S_IFCHR:
	case S_IFBLK:
		archive_entry_set_rdevmajor(pack->entry, major(status->st_rdev));
		archive_entry_set_rdevminor(pack->entry, minor(status->st_rdev));
		return write_header(pack);
	case S_IFIFO:
		return write_header(pack);
	default:
		/* No tar brought it, and none can carry it. */
		return 0;
	}
}

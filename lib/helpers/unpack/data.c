/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside a member: its bytes and its extended attributes. */
#include "unpack.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FILE_CAPABILITIES "security.capability"

static int write_at(int fd, const char *bytes, size_t length, int64_t offset)
{
	while (length > 0) {
		ssize_t written = pwrite(fd, bytes, length, offset);

		if (written < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		bytes += written;
		length -= (size_t)written;
		offset += written;
	}
	return 0;
}

int data_write(struct unpack *unpack, struct archive *tar, struct archive_entry *entry, int fd)
{
	int64_t end = 0, offset, size = archive_entry_size(entry);
	const void *bytes;
	size_t length;
	int result, error;

	if (size < 0)
		return unpack_refuse(unpack, "a member's size is negative");
	unpack->whole = size == 0;
	while ((result = archive_read_data_block(tar, &bytes, &length, &offset)) == ARCHIVE_OK) {
		unpack->written += length;
		if (unpack->written > unpack->max_bytes)
			return -EFBIG;
		error = write_at(fd, bytes, length, offset);
		if (error)
			return error;
		if (length > 0)
			end = offset + (int64_t)length;
		unpack->whole = end == size;
	}
	if (result != ARCHIVE_EOF)
		return unpack_refuse(unpack, "%.200s", archive_error_string(tar));
	/* A sparse file may end in a hole. */
	if (end < size && ftruncate(fd, size))
		return -errno;
	return 0;
}

/* security.capability is part of the image; user.* is data. trusted.* and overlay's own would let a layer reach into
 * the merging of layers; labels and access lists belong to the machine that the tar was made on. */
static bool is_kept(const char *name)
{
	if (strcmp(name, FILE_CAPABILITIES) == 0)
		return true;
	return strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0;
}

int attributes_set(struct archive_entry *entry, int fd)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!is_kept(name) || !fsetxattr(fd, name, value, size, 0))
			continue;
		/* A file system without user attributes can still carry the image. */
		if (errno != ENOTSUP || strcmp(name, FILE_CAPABILITIES) == 0)
			return -errno;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A whole tar, member by member. */
#include "unpack.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define READ_SIZE ((size_t)256 * 1024)

static int unpack_all(struct unpack *unpack, struct archive *tar)
{
	struct archive_entry *entry;
	int result, error;

	while ((result = archive_read_next_header(tar, &entry)) == ARCHIVE_OK || result == ARCHIVE_WARN) {
		if (++unpack->entries > unpack->max_entries)
			return unpack_refuse(unpack, "it has more than %llu members",
					     (unsigned long long)unpack->max_entries);
		error = entry_unpack(unpack, tar, entry);
		if (error) {
			/* What else fails is the system's doing; name the member. */
			if (!*unpack->problem && archive_entry_pathname(entry))
				snprintf(unpack->problem, sizeof(unpack->problem), "\"%.300s\"",
					 archive_entry_pathname(entry));
			return error;
		}
	}
	if (result != ARCHIVE_EOF)
		return unpack_refuse(unpack, "%.200s", archive_error_string(tar));
	return tree_leave(unpack);
}

/* The sender hashes everything, also what follows the end of the archive. */
static int drain(int fd)
{
	char rest[4096];
	ssize_t length;

	do
		length = read(fd, rest, sizeof(rest));
	while (length > 0 || (length < 0 && errno == EINTR));
	return length < 0 ? -errno : 0;
}

/* In the order of the tar: one may lead to another. */
static int report_links(struct unpack *unpack)
{
	for (size_t i = 0; i < unpack->n_links; i++) {
		const struct link *link = &unpack->links[i];
		int error = report(UNPACK_LINK, 0, link->name, link->target);

		if (error)
			return error;
	}
	return 0;
}

static int report_missing(const struct path_set *missing)
{
	for (size_t i = 0; i < missing->n_paths; i++) {
		int error = missing->paths[i] ? report(UNPACK_MISSING, 0, missing->paths[i], NULL) : 0;

		if (error)
			return error;
	}
	return 0;
}

int tar_unpack(struct unpack *unpack, int fd)
{
	struct archive *tar = archive_read_new();
	int error;

	if (!tar)
		return -ENOMEM;
	if (archive_read_support_format_tar(tar) != ARCHIVE_OK ||
	    archive_read_open_fd(tar, fd, READ_SIZE) != ARCHIVE_OK)
		error = unpack_refuse(unpack, "%.200s", archive_error_string(tar));
	else
		error = unpack_all(unpack, tar);
	archive_read_free(tar);
	if (!error)
		error = drain(fd);
	if (!error)
		error = report_missing(&unpack->missing);
	if (!error)
		error = report_links(unpack);
	return error;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A whole tar, member by member. */
#include "unpack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE ((size_t)256 * 1024)

#define BLOCK_SIZE 512

/* What libarchive reads from. */
struct source {
	struct unpack *unpack;
	int fd;
	uint64_t bytes;
	char buffer[READ_SIZE];
};

/* At the end of what comes. Some tools (umoci insert, 0.4) leave out the zeros that fill the last member's last block,
 * and Go's reader, by which such images were tried, does not miss them. */
static ssize_t fill_block(struct source *source)
{
	const size_t missing = (BLOCK_SIZE - source->bytes % BLOCK_SIZE) % BLOCK_SIZE;

	if (!source->unpack->whole)
		return 0;
	memset(source->buffer, 0, missing);
	source->bytes += missing;
	return (ssize_t)missing;
}

static la_ssize_t read_source(struct archive *tar, void *context, const void **bytes)
{
	struct source *source = context;
	ssize_t length;

	do
		length = read(source->fd, source->buffer, sizeof(source->buffer));
	while (length < 0 && errno == EINTR);
	if (length < 0) {
		archive_set_error(tar, errno, "read the tar");
		return -1;
	}
	source->bytes += (size_t)length;
	*bytes = source->buffer;
	return length > 0 ? length : fill_block(source);
}

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
	static struct source source;
	struct archive *tar = archive_read_new();
	int error;

	if (!tar)
		return -ENOMEM;
	source.unpack = unpack;
	source.fd = fd;
	source.bytes = 0;
	if (archive_read_support_format_tar(tar) != ARCHIVE_OK ||
	    archive_read_open(tar, &source, NULL, read_source, NULL) != ARCHIVE_OK)
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cri-unpack: one tar, one directory, one socket to report to. Functions answer 0 or -errno, and -EBADMSG for
 * what a tar may not contain; `unpack_refuse` says why. */
#ifndef LIBCRI_HELPERS_UNPACK_H
#define LIBCRI_HELPERS_UNPACK_H

#include "image/unpack_protocol.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/* Paths in the order in which they were added; a removed one leaves a gap. (paths.c) */
struct path_set {
	char **paths;
	size_t n_paths, capacity;
	uint32_t *slots; /* index + 1 into paths; a power of two of them */
	size_t n_slots;
};
int path_set_add(struct path_set *set, const char *path, size_t limit);
void path_set_remove(struct path_set *set, const char *path);

/* A member's name without ".", ".." and double slashes; "" is the root. -EBADMSG: it leaves the root. */
int path_clean(const char *name, char clean[PATH_MAX]);

struct link {
	char *name, *target;
};

struct unpack {
	bool archive;
	uint64_t max_entries, max_bytes;
	uint64_t entries, written; /* members and their data so far */
	bool whole;                /* all data of the last member came */
	uint64_t bytes, inodes;    /* on disk */
	bool recount;              /* something was replaced: bytes and inodes are not exact */

	/* The directory that the last member went to, open: its time is put back when another one is entered, since
	 * every new member changes it. */
	int root, parent;
	char parent_path[PATH_MAX];
	struct timespec parent_time;
	bool parent_setgid;

	struct path_set missing;
	struct link *links;
	size_t n_links;

	char problem[512];
};

/* Notes why a member is refused. Answers -EBADMSG. */
int unpack_refuse(struct unpack *unpack, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes the directory `path` current: unpack->parent. Directories that are not there are made and noted as missing.
 * `path` is changed and put back. (tree.c) */
int tree_enter(struct unpack *unpack, char *path);
/* Puts the current directory's time back and forgets it. */
int tree_leave(struct unpack *unpack);
/* Removes what is at `name` in the current directory, whatever it is. */
int tree_remove(struct unpack *unpack, const char *name);
/* Something was made in the current directory: count it. */
void tree_count(struct unpack *unpack, uint64_t bytes);

/* All of it, from a descriptor that is read to its end, and what is left to the layers below, reported. (tar.c) */
int tar_unpack(struct unpack *unpack, int fd);
/* One member. (entry.c) */
int entry_unpack(struct unpack *unpack, struct archive *tar, struct archive_entry *entry);
/* Its data into a file; counts what is written. (data.c) */
int data_write(struct unpack *unpack, struct archive *tar, struct archive_entry *entry, int fd);
/* The extended attributes that a layer may set. */
int attributes_set(struct archive_entry *entry, int fd);

/* Sends a message. (report.c) */
int report(enum unpack_kind kind, int error, const char *first, const char *second);
int report_done(const struct unpack *unpack);

#define STATUS_FD 3
#define TARGET_FD 4

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories. Every function answers 0 (or what it says) or -errno; every descriptor is O_CLOEXEC. */
#ifndef LIBCRI_BASE_FS_H
#define LIBCRI_BASE_FS_H

#include "buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* A path made by printf; -ENAMETOOLONG when it does not fit PATH_MAX. */
int fs_path(char *path, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* mkdir -p. Existing directories are left as they are; `mode` is what new ones get whatever the umask. */
int fs_make_directories(const char *path, mode_t mode);

/* Appends the whole file, at most `limit` bytes: -EFBIG beyond; on failure the content is as before. Works for /proc
 * and cgroupfs, whose sizes are 0. */
int fs_read(int directory_fd, const char *path, size_t limit, struct buffer *content);

/* One write(2) to a file that exists, as /proc and cgroupfs want it. */
int fs_write(int directory_fd, const char *path, const void *bytes, size_t length);
int fs_write_text(int directory_fd, const char *path, const char *text);

/* Replaces a file: a temporary file in the same directory, written, renamed over it. With `durable`, synced before and
 * the directory after. A reader sees the old or the new content, never a part. */
int fs_write_atomic(int directory_fd, const char *path, const void *bytes, size_t length, mode_t mode, bool durable);

/* A name for a temporary object: the prefix and 16 hex digits. One that dies between making and renaming leaves it. */
#define FS_TEMPORARY_PREFIX ".libcri-tmp-"
#define FS_TEMPORARY_SIZE (sizeof(FS_TEMPORARY_PREFIX) + 16)
int fs_temporary_name(char name[FS_TEMPORARY_SIZE]);

/* Opens a path below `root_fd` as a process chrooted there would: links and ".." cannot leave it
 * (openat2 RESOLVE_IN_ROOT), magic links are refused. */
int fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode);

/* Opens a path below a directory; a path, or a link on it, that leads out of it, is -EXDEV. Magic links are refused. */
int fs_open_beneath(int directory_fd, const char *path, int flags);

/* What an open file or directory is called, absolute and without links. */
int fs_real_path(int fd, char *path, size_t size);

/* Opens an absolute path that is what it says: a link anywhere on it is -ELOOP. */
int fs_open_without_links(const char *path, int flags);

/* Deletes a tree, without following links and without crossing mounts: a mount point, the path itself included, stays
 * and is -EBUSY. What can be deleted is deleted; the first error is reported. A path that is gone is a success. Depth
 * and names are not bounded by PATH_MAX. */
int fs_remove_tree(int directory_fd, const char *path);

/* Bytes (512 * st_blocks) and inodes of a tree, without following links and without crossing mounts. Hard links count
 * once; behind the first 65536 inodes with several links in one tree they count each time, so that the memory is
 * bounded. What vanishes or is moved meanwhile may not be counted. A path that is no directory is counted alone.
 * `goes_on`, which may be NULL, is asked after every 64 entries: a false ends it with -ECANCELED. -ELOOP: the tree is
 * deeper than a path could name. */
#define FS_USAGE_DEPTH_MAX 2048
int fs_tree_usage(int directory_fd, const char *path, bool (*goes_on)(void *context), void *context, uint64_t *bytes,
		  uint64_t *inodes);

/* Reads or writes all, through EINTR and short counts. Read: bytes read, less than `length` at end of file only. Write:
 * -EPIPE without a SIGPIPE. */
ssize_t fs_read_full(int fd, void *bytes, size_t length);
int fs_write_full(int fd, const void *bytes, size_t length);

/* O_NONBLOCK on or off. */
int fs_set_nonblocking(int fd, bool on);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Trees in a directory of the test's own. */
#ifndef LIBCRI_TESTS_UNIT_FS_TREE_FIXTURE_H
#define LIBCRI_TESTS_UNIT_FS_TREE_FIXTURE_H

#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define LARGEST_FILE 200000

static char directory[64];
static int directory_fd;

static inline int make_directory(void **state)
{
	(void)state;
	/* Thousands of inodes are made, which some disks' file systems take a millisecond each for. */
	snprintf(directory, sizeof(directory), "%s/test_fs_tree.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(directory))
		return -1;
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory_fd < 0 ? -1 : 0;
}

static inline int delete_directory(void **state)
{
	(void)state;
	close(directory_fd);
	return fs_remove_tree(AT_FDCWD, directory);
}

static inline bool exists(const char *name)
{
	return !faccessat(directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static inline void put(const char *name, size_t length)
{
	static const char bytes[LARGEST_FILE];

	assert_true(length <= sizeof(bytes));
	assert_int_equal(fs_write_atomic(directory_fd, name, bytes, length, 0644, false), 0);
}

static inline int count_fds(void)
{
	CLEANUP_DIR DIR *opened = opendir("/proc/self/fd");
	int n = 0;

	while (opened && readdir(opened))
		n++;
	return n;
}

#define LEVEL "a-level-with-a-name-that-makes-paths-long"

/* A chain of directories, each with a file, a link and a second, empty directory beside the next one. */
static inline void make_chain(const char *name, int levels)
{
	int fd;

	assert_int_equal(mkdirat(directory_fd, name, 0755), 0);
	fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 1; i < levels; i++) {
		int next;

		assert_true(fd >= 0);
		assert_int_equal(mkdirat(fd, LEVEL, 0755), 0);
		assert_int_equal(mkdirat(fd, "empty", 0755), 0);
		assert_int_equal(symlinkat("..", fd, "link"), 0);
		next = openat(fd, LEVEL, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	assert_true(fd >= 0);
	close(fd);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, delete_directory)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What walks over trees cost, on a tmpfs and on a disk: their positions in a directory are of different kinds. */
#include "base/fs.h"
#include "base/fs_walk.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* All names of one directory: more than a walk may remember. */
#define SUBDIRECTORIES 6000
#define NAME_LENGTH 250

static char directory[64];
static int directory_fd;

static int make_directory(const char *parent)
{
	snprintf(directory, sizeof(directory), "%s/test_fs_walk.XXXXXX", parent);
	if (!mkdtemp(directory))
		return -1;
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory_fd < 0 ? -1 : 0;
}

static int in_memory(void **state)
{
	(void)state;
	return make_directory(access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
}

static int on_disk(void **state)
{
	(void)state;
	return make_directory("/var/tmp");
}

static int delete_directory(void **state)
{
	(void)state;
	close(directory_fd);
	return fs_remove_tree(AT_FDCWD, directory);
}

static void long_name(char name[NAME_LENGTH + 1], int number)
{
	snprintf(name, NAME_LENGTH + 1, "%0*d", NAME_LENGTH, number);
}

/* Subdirectories of an open directory, every tenth with a file in it. How many inodes they are. */
static uint64_t fill(int fd, int n)
{
	char name[NAME_LENGTH + 1], file[NAME_LENGTH + 8];
	uint64_t inodes = 0;

	for (int i = 0; i < n; i++) {
		long_name(name, i);
		assert_int_equal(mkdirat(fd, name, 0755), 0);
		inodes++;
		if (i % 10)
			continue;
		snprintf(file, sizeof(file), "%s/file", name);
		assert_int_equal(mknodat(fd, file, S_IFREG | 0600, 0), 0);
		inodes++;
	}
	return inodes;
}

/* Makes `depth` directories, each in the last, and answers the lowest of them. */
static int make_chain(const char *name, int depth)
{
	int fd = dup(directory_fd);

	for (int i = 0; i < depth; i++) {
		int below;

		assert_int_equal(mkdirat(fd, i ? "d" : name, 0755), 0);
		below = openat(fd, i ? "d" : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close(fd);
		fd = below;
	}
	return fd;
}

/* Never: what the allocator has given out, noted at each look. */
static bool note_memory(void *context)
{
	const struct mallinfo2 info = mallinfo2();
	size_t *most = context;

	if (info.uordblks + info.hblkhd > *most)
		*most = info.uordblks + info.hblkhd;
	return true;
}

static void test_a_wide_directory_is_not_remembered(void **state)
{
	uint64_t bytes, inodes, expected;
	size_t before = 0, most = 0;

	(void)state;
	assert_int_equal(mkdirat(directory_fd, "tree", 0755), 0);
	expected = 1;
	{
		CLEANUP_CLOSE int fd = openat(directory_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		expected += fill(fd, SUBDIRECTORIES);
	}
	note_memory(&before);
	assert_int_equal(fs_tree_usage(directory_fd, "tree", note_memory, &most, &bytes, &inodes), 0);
	assert_int_equal(inodes, expected);
	assert_true(most < before + (size_t)SUBDIRECTORIES * NAME_LENGTH / 4);
	assert_int_equal(fs_remove_tree(directory_fd, "tree"), 0);
	assert_int_equal(faccessat(directory_fd, "tree", F_OK, 0), -1);
}

/* Where the descriptor of a directory is given up while it is walked, the scan goes on with another one. */
static void test_a_wide_directory_deep_in_the_tree(void **state)
{
	CLEANUP_CLOSE int fd = make_chain("tree", FS_WALK_OPEN + 10);
	uint64_t bytes, inodes, expected = FS_WALK_OPEN + 10;

	(void)state;
	expected += fill(fd, 200);
	for (int i = 0; i < 10; i++) {
		char name[NAME_LENGTH + 1];
		CLEANUP_CLOSE int below = -1;

		long_name(name, 20 * i);
		below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		expected += fill(below, 30);
	}
	assert_int_equal(fs_tree_usage(directory_fd, "tree", NULL, NULL, &bytes, &inodes), 0);
	assert_int_equal(inodes, expected);
	assert_int_equal(fs_remove_tree(directory_fd, "tree"), 0);
	assert_int_equal(faccessat(directory_fd, "tree", F_OK, 0), -1);
}

static void test_what_no_path_could_name_is_not_measured(void **state)
{
	uint64_t bytes = 4711, inodes = 4711;

	(void)state;
	close(make_chain("tree", FS_USAGE_DEPTH_MAX));
	assert_int_equal(fs_tree_usage(directory_fd, "tree", NULL, NULL, &bytes, &inodes), 0);
	assert_int_equal(inodes, FS_USAGE_DEPTH_MAX);
	assert_int_equal(fs_remove_tree(directory_fd, "tree"), 0);
	close(make_chain("tree", FS_USAGE_DEPTH_MAX + 1));
	bytes = inodes = 4711;
	assert_int_equal(fs_tree_usage(directory_fd, "tree", NULL, NULL, &bytes, &inodes), -ELOOP);
	assert_int_equal(bytes, 4711);
	assert_int_equal(inodes, 4711);
	/* It can be removed all the same. */
	assert_int_equal(fs_remove_tree(directory_fd, "tree"), 0);
}

#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, in_memory, delete_directory)
#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, on_disk, delete_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_MEMORY(test_a_wide_directory_is_not_remembered),
		ON_DISK(test_a_wide_directory_is_not_remembered),
		IN_MEMORY(test_a_wide_directory_deep_in_the_tree),
		ON_DISK(test_a_wide_directory_deep_in_the_tree),
		IN_MEMORY(test_what_no_path_could_name_is_not_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

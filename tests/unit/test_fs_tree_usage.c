/* SPDX-License-Identifier: Apache-2.0 */
/* Counting what trees use. */
#include "fs_tree_fixture.h"

static void test_usage(void **state)
{
	uint64_t bytes = 4711, inodes = 4711, expected = 0;
	struct stat status;

	(void)state;
	assert_int_equal(mkdirat(directory_fd, "tree", 0755), 0);
	assert_int_equal(mkdirat(directory_fd, "tree/sub", 0755), 0);
	put("tree/small", 10);
	put("tree/sub/large", LARGEST_FILE);
	assert_int_equal(symlinkat("/usr", directory_fd, "tree/link"), 0);
	for (const char *const *name =
		     (const char *const[]){ "tree", "tree/sub", "tree/small", "tree/sub/large", "tree/link", NULL };
	     *name; name++) {
		assert_int_equal(fstatat(directory_fd, *name, &status, AT_SYMLINK_NOFOLLOW), 0);
		expected += (uint64_t)status.st_blocks * 512;
	}
	assert_true(expected >= LARGEST_FILE);
	/* Further links, wherever they lie, add nothing. */
	assert_int_equal(linkat(directory_fd, "tree/sub/large", directory_fd, "tree/again", 0), 0);
	assert_int_equal(linkat(directory_fd, "tree/sub/large", directory_fd, "tree/sub/again", 0), 0);
	assert_int_equal(linkat(directory_fd, "tree/link", directory_fd, "tree/sub/link", 0), 0);
	assert_int_equal(fs_tree_usage(directory_fd, "tree", NULL, NULL, &bytes, &inodes), 0);
	assert_int_equal(inodes, 5);
	assert_int_equal(bytes, expected);
	assert_int_equal(fs_tree_usage(directory_fd, "tree/link", NULL, NULL, &bytes, &inodes), 0);
	assert_int_equal(inodes, 1);
	assert_int_equal(fs_tree_usage(directory_fd, "tree/small", NULL, NULL, &bytes, &inodes), 0);
	assert_int_equal(inodes, 1);
	bytes = inodes = 4711;
	assert_int_equal(fs_tree_usage(directory_fd, "missing", NULL, NULL, &bytes, &inodes), -ENOENT);
	assert_int_equal(bytes, 4711);
	assert_int_equal(inodes, 4711);
}

static void test_usage_of_many_links(void **state)
{
	uint64_t bytes, inodes;
	char name[64], other[64];

	(void)state;
	assert_int_equal(mkdirat(directory_fd, "tree", 0755), 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(fs_path(name, sizeof(name), "tree/%d", i), 0);
		assert_int_equal(fs_path(other, sizeof(other), "tree/%d-again", i), 0);
		assert_int_equal(mknodat(directory_fd, name, S_IFREG | 0600, 0), 0);
		assert_int_equal(linkat(directory_fd, name, directory_fd, other, 0), 0);
	}
	assert_int_equal(fs_tree_usage(directory_fd, "tree", NULL, NULL, &bytes, &inodes), 0);
	assert_int_equal(inodes, 1001);
}

static void test_usage_of_a_deep_tree(void **state)
{
	uint64_t bytes, inodes;
	int before = count_fds();

	(void)state;
	make_chain("deep", 2000);
	assert_int_equal(fs_tree_usage(directory_fd, "deep", NULL, NULL, &bytes, &inodes), 0);
	assert_int_equal(inodes, 1 + 1999 * 3);
	assert_int_equal(count_fds(), before);
}

static bool goes_on(void *context)
{
	unsigned *left = context;

	return (*left)-- > 0;
}

static void test_usage_ends_when_asked(void **state)
{
	uint64_t bytes = 4711, inodes = 4711;
	int before = count_fds();
	unsigned left = 2;
	char name[64];

	(void)state;
	assert_int_equal(mkdirat(directory_fd, "tree", 0755), 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(fs_path(name, sizeof(name), "tree/%d", i), 0);
		assert_int_equal(mkdirat(directory_fd, name, 0755), 0);
		for (int k = 0; k < 500; k++) {
			assert_int_equal(fs_path(name, sizeof(name), "tree/%d/%d", i, k), 0);
			assert_int_equal(mknodat(directory_fd, name, S_IFREG | 0600, 0), 0);
		}
	}
	assert_int_equal(fs_tree_usage(directory_fd, "tree", goes_on, &left, &bytes, &inodes), -ECANCELED);
	assert_int_equal(bytes, 4711);
	assert_int_equal(inodes, 4711);
	assert_int_equal(count_fds(), before);
	left = 1000;
	assert_int_equal(fs_tree_usage(directory_fd, "tree", goes_on, &left, &bytes, &inodes), 0);
	assert_int_equal(inodes, 1 + 8 * 501);
	assert_true(left < 1000);
}

static bool churning;

/* What a container may do while it is measured: directories deep in the tree change their place. */
static void *churn(void *unused)
{
	CLEANUP_BUFFER struct buffer from = BUFFER_EMPTY;

	buffer_text(&from, "deep");
	for (int i = 0; i < 40; i++)
		buffer_text(&from, "/" LEVEL);
	if (from.failed)
		return NULL;
	while (__atomic_load_n(&churning, __ATOMIC_SEQ_CST)) {
		renameat(directory_fd, from.data, directory_fd, "moved");
		renameat(directory_fd, "moved", directory_fd, from.data);
	}
	return unused;
}

static void test_moving_trees_end_the_walk_cleanly(void **state)
{
	int before = count_fds();
	pthread_t thread;

	(void)state;
	make_chain("deep", 300);
	churning = true;
	assert_int_equal(pthread_create(&thread, NULL, churn, NULL), 0);
	for (int round = 0; round < 100; round++) {
		uint64_t bytes, inodes;
		/* Whoever moves his directories about is measured all the same. */
		assert_int_equal(fs_tree_usage(directory_fd, "deep", NULL, NULL, &bytes, &inodes), 0);
	}
	__atomic_store_n(&churning, false, __ATOMIC_SEQ_CST);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(test_usage),
		IN_DIRECTORY(test_usage_of_many_links),
		IN_DIRECTORY(test_usage_ends_when_asked),
		IN_DIRECTORY(test_usage_of_a_deep_tree),
		IN_DIRECTORY(test_moving_trees_end_the_walk_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

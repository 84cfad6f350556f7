/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree_usage.h"

#include "base/fs.h"
#include "base/recent.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* More than are visited between two looks at the clock. */
#define FILES 200

static char directory[64], tree[96];
static cri_engine engine;
static cri_call *call;
static struct tree_budget budget;

static void put(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", tree, name);
	assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
}

static int set_up(void **state)
{
	char name[32];

	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/test_tree_usage.XXXXXX");
	if (!mkdtemp(directory) || cri_call_new(&call))
		return -1;
	snprintf(tree, sizeof(tree), "%s/tree", directory);
	if (mkdir(tree, 0755))
		return -1;
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put(name);
	}
	engine = (cri_engine){ .root = directory };
	budget.spent = 0;
	return pthread_mutex_init(&engine.settings, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	recent_free(engine.walks);
	arena_free(&engine.arena);
	pthread_mutex_destroy(&engine.settings);
	cri_call_free(call);
	return fs_remove_tree(AT_FDCWD, directory);
}

static cri_filesystem_usage look(struct tree_patience patience)
{
	cri_filesystem_usage usage = { .inodes_used = 4711 };

	assert_int_equal(tree_usage(&engine, tree, patience, &usage, call), 0);
	assert_true(usage.mountpoint && usage.uuid && usage.timestamp > 0);
	return usage;
}

static void assert_known(cri_filesystem_usage usage, uint64_t inodes)
{
	assert_true(usage.known);
	assert_int_equal(usage.inodes_used, inodes);
}

static void assert_unknown(cri_filesystem_usage usage)
{
	assert_false(usage.known);
	assert_int_equal(usage.inodes_used, 0);
	assert_int_equal(usage.used_bytes, 0);
}

static void test_one_is_counted_now_and_many_are_as_they_were(void **state)
{
	cri_filesystem_usage first = look(TREE_OF_MANY(&budget)), second;

	(void)state;
	assert_known(first, FILES + 1);
	put("new");
	second = look(TREE_OF_MANY(&budget));
	assert_known(second, FILES + 1);
	assert_int_equal(second.timestamp, first.timestamp);
	second = look(TREE_OF_ONE);
	assert_known(second, FILES + 2);
	assert_true(second.timestamp >= first.timestamp);
	/* It counts for the many as well. */
	first = look(TREE_OF_MANY(&budget));
	assert_known(first, FILES + 2);
	assert_int_equal(first.timestamp, second.timestamp);
}

static void test_who_takes_too_long_is_not_known(void **state)
{
	const struct tree_patience none = { 0, true, NULL };
	cri_filesystem_usage first = look(none), second;

	(void)state;
	assert_unknown(first);
	/* It was as long as others have, so they do not try again. */
	second = look(TREE_OF_MANY(&budget));
	assert_unknown(second);
	assert_int_equal(second.timestamp, first.timestamp);
	assert_known(look(TREE_OF_ONE), FILES + 1);
	assert_known(look(TREE_OF_MANY(&budget)), FILES + 1);
}

/* Those that take long get less and less, and the others what they need. */
static void test_many_share_a_budget(void **state)
{
	const struct tree_patience patience = TREE_OF_MANY(&budget);

	(void)state;
	assert_int_equal(tree_patience_milliseconds(TREE_OF_ONE), 10000);
	assert_int_equal(tree_patience_milliseconds(patience), 2000);
	(void)look(patience);
	assert_true(budget.spent > 0);
	budget.spent = 9 * NANOSECONDS_PER_SECOND;
	assert_int_equal(tree_patience_milliseconds(patience), 1000);
	(void)look(patience);
	/* It was not walked again. */
	assert_true(budget.spent == 9 * NANOSECONDS_PER_SECOND);
	budget.spent = 900 * NANOSECONDS_PER_SECOND;
	assert_int_equal(tree_patience_milliseconds(patience), TREE_LEAST);
}

static void test_cancelled(void **state)
{
	cri_filesystem_usage usage = { .inodes_used = 4711 };

	(void)state;
	cri_call_cancel(call);
	assert_int_equal(tree_usage(&engine, tree, TREE_OF_MANY(&budget), &usage, call), CRI_ECANCELED);
	assert_int_equal(usage.inodes_used, 4711);
	cri_call_reset(call);
	call_clear(call);
	assert_known(look(TREE_OF_MANY(&budget)), FILES + 1);
	cri_call_set_timeout(call, 0);
	assert_int_equal(tree_usage(&engine, tree, TREE_OF_ONE, &usage, call), CRI_ETIMEDOUT);
}

static void test_what_is_too_deep_or_gone(void **state)
{
	int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (int i = 0; i < FS_USAGE_DEPTH_MAX; i++) {
		int below;

		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		below = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close(fd);
		fd = below;
	}
	close(fd);
	assert_unknown(look(TREE_OF_ONE));
	assert_int_equal(fs_remove_tree(AT_FDCWD, tree), 0);
	assert_unknown(look(TREE_OF_ALL));
	assert_known(look(TREE_OF_ONE), 0);
}

#define IN_ENGINE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ENGINE(test_one_is_counted_now_and_many_are_as_they_were),
		IN_ENGINE(test_who_takes_too_long_is_not_known),
		IN_ENGINE(test_many_share_a_budget),
		IN_ENGINE(test_cancelled),
		IN_ENGINE(test_what_is_too_deep_or_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Paths in a root that somebody else filled: nothing is made or opened outside. */
#include "helpers/init/target.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char directory[] = "/tmp/test-target-XXXXXX";
static int outside_fd = -1, root_fd = -1;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	outside_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (outside_fd < 0 || mkdirat(outside_fd, "root", 0755) < 0)
		return -1;
	root_fd = openat(outside_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(root_fd);
	close(outside_fd);
	return fs_remove_tree(AT_FDCWD, directory);
}

/* Makes `path` and expects it to be what is at `where` below the root, without links in between. */
static void expect(const char *path, enum target_kind kind, const char *where)
{
	CLEANUP_CLOSE int fd = target_make(root_fd, path, kind);
	struct stat made, there;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &made), 0);
	assert_int_equal(fstatat(root_fd, where, &there, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(made.st_dev == there.st_dev && made.st_ino == there.st_ino);
	assert_true(kind == TARGET_FILE ? S_ISREG(made.st_mode) : S_ISDIR(made.st_mode));
}

static void test_plain(void **state)
{
	struct stat status;

	(void)state;
	umask(022);
	expect("/", TARGET_DIRECTORY, ".");
	expect("/a/b/c", TARGET_DIRECTORY, "a/b/c");
	expect("/a//b/./d/", TARGET_DIRECTORY, "a/b/d");
	expect("a/relative", TARGET_DIRECTORY, "a/relative");
	expect("/a/b/file", TARGET_FILE, "a/b/file");
	expect("/a/b/file", TARGET_FILE, "a/b/file");
	expect("/new/../up/x", TARGET_DIRECTORY, "up/x");
	assert_int_equal(fstatat(root_fd, "a/b", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0755);
	assert_int_equal(fstatat(root_fd, "a/b/file", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	assert_int_equal(target_make(root_fd, "/a/b/file/below", TARGET_DIRECTORY), -ENOTDIR);
	assert_int_equal(target_open(root_fd, "/a/b/nothing"), -ENOENT);
}

static void test_links(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(root_fd, "var", 0755), 0);
	assert_int_equal(symlinkat("/run", root_fd, "var/run"), 0);
	assert_int_equal(symlinkat("../deep/../elsewhere", root_fd, "var/relative"), 0);
	assert_int_equal(symlinkat("relative/more", root_fd, "var/chain"), 0);
	assert_int_equal(symlinkat("/missing/file", root_fd, "var/file"), 0);
	expect("/var/run/secrets/kubernetes.io", TARGET_DIRECTORY, "run/secrets/kubernetes.io");
	expect("/var/run/other", TARGET_FILE, "run/other");
	expect("/var/chain/x", TARGET_DIRECTORY, "elsewhere/more/x");
	expect("/var/file", TARGET_FILE, "missing/file");
}

static void test_escapes(void **state)
{
	struct stat status;
	char where[64];

	(void)state;
	assert_int_equal(symlinkat("../../../../../../../../stolen", root_fd, "climb"), 0);
	assert_int_equal(symlinkat(directory, root_fd, "absolute"), 0);
	expect("/climb/x", TARGET_DIRECTORY, "stolen/x");
	expect("/../../outside", TARGET_DIRECTORY, "outside");
	/* The host has what the link names; in the root it is made. */
	snprintf(where, sizeof(where), "%s/y", directory + 1);
	expect("/absolute/y", TARGET_FILE, where);
	assert_int_equal(fstatat(outside_fd, "stolen", &status, 0), -1);
	assert_int_equal(fstatat(outside_fd, "outside", &status, 0), -1);
	assert_int_equal(fstatat(outside_fd, "y", &status, 0), -1);
}

static void test_loops(void **state)
{
	char name[NAME_MAX + 3];

	(void)state;
	assert_int_equal(symlinkat("self", root_fd, "self"), 0);
	assert_int_equal(symlinkat("/grow/x", root_fd, "grow"), 0);
	assert_int_equal(target_make(root_fd, "/self/x", TARGET_DIRECTORY), -ELOOP);
	assert_int_equal(target_make(root_fd, "/grow/x", TARGET_DIRECTORY), -ELOOP);
	memset(name, 'a', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(target_make(root_fd, name, TARGET_DIRECTORY), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_loops),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

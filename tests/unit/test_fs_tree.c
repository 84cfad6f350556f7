/* SPDX-License-Identifier: Apache-2.0 */
/* Removing trees. */
#include "fs_tree_fixture.h"

static void test_remove_small_things(void **state)
{
	(void)state;
	put("file", 1);
	put("kept", 1);
	assert_int_equal(mkdirat(directory_fd, "empty", 0700), 0);
	assert_int_equal(symlinkat("kept", directory_fd, "link"), 0);
	assert_int_equal(mkfifoat(directory_fd, "fifo", 0600), 0);
	assert_int_equal(fs_remove_tree(directory_fd, "missing"), 0);
	assert_int_equal(fs_remove_tree(directory_fd, "missing/deeper"), 0);
	assert_int_equal(fs_remove_tree(directory_fd, "file"), 0);
	assert_int_equal(fs_remove_tree(directory_fd, "empty"), 0);
	assert_int_equal(fs_remove_tree(directory_fd, "link"), 0);
	assert_int_equal(fs_remove_tree(directory_fd, "fifo"), 0);
	assert_false(exists("file"));
	assert_false(exists("empty"));
	assert_false(exists("link"));
	assert_false(exists("fifo"));
	assert_true(exists("kept"));
}

static void test_remove_refuses_what_has_no_name(void **state)
{
	(void)state;
	put("kept", 1);
	assert_int_equal(fs_remove_tree(directory_fd, "."), -EINVAL);
	assert_int_equal(fs_remove_tree(directory_fd, "./"), -EINVAL);
	assert_int_equal(fs_remove_tree(directory_fd, ""), -EINVAL);
	assert_int_equal(fs_remove_tree(directory_fd, "/"), -EINVAL);
	assert_int_equal(fs_remove_tree(directory_fd, "//"), -EINVAL);
	assert_int_equal(fs_remove_tree(directory_fd, "kept/.."), -EINVAL);
	assert_true(exists("kept"));
}

static void test_remove_follows_no_link(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(directory_fd, "outside", 0755), 0);
	put("outside/kept", 1);
	assert_int_equal(mkdirat(directory_fd, "tree", 0755), 0);
	assert_int_equal(symlinkat("../outside", directory_fd, "tree/link"), 0);
	assert_int_equal(symlinkat("outside", directory_fd, "link"), 0);
	assert_int_equal(fs_remove_tree(directory_fd, "tree"), 0);
	/* A slash at the end would make openat follow it. */
	assert_int_equal(fs_remove_tree(directory_fd, "link//"), 0);
	assert_false(exists("tree"));
	assert_false(exists("link"));
	assert_true(exists("outside/kept"));
}

static void test_remove_deep(void **state)
{
	struct rlimit limit, low;
	int before = count_fds(), error;

	(void)state;
	make_chain("deep", 5000);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = limit.rlim_cur < 64 ? limit.rlim_cur : 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	error = fs_remove_tree(directory_fd, "deep");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(error, 0);
	assert_false(exists("deep"));
	assert_int_equal(count_fds(), before);
}

static void test_remove_wide(void **state)
{
	char name[64];

	(void)state;
	assert_int_equal(mkdirat(directory_fd, "wide", 0755), 0);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(fs_path(name, sizeof(name), "wide/%d", i), 0);
		assert_int_equal(mkdirat(directory_fd, name, 0755), 0);
		if (i % 2)
			continue;
		assert_int_equal(fs_path(name, sizeof(name), "wide/%d/file", i), 0);
		assert_int_equal(symlinkat("x", directory_fd, name), 0);
	}
	assert_int_equal(fs_remove_tree(directory_fd, "wide"), 0);
	assert_false(exists("wide"));
}

static bool adding;

/* Adds to the tree while it is removed, a few hundred times. */
static void *add(void *unused)
{
	for (int i = 0; i < 300 && __atomic_load_n(&adding, __ATOMIC_SEQ_CST); i++) {
		char name[64];

		if (!fs_path(name, sizeof(name), "busy/%d/new-%d", i % 20, i))
			mkdirat(directory_fd, name, 0755);
	}
	return unused;
}

static void test_remove_while_somebody_adds(void **state)
{
	char name[64];

	(void)state;
	for (int round = 0; round < 10; round++) {
		pthread_t thread;
		int error;

		assert_int_equal(mkdirat(directory_fd, "busy", 0755), 0);
		for (int i = 0; i < 20; i++) {
			assert_int_equal(fs_path(name, sizeof(name), "busy/%d", i), 0);
			assert_int_equal(mkdirat(directory_fd, name, 0755), 0);
		}
		adding = true;
		assert_int_equal(pthread_create(&thread, NULL, add, NULL), 0);
		error = fs_remove_tree(directory_fd, "busy");
		__atomic_store_n(&adding, false, __ATOMIC_SEQ_CST);
		assert_int_equal(pthread_join(thread, NULL), 0);
		/* One who adds faster than we delete is an error, never an endless loop. */
		assert_true(!error || error == -ENOTEMPTY);
		assert_int_equal(fs_remove_tree(directory_fd, "busy"), 0);
		assert_false(exists("busy"));
	}
}

static void test_remove_what_cannot_be_removed(void **state)
{
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(fchmod(directory_fd, 0755), 0);
	assert_int_equal(mkdirat(directory_fd, "tree", 0777), 0);
	assert_int_equal(fchmodat(directory_fd, "tree", 0777, 0), 0);
	assert_int_equal(mkdirat(directory_fd, "tree/locked", 0755), 0);
	put("tree/locked/file", 1);
	put("tree/file", 1);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(1);
		if (fchmodat(directory_fd, "tree/locked", 0555, 0) && geteuid() != 65534)
			_exit(2);
		/* The first error is told, the rest is removed all the same. */
		_exit(fs_remove_tree(directory_fd, "tree") == -EACCES ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(exists("tree/locked/file"));
	assert_false(exists("tree/file"));
	assert_int_equal(fchmodat(directory_fd, "tree/locked", 0755, 0), 0);
}

static int own_namespaces(void)
{
	char users[32], groups[32];

	snprintf(users, sizeof(users), "0 %d 1", geteuid());
	snprintf(groups, sizeof(groups), "0 %d 1", getegid());
	if (!geteuid())
		return unshare(CLONE_NEWNS);
	return unshare(CLONE_NEWNS | CLONE_NEWUSER) || fs_write_text(AT_FDCWD, "/proc/self/setgroups", "deny") ||
	       fs_write_text(AT_FDCWD, "/proc/self/uid_map", users) ||
	       fs_write_text(AT_FDCWD, "/proc/self/gid_map", groups);
}

/* In a child with a mount namespace of its own. */
static int check_mounts(void)
{
	uint64_t bytes = 0, inodes = 0;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	/* The descriptor belongs to the other namespace's mount. */
	close(directory_fd);
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0 || fchdir(directory_fd))
		return 2;
	if (mount("outside", "tree/bind", NULL, MS_BIND, NULL) || mount("tmpfs", "tree/tmpfs", "tmpfs", 0, NULL) ||
	    mount("outside/kept", "tree/file", NULL, MS_BIND, NULL) || mount("outside", "mount", NULL, MS_BIND, NULL))
		return 3;
	if (mkdir("tree/tmpfs/kept", 0755))
		return 4;
	/* tree and tree/sub; neither mount points nor what is in them. */
	if (fs_tree_usage(directory_fd, "tree", NULL, NULL, &bytes, &inodes) || inodes != 2)
		return 5;
	if (fs_remove_tree(directory_fd, "tree") != -EBUSY || exists("tree/sub"))
		return 6;
	if (!exists("outside/kept") || !exists("tree/tmpfs/kept") || !exists("tree/file"))
		return 7;
	if (fs_remove_tree(directory_fd, "mount") != -EBUSY || !exists("outside/kept"))
		return 8;
	return 0;
}

static void test_mounts_are_not_crossed(void **state)
{
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(mkdirat(directory_fd, "outside", 0755), 0);
	put("outside/kept", 1);
	assert_int_equal(mkdirat(directory_fd, "mount", 0755), 0);
	for (const char *const *name = (const char *const[]){ "tree", "tree/bind", "tree/tmpfs", "tree/sub", NULL };
	     *name; name++)
		assert_int_equal(mkdirat(directory_fd, *name, 0755), 0);
	put("tree/file", 1);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(own_namespaces() ? 77 : check_mounts());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int open_level(const char *name, int level)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (level--) {
		int next = openat(fd, LEVEL, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	return fd;
}

static int upper_fd, lower_fd;

/* Once the walk is deep in the tree, a directory that it came through moves out to where it must not follow: there,
 * names as in the tree's own directories wait to be taken for them. */
static void *move_out(void *unused)
{
	while (!faccessat(lower_fd, "link", F_OK, AT_SYMLINK_NOFOLLOW))
		;
	renameat(upper_fd, LEVEL, directory_fd, "outside/moved");
	return unused;
}

static void test_remove_stays_in_a_tree_that_is_taken_apart(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(directory_fd, "outside", 0755), 0);
	assert_int_equal(mkdirat(directory_fd, "outside/empty", 0755), 0);
	assert_int_equal(mkdirat(directory_fd, "outside/empty/kept", 0755), 0);
	for (int round = 0; round < 30; round++) {
		pthread_t thread;
		int error;

		make_chain("deep", 400);
		upper_fd = open_level("deep", 60);
		lower_fd = open_level("deep", 100);
		assert_int_equal(pthread_create(&thread, NULL, move_out, NULL), 0);
		error = fs_remove_tree(directory_fd, "deep");
		assert_int_equal(pthread_join(thread, NULL), 0);
		close(upper_fd);
		close(lower_fd);
		assert_true(!error || error == -ESTALE);
		assert_true(exists("outside/empty/kept"));
		assert_int_equal(fs_remove_tree(directory_fd, "deep"), 0);
		assert_int_equal(fs_remove_tree(directory_fd, "outside/moved"), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(test_remove_small_things),
		IN_DIRECTORY(test_remove_refuses_what_has_no_name),
		IN_DIRECTORY(test_remove_follows_no_link),
		IN_DIRECTORY(test_remove_deep),
		IN_DIRECTORY(test_remove_wide),
		IN_DIRECTORY(test_remove_while_somebody_adds),
		IN_DIRECTORY(test_remove_what_cannot_be_removed),
		IN_DIRECTORY(test_mounts_are_not_crossed),
		IN_DIRECTORY(test_remove_stays_in_a_tree_that_is_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

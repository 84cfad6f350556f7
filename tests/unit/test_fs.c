/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char directory[64];
static int directory_fd;

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/test_fs.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory_fd < 0 ? -1 : 0;
}

static int delete_directory(void **state)
{
	(void)state;
	close(directory_fd);
	return fs_remove_tree(AT_FDCWD, directory);
}

static const char *below(const char *name)
{
	static char path[PATH_MAX];

	assert_int_equal(fs_path(path, sizeof(path), "%s/%s", directory, name), 0);
	return path;
}

static int count_entries(void)
{
	CLEANUP_DIR DIR *opened = opendir(directory);
	int n = 0;

	while (opened && readdir(opened))
		n++;
	return n - 2;
}

static mode_t mode_of(const char *name)
{
	struct stat status;

	assert_int_equal(fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW), 0);
	return status.st_mode;
}

static void assert_content(const char *name, const char *expected)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;

	assert_int_equal(fs_read(directory_fd, name, 1 << 20, &content), 0);
	assert_string_equal(content.data, expected);
}

static void put(const char *name, const char *text)
{
	assert_int_equal(fs_write_atomic(directory_fd, name, text, strlen(text), 0644, false), 0);
}

static void test_path(void **state)
{
	char path[8], all[PATH_MAX + 1], name[PATH_MAX + 1];

	(void)state;
	assert_int_equal(fs_path(path, sizeof(path), "%s/%d", "abc", 123), 0);
	assert_string_equal(path, "abc/123");
	assert_int_equal(fs_path(path, sizeof(path), "%s/%d", "abc", 1234), -ENAMETOOLONG);
	memset(name, 'x', PATH_MAX);
	name[PATH_MAX] = '\0';
	assert_int_equal(fs_path(all, sizeof(all), "%s", name), -ENAMETOOLONG);
	name[PATH_MAX - 1] = '\0';
	assert_int_equal(fs_path(all, sizeof(all), "%s", name), 0);
}

static void test_make_directories(void **state)
{
	mode_t mask = umask(0077);

	(void)state;
	assert_int_equal(fs_make_directories(below("a//b/c/"), 0755), 0);
	assert_int_equal(mode_of("a") & 07777, 0755);
	assert_int_equal(mode_of("a/b/c") & 07777, 0755);
	/* What is there stays as it is. */
	assert_int_equal(fs_make_directories(below("a/b/c/d"), 0711), 0);
	umask(mask);
	assert_int_equal(mode_of("a/b") & 07777, 0755);
	assert_int_equal(mode_of("a/b/c/d") & 07777, 0711);
	assert_int_equal(fs_make_directories(below("a/b"), 0700), 0);
	assert_int_equal(mode_of("a/b") & 07777, 0755);
	assert_int_equal(fs_make_directories("/", 0700), 0);
	assert_int_equal(fs_make_directories("", 0700), -ENOENT);
	put("file", "");
	assert_int_equal(fs_make_directories(below("file"), 0700), -ENOTDIR);
	assert_int_equal(fs_make_directories(below("file/x"), 0700), -ENOTDIR);
	assert_int_equal(symlinkat("a", directory_fd, "link"), 0);
	assert_int_equal(fs_make_directories(below("link/new"), 0700), 0);
	assert_true(S_ISDIR(mode_of("a/new")));
	assert_int_equal(symlinkat("nowhere", directory_fd, "dangling"), 0);
	assert_int_equal(fs_make_directories(below("dangling"), 0700), -ENOENT);
	/* Where nothing can be made, what exists is no error. */
	assert_int_equal(fs_make_directories("/proc/self/fd", 0700), 0);
	assert_true(fs_make_directories("/proc/self/new", 0700) < 0);
}

static void test_read_limit(void **state)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;

	(void)state;
	put("file", "12345");
	buffer_text(&content, "before:");
	assert_int_equal(fs_read(directory_fd, "file", 4, &content), -EFBIG);
	assert_string_equal(content.data, "before:");
	assert_int_equal(fs_read(directory_fd, "file", 5, &content), 0);
	assert_string_equal(content.data, "before:12345");
	assert_int_equal(fs_read(directory_fd, "missing", 5, &content), -ENOENT);
	assert_int_equal(fs_read(AT_FDCWD, directory, 5, &content), -EISDIR);
	assert_string_equal(content.data, "before:12345");
}

static void test_read_empty(void **state)
{
	(void)state;
	put("empty", "");
	assert_content("empty", "");
}

static void test_read_large(void **state)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY, large = BUFFER_EMPTY;

	(void)state;
	for (int i = 0; i < 50000; i++)
		buffer_printf(&large, "%05d\n", i);
	put("large", large.data);
	assert_int_equal(fs_read(directory_fd, "large", large.length, &content), 0);
	assert_int_equal(content.length, large.length);
	assert_memory_equal(content.data, large.data, large.length);
}

static void test_read_files_without_size(void **state)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	size_t length;

	(void)state;
	assert_int_equal(fs_read(AT_FDCWD, "/proc/self/status", 1 << 20, &content), 0);
	assert_non_null(strstr(content.data, "\nSigBlk:"));
	length = content.length;
	assert_int_equal(fs_read(AT_FDCWD, "/proc/self/status", 10, &content), -EFBIG);
	assert_int_equal(content.length, length);
}

static void test_write(void **state)
{
	(void)state;
	put("file", "old content");
	assert_int_equal(fs_write_text(directory_fd, "file", "new"), 0);
	assert_content("file", "new content");
	assert_int_equal(fs_write_text(directory_fd, "missing", "x"), -ENOENT);
	assert_int_equal(fs_write_text(AT_FDCWD, "/proc/self/status", "x") < 0, 1);
}

static void test_write_atomic(void **state)
{
	CLEANUP_CLOSE int reader = -1;
	mode_t mask;
	char old[4] = "";

	(void)state;
	put("file", "old");
	reader = openat(directory_fd, "file", O_RDONLY | O_CLOEXEC);
	mask = umask(0077);
	assert_int_equal(fs_write_atomic(directory_fd, "file", "newer", 5, 0664, true), 0);
	umask(mask);
	assert_content("file", "newer");
	assert_int_equal(mode_of("file") & 07777, 0664);
	/* A reader keeps the whole old content. */
	assert_int_equal(read(reader, old, 3), 3);
	assert_string_equal(old, "old");
	assert_int_equal(fs_write_atomic(AT_FDCWD, below("file"), "", 0, 0600, true), 0);
	assert_content("file", "");
	/* A link is replaced, not followed. */
	put("target", "target");
	assert_int_equal(symlinkat("target", directory_fd, "link"), 0);
	put("link", "x");
	assert_true(S_ISREG(mode_of("link")));
	assert_content("target", "target");
	assert_int_equal(count_entries(), 3);
}

static void test_write_atomic_failures_leave_nothing(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(mkdirat(directory_fd, "dir", 0700), 0);
	assert_int_equal(fs_write_atomic(directory_fd, "dir", "x", 1, 0600, false), -EISDIR);
	assert_int_equal(fs_write_atomic(directory_fd, name, "x", 1, 0600, false), -ENAMETOOLONG);
	assert_int_equal(fs_write_atomic(directory_fd, "missing/file", "x", 1, 0600, false), -ENOENT);
	assert_int_equal(fs_write_atomic(directory_fd, "", "x", 1, 0600, false), -EINVAL);
	assert_int_equal(fs_write_atomic(directory_fd, "dir/", "x", 1, 0600, false), -EINVAL);
	assert_int_equal(fs_write_atomic(directory_fd, "dir/..", "x", 1, 0600, false), -EINVAL);
	assert_int_equal(count_entries(), 1);
	/* The longest name there is. */
	name[255] = '\0';
	put(name, "long");
	assert_content(name, "long");
}

static void test_open_in_root(void **state)
{
	CLEANUP_CLOSE int outside = -1;
	char content[8] = "";
	int fd;

	(void)state;
	assert_int_equal(fs_make_directories(below("root/etc"), 0755), 0);
	put("secret", "outside");
	put("root/secret", "inside");
	outside = openat(directory_fd, "root", O_PATH | O_CLOEXEC);
	assert_int_equal(symlinkat("../../../secret", directory_fd, "root/etc/up"), 0);
	assert_int_equal(symlinkat("/secret", directory_fd, "root/etc/absolute"), 0);
	assert_int_equal(symlinkat("/proc/self/exe", directory_fd, "root/etc/magic"), 0);
	for (const char *const *path = (const char *const[]){ "etc/up", "/etc/absolute", "../secret", "/../../secret",
							      "etc/../../secret", NULL };
	     *path; path++) {
		fd = fs_open_in_root(outside, *path, O_RDONLY, 0);
		assert_true(fd >= 0);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(fs_read_full(fd, content, sizeof(content) - 1), 6);
		assert_string_equal(content, "inside");
		close(fd);
	}
	assert_int_equal(fs_open_in_root(outside, "etc/magic", O_RDONLY, 0), -ENOENT);
	assert_int_equal(fs_open_in_root(outside, "etc/up", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
	assert_int_equal(fs_open_in_root(outside, "missing", O_RDONLY, 0644), -ENOENT);
	fd = fs_open_in_root(outside, "/../new", O_WRONLY | O_CREAT | O_EXCL, 0640);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(mode_of("root/new") & 0640, 0640);
}

static void test_magic_links_are_refused(void **state)
{
	CLEANUP_CLOSE int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(proc >= 0);
	assert_int_equal(fs_open_in_root(proc, "self/exe", O_RDONLY, 0), -ELOOP);
	assert_int_equal(fs_open_in_root(proc, "self/root/etc", O_RDONLY, 0), -ELOOP);
}

static void test_full_reads_and_writes(void **state)
{
	int fds[2];
	char bytes[16] = "";

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fs_write_full(fds[1], "one", 3), 0);
	assert_int_equal(fs_write_full(fds[1], "two", 3), 0);
	assert_int_equal(fs_read_full(fds[0], bytes, 6), 6);
	assert_string_equal(bytes, "onetwo");
	assert_int_equal(fs_write_full(fds[1], "end", 3), 0);
	close(fds[1]);
	assert_int_equal(fs_read_full(fds[0], bytes, sizeof(bytes)), 3);
	assert_int_equal(fs_read_full(fds[0], bytes, sizeof(bytes)), 0);
	close(fds[0]);
	assert_int_equal(fs_read_full(-1, bytes, 1), -EBADF);
	assert_int_equal(fs_write_full(-1, bytes, 1), -EBADF);
}

static void test_broken_pipe_raises_no_signal(void **state)
{
	sigset_t broken_pipe, mask, pending;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	/* SIGPIPE would end this program. */
	assert_int_equal(fs_write_full(fds[1], "x", 1), -EPIPE);
	/* One of the host's that was pending before stays pending. */
	sigemptyset(&broken_pipe);
	sigaddset(&broken_pipe, SIGPIPE);
	assert_int_equal(sigprocmask(SIG_BLOCK, &broken_pipe, &mask), 0);
	assert_int_equal(fs_write_full(fds[1], "x", 1), -EPIPE);
	assert_int_equal(sigpending(&pending), 0);
	assert_false(sigismember(&pending, SIGPIPE));
	raise(SIGPIPE);
	assert_int_equal(fs_write_full(fds[1], "x", 1), -EPIPE);
	assert_int_equal(sigpending(&pending), 0);
	assert_true(sigismember(&pending, SIGPIPE));
	assert_int_equal(sigwaitinfo(&broken_pipe, NULL), SIGPIPE);
	assert_int_equal(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
	close(fds[1]);
}

static void test_nonblocking(void **state)
{
	int fds[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fs_set_nonblocking(fds[0], true), 0);
	assert_int_equal(fs_read_full(fds[0], &byte, 1), -EAGAIN);
	assert_int_equal(fs_set_nonblocking(fds[0], false), 0);
	assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fs_set_nonblocking(-1, true), -EBADF);
	close(fds[0]);
	close(fds[1]);
}

static void test_temporary_names(void **state)
{
	char first[FS_TEMPORARY_SIZE], second[FS_TEMPORARY_SIZE];

	(void)state;
	assert_int_equal(fs_temporary_name(first), 0);
	assert_int_equal(fs_temporary_name(second), 0);
	assert_string_not_equal(first, second);
	assert_int_equal(strlen(first), FS_TEMPORARY_SIZE - 1);
	assert_memory_equal(first, FS_TEMPORARY_PREFIX, strlen(FS_TEMPORARY_PREFIX));
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, delete_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		IN_DIRECTORY(test_make_directories),
		IN_DIRECTORY(test_read_limit),
		IN_DIRECTORY(test_read_empty),
		IN_DIRECTORY(test_read_large),
		cmocka_unit_test(test_read_files_without_size),
		IN_DIRECTORY(test_write),
		IN_DIRECTORY(test_write_atomic),
		IN_DIRECTORY(test_write_atomic_failures_leave_nothing),
		IN_DIRECTORY(test_open_in_root),
		cmocka_unit_test(test_magic_links_are_refused),
		cmocka_unit_test(test_full_reads_and_writes),
		cmocka_unit_test(test_broken_pipe_raises_no_signal),
		cmocka_unit_test(test_nonblocking),
		cmocka_unit_test(test_temporary_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

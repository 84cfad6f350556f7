/* SPDX-License-Identifier: Apache-2.0 */
/* The user of a process from untrusted passwd and group files. */
#include "helpers/init/passwd.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# a comment\n"
			     "broken\n"
			     "nouid:x::5::/\n"
			     "bad:x:12x:5::/\n"
			     "huge:x:99999999999999999999:5::/\n"
			     "app:x:1000:1001:App:/home/app:/bin/sh\n"
			     "app:x:7:7:second:/second:/bin/sh\n"
			     "relative:x:1002:1002::home:/bin/sh\n"
			     "short:x:1003:1004\n"
			     "1005:x:2000:2000::/numeric:/bin/sh\n"
			     "last:x:1006:1006::/last";

static const char group[] = "root:x:0:\n"
			    "app:x:1001:\n"
			    "wheel:x:10:root,app\n"
			    "malformed\n"
			    "nogid:x::app\n"
			    "audio:x:11:other,app\n"
			    "again:x:10:app\n"
			    "prefix:x:12:application,xapp,ap\n"
			    "docker:x:999:app,\n";

static struct identity identity;
static struct failure failure;

static int file_of(const void *bytes, size_t length)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	return fd;
}

static int resolve_process(const struct process *process)
{
	CLEANUP_CLOSE int passwd_fd = file_of(passwd, strlen(passwd));
	CLEANUP_CLOSE int group_fd = file_of(group, strlen(group));

	return identity_resolve(passwd_fd, group_fd, process, &identity, &failure);
}

static int resolve(const char *user)
{
	const struct process process = { .user = user };

	return resolve_process(&process);
}

static void expect(const char *user, uint32_t uid, const char *home, size_t n_groups, const uint32_t *groups)
{
	assert_int_equal(resolve(user), 0);
	assert_int_equal(identity.uid, uid);
	assert_int_equal(identity.gid, groups[0]);
	assert_string_equal(identity.home, home);
	assert_int_equal(identity.n_groups, n_groups);
	assert_memory_equal(identity.groups, groups, n_groups * sizeof(*groups));
}

#define GROUPS(...)                                                                                                    \
	sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), (const uint32_t[])                               \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}

static void test_notation(void **state)
{
	(void)state;
	expect("", 0, "/root", GROUPS(0, 10));
	expect("root", 0, "/root", GROUPS(0, 10));
	expect("0", 0, "/root", GROUPS(0, 10));
	expect("app", 1000, "/home/app", GROUPS(1001, 10, 11, 999));
	expect("1000", 1000, "/home/app", GROUPS(1001, 10, 11, 999));
	expect("app:", 1000, "/home/app", GROUPS(1001, 10, 11, 999));
	/* A group in the notation: those of the group file are ignored. */
	expect("app:audio", 1000, "/home/app", GROUPS(11));
	expect("app:77", 1000, "/home/app", GROUPS(77));
	expect("1000:1001", 1000, "/home/app", GROUPS(1001));
	expect(":audio", 0, "/root", GROUPS(11));
	expect("5555", 5555, "/", GROUPS(0));
	expect("5555:6666", 5555, "/", GROUPS(6666));
	expect("4294967294", 4294967294U, "/", GROUPS(0));
	/* Digits are an id, also where a user has such a name. */
	expect("1005", 1005, "/", GROUPS(0));
	expect("relative", 1002, "/", GROUPS(1002));
	expect("short", 1003, "/", GROUPS(1004));
	expect("last", 1006, "/last", GROUPS(1006));
}

static void test_refused(void **state)
{
	char name[2 * PASSWD_NAME_MAX];

	(void)state;
	assert_int_equal(resolve("nobody"), -ENOENT);
	assert_string_equal(failure.message, "/etc/passwd has no user \"nobody\"");
	assert_int_equal(resolve("ap"), -ENOENT);
	assert_int_equal(resolve("bad"), -ENOENT);
	assert_int_equal(resolve("huge"), -ENOENT);
	assert_int_equal(resolve("#"), -ENOENT);
	assert_int_equal(resolve("app:nogroup"), -ENOENT);
	assert_string_equal(failure.message, "/etc/group has no group \"nogroup\"");
	assert_int_equal(resolve("app:nogid"), -ENOENT);
	assert_int_equal(resolve("a:b:c"), -EINVAL);
	assert_int_equal(resolve("4294967295"), -ERANGE);
	assert_int_equal(resolve("99999999999999999999999"), -ERANGE);
	assert_int_equal(resolve("0:4294967296"), -ERANGE);
	assert_int_equal(resolve("-1"), -ENOENT);
	assert_int_equal(resolve(" 0"), -ENOENT);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(resolve(name), -EINVAL);
}

static void test_given_groups(void **state)
{
	struct process process = { .user = "app", .n_groups = 3, .groups = { 50, 10, 50 } };
	const uint32_t merged[] = { 1001, 10, 11, 999, 50 };
	const uint32_t strict[] = { 1001, 50, 10 };
	const uint32_t overridden[] = { 3, 10, 11, 999, 50 };

	(void)state;
	assert_int_equal(resolve_process(&process), 0);
	assert_int_equal(identity.n_groups, 5);
	assert_memory_equal(identity.groups, merged, sizeof(merged));
	process.groups_strict = true;
	assert_int_equal(resolve_process(&process), 0);
	assert_int_equal(identity.n_groups, 3);
	assert_memory_equal(identity.groups, strict, sizeof(strict));
	process.groups_strict = false;
	process.has_group = true;
	process.group = 3;
	assert_int_equal(resolve_process(&process), 0);
	assert_int_equal(identity.gid, 3);
	assert_memory_equal(identity.groups, overridden, sizeof(overridden));
}

static void test_too_many_groups(void **state)
{
	static char text[PROCESS_GROUPS_MAX * 32];
	CLEANUP_CLOSE int passwd_fd = file_of(passwd, strlen(passwd));
	const struct process process = { .user = "app" };
	size_t length = 0;

	(void)state;
	for (int i = 0; i < PROCESS_GROUPS_MAX + 1; i++)
		length += (size_t)sprintf(text + length, "g%d:x:%d:app\n", i, 5000 + i);
	CLEANUP_CLOSE int group_fd = file_of(text, length);
	assert_int_equal(identity_resolve(passwd_fd, group_fd, &process, &identity, &failure), -E2BIG);
}

static void test_no_files(void **state)
{
	const struct process numeric = { .user = "1000:5" }, named = { .user = "app" }, none = { .user = "" };

	(void)state;
	assert_int_equal(identity_resolve(-1, -1, &numeric, &identity, &failure), 0);
	assert_int_equal(identity.uid, 1000);
	assert_int_equal(identity.gid, 5);
	assert_string_equal(identity.home, "/");
	assert_int_equal(identity_resolve(-1, -1, &none, &identity, &failure), 0);
	assert_int_equal(identity.uid, 0);
	assert_int_equal(identity_resolve(-1, -1, &named, &identity, &failure), -ENOENT);
}

/* `filler` bytes without a newline, then a user, and whether it is found. */
static int resolve_behind(size_t filler, const char *tail)
{
	const struct process process = { .user = "app" };
	CLEANUP_FREE char *text = malloc(filler + strlen(tail) + 1);
	int result;

	assert_non_null(text);
	memset(text, 'a', filler);
	memcpy(text + filler, tail, strlen(tail) + 1);
	CLEANUP_CLOSE int fd = file_of(text, filler + strlen(tail));
	result = identity_resolve(fd, -1, &process, &identity, &failure);
	return result;
}

static void test_long_lines(void **state)
{
	static const size_t lengths[] = { 10,
					  PASSWD_LINE_MAX - 2,
					  PASSWD_LINE_MAX - 1,
					  PASSWD_LINE_MAX,
					  PASSWD_LINE_MAX + 1,
					  2 * PASSWD_LINE_MAX - 2,
					  2 * PASSWD_LINE_MAX,
					  5 * PASSWD_LINE_MAX + 17 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_int_equal(resolve_behind(lengths[i], "\napp:x:1000:1001::/home/app:/bin/sh\n"), 0);
		assert_int_equal(identity.uid, 1000);
		/* The end of a line that is too long is not a line. */
		assert_int_equal(resolve_behind(lengths[i], "app:x:1000:1001::/home/app:/bin/sh"), -ENOENT);
	}
	assert_int_equal(resolve_behind(PASSWD_FILE_MAX + 1, "\n"), -EFBIG);
	/* Found before the end of what is read. */
	assert_int_equal(resolve_behind(0, "app:x:1000:1001::/home/app:/bin/sh\n"), 0);
}

static void test_bytes(void **state)
{
	static const char text[] = "app:x:1\0:5::/\napp:x:1000:1001::/h\0ome:/bin/sh\n";
	const struct process process = { .user = "app" };
	CLEANUP_CLOSE int fd = file_of(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(identity_resolve(fd, -1, &process, &identity, &failure), 0);
	assert_int_equal(identity.uid, 1000);
	assert_string_equal(identity.home, "/h");
}

static void test_root(void **state)
{
	char directory[] = "/tmp/test-passwd-XXXXXX", path[64];
	const struct process process = { .user = "app" }, numeric = { .user = "5" };
	CLEANUP_CLOSE int root_fd = -1;

	(void)state;
	assert_non_null(mkdtemp(directory));
	root_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root_fd >= 0);
	assert_int_equal(identity_resolve_in_root(root_fd, &process, &identity, &failure), -ENOENT);
	assert_int_equal(identity_resolve_in_root(root_fd, &numeric, &identity, &failure), 0);
	snprintf(path, sizeof(path), "%s/etc", directory);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/etc/passwd", directory);
	/* A link to the host's file does not lead there. */
	assert_int_equal(symlink("/../../../../etc/passwd", path), 0);
	assert_int_not_equal(identity_resolve_in_root(root_fd, &process, &identity, &failure), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	/* What is no file says nothing: numbers stand for themselves, names are unknown. */
	assert_int_equal(identity_resolve_in_root(root_fd, &numeric, &identity, &failure), 0);
	assert_int_equal(identity_resolve_in_root(root_fd, &process, &identity, &failure), -ENOENT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(identity_resolve_in_root(root_fd, &numeric, &identity, &failure), 0);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/etc", directory);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notation),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_given_groups), cmocka_unit_test(test_too_many_groups),
		cmocka_unit_test(test_no_files),     cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_bytes),        cmocka_unit_test(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cri-init's decoder of process records. */
#include "helpers/init/process.h"

#include "runtime/init_protocol.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 65536

static char record[ROOM + 1];
static size_t length;
static char *arguments[PROCESS_POINTERS(ROOM)], *environment[PROCESS_POINTERS(ROOM)];
static struct process process;
static struct failure failure;

static void add(uint32_t tag, const void *bytes, size_t n)
{
	const uint32_t header[] = { tag, (uint32_t)n };

	assert_true(length + sizeof(header) + n <= ROOM);
	memcpy(record + length, header, sizeof(header));
	if (n)
		memcpy(record + length + sizeof(header), bytes, n);
	length += sizeof(header) + n;
}

static void add_text(uint32_t tag, const char *text)
{
	add(tag, text, strlen(text));
}

static int decode(void)
{
	return process_decode(record, length, arguments, environment, &process, &failure);
}

static void begin(void)
{
	static const uint64_t sets[CAPABILITY_SETS] = { 1, 2, 3, 4, 5 };

	length = 0;
	add(PROCESS_CAPABILITIES, sets, sizeof(sets));
	add_text(PROCESS_ARGUMENT, "/bin/true");
}

static void test_everything(void **state)
{
	const int64_t groups[] = { 7, 4294967294 }, group = 12, score = -999;
	const struct {
		int32_t resource, padding;
		uint64_t soft, hard;
	} limit = { RLIMIT_NOFILE, 0, 10, UINT64_MAX };
	const uint32_t mask = 077;
	static const char filter[16];

	(void)state;
	begin();
	add_text(PROCESS_ENVIRONMENT, "A=1");
	add_text(PROCESS_ARGUMENT, "");
	add_text(PROCESS_ENVIRONMENT, "B=");
	add_text(PROCESS_ARGUMENT, "x y");
	add_text(PROCESS_DIRECTORY, "/work");
	add_text(PROCESS_USER, "app:audio");
	add(PROCESS_GROUP, &group, sizeof(group));
	add(PROCESS_GROUPS, groups, sizeof(groups));
	add(PROCESS_GROUPS_STRICT, NULL, 0);
	add(PROCESS_NO_NEW_PRIVS, NULL, 0);
	add(PROCESS_TERMINAL, NULL, 0);
	add(PROCESS_OOM_SCORE, &score, sizeof(score));
	add(PROCESS_RLIMIT, &limit, sizeof(limit));
	add(PROCESS_UMASK, &mask, sizeof(mask));
	add(PROCESS_SECCOMP, filter, sizeof(filter));
	add_text(PROCESS_LSM_LABEL, "exec profile");
	add_text(PROCESS_HOSTNAME, "box");
	add(PROCESS_EXEC, NULL, 0);
	add(PROCESS_CGROUP_FILES, NULL, 0);
	assert_int_equal(decode(), 0);
	assert_int_equal(process.n_arguments, 3);
	assert_string_equal(process.arguments[0], "/bin/true");
	assert_string_equal(process.arguments[1], "");
	assert_string_equal(process.arguments[2], "x y");
	assert_null(process.arguments[3]);
	assert_int_equal(process.n_environment, 2);
	assert_string_equal(process_variable(&process, "A"), "1");
	assert_string_equal(process_variable(&process, "B"), "");
	assert_null(process_variable(&process, "C"));
	assert_null(process.environment[2]);
	assert_string_equal(process.directory, "/work");
	assert_string_equal(process.user, "app:audio");
	assert_true(process.has_group && process.groups_strict && process.no_new_privs && process.terminal);
	assert_true(process.exec && process.cgroup_files && process.has_umask && !process.pause);
	assert_int_equal(process.group, 12);
	assert_int_equal(process.n_groups, 2);
	assert_int_equal(process.groups[1], 4294967294U);
	assert_int_equal(process.capabilities[AMBIENT], 5);
	assert_int_equal(process.oom_score, -999);
	assert_int_equal(process.umask, 077);
	assert_int_equal(process.n_limits, 1);
	assert_true(process.limits[0].value.rlim_max == RLIM_INFINITY && process.limits[0].value.rlim_cur == 10);
	assert_int_equal(process.n_seccomp, 2);
	assert_string_equal(process.label, "exec profile");
	assert_string_equal(process.hostname, "box");
}

static void test_defaults(void **state)
{
	char home[] = "HOME=/root", other[] = "HOME=/other";

	(void)state;
	begin();
	assert_int_equal(decode(), 0);
	assert_string_equal(process.directory, "/");
	assert_string_equal(process.user, "");
	assert_null(process.label);
	process_add_variable(&process, "HOME", home);
	process_add_variable(&process, "HOME", other);
	assert_int_equal(process.n_environment, 1);
	assert_string_equal(process_variable(&process, "HOME"), "/root");
	assert_null(process_variable(&process, "HOM"));
}

static void refuse(uint32_t tag, const void *bytes, size_t n)
{
	begin();
	add(tag, bytes, n);
	assert_int_equal(decode(), -EINVAL);
	assert_non_null(strstr(failure.message, "not valid"));
}

static void test_refused(void **state)
{
	const int64_t negative = -1, large = 4294967295, score = 1001;
	const uint32_t mask = 01000;
	const struct {
		int32_t resource, padding;
		uint64_t soft, hard;
	} inverted = { RLIMIT_NOFILE, 0, 11, 10 }, unknown = { RLIM_NLIMITS, 0, 1, 1 }, less = { -1, 0, 1, 1 };
	static const int64_t groups[PROCESS_GROUPS_MAX + 1];
	static const char filter[(4096 + 1) * 8];

	(void)state;
	refuse(0, NULL, 0);
	refuse(PROCESS_PAUSE + 1, NULL, 0);
	refuse(UINT32_MAX, "x", 1);
	refuse(PROCESS_ARGUMENT, "a\0b", 3);
	refuse(PROCESS_ENVIRONMENT, "a\0b=", 4);
	refuse(PROCESS_ENVIRONMENT, "NAME", 4);
	refuse(PROCESS_ENVIRONMENT, "=value", 6);
	refuse(PROCESS_ENVIRONMENT, "", 0);
	refuse(PROCESS_DIRECTORY, "", 0);
	refuse(PROCESS_DIRECTORY, "relative", 8);
	refuse(PROCESS_DIRECTORY, "/a\0b", 4);
	refuse(PROCESS_USER, "a\0b", 3);
	refuse(PROCESS_GROUP, &negative, sizeof(negative));
	refuse(PROCESS_GROUP, &large, sizeof(large));
	refuse(PROCESS_GROUP, &large, 4);
	refuse(PROCESS_GROUPS, &negative, sizeof(negative));
	refuse(PROCESS_GROUPS, &large, 7);
	refuse(PROCESS_GROUPS, groups, sizeof(groups));
	refuse(PROCESS_GROUPS_STRICT, "x", 1);
	refuse(PROCESS_CAPABILITIES, groups, 32);
	refuse(PROCESS_NO_NEW_PRIVS, "x", 1);
	refuse(PROCESS_OOM_SCORE, &score, sizeof(score));
	refuse(PROCESS_RLIMIT, &inverted, sizeof(inverted));
	refuse(PROCESS_RLIMIT, &unknown, sizeof(unknown));
	refuse(PROCESS_RLIMIT, &less, sizeof(less));
	refuse(PROCESS_RLIMIT, &less, sizeof(less) - 1);
	refuse(PROCESS_UMASK, &mask, sizeof(mask));
	refuse(PROCESS_SECCOMP, filter, 0);
	refuse(PROCESS_SECCOMP, filter, 7);
	refuse(PROCESS_SECCOMP, filter, sizeof(filter));
	refuse(PROCESS_LSM_LABEL, "", 0);
	refuse(PROCESS_HOSTNAME, "", 0);
}

static void test_incomplete(void **state)
{
	size_t whole;

	(void)state;
	length = 0;
	assert_int_equal(decode(), -EINVAL);
	add_text(PROCESS_ARGUMENT, "/bin/true");
	assert_int_equal(decode(), -EINVAL);
	begin();
	add_text(PROCESS_ENVIRONMENT, "A=1");
	whole = length;
	for (length = 0; length < whole; length++) {
		/* Cut between two items it is a record, if a command is in it. */
		bool record_ends = length == whole - 11;
		size_t cut = length;

		begin();
		add_text(PROCESS_ENVIRONMENT, "A=1");
		length = cut;
		assert_int_equal(decode(), record_ends ? 0 : -EINVAL);
	}
}

static void test_many(void **state)
{
	(void)state;
	begin();
	while (length + 8 <= ROOM)
		add(PROCESS_ARGUMENT, NULL, 0);
	assert_int_equal(decode(), 0);
	assert_string_equal(process.arguments[process.n_arguments - 1], "");
	begin();
	for (int i = 0; i < PROCESS_LIMITS_MAX; i++)
		add(PROCESS_RLIMIT, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
	assert_int_equal(decode(), 0);
	begin();
	for (int i = 0; i < PROCESS_LIMITS_MAX + 1; i++)
		add(PROCESS_RLIMIT, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
	assert_int_equal(decode(), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything), cmocka_unit_test(test_defaults), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_incomplete), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

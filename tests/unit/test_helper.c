/* SPDX-License-Identifier: Apache-2.0 */
/* What helpers give back of what they inherited. Each test runs in a child. */
#include "helpers/helper.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

/* A check in the child: its line is the exit code. */
#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			_exit(__LINE__ & 0x7f ? __LINE__ & 0x7f : 1);                                                  \
	} while (0)

static void in_child(void (*function)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		function();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool may_raise(void)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_max++;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static long read_oom_score(void)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;

	CHECK(fs_read(AT_FDCWD, "/proc/self/oom_score_adj", 32, &content) == 0);
	return strtol(content.data, NULL, 10);
}

static void everything(void)
{
	const struct rlimit small = { 64, 128 }, no_core = { 0, 0 }, tiny_stack = { 1 << 20, RLIM_INFINITY };
	struct rlimit limit;
	bool privileged = may_raise();
	cpu_set_t one, all;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	umask(0777);
	CHECK(setrlimit(RLIMIT_NOFILE, &small) == 0 && setrlimit(RLIMIT_CORE, &no_core) == 0);
	CHECK(setrlimit(RLIMIT_STACK, &tiny_stack) == 0);
	CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0);
	CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
	CHECK(prctl(PR_SET_TIMERSLACK, 123456UL, 0, 0, 0) == 0);
	CHECK(fs_write_text(AT_FDCWD, "/proc/self/oom_score_adj", "300") == 0);
	CHECK(helper_start() == 0);
	CHECK(umask(0) == 022);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHECK(limit.rlim_max == (privileged ? 524288 : 128) && limit.rlim_cur == (privileged ? 1024 : 128));
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0);
	CHECK(limit.rlim_max == (privileged ? RLIM_INFINITY : 0));
	CHECK(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur == 8 << 20 && limit.rlim_max == RLIM_INFINITY);
	CHECK(geteuid() || getpriority(PRIO_PROCESS, 0) == 0);
	CHECK(sched_getaffinity(0, sizeof(all), &all) == 0);
	CHECK(CPU_COUNT(&all) >= CPU_COUNT(&one));
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) == 1 || CPU_COUNT(&all) > 1);
	CHECK(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == 50000);
	/* Going back to what it was before is allowed to everybody. */
	CHECK(read_oom_score() == 0);
}

static void test_start(void **state)
{
	(void)state;
	in_child(everything);
}

static void without_privileges(void)
{
	const struct rlimit small = { 64, 128 }, wanted = { 1024, 4096 }, less = { 32, 100 };
	struct rlimit limit;

	CHECK(setrlimit(RLIMIT_NOFILE, &small) == 0);
	CHECK(geteuid() || setresuid(65534, 65534, 65534) == 0);
	CHECK(helper_set_limit(RLIMIT_NOFILE, &wanted) == 1);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 128 && limit.rlim_max == 128);
	CHECK(helper_set_limit(RLIMIT_NOFILE, &less) == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 32 && limit.rlim_max == 100);
	CHECK(helper_set_limit(RLIMIT_NLIMITS, &less) == -EINVAL);
}

static void test_limits_are_cut(void **state)
{
	(void)state;
	in_child(without_privileges);
}

static void lower_score(void)
{
	int result;

	CHECK(helper_set_oom_score(500) == 0 && read_oom_score() == 500);
	result = helper_set_oom_score(-1000);
	CHECK(result == (read_oom_score() == -1000 ? 0 : 1));
	CHECK(helper_set_oom_score(5000) == -EINVAL);
}

static void test_oom_score(void **state)
{
	(void)state;
	in_child(lower_score);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_limits_are_cut),
		cmocka_unit_test(test_oom_score),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

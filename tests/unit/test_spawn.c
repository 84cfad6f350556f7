/* SPDX-License-Identifier: Apache-2.0 */
/* What a started program sees, and how a start fails. */
#include "spawn_fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

static void test_environment_directory_session(void **state)
{
	struct spawn spawn = { SPAWN_INIT, .path = self, .argv = report_argv };
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;

	(void)state;
	setenv("OF_THE_HOST", "1", 1);
	spawn.environment = (const char *const[]){ "ONE=1", "TWO=2", NULL };
	assert_int_equal(run(&spawn, NULL, &output), 0);
	assert_non_null(strstr(output.data, "cwd /\nleads session 1\nvariable ONE=1\nvariable TWO=2\n"));
	assert_null(strstr(output.data, "OF_THE_HOST"));
	unsetenv("OF_THE_HOST");
}

static void test_default_environment(void **state)
{
	struct spawn spawn = { SPAWN_INIT, .path = self, .argv = report_argv };
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;
	char *first;

	(void)state;
	assert_int_equal(run(&spawn, NULL, &output), 0);
	first = strstr(output.data, "variable ");
	assert_non_null(first);
	assert_string_equal(first, "variable PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

static uint64_t status_mask(const char *status, const char *field)
{
	const char *line = status ? strstr(status, field) : NULL;

	if (!line) {
		fail_msg("no %s", field);
		return UINT64_MAX;
	}
	return strtoull(line + strlen(field), NULL, 16);
}

static void ignore(int number)
{
	(void)number;
}

static void test_signals_are_reset(void **state)
{
	const char *const argv[] = { "cat", "/proc/self/status", NULL };
	struct spawn spawn = { SPAWN_INIT, .path = "/bin/cat", .argv = argv };
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;
	sigset_t all, mask, after;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGRTMIN + 5, SIG_IGN);
	signal(SIGUSR1, ignore);
	sigfillset(&all);
	sigdelset(&all, SIGUSR2);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, &mask), 0);
	assert_int_equal(run(&spawn, NULL, &output), 0);
	assert_int_equal(sigprocmask(SIG_SETMASK, &mask, &after), 0);
	/* The calling thread has its mask again. */
	assert_true(sigismember(&after, SIGUSR1));
	assert_false(sigismember(&after, SIGUSR2));
	assert_int_equal(status_mask(output.data, "SigBlk:"), 0);
	assert_int_equal(status_mask(output.data, "SigIgn:"), 0);
	assert_int_equal(status_mask(output.data, "SigCgt:"), 0);
	assert_int_equal(status_mask(output.data, "SigPnd:"), 0);
	/* The host has its dispositions. */
	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_IGN);
	assert_ptr_equal(signal(SIGHUP, SIG_DFL), SIG_IGN);
	assert_ptr_equal(signal(SIGRTMIN + 5, SIG_DFL), SIG_IGN);
	assert_ptr_equal(signal(SIGUSR1, SIG_DFL), ignore);
}

/* The report's lines about descriptors, for these; output is the pipe's own line. */
static void assert_fds(const char *output, const int *sources, int n)
{
	CLEANUP_BUFFER struct buffer expected = BUFFER_EMPTY;
	const char *rest = output ? strstr(output, "cwd ") : NULL;

	for (int fd = 0; fd < n; fd++) {
		struct stat status;

		if (fd == STDOUT_FILENO) {
			const char *line = rest ? strstr(output, "fd 1 ") : NULL;

			if (!line) {
				fail_msg("no standard output");
				return;
			}
			buffer_append(&expected, line, (size_t)(strchr(line, '\n') - line) + 1);
			continue;
		}
		if (sources[fd] < 0)
			assert_int_equal(stat("/dev/null", &status), 0);
		else
			assert_int_equal(fstat(sources[fd], &status), 0);
		buffer_printf(&expected, "fd %d %lx %lu\n", fd, (unsigned long)status.st_dev,
			      (unsigned long)status.st_ino);
	}
	assert_non_null(rest);
	assert_int_equal(expected.length, rest - output);
	assert_memory_equal(output, expected.data, expected.length);
}

static void test_no_descriptors_but_null(void **state)
{
	struct spawn spawn = { SPAWN_INIT, .path = self, .argv = report_argv };
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;
	/* Without O_CLOEXEC, low and high. */
	int low = open("/", O_RDONLY), high = fcntl(low, F_DUPFD, 700); // NOLINT

	(void)state;
	assert_true(low >= 0 && high >= 700);
	assert_int_equal(run(&spawn, NULL, &output), 0);
	assert_fds(output.data, (const int[]){ -1, -1, -1 }, 3);
	close(low);
	close(high);
}

/* The sources lie on 3, 4, 5, … in every order, some several times, some above. */
static void test_descriptors_that_overlap(void **state)
{
	int files[4], high;

	(void)state;
	for (int i = 0; i < 4; i++) {
		files[i] = memfd_create("source", MFD_CLOEXEC);
		assert_in_range(files[i], 3, 8);
	}
	high = fcntl(files[0], F_DUPFD_CLOEXEC, 500);
	assert_true(high >= 500);
	for (int order = 0; order < 5 * 5 * 5 * 5 * 5; order++) {
		const int choices[] = { files[0], files[1], files[2], files[3], high };
		int fds[] = { choices[order % 5], choices[order / 5 % 5], choices[order / 25 % 5],
			      choices[order / 125 % 5], choices[order / 625] };
		const int all[] = { files[3], -1, files[0], fds[0], fds[1], fds[2], fds[3], fds[4] };
		struct spawn spawn = { SPAWN_INIT, .path = self, .argv = report_argv, .fds = fds, .n_fds = 5 };
		CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;

		/* All of them would take seconds; this visits each value at each place. */
		if (order % 31)
			continue;
		spawn.stdin_fd = files[3];
		spawn.stderr_fd = files[0];
		assert_int_equal(run(&spawn, NULL, &output), 0);
		assert_fds(output.data, all, 8);
	}
	for (int i = 0; i < 4; i++)
		close(files[i]);
	close(high);
}

static void test_standard_descriptors_crossed(void **state)
{
	struct spawn spawn = { SPAWN_INIT, .path = self, .argv = report_argv };
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;
	const int fds[] = { 1, 0, 2 };
	int saved[3], files[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 100);
		files[i] = memfd_create("standard", MFD_CLOEXEC);
		dup2(files[i], i);
	}
	spawn.stdin_fd = 2;
	spawn.stderr_fd = 0;
	spawn.fds = fds;
	spawn.n_fds = 3;
	if (!run(&spawn, NULL, &output))
		assert_fds(output.data, (const int[]){ files[2], -1, files[0], files[1], files[0], files[2] }, 6);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
		close(files[i]);
	}
	assert_non_null(output.data);
}

/* A host without 0, 1 and 2: what is opened meanwhile lands there. */
static void test_host_without_standard_descriptors(void **state)
{
	struct spawn spawn = { SPAWN_INIT, .path = self, .argv = report_argv };
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;
	int saved[3], error;

	(void)state;
	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 100);
		close(i);
	}
	error = run(&spawn, NULL, &output);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	assert_int_equal(error, 0);
	assert_fds(output.data, (const int[]){ -1, -1, -1 }, 3);
}

static void test_enters_cgroups(void **state)
{
	struct spawn spawn = { SPAWN_INIT, .path = self, .argv = report_argv };
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;
	/* Files in the place of cgroup.procs show what is written. */
	const int first = memfd_create("first", MFD_CLOEXEC), second = memfd_create("second", MFD_CLOEXEC);
	const int cgroup_fds[] = { first, second, -1 };
	char bytes[4] = "";

	(void)state;
	spawn.cgroup_fds = cgroup_fds;
	assert_int_equal(run(&spawn, NULL, &output), 0);
	assert_int_equal(pread(first, bytes, sizeof(bytes), 0), 1);
	assert_int_equal(bytes[0], '0');
	assert_int_equal(pread(second, bytes, sizeof(bytes), 0), 1);
	assert_fds(output.data, (const int[]){ -1, -1, -1 }, 3);
	close(first);
	close(second);
}

static void test_pidfd(void **state)
{
	const char *const argv[] = { "sleep", "1000", NULL };
	struct spawn spawn = { SPAWN_INIT, .path = "/bin/sleep", .argv = argv };
	int pidfd = -1, before = count_fds();

	(void)state;
	/* Ignored or blocked signals would not be for sleep. */
	signal(SIGTERM, SIG_IGN);
	assert_int_equal(spawn_program(&spawn, &pidfd), 0);
	signal(SIGTERM, SIG_DFL);
	assert_true(pidfd >= 0);
	assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(count_fds(), before + 1);
	assert_no_children();
	assert_false(ends_within(pidfd, 20));
	assert_int_equal(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0), 0);
	assert_true(ends_within(pidfd, 5000));
	close(pidfd);
}

static void assert_failure(const struct spawn *spawn, int error)
{
	int pidfd = -1, before = count_fds();

	assert_int_equal(spawn_program(spawn, &pidfd), error);
	assert_int_equal(pidfd, -1);
	assert_int_equal(spawn_program(spawn, NULL), error);
	assert_int_equal(count_fds(), before);
	assert_no_children();
}

static void test_failures_leave_nothing(void **state)
{
	const char *const argv[] = { "program", NULL }, *const none[] = { NULL };
	const int closed[] = { 999 }, negative[] = { -1 }, good_then_closed[] = { 2, 999, -1 };
	struct spawn spawn = { SPAWN_INIT, .path = "/nonexistent/program", .argv = argv };

	(void)state;
	assert_failure(&spawn, -ENOENT);
	spawn.path = "/etc/passwd";
	assert_failure(&spawn, -EACCES);
	spawn.path = "/";
	assert_failure(&spawn, -EACCES);
	spawn.path = "bin/true";
	assert_failure(&spawn, -EINVAL);
	spawn.path = NULL;
	assert_failure(&spawn, -EINVAL);
	spawn.path = "/bin/true";
	spawn.argv = none;
	assert_failure(&spawn, -EINVAL);
	spawn.argv = NULL;
	assert_failure(&spawn, -EINVAL);
	spawn.argv = argv;
	spawn.stdin_fd = 999;
	assert_failure(&spawn, -EBADF);
	spawn.stdin_fd = -1;
	spawn.fds = closed;
	spawn.n_fds = 1;
	assert_failure(&spawn, -EBADF);
	spawn.fds = negative;
	assert_failure(&spawn, -EBADF);
	spawn.n_fds = 100000;
	assert_failure(&spawn, -EINVAL);
	spawn.n_fds = 0;
	spawn.cgroup_fds = good_then_closed + 1;
	assert_failure(&spawn, -EBADF);
}

static void test_program_of_an_unknown_format(void **state)
{
	const char *const argv[] = { "program", NULL };
	char path[] = "/tmp/test_spawn.XXXXXX";
	struct spawn spawn = { SPAWN_INIT, .path = path, .argv = argv };
	int fd = mkostemp(path, O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fs_write_full(fd, "neither ELF nor #!", 18), 0);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
	assert_failure(&spawn, -ENOEXEC);
	assert_int_equal(unlink(path), 0);
}

static void test_full_descriptor_table(void **state)
{
	const char *const argv[] = { "true", NULL };
	struct spawn spawn = { SPAWN_INIT, .path = "/bin/true", .argv = argv };
	int pidfd = -1, error, error_without, next = dup(2), before = count_fds();
	struct rlimit limit, low;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)next + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	error = spawn_program(&spawn, &pidfd);
	error_without = spawn_program(&spawn, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(error, -EMFILE);
	assert_int_equal(pidfd, -1);
	assert_int_equal(error_without, -EMFILE);
	assert_int_equal(count_fds(), before);
	assert_no_children();
	close(next);
}

/* Neither the intermediate nor the program may be made, or only the first: a user of one, two, three processes. */
static int check_process_limit(void)
{
	const char *const argv[] = { "true", NULL };
	struct spawn spawn = { SPAWN_INIT, .path = "/bin/true", .argv = argv };
	int before = count_fds(), refused = 0;

	if (!geteuid() && (setgid(64999) || setuid(64999)))
		return 1;
	for (rlim_t n = 0; n < 4; n++) {
		struct rlimit limit = { .rlim_cur = n, .rlim_max = RLIM_INFINITY };
		int pidfd = -1, error;

		if (getrlimit(RLIMIT_NPROC, &limit))
			return 2;
		limit.rlim_cur = n;
		if (setrlimit(RLIMIT_NPROC, &limit))
			return 3;
		error = spawn_program(&spawn, &pidfd);
		if (error && error != -EAGAIN)
			return 4;
		refused += error != 0;
		if ((pidfd < 0) != (error != 0))
			return 5;
		/* The next round counts processes again. */
		if (pidfd >= 0 && !ends_within(pidfd, 5000))
			return 6;
		if (pidfd >= 0)
			close(pidfd);
		if (count_fds() != before)
			return 7;
		if (waitid(P_ALL, 0, NULL, WEXITED | WNOHANG | __WALL) != -1 || errno != ECHILD)
			return 8;
	}
	return refused >= 2 ? 0 : 9;
}

static void test_process_limit(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (!child)
		_exit(check_process_limit());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment_directory_session),
		cmocka_unit_test(test_default_environment),
		cmocka_unit_test(test_signals_are_reset),
		cmocka_unit_test(test_no_descriptors_but_null),
		cmocka_unit_test(test_descriptors_that_overlap),
		cmocka_unit_test(test_standard_descriptors_crossed),
		cmocka_unit_test(test_host_without_standard_descriptors),
		cmocka_unit_test(test_enters_cgroups),
		cmocka_unit_test(test_pidfd),
		cmocka_unit_test(test_failures_leave_nothing),
		cmocka_unit_test(test_program_of_an_unknown_format),
		cmocka_unit_test(test_full_descriptor_table),
		cmocka_unit_test(test_process_limit),
	};

	if (argc > 1 && !strcmp(argv[1], "report"))
		return report();
	/* What this program was started with is no part of the tests. */
	close_range(3, ~0U, 0);
	return cmocka_run_group_tests(tests, find_self, NULL);
}

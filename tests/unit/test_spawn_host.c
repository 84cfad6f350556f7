/* SPDX-License-Identifier: Apache-2.0 */
/* What a host notices of starts: nothing. */
#include "spawn_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#define THREADS 4
#define STARTS 50

static int signals_seen;
static int waited;
static bool stop;

static void count_signal(int number)
{
	(void)number;
	__atomic_add_fetch(&signals_seen, 1, __ATOMIC_SEQ_CST);
}

/* Starts programs, every second one with a pidfd; some fail. */
static void *start_programs(void *unused)
{
	const char *const argv[] = { "true", NULL };
	uintptr_t failures = 0;

	(void)unused;
	for (int i = 0; i < STARTS; i++) {
		struct spawn spawn = { SPAWN_INIT, .path = i % 10 ? "/bin/true" : "/nonexistent", .argv = argv };
		int pidfd = -1, error = spawn_program(&spawn, i % 2 ? &pidfd : NULL);

		failures += error != (i % 10 ? 0 : -ENOENT);
		if (i % 2 && (pidfd < 0 || !ends_within(pidfd, 10000)))
			failures++;
		if (pidfd >= 0)
			close(pidfd);
	}
	return (void *)failures;
}

static void start_in_threads(void)
{
	pthread_t threads[THREADS];
	int before = count_fds();

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, start_programs, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failures = NULL;

		assert_int_equal(pthread_join(threads[i], &failures), 0);
		assert_null(failures);
	}
	assert_int_equal(count_fds(), before);
}

/* The host's own loop: it has one child, which ends when its pipe is closed. */
static void *wait_for_all(void *child)
{
	for (;;) {
		pid_t pid = waitpid(-1, NULL, 0);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid == *(pid_t *)child)
			return NULL;
		__atomic_add_fetch(&waited, 1, __ATOMIC_SEQ_CST);
		if (pid < 0)
			return NULL;
	}
}

static void test_host_with_a_handler_and_a_wait_loop(void **state)
{
	struct sigaction action = { .sa_handler = count_signal }, old;
	pthread_t waiter;
	pid_t child;
	int fds[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) ? 1 : 0);
	}
	close(fds[0]);
	signals_seen = waited = 0;
	assert_int_equal(sigaction(SIGCHLD, &action, &old), 0);
	assert_int_equal(pthread_create(&waiter, NULL, wait_for_all, &child), 0);
	start_in_threads();
	assert_int_equal(__atomic_load_n(&signals_seen, __ATOMIC_SEQ_CST), 0);
	assert_int_equal(__atomic_load_n(&waited, __ATOMIC_SEQ_CST), 0);
	/* Its own child it sees, and nothing of ours held the pipe open. */
	close(fds[1]);
	assert_int_equal(pthread_join(waiter, NULL), 0);
	assert_int_equal(__atomic_load_n(&waited, __ATOMIC_SEQ_CST), 0);
	assert_int_equal(__atomic_load_n(&signals_seen, __ATOMIC_SEQ_CST), 1);
	assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
	assert_no_children();
}

static void test_host_that_ignores_children(void **state)
{
	(void)state;
	signal(SIGCHLD, SIG_IGN);
	start_in_threads();
	assert_ptr_equal(signal(SIGCHLD, SIG_DFL), SIG_IGN);
	assert_no_children();
}

/* A host that takes whatever there is may reap the intermediate before us. */
static void *wait_for_clones(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		if (waitpid(-1, NULL, __WALL) < 0)
			sched_yield();
	}
	return unused;
}

static void test_host_that_waits_for_clones(void **state)
{
	pthread_t waiter;

	(void)state;
	stop = false;
	assert_int_equal(pthread_create(&waiter, NULL, wait_for_clones, NULL), 0);
	start_in_threads();
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	assert_int_equal(pthread_join(waiter, NULL), 0);
	assert_no_children();
}

/* Opens and closes descriptors that would leak into anything that is forked and exec'd. */
static void *open_descriptors(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		int fds[8];

		for (int i = 0; i < 8; i++)
			fds[i] = open("/", O_RDONLY); // NOLINT
		for (int i = 0; i < 8; i++)
			close(fds[i]);
	}
	return unused;
}

static void test_descriptors_of_other_threads_do_not_leak(void **state)
{
	pthread_t opener;

	(void)state;
	stop = false;
	assert_int_equal(pthread_create(&opener, NULL, open_descriptors, NULL), 0);
	for (int i = 0; i < 30; i++) {
		struct spawn spawn = { SPAWN_INIT, .path = self, .argv = report_argv };
		CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;
		const char *last;
		int pidfd = -1;

		assert_int_equal(run(&spawn, &pidfd, &output), 0);
		last = output.data ? strstr(output.data, "fd 2 ") : NULL;
		assert_true(last && !strstr(last + 1, "fd "));
		close(pidfd);
	}
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	assert_int_equal(pthread_join(opener, NULL), 0);
}

static pid_t group;

static void *interrupt_group(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		kill(-group, SIGINT);
		sched_yield();
	}
	return unused;
}

/* As from a terminal: the host handles it, the program has not left the host's process group yet. */
static int check_interrupts(void)
{
	const char *const argv[] = { "true", NULL };
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = SA_RESTART };
	pthread_t thread;
	int failures = 0;

	if (setpgid(0, 0) || sigaction(SIGINT, &action, NULL))
		return 1;
	group = getpid();
	stop = false;
	if (pthread_create(&thread, NULL, interrupt_group, NULL))
		return 2;
	for (int i = 0; i < 200; i++) {
		struct spawn spawn = { SPAWN_INIT, .path = "/bin/true", .argv = argv };

		failures += spawn_program(&spawn, NULL) != 0;
	}
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	if (pthread_join(thread, NULL))
		return 3;
	return failures ? 4 : !signals_seen;
}

static void assert_child_succeeds(int (*run_child)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child)
		_exit(run_child());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_signals_of_the_host_do_not_hit_the_program(void **state)
{
	(void)state;
	assert_child_succeeds(check_interrupts);
}

/* A subreaper, as PID 1, inherits the program and nothing else. */
static int check_subreaper(void)
{
	const char *const argv[] = { "sh", "-c", "exit 7", NULL }, *const missing[] = { "missing", NULL };
	struct spawn spawn = { SPAWN_INIT, .path = "/bin/sh", .argv = argv };
	int pidfd = -1;
	siginfo_t info = { 0 };

	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return 1;
	if (spawn_program(&spawn, &pidfd))
		return 2;
	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) || info.si_code != CLD_EXITED || info.si_status != 7)
		return 3;
	close(pidfd);
	/* What could not be started was never inherited. */
	spawn.path = "/nonexistent";
	spawn.argv = missing;
	if (spawn_program(&spawn, &pidfd) != -ENOENT)
		return 4;
	return waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD ? 0 : 5;
}

static void test_subreaper(void **state)
{
	(void)state;
	assert_child_succeeds(check_subreaper);
}

/* A cancelled thread ends where it may, not in the middle of a start. */
static void *start_until_cancelled(void *started)
{
	const char *const argv[] = { "true", NULL };
	struct spawn spawn = { SPAWN_INIT, .path = "/bin/true", .argv = argv };

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
	for (;;) {
		if (spawn_program(&spawn, NULL))
			return NULL;
		__atomic_add_fetch((int *)started, 1, __ATOMIC_SEQ_CST);
		pthread_testcancel();
	}
}

static void test_cancelled_threads(void **state)
{
	int before = count_fds();

	(void)state;
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		void *result = NULL;
		int started = 0;

		assert_int_equal(pthread_create(&thread, NULL, start_until_cancelled, &started), 0);
		while (!__atomic_load_n(&started, __ATOMIC_SEQ_CST))
			sched_yield();
		assert_int_equal(pthread_cancel(thread), 0);
		assert_int_equal(pthread_join(thread, &result), 0);
		assert_ptr_equal(result, PTHREAD_CANCELED);
	}
	assert_int_equal(count_fds(), before);
	assert_no_children();
}

static long mapped_bytes(void)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;

	assert_int_equal(fs_read(AT_FDCWD, "/proc/self/statm", 4096, &content), 0);
	return atol(content.data);
}

static void test_no_memory_is_left(void **state)
{
	const char *const argv[] = { "true", NULL };
	long before;

	(void)state;
	/* The first ones may make the C library map something. */
	start_in_threads();
	before = mapped_bytes();
	for (int i = 0; i < 50; i++) {
		struct spawn spawn = { SPAWN_INIT, .path = i % 2 ? "/bin/true" : "/nonexistent", .argv = argv };

		spawn_program(&spawn, NULL);
	}
	assert_true(mapped_bytes() <= before);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_with_a_handler_and_a_wait_loop),
		cmocka_unit_test(test_host_that_ignores_children),
		cmocka_unit_test(test_host_that_waits_for_clones),
		cmocka_unit_test(test_descriptors_of_other_threads_do_not_leak),
		cmocka_unit_test(test_signals_of_the_host_do_not_hit_the_program),
		cmocka_unit_test(test_subreaper),
		cmocka_unit_test(test_cancelled_threads),
		cmocka_unit_test(test_no_memory_is_left),
	};

	if (argc > 1 && !strcmp(argv[1], "report"))
		return report();
	close_range(3, ~0U, 0);
	return cmocka_run_group_tests(tests, find_self, NULL);
}

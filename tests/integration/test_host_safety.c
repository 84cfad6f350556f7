/* SPDX-License-Identifier: Apache-2.0 */
/* A host program loses nothing by linking libcri, and nothing of it reaches a container. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void whole_life(struct fixture *fixture, const char *name)
{
	char *sandbox = fixture_run_sandbox(fixture, name);
	char *id = fixture_start(fixture, sandbox, name, "sleep 1000");

	free(fixture_exec(fixture, id, "true", NULL));
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static atomic_int children_seen, signals_seen;
static atomic_bool stop_waiting;

static void on_child(int number)
{
	(void)number;
	atomic_fetch_add(&signals_seen, 1);
}

static void *wait_for_anything(void *data)
{
	(void)data;
	while (!atomic_load(&stop_waiting)) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			atomic_fetch_add(&children_seen, 1);
		usleep(100);
	}
	return NULL;
}

static void test_children_are_invisible(void **state)
{
	struct fixture *fixture = *state;
	struct sigaction handler = { .sa_handler = on_child }, before, after;
	pthread_t thread;

	assert_int_equal(sigaction(SIGCHLD, &handler, &before), 0);
	atomic_store(&stop_waiting, false);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_anything, NULL), 0);
	whole_life(fixture, "handler");
	atomic_store(&stop_waiting, true);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&children_seen), 0);
	assert_int_equal(atomic_load(&signals_seen), 0);
	assert_int_equal(sigaction(SIGCHLD, &before, &after), 0);
	assert_ptr_equal(after.sa_handler, on_child);
}

static void test_ignored_sigchld(void **state)
{
	struct fixture *fixture = *state;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;

	assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
	whole_life(fixture, "ignore");
	assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
}

static void test_fork(void **state)
{
	struct fixture *fixture = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		cri_list *list = NULL;
		int result = cri_sandbox_list(fixture->engine, NULL, &list, NULL);

		cri_engine_close(fixture->engine);
		_exit(result == CRI_EFORKED ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	whole_life(fixture, "after-fork");
}

struct host {
	struct {
		void (*handler)(int);
		int flags;
		uint64_t mask; /* the kernel's part; the rest of a sigset_t is whatever was there */
	} actions[65];         /* SIGRTMAX is 64, but no constant */
	struct rlimit limits[RLIM_NLIMITS];
	sigset_t mask;
	char directory[4096];
	mode_t mask_of_files;
	size_t n_descriptors;
};

static size_t count_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void look_at_host(struct host *host)
{
	memset(host, 0, sizeof(*host));
	for (int number = 1; number <= SIGRTMAX; number++) {
		struct sigaction action;

		if (sigaction(number, NULL, &action) < 0)
			continue;
		host->actions[number].handler = action.sa_handler;
		host->actions[number].flags = action.sa_flags;
		memcpy(&host->actions[number].mask, &action.sa_mask, sizeof(host->actions[number].mask));
	}
	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		getrlimit((__rlimit_resource_t)i, &host->limits[i]);
	sigprocmask(SIG_SETMASK, NULL, &host->mask);
	assert_non_null(getcwd(host->directory, sizeof(host->directory)));
	host->mask_of_files = umask(0);
	umask(host->mask_of_files);
	host->n_descriptors = count_descriptors();
}

static void test_host_is_unchanged(void **state)
{
	struct fixture *fixture = *state;
	struct host *before = malloc(sizeof(*before)), *after = malloc(sizeof(*after));
	char output[4096] = "";
	int pipe_fds[2], out, err;
	ssize_t n;

	assert_non_null(before);
	assert_non_null(after);
	fixture_close(fixture);
	look_at_host(before);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	fflush(NULL);
	out = fcntl(1, F_DUPFD_CLOEXEC, 100);
	err = fcntl(2, F_DUPFD_CLOEXEC, 100);
	dup2(pipe_fds[1], 1);
	dup2(pipe_fds[1], 2);
	fixture_open(fixture);
	whole_life(fixture, "quiet");
	fixture_close(fixture);
	fflush(NULL);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	n = read(pipe_fds[0], output, sizeof(output) - 1);
	if (n < 0)
		assert_int_equal(errno, EAGAIN);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	look_at_host(after);
	if (n > 0)
		print_error("printed: %s\n", output);
	assert_true(n < 0);
	assert_memory_equal(before, after, sizeof(*before));
	free(before);
	free(after);
	fixture_open(fixture);
}

static void test_nothing_of_the_host_in_a_container(void **state)
{
	struct fixture *fixture = *state;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	struct rlimit files, small;
	sigset_t blocked, mask;
	static const char *const grep[] = { "/bin/grep", "Sig", "/proc/self/status" };
	const cri_exec_options exec = { CRI_EXEC_OPTIONS_INIT, .command = grep, .n_command = 3 };
	cri_exec_result *result = NULL;
	char *sandbox, *id, *output;
	mode_t umask_before;
	int leak = open("/etc/passwd", O_RDONLY); /* NOLINT: without O_CLOEXEC, to be leaked */

	assert_true(leak >= 0);
	assert_int_equal(dup2(leak, 77), 77);
	setenv("HOST_SECRET", "leaked", 1);
	umask_before = umask(077);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &mask);
	sigaction(SIGPIPE, &ignore, &before);
	getrlimit(RLIMIT_NOFILE, &files);
	small = (struct rlimit){ 333, files.rlim_max };
	setrlimit(RLIMIT_NOFILE, &small);
	sandbox = fixture_run_sandbox(fixture, "clean");
	id = fixture_start(fixture, sandbox, "clean", "umask; ls /proc/self/fd | wc -l; sleep 1000");
	setrlimit(RLIMIT_NOFILE, &files);
	sigaction(SIGPIPE, &before, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	umask(umask_before);
	/* 0, 1, 2 and the directory that ls reads. */
	for (int i = 0; i < 2; i++) {
		fixture_assert_output(fixture, id, i ? "ls /proc/1/fd" : "ls /proc/self/fd | grep -v '^3$'",
				      "0\n1\n2\n");
		fixture_assert_output(fixture, id,
				      i ? "tr '\\0' '\\n' </proc/1/environ | grep -c HOST_SECRET; true"
					: "env | grep -c HOST_SECRET; true",
				      "0\n");
		fixture_assert_output(fixture, id, "umask; ulimit -n", "0022\n1024\n");
	}
	/* Not by a shell, which ignores signals of its own. */
	expect_ok(fixture, cri_container_exec_sync(fixture->engine, id, &exec, &result, fixture->call));
	assert_non_null(strstr(result->output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));
	cri_free(result);
	fixture_assert_output(fixture, id, "grep 'Max open files' /proc/1/limits | awk '{print $4}'", "1024\n");
	output = fixture_exec(fixture, id, "cat /proc/1/cgroup", NULL);
	assert_null(strstr(output, "libcri/monitors"));
	free(output);
	output = fixture_log(fixture, "clean");
	assert_non_null(strstr(output, " stdout F 0022\n"));
	free(output);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	unsetenv("HOST_SECRET");
	close(77);
	close(leak);
	cri_free(id);
	cri_free(sandbox);
}

/* A host that is nice, likely to be killed, and bound to one processor. */
static void be_disfavoured(void)
{
	FILE *score = fopen("/proc/self/oom_score_adj", "we");
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (!score || fputs("500", score) < 0 || fclose(score) || setpriority(PRIO_PROCESS, 0, 5) < 0 ||
	    sched_setaffinity(0, sizeof(one), &one) < 0)
		_exit(2);
}

static void test_scheduling_of_the_host(void **state)
{
	struct fixture *fixture = *state;
	char sandbox[65], id[65], *output;

	fixture_start_elsewhere(fixture, "nice", "sleep 1000", be_disfavoured, sandbox, id);
	for (int i = 0; i < 2; i++) {
		fixture_assert_output(fixture, id, i ? "cat /proc/1/oom_score_adj" : "cat /proc/self/oom_score_adj",
				      "0\n");
		/* Behind the name in parentheses the nice value is the 17th. */
		fixture_assert_output(fixture, id,
				      i ? "sed 's/.*) //' /proc/1/stat | cut -d ' ' -f 17"
					: "sed 's/.*) //' /proc/self/stat | cut -d ' ' -f 17",
				      "0\n");
	}
	output = fixture_exec(fixture, id,
			      "grep Cpus_allowed: /proc/1/status /proc/self/status | cut -f 2 | uniq | wc -l; "
			      "nproc",
			      NULL);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		assert_memory_equal(output, "1\n", 2);
		assert_true(atoi(output + 2) > 1);
	}
	free(output);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
}

/* The agent's service is stopped as systemd does it: every process in its cgroup is killed. */
static void test_stopped_service(void **state)
{
	struct fixture *fixture = *state;
	char group[128], path[160], text[32] = "";
	int result[2], fd, status;
	char sandbox_id[65] = "", container_id[65] = "";
	FILE *file;
	pid_t pid;

	snprintf(group, sizeof(group), "%s/libcri-service-%d",
		 access("/sys/fs/cgroup/pids", F_OK) == 0 ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup", getpid());
	assert_int_equal(mkdir(group, 0755), 0);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	assert_int_equal(pipe2(result, O_CLOEXEC), 0);
	fixture_close(fixture);
	pid = fork();
	if (pid == 0) {
		char *sandbox, *container;

		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(1);
		fixture_open(fixture);
		sandbox = fixture_run_sandbox(fixture, "service");
		container = fixture_start(fixture, sandbox, "service", "sleep 1000");
		if (write(result[1], sandbox, 64) != 64 || write(result[1], container, 64) != 64)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(result[0], sandbox_id, 64), 64);
	assert_int_equal(read(result[0], container_id, 64), 64);
	/* Nobody but the program itself is in there. */
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	assert_int_equal(atoi(text), pid);
	assert_null(fgets(text, sizeof(text), file));
	fclose(file);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(result[0]);
	close(result[1]);
	assert_int_equal(rmdir(group), 0);
	fixture_open(fixture);
	assert_int_equal(fixture_state_of(fixture, container_id), CRI_CONTAINER_RUNNING);
	free(fixture_exec(fixture, container_id, "true", NULL));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox_id, fixture->call));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_children_are_invisible),
		fixture_test(test_ignored_sigchld),
		fixture_test(test_fork),
		fixture_test(test_host_is_unchanged),
		fixture_test(test_nothing_of_the_host_in_a_container),
		fixture_test(test_scheduling_of_the_host),
		fixture_test(test_stopped_service),
	};

	return cmocka_run_group_tests_name("host safety", tests, fixture_set_up, fixture_tear_down);
}

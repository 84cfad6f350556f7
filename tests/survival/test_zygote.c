/* SPDX-License-Identifier: Apache-2.0 */
/* The process that shims are forked from: killed, idle or gone, it costs no container anything, and nothing of it
 * stays. */
#include "fixture.h"
#include "zygote_fixture.h"

#include "base/text.h"
#include "runtime/shim_process.h"
#include "runtime/shim_protocol.h"
#include "runtime/shim_zygote.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static bool ends(int pidfd, int milliseconds)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
	bool ended = poll(&poll_fd, 1, milliseconds) == 1;

	close(pidfd);
	return ended;
}

static void assert_runs(struct fixture *fixture, const char *id)
{
	char *output = fixture_exec(fixture, id, "echo alive", NULL);

	assert_string_equal(output, "alive\n");
	free(output);
}

static void test_one_for_all(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "one");
	int first = require_zygote(fixture);
	char *a = fixture_start(fixture, sandbox, "a", "sleep 1000");
	char *b = fixture_start(fixture, sandbox, "b", "sleep 1000");

	assert_runs(fixture, a);
	assert_runs(fixture, b);
	assert_int_equal(pidfd_send_signal(first, 0, NULL, 0), 0);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	close(first);
	cri_free(a);
	cri_free(b);
	cri_free(sandbox);
}

/* Its death takes no shim with it, and the next container has another. */
static void test_killed(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "killed");
	char *before = fixture_start(fixture, sandbox, "before", "sleep 1000");
	int zygote = require_zygote(fixture);
	char *after;

	assert_int_equal(pidfd_send_signal(zygote, SIGKILL, NULL, 0), 0);
	assert_true(ends(zygote, 10000));
	after = fixture_start(fixture, sandbox, "after", "sleep 1000");
	assert_runs(fixture, before);
	assert_runs(fixture, after);
	close(require_zygote(fixture));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(before);
	cri_free(after);
	cri_free(sandbox);
}

/* Killed with a request that it has not read, as it is stopped: the container is made all the same, or the caller is
 * told to try again, and nothing of it is left. */
static void test_killed_with_a_request(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "request");
	static const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "request", .image = IMAGE, .command = command, .n_command = 2,
	};
	int zygote = require_zygote(fixture);
	cri_op *op = NULL;
	char *id = NULL;

	assert_int_equal(pidfd_send_signal(zygote, SIGSTOP, NULL, 0), 0);
	expect_ok(fixture, cri_container_create_begin(fixture->engine, sandbox, &config, &op, fixture->call));
	assert_int_equal(pidfd_send_signal(zygote, SIGKILL, NULL, 0), 0);
	assert_true(ends(zygote, 10000));
	for (int i = 0, result = CRI_EAGAIN; result == CRI_EAGAIN && i < 1000; i++) {
		struct pollfd poll_fd = { .fd = cri_op_fd(op), .events = POLLIN };

		poll(&poll_fd, 1, 10000);
		result = cri_op_finish(op, &id, fixture->call);
		if (result != CRI_EAGAIN && result != 0)
			print_message("%s\n", cri_call_message(fixture->call));
		assert_true(result == CRI_EAGAIN || result == 0 || result == CRI_EUNAVAILABLE);
	}
	cri_op_free(op);
	if (id) {
		expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
		assert_runs(fixture, id);
	}
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void test_idle(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "idle");
	char *before = fixture_start(fixture, sandbox, "before", "sleep 1000");
	char *after;

	assert_true(ends(require_zygote(fixture), SHIM_ZYGOTE_MILLISECONDS + 10000));
	assert_int_equal(open_zygote(fixture), -1);
	assert_runs(fixture, before);
	after = fixture_start(fixture, sandbox, "after", "sleep 1000");
	assert_runs(fixture, after);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(before);
	cri_free(after);
	cri_free(sandbox);
}

static void test_closed(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "closed");
	char *id = fixture_start(fixture, sandbox, "closed", "sleep 1000");
	int zygote = require_zygote(fixture);

	fixture_close(fixture);
	assert_true(ends(zygote, SHIM_ZYGOTE_MILLISECONDS / 2));
	fixture_open(fixture);
	assert_runs(fixture, id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* A child of the host's that has copies of all descriptors keeps it no longer than it would idle. */
static void test_closed_beside_a_child(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "child");
	int zygote = require_zygote(fixture);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		pause();
		_exit(0);
	}
	fixture_close(fixture);
	assert_true(ends(zygote, SHIM_ZYGOTE_MILLISECONDS + 10000));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	fixture_open(fixture);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

/* Shims that end while it lives, which is their parent, are nobody's zombies. */
static void test_no_zombies(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "zombies");
	char *id = fixture_start(fixture, sandbox, "zombies", "sleep 1000");
	int shim = shim_process_open(fixture->engine, id, SHIM_PROCESS_SHIM);

	assert_true(shim >= 0);
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	for (int i = 0; i < 500 && pidfd_send_signal(shim, 0, NULL, 0) == 0; i++)
		usleep(10000);
	/* A zombie could still be signalled. */
	assert_int_equal(pidfd_send_signal(shim, 0, NULL, 0), -1);
	close(shim);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* Monitors in the pod's cgroup: each shim is started there. */
static void test_none_in_pods(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	char *sandbox, *id;

	fixture_close(fixture);
	options.monitor_cgroup = CRI_MONITOR_CGROUP_POD;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
	sandbox = fixture_run_sandbox(fixture, "pods");
	id = fixture_start(fixture, sandbox, "pods", "sleep 1000");
	assert_int_equal(open_zygote(fixture), -1);
	assert_runs(fixture, id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_close(fixture);
	fixture_open(fixture);
	cri_free(id);
	cri_free(sandbox);
}

/* A child that closes its copy of the engine leaves the parent's zygote alone. */
static void test_closed_by_a_child(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "child");
	int zygote = require_zygote(fixture);
	pid_t child = fork();
	int status = -1;
	char *id;

	assert_true(child >= 0);
	if (child == 0) {
		cri_engine_close(fixture->engine);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	id = fixture_start(fixture, sandbox, "child", "sleep 1000");
	assert_runs(fixture, id);
	assert_int_equal(pidfd_send_signal(zygote, 0, NULL, 0), 0);
	close(zygote);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* One that is stopped holds nobody up but those that need it. */
static void test_stopped(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "before");
	int zygote = require_zygote(fixture);
	char *second, *id;

	assert_int_equal(pidfd_send_signal(zygote, SIGSTOP, NULL, 0), 0);
	/* More than its socket takes: one that waited for room would wait for good. */
	alarm(120);
	for (int i = 0; i < 2000; i++)
		shim_zygote_warm(fixture->engine);
	second = fixture_run_sandbox(fixture, "beside");
	alarm(0);
	assert_int_equal(pidfd_send_signal(zygote, SIGCONT, NULL, 0), 0);
	id = fixture_start(fixture, second, "after", "sleep 1000");
	assert_runs(fixture, id);
	close(zygote);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, second, fixture->call));
	cri_free(id);
	cri_free(second);
	cri_free(sandbox);
}

static pid_t pid_of(int pidfd)
{
	char path[64], line[128];
	FILE *info;
	int pid = -1;

	assert_true(pidfd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	info = fopen(path, "re");
	assert_non_null(info);
	while (pid < 0 && fgets(line, sizeof(line), info))
		(void)sscanf(line, "Pid: %d", &pid); // NOLINT(cert-err34-c)
	(void)fclose(info);
	assert_true(pid > 0);
	return pid;
}

/* The sockets and pipes of a process. */
static size_t list_ends(pid_t pid, char ends[64][64])
{
	char path[64];
	const struct dirent *entry;
	size_t n = 0;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	fds = opendir(path);
	assert_non_null(fds);
	while ((entry = readdir(fds))) {
		ssize_t length = readlinkat(dirfd(fds), entry->d_name, ends[n], sizeof(ends[n]) - 1);

		if (length <= 0)
			continue;
		ends[n][length] = '\0';
		if (text_starts(ends[n], "socket:") || text_starts(ends[n], "pipe:"))
			n++;
		assert_true(n < 64);
	}
	closedir(fds);
	assert_true(n > 0);
	return n;
}

static void assert_nothing_shared(pid_t a, pid_t b)
{
	char of_a[64][64], of_b[64][64];
	size_t n_a = list_ends(a, of_a), n_b = list_ends(b, of_b);

	for (size_t i = 0; i < n_a; i++) {
		for (size_t j = 0; j < n_b; j++) {
			if (!strcmp(of_a[i], of_b[j]))
				fail_msg("processes %d and %d both have %s", a, b, of_a[i]);
		}
	}
}

/* An end that another process has too would hide that somebody died. */
static void test_descriptors_of_ones_own(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "own");
	char *ids[2] = { fixture_start(fixture, sandbox, "a", "sleep 1000"),
			 fixture_start(fixture, sandbox, "b", "sleep 1000") };
	int zygote = require_zygote(fixture);
	pid_t pids[2][2];

	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 2; j++) {
			int pidfd = shim_process_open(fixture->engine, ids[i],
						      j ? SHIM_PROCESS_MONITOR : SHIM_PROCESS_SHIM);

			pids[i][j] = pid_of(pidfd);
			close(pidfd);
			assert_nothing_shared(pid_of(zygote), pids[i][j]);
		}
	}
	for (size_t i = 0; i < 4; i++)
		assert_nothing_shared(pids[0][i % 2], pids[1][i / 2]);
	close(zygote);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(ids[0]);
	cri_free(ids[1]);
	cri_free(sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_one_for_all),
		fixture_test(test_killed),
		fixture_test(test_killed_with_a_request),
		fixture_test(test_idle),
		fixture_test(test_closed),
		fixture_test(test_closed_beside_a_child),
		fixture_test(test_no_zombies),
		fixture_test(test_none_in_pods),
		fixture_test(test_closed_by_a_child),
		fixture_test(test_stopped),
		fixture_test(test_descriptors_of_ones_own),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The process that shims are forked from: killed, idle or gone, it costs no container anything, and nothing of it
 * stays. */
#include "fixture.h"

#include "runtime/shim_process.h"
#include "runtime/shim_protocol.h"

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

/* A pidfd of the one whose directory is no container's, or -1. */
static int open_zygote(const struct fixture *fixture)
{
	char wanted[300];
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int found = -1;

	snprintf(wanted, sizeof(wanted), "%s/containers/---", fixture->state);
	assert_non_null(proc);
	while (found < 0 && (entry = readdir(proc))) {
		char path[300], command[1024] = "";
		int pid = atoi(entry->d_name);
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd < 0)
			continue;
		if (read(fd, command, sizeof(command) - 1) > 9 && !strcmp(command, "cri-shim") &&
		    !strncmp(command + 9, wanted, strlen(wanted)))
			found = pidfd_open(pid, 0);
		close(fd);
	}
	closedir(proc);
	return found;
}

static int require_zygote(const struct fixture *fixture)
{
	int pidfd = open_zygote(fixture);

	assert_true(pidfd >= 0);
	return pidfd;
}

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
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

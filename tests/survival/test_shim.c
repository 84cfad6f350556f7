/* SPDX-License-Identifier: Apache-2.0 */
/* cri-shim by its protocol: what clients may ask, what becomes of commands whose client goes away, and of ends that
 * nobody is there to publish. */
#include "fixture.h"

#include "base/fs.h"
#include "core/paths.h"
#include "runtime/process_exec.h"
#include "runtime/shim.h"
#include "runtime/shim_process.h"
#include "runtime/shim_protocol.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64

static int connect_shim(struct fixture *fixture, const char *id)
{
	cri_call call;
	int fd = -1;

	call_init(&call);
	fixture_expect(&call, 0, shim_connect(fixture->engine, id, &fd, &call), "shim_connect", __FILE__, __LINE__);
	return fd;
}

/* Asks with JSON text; the answer must have the code. */
static void ask(int fd, const char *text, const int *fds, size_t n_fds, int code)
{
	cJSON *request = cJSON_Parse(text);
	cri_call call;

	call_init(&call);
	assert_non_null(request);
	fixture_expect(&call, code, shim_request(fd, request, fds, n_fds, NULL, &call), text, __FILE__, __LINE__);
	cJSON_Delete(request);
}

static int record_of(struct fixture *fixture, const char *id, const char *script, bool terminal)
{
	const char *const command[] = { "/bin/sh", "-c", script };
	const struct process_exec exec = { .command = command, .n_command = 3, .terminal = terminal };
	cri_call call;
	int fd = -1;

	call_init(&call);
	fixture_expect(&call, 0, process_exec_record(fixture->engine, id, &exec, &fd, &call), "process_exec_record",
		       __FILE__, __LINE__);
	return fd;
}

/* The exit code of the connection's command. */
static int take_exit(int fd)
{
	cJSON *message = NULL;
	int64_t exit_code = -1;
	cri_call call;

	call_init(&call);
	cri_call_set_timeout(&call, 10000);
	fixture_expect(&call, 0, shim_receive(fd, &message, NULL, NULL, &call), "shim_receive", __FILE__, __LINE__);
	assert_int_equal(json_int64(message, "exit_code", &exit_code), 0);
	cJSON_Delete(message);
	return (int)exit_code;
}

/* Starts a script in a container; its connection. */
static int start_exec(struct fixture *fixture, const char *id, const char *script)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int record = record_of(fixture, id, script, false);
	const int fds[] = { record, null, null, null };
	int fd = connect_shim(fixture, id);

	ask(fd, "{\"op\":\"exec\",\"go\":true}", fds, 4, 0);
	close(record);
	close(null);
	return fd;
}

/* Prepares a script with a terminal, starts it, and answers the master's descriptor. */
static int start_terminal(struct fixture *fixture, const char *id, const char *script, int *fd)
{
	static const char go[] = "{\"op\":\"go\"}";
	int record = record_of(fixture, id, script, true);
	int fds[16];
	size_t n_fds = 0;
	cri_call call;

	call_init(&call);
	*fd = connect_shim(fixture, id);
	ask(*fd, "{\"op\":\"exec\",\"terminal\":true}", &record, 1, 0);
	close(record);
	assert_int_equal(send(*fd, go, strlen(go), MSG_NOSIGNAL), strlen(go));
	fixture_expect(&call, 0, shim_receive(*fd, NULL, fds, &n_fds, &call), go, __FILE__, __LINE__);
	assert_int_equal(n_fds, 1);
	return fds[0];
}

/* Waits until so many processes of the container have a command line with `word`. */
static void await_processes(struct fixture *fixture, const char *id, const char *word, int expected)
{
	char script[128];
	int found = -1;

	snprintf(script, sizeof(script), "ps | grep -c '[%c]%s'; true", word[0], word + 1);
	for (int i = 0; i < 200 && found != expected; i++) {
		char *output = fixture_exec(fixture, id, script, NULL);

		found = atoi(output);
		free(output);
		if (found != expected)
			usleep(20000);
	}
	assert_int_equal(found, expected);
}

static void test_requests(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "requests");
	char *id = fixture_create(fixture, sandbox, "requests", "sleep 1000");
	char *long_text = calloc(1, SHIM_MESSAGE_MAX + 2);
	int record = record_of(fixture, id, "true", false);
	int fd = connect_shim(fixture, id);
	cri_call call;

	ask(fd, "{\"op\":\"status\"}", NULL, 0, 0);
	ask(fd, "{\"op\":\"nosuch\"}", NULL, 0, CRI_ENOTSUP);
	ask(fd, "{}", NULL, 0, CRI_EINVAL);
	ask(fd, "[]", NULL, 0, CRI_EINVAL);
	ask(fd, "{\"op\":\"exec\"}", NULL, 0, CRI_EINVAL);
	ask(fd, "{\"op\":\"exec\"}", &record, 1, CRI_EPRECONDITION);
	ask(fd, "{\"op\":\"go\"}", NULL, 0, CRI_EPRECONDITION);
	ask(fd, "{\"op\":\"start\",\"unknown\":[1]}", NULL, 0, 0);
	ask(fd, "{\"op\":\"start\"}", NULL, 0, CRI_EPRECONDITION);
	ask(fd, "{\"op\":\"signal\",\"signal\":65}", NULL, 0, CRI_EINVAL);
	ask(fd, "{\"op\":\"signal\"}", NULL, 0, CRI_EINVAL);
	ask(fd, "{\"op\":\"resize\",\"columns\":80,\"rows\":25}", NULL, 0, CRI_EPRECONDITION);
	ask(fd, "{\"op\":\"resize\",\"columns\":80,\"rows\":-1}", NULL, 0, CRI_EINVAL);
	ask(fd, "{\"op\":\"exec\",\"go\":true}", &record, 1, CRI_EINVAL);
	ask(fd, "{\"op\":\"exec\",\"go\":7}", &record, 1, CRI_EINVAL);
	/* What is no JSON, and what is too long, is told so, and the connection stays. */
	assert_int_equal(send(fd, "\0{", 2, MSG_NOSIGNAL), 2);
	call_init(&call);
	fixture_expect(&call, CRI_EINVAL, shim_receive(fd, NULL, NULL, NULL, &call), "bytes", __FILE__, __LINE__);
	memset(long_text, ' ', SHIM_MESSAGE_MAX + 1);
	assert_int_equal(send(fd, long_text, SHIM_MESSAGE_MAX + 1, MSG_NOSIGNAL), SHIM_MESSAGE_MAX + 1);
	call_init(&call);
	fixture_expect(&call, CRI_EINVAL, shim_receive(fd, NULL, NULL, NULL, &call), "length", __FILE__, __LINE__);
	ask(fd, "{\"op\":\"status\"}", NULL, 0, 0);
	close(fd);
	close(record);
	free(long_text);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* More clients than the shim serves at once wait, and come when others leave. */
static void test_many_connections(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "many");
	char *id = fixture_start(fixture, sandbox, "many", "sleep 1000");
	int fds[CONNECTIONS_MAX + 8];
	struct pollfd poll_fd = { .events = POLLIN };

	for (size_t i = 0; i < CONNECTIONS_MAX + 8; i++)
		fds[i] = connect_shim(fixture, id);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		ask(fds[i], "{\"op\":\"status\"}", NULL, 0, 0);
	poll_fd.fd = fds[CONNECTIONS_MAX + 7];
	assert_int_equal(send(poll_fd.fd, "{\"op\":\"status\"}", 15, MSG_NOSIGNAL), 15);
	assert_int_equal(poll(&poll_fd, 1, 100), 0);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		close(fds[i]);
	assert_int_equal(poll(&poll_fd, 1, 10000), 1);
	for (size_t i = CONNECTIONS_MAX; i < CONNECTIONS_MAX + 8; i++)
		close(fds[i]);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void test_abandoned_command(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "abandoned");
	char *id = fixture_start(fixture, sandbox, "abandoned", "sleep 1000");
	int fd = start_exec(fixture, id, "sleep 4321 & sleep 4321 & sleep 4321");

	await_processes(fixture, id, "sleep 4321", 3);
	close(fd);
	await_processes(fixture, id, "sleep 4321", 0);
	/* Not more than what it started. */
	await_processes(fixture, id, "sleep 1000", 1);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void test_command_at_the_end(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "end");
	char *id = fixture_start(fixture, sandbox, "end", "sleep 1000");
	int quick = start_exec(fixture, id, "exit 3");
	int killed = start_exec(fixture, id, "kill -USR1 $$");
	int lasting = start_exec(fixture, id, "sleep 1000");

	assert_int_equal(take_exit(quick), 3);
	assert_int_equal(take_exit(killed), 128 + SIGUSR1);
	/* A connection may have one command after the other. */
	ask(quick, "{\"op\":\"status\"}", NULL, 0, 0);
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	assert_int_equal(take_exit(lasting), 128 + SIGKILL);
	close(quick);
	close(killed);
	close(lasting);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void read_until(int master, const char *expected)
{
	char text[4096];
	size_t length = 0;
	struct pollfd poll_fd = { .fd = master, .events = POLLIN };

	for (;;) {
		ssize_t n;

		assert_int_equal(poll(&poll_fd, 1, 10000), 1);
		n = read(master, text + length, sizeof(text) - length - 1);
		assert_true(n > 0);
		length += (size_t)n;
		text[length] = '\0';
		if (strstr(text, expected))
			return;
	}
}

static void test_terminal(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "terminal");
	char *id = fixture_start(fixture, sandbox, "terminal", "sleep 1000");
	int fd, master;

	master = start_terminal(fixture, id, "tty; read x; stty size; exit 5", &fd);
	read_until(master, "/dev/pts/");
	ask(fd, "{\"op\":\"resize\",\"columns\":101,\"rows\":33}", NULL, 0, 0);
	assert_int_equal(write(master, "\n", 1), 1);
	read_until(master, "33 101");
	assert_int_equal(take_exit(fd), 5);
	close(master);
	close(fd);
	/* A signal is the command's, not the container's. */
	master = start_terminal(fixture, id, "trap 'exit 6' USR1; echo ready; while :; do sleep 0.02; done", &fd);
	read_until(master, "ready");
	ask(fd, "{\"op\":\"signal\",\"signal\":10}", NULL, 0, 0);
	assert_int_equal(take_exit(fd), 6);
	close(master);
	close(fd);
	master = start_terminal(fixture, id, "sleep 4321", &fd);
	await_processes(fixture, id, "sleep 4321", 1);
	close(master);
	close(fd);
	await_processes(fixture, id, "sleep 4321", 0);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* Not pid 1 of a namespace, which would take no such signal. liblxc sees a wish to reboot in this death. */
static void test_hang_up(void **state)
{
	struct fixture *fixture = *state;
	const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "hup", .pid = CRI_NAMESPACE_NODE };
	const char *const command[] = { "/bin/sleep", "1000" };
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "hup", .image = IMAGE, .command = command, .n_command = 2,
	};
	char *sandbox = NULL, *id = NULL;

	config.pid = CRI_NAMESPACE_NODE;
	expect_ok(fixture, cri_sandbox_run(fixture->engine, &pod, NULL, &sandbox, fixture->call));
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_container_signal(fixture->engine, id, "HUP", fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 128 + SIGHUP);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* The kernel refuses a limit while the shim starts, which therefore never hears "go". */
static void test_abandoned_at_its_start(void **state)
{
	struct fixture *fixture = *state;
	const cri_resources resources = { CRI_RESOURCES_INIT, .cpuset_cpus = "4095" };
	const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "abandoned", .image = IMAGE,
		.command = command,        .n_command = 2,      .resources = &resources,
	};
	char *sandbox = fixture_run_sandbox(fixture, "abandoned");
	char *id = NULL;

	assert_true(cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call) < 0);
	assert_non_null(strstr(cri_call_message(fixture->call), "cpuset"));
	assert_null(id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(sandbox);
}

static void signal_helper(struct fixture *fixture, const char *id, enum shim_process process, int signal)
{
	int pidfd = shim_process_open(fixture->engine, id, process);
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

	assert_true(pidfd >= 0);
	assert_int_equal(pidfd_send_signal(pidfd, signal, NULL, 0), 0);
	if (signal == SIGKILL)
		assert_int_equal(poll(&poll_fd, 1, 10000), 1);
	close(pidfd);
}

static void await_file(const char *path)
{
	for (int i = 0; i < 500 && access(path, F_OK) < 0; i++)
		usleep(20000);
	assert_int_equal(access(path, F_OK), 0);
}

/* The shim dies, then the container writes and ends, and nobody resumes: the monitor writes the last lines. */
static void test_last_lines_without_a_shim(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "lines");
	char *id =
		fixture_start(fixture, sandbox, "lines",
			      "while [ ! -e /tmp/go ]; do sleep 0.02; done; sleep 0.3; seq 1000; printf end; exit 9");
	char path[PATH_MAX], expected[32];
	char *log, *at;

	free(fixture_exec(fixture, id, "touch /tmp/go", NULL));
	signal_helper(fixture, id, SHIM_PROCESS_SHIM, SIGKILL);
	await_file(path_exit(fixture->engine, id, path));
	log = at = fixture_log(fixture, "lines");
	for (int i = 1; i <= 1000; i++) {
		snprintf(expected, sizeof(expected), " stdout F %d\n", i);
		at = strstr(at, expected);
		assert_non_null(at);
	}
	assert_non_null(strstr(at, " stdout P end\n"));
	free(log);
	assert_int_equal(fixture_wait(fixture, id), 9);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* The container has ended and its exit record is written, but the shim is stopped before it publishes. */
static char *end_unpublished(struct fixture *fixture, const char *sandbox, const char *name)
{
	char *id = fixture_start(fixture, sandbox, name, "echo line; sleep 0.3; exit 7");
	char path[PATH_MAX];

	/* With a command of an exec it would not end: its zombie is the shim's to reap. */
	signal_helper(fixture, id, SHIM_PROCESS_SHIM, SIGSTOP);
	await_file(path_container(fixture->engine, id, "exit", path));
	return id;
}

static void test_killed_while_publishing(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "publish");
	char path[PATH_MAX];
	char *id, *log;

	/* The shim alone: the monitor publishes. */
	id = end_unpublished(fixture, sandbox, "one");
	signal_helper(fixture, id, SHIM_PROCESS_SHIM, SIGKILL);
	await_file(path_exit(fixture->engine, id, path));
	assert_int_equal(fixture_wait(fixture, id), 7);
	log = fixture_log(fixture, "one");
	assert_non_null(strstr(log, " stdout F line\n"));
	free(log);
	cri_free(id);
	/* The monitor alone: its record stands, the shim publishes it. */
	id = end_unpublished(fixture, sandbox, "two");
	signal_helper(fixture, id, SHIM_PROCESS_MONITOR, SIGKILL);
	signal_helper(fixture, id, SHIM_PROCESS_SHIM, SIGCONT);
	assert_int_equal(fixture_wait(fixture, id), 7);
	cri_free(id);
	/* Both: the record is read where it is. */
	id = end_unpublished(fixture, sandbox, "three");
	signal_helper(fixture, id, SHIM_PROCESS_MONITOR, SIGKILL);
	signal_helper(fixture, id, SHIM_PROCESS_SHIM, SIGKILL);
	assert_int_equal(fixture_wait(fixture, id), 7);
	assert_int_equal(fixture_state_of(fixture, id), CRI_CONTAINER_EXITED);
	cri_free(id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

/* A creation that fails inside, or that nobody waits for any more, leaves nothing and says why. */
static void test_failed_creation(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "failed");
	const char *const options[] = { "nosuchoption" };
	const cri_mount mount = {
		CRI_MOUNT_INIT,           .host_path = "/tmp",  .container_path = "/data",
		.mount_options = options, .n_mount_options = 1,
	};
	const cri_mount *const mounts[] = { &mount };
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "failed", .image = IMAGE };
	char *id = NULL;
	int expired = 0;

	config.mounts = mounts;
	config.n_mounts = 1;
	expect_code(fixture, CRI_EINVAL, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "nosuchoption"));
	config.n_mounts = 0;
	/* How far it comes depends on the machine; one that is done in time is no failure. */
	for (int timeout = 1; timeout <= 4; timeout++) {
		int result;

		cri_call_set_timeout(fixture->call, timeout);
		result = cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call);
		cri_call_reset(fixture->call);
		if (result == 0) {
			expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
			cri_free(id);
			id = NULL;
			continue;
		}
		fixture_expect(fixture->call, CRI_ETIMEDOUT, result, "a creation with a deadline", __FILE__, __LINE__);
		assert_null(id);
		expired++;
	}
	assert_true(expired > 0);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_requests),
		fixture_test(test_many_connections),
		fixture_test(test_abandoned_command),
		fixture_test(test_command_at_the_end),
		fixture_test(test_terminal),
		fixture_test(test_hang_up),
		fixture_test(test_abandoned_at_its_start),
		fixture_test(test_last_lines_without_a_shim),
		fixture_test(test_killed_while_publishing),
		fixture_test(test_failed_creation),
	};

	return cmocka_run_group_tests_name("shim", tests, fixture_set_up, fixture_tear_down);
}

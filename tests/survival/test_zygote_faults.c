/* SPDX-License-Identifier: Apache-2.0 */
/* A zygote, or a shim of it, that can do nothing says why; one that is older than the helpers beside it works on. */
#include "fixture.h"
#include "zygote_fixture.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/socket.h"
#include "cgroup/cgroup.h"
#include "core/engine.h"
#include "runtime/shim_protocol.h"
#include "runtime/shim_start.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define NO_ID "----------------------------------------------------------------"

/* A zygote of the test's own. */
static int spawn_zygote(struct fixture *fixture, const char *const *files, size_t n_files, int cgroup)
{
	CLEANUP_JSON cJSON *enter = cJSON_CreateObject();
	char *text;
	int socket = -1;

	assert_non_null(enter);
	cJSON_AddStringToObject(enter, "op", SHIM_ENTER);
	cJSON_AddBoolToObject(enter, "zygote", true);
	cJSON_AddItemToObject(enter, "files", cJSON_CreateStringArray(files, (int)n_files));
	text = cJSON_PrintUnformatted(enter);
	assert_non_null(text);
	expect_ok(fixture, shim_spawn(fixture->engine, NO_ID, NULL, text, cgroup, &socket, fixture->call));
	free(text);
	return socket;
}

/* What is answered to a request for a shim says that. */
static void assert_refused(int zygote, const char *expected)
{
	static const char request[] = "{\"op\":\"shim\",\"directory\":\"/\"}";
	char answer[SHIM_MESSAGE_MAX + 1];
	int pair[2], fds[SOCKET_MAX_FDS];
	size_t n_fds;
	ssize_t n;

	assert_int_equal(socket_pair(pair), 0);
	assert_int_equal(socket_send(zygote, request, strlen(request), &pair[1], 1), 0);
	close(pair[1]);
	n = socket_receive(pair[0], answer, SHIM_MESSAGE_MAX, fds, &n_fds, 0);
	assert_true(n > 0);
	answer[n] = '\0';
	if (!strstr(answer, expected))
		fail_msg("\"%s\" does not say \"%s\"", answer, expected);
	close(pair[0]);
}

static void test_that_cannot_begin(void **state)
{
	static const char *const files[] = { "/no/such/cgroup/tasks" };
	int zygote = spawn_zygote(*state, files, 1, -1);
	struct pollfd end = { .fd = zygote, .events = POLLIN };

	assert_refused(zygote, files[0]);
	/* And makes way for another. */
	assert_int_equal(poll(&end, 1, 10000), 1);
	assert_int_equal(socket_send(zygote, "{}", 2, NULL, 0), -EPIPE);
	close(zygote);
}

static void test_that_cannot_fork(void **state)
{
	struct fixture *fixture = *state;
	const struct cgroup_system *cgroups = fixture->engine->cgroups;
	const cri_resources one = { CRI_RESOURCES_INIT, .pids_limit = 1 };
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct cgroup_entry entry;
	char path[128];
	int cgroup = -1;
	int zygote;

	fixture_need_controller("pids");
	snprintf(path, sizeof(path), "%s/zygote", fixture->cgroup_parent);
	expect_ok(fixture, cgroup_create(cgroups, path, fixture->call));
	expect_ok(fixture, cgroup_limit(cgroups, path, &one, fixture->call));
	expect_ok(fixture, cgroup_entry_files(cgroups, path, &arena, &entry, fixture->call));
	expect_ok(fixture, shim_open_monitor_cgroup(entry.v2_directory, &cgroup, fixture->call));
	zygote = spawn_zygote(fixture, entry.files, entry.n_files, cgroup);
	assert_refused(zygote, "fork it: Resource temporarily unavailable");
	assert_refused(zygote, "fork it: Resource temporarily unavailable");
	close(zygote);
	if (cgroup >= 0)
		close(cgroup);
	expect_ok(fixture, cgroup_kill(cgroups, path, fixture->call));
	expect_ok(fixture, cgroup_remove(cgroups, fixture->cgroup_parent, fixture->call));
}

/* An engine whose helpers are copies of their own, with a pod and its zygote, which is stopped. */
static char *open_with_copies(struct fixture *fixture, char directory[96], bool with_init, int *zygote)
{
	const char *helpers = getenv("LIBCRI_HELPER_DIRECTORY");
	cri_engine_options options = fixture_options(fixture);
	char command[512];
	char *sandbox;

	assert_non_null(helpers);
	snprintf(directory, 96, "%s/helpers", fixture->directory);
	snprintf(command, sizeof(command), "rm -rf '%s' && mkdir '%s' && cp '%s'/cri-* '%s/'", directory, directory,
		 helpers, directory);
	assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
	snprintf(command, sizeof(command), "%s/cri-init", directory);
	assert_true(with_init || unlink(command) == 0);
	options.helper_directory = directory;
	fixture_close(fixture);
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
	sandbox = fixture_run_sandbox(fixture, "copies");
	*zygote = require_zygote(fixture);
	assert_int_equal(pidfd_send_signal(*zygote, SIGSTOP, NULL, 0), 0);
	return sandbox;
}

static void close_with_copies(struct fixture *fixture, char *sandbox, const char *directory)
{
	char command[128];

	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
	fixture_close(fixture);
	fixture_open(fixture);
	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
}

/* Begins a container while the zygote is stopped, so that all is said to a shim that is not there yet. */
static int create_beside(struct fixture *fixture, const char *sandbox, int zygote, char **id)
{
	static const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "beside", .image = IMAGE, .command = command, .n_command = 2,
	};
	int result = CRI_EAGAIN;
	cri_op *op = NULL;

	expect_ok(fixture, cri_container_create_begin(fixture->engine, sandbox, &config, &op, fixture->call));
	assert_int_equal(cri_op_finish(op, id, fixture->call), CRI_EAGAIN);
	assert_int_equal(pidfd_send_signal(zygote, SIGCONT, NULL, 0), 0);
	close(zygote);
	for (int i = 0; result == CRI_EAGAIN && i < 1000; i++) {
		struct pollfd poll_fd = { .fd = cri_op_fd(op), .events = POLLIN };

		poll(&poll_fd, 1, 10000);
		result = cri_op_finish(op, id, fixture->call);
	}
	cri_op_free(op);
	return result;
}

/* A shim and cri-init are of one version, also when another is installed while the zygote lives. */
static void test_another_version(void **state)
{
	struct fixture *fixture = *state;
	char directory[96], command[400];
	int zygote;
	char *sandbox = open_with_copies(fixture, directory, true, &zygote);
	char *id = NULL;

	snprintf(command, sizeof(command), "echo another >'%s/new' && mv '%s/new' '%s/cri-init'", directory, directory,
		 directory);
	assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
	expect_ok(fixture, create_beside(fixture, sandbox, zygote, &id));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	fixture_assert_output(fixture, id, "echo alive", "alive\n");
	cri_free(id);
	close_with_copies(fixture, sandbox, directory);
}

/* A shim that fails before it looks at its order, which was sent, says why all the same. */
static void test_failure_before_the_order(void **state)
{
	struct fixture *fixture = *state;
	char directory[96];
	int zygote;
	char *sandbox = open_with_copies(fixture, directory, false, &zygote);
	char *id = NULL;
	int result = create_beside(fixture, sandbox, zygote, &id);

	if (result == 0 || !strstr(cri_call_message(fixture->call), "cri-init"))
		fail_msg("%d: \"%s\" does not name cri-init", result, cri_call_message(fixture->call));
	cri_call_reset(fixture->call);
	close_with_copies(fixture, sandbox, directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_that_cannot_begin),
		fixture_test(test_that_cannot_fork),
		fixture_test(test_another_version),
		fixture_test(test_failure_before_the_order),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

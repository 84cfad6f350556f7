/* SPDX-License-Identifier: Apache-2.0 */
/* What a container with the host's network must not reach: liblxc's abstract command socket above all, which obeys any
 * root of its network namespace. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_sockets_are_out_of_reach(void **state)
{
	struct fixture *fixture = *state;
	const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "node", .network = CRI_NAMESPACE_NODE };
	const char *const drop[] = { "ALL" };
	const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "root",           .image = IMAGE,
		.command = command,        .n_command = 2,           .network = CRI_NAMESPACE_NODE,
		.drop_capabilities = drop, .n_drop_capabilities = 1,
	};
	char *victim_pod = fixture_run_sandbox(fixture, "victim");
	char *victim = fixture_start(fixture, victim_pod, "victim", "sleep 1000");
	char *id = NULL, *sandbox = NULL, *sockets;

	expect_ok(fixture, cri_sandbox_run(fixture->engine, &pod, NULL, &sandbox, fixture->call));
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	/* It shares the test's network namespace, and finds no socket of ours in it: by the victim's id, by the state
	 * directory or by liblxc's name for its command socket. */
	sockets = fixture_exec(fixture, id, "cat /proc/net/unix", NULL);
	assert_null(strstr(sockets, victim));
	assert_null(strstr(sockets, "/command"));
	free(sockets);
	assert_int_equal(fixture_state_of(fixture, victim), CRI_CONTAINER_RUNNING);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, victim_pod, fixture->call));
	cri_free(id);
	cri_free(sandbox);
	cri_free(victim);
	cri_free(victim_pod);
}

/* The helper that a container's first process was before it executed its command cannot be written to. */
static void test_helper_binary_is_read_only(void **state)
{
	struct fixture *fixture = *state;
	const cri_sandbox_config pod = { .size = sizeof(pod), .name = "pause", .pid = CRI_NAMESPACE_POD };
	const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		.size = sizeof(config),
		.name = "root",
		.image = IMAGE,
		.command = command,
		.n_command = 2,
		.pid = CRI_NAMESPACE_POD,
	};
	char *sandbox = NULL, *id = NULL, *output;

	expect_ok(fixture, cri_sandbox_run(fixture->engine, &pod, NULL, &sandbox, fixture->call));
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	/* Process 1 is the pause process, which is cri-init itself. */
	output = fixture_exec(fixture, id, "(echo x >>/proc/1/exe) 2>&1; grep -c . /proc/1/exe >/dev/null; true", NULL);
	assert_true(strstr(output, "Read-only") || strstr(output, "denied") || strstr(output, "busy") ||
		    strstr(output, "No such file"));
	free(output);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* An exec runs a helper in the container for a moment: what is planted there must not run with its power. */
static void test_planted_passwd(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "planted");
	char *id = fixture_start(fixture, sandbox, "planted", "sleep 1000");
	char *output;

	free(fixture_exec(fixture, id,
			  "rm -f /etc/passwd /etc/group; mkfifo /etc/passwd; ln -s /proc/self/mem /etc/group", NULL));
	/* A pipe that nobody writes must not hang it. */
	output = fixture_exec(fixture, id, "grep Uid /proc/self/status", NULL);
	assert_string_equal(output, "Uid:\t0\t0\t0\t0\n");
	free(output);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_sockets_are_out_of_reach),
		fixture_test(test_helper_binary_is_read_only),
		fixture_test(test_planted_passwd),
	};

	return cmocka_run_group_tests_name("escape", tests, fixture_set_up, fixture_tear_down);
}

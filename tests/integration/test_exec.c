/* SPDX-License-Identifier: Apache-2.0 */
/* exec_sync: what it answers, how much, and what a timeout kills. */
#include "fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void test_exec_sync(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "exec");
	char *id = fixture_start(fixture, sandbox, "exec", "sleep 1000");
	const char *const split[] = { "/bin/sh", "-c", "echo out; echo err >&2; exit 42" };
	/* Children, a child's children, and one that leads a session of its own. */
	const char *const slow[] = { "/bin/sh", "-c",
				     "sleep 1000 & setsid sleep 1000 & setsid sh -c 'sleep 1000 & sleep 1000' & "
				     "sleep 1000" };
	const char *const missing[] = { "nosuchprogram" };
	const char *const binary[] = { "/bin/sh", "-c", "printf 'a\\000b'; head -c 100000 /dev/zero" };
	cri_exec_options options = { CRI_EXEC_OPTIONS_INIT, .command = split, .n_command = 3 };
	cri_exec_result *result = NULL;
	char *processes;

	expect_ok(fixture, cri_container_exec_sync(fixture->engine, id, &options, &result, fixture->call));
	assert_int_equal(result->exit_code, 42);
	assert_string_equal(result->output, "out\n");
	assert_string_equal(result->error_output, "err\n");
	cri_free(result);
	options.command = binary;
	expect_ok(fixture, cri_container_exec_sync(fixture->engine, id, &options, &result, fixture->call));
	assert_int_equal(result->output_length, 100003);
	assert_memory_equal(result->output, "a\0b\0", 4);
	cri_free(result);
	options.command = missing;
	options.n_command = 1;
	expect_ok(fixture, cri_container_exec_sync(fixture->engine, id, &options, &result, fixture->call));
	assert_int_equal(result->exit_code, 127);
	cri_free(result);
	options.command = slow;
	options.n_command = 3;
	options.timeout = 1;
	expect_code(fixture, CRI_ETIMEDOUT,
		    cri_container_exec_sync(fixture->engine, id, &options, &result, fixture->call));
	processes = fixture_exec(fixture, id, "sleep 0.2; ps | grep -c '[s]leep 1000'", NULL);
	assert_string_equal(processes, "1\n");
	free(processes);
	options.n_command = 0;
	expect_code(fixture, CRI_EINVAL,
		    cri_container_exec_sync(fixture->engine, id, &options, &result, fixture->call));
	options.n_command = 3;
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	expect_code(fixture, CRI_EPRECONDITION,
		    cri_container_exec_sync(fixture->engine, id, &options, &result, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

struct execs {
	struct fixture *fixture;
	const char *id;
	int failure;
};

/* Until the container has ended. */
static void *exec_on_and_on(void *pointer)
{
	struct execs *execs = pointer;
	const char *const command[] = { "true" };
	const cri_exec_options options = { CRI_EXEC_OPTIONS_INIT, .command = command, .n_command = 1 };
	int result = 0;

	for (int i = 0; i < 10000 && result == 0; i++) {
		cri_exec_result *answer = NULL;

		result = cri_container_exec_sync(execs->fixture->engine, execs->id, &options, &answer, NULL);
		cri_free(answer);
	}
	/* A shim that ends answers nobody. */
	if (result != CRI_EPRECONDITION && result != CRI_EUNAVAILABLE)
		execs->failure = result ? result : CRI_EAGAIN;
	return NULL;
}

/* Killed at any moment of an exec, also while the command is on its way into it, a container ends. */
static void test_exec_at_the_end(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "end");

	cri_call_set_timeout(fixture->call, 120000);
	for (int round = 0; round < 60; round++) {
		char *id = fixture_start(fixture, sandbox, "end", "sleep 1000");
		struct execs execs = { .fixture = fixture, .id = id };
		pthread_t threads[2];

		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, exec_on_and_on, &execs), 0);
		usleep(1000 + (useconds_t)round * 137 % 5000);
		expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(execs.failure, 0);
		expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
		cri_free(id);
	}
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

static void test_exec_output_limit(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "limit");
	char *id = fixture_start(fixture, sandbox, "limit", "sleep 1000");
	const char *const command[] = { "/bin/sh", "-c", "head -c 20000000 /dev/zero; echo end >&2" };
	const cri_exec_options options = { CRI_EXEC_OPTIONS_INIT, .command = command, .n_command = 3, .timeout = 60 };
	cri_exec_result *result = NULL;

	expect_ok(fixture, cri_container_exec_sync(fixture->engine, id, &options, &result, fixture->call));
	assert_int_equal(result->exit_code, 0);
	assert_int_equal(result->output_length, 16 << 20);
	assert_true(result->truncated);
	assert_string_equal(result->error_output, "end\n");
	cri_free(result);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_exec_sync),
		fixture_test(test_exec_at_the_end),
		fixture_test(test_exec_output_limit),
	};

	return cmocka_run_group_tests_name("exec", tests, fixture_set_up, fixture_tear_down);
}

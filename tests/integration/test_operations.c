/* SPDX-License-Identifier: Apache-2.0 */
/* The _begin twins, which an event loop drives. */
#include "fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* As an event loop does it. */
static void finish(struct fixture *fixture, cri_op *op, void *output)
{
	int result;

	while ((result = cri_op_finish(op, output, fixture->call)) == CRI_EAGAIN) {
		struct pollfd fd = { .fd = cri_op_fd(op), .events = POLLIN };

		assert_true(poll(&fd, 1, 30000) == 1);
	}
	expect_ok(fixture, result);
	cri_op_free(op);
}

static void test_wait_is_pollable(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "op");
	char *id = fixture_start(fixture, sandbox, "op", "while [ ! -e /tmp/go ]; do sleep 0.02; done; exit 5");
	struct pollfd fd = { .events = POLLIN };
	cri_op *op = NULL;
	int32_t exit_code = -1;

	expect_ok(fixture, cri_container_wait_begin(fixture->engine, id, &op, fixture->call));
	/* Until it ends there is nothing to do, however often one looks. */
	for (int i = 0; i < 3; i++) {
		expect_code(fixture, CRI_EAGAIN, cri_op_finish(op, &exit_code, fixture->call));
		fd.fd = cri_op_fd(op);
		assert_int_equal(poll(&fd, 1, 0), 0);
	}
	free(fixture_exec(fixture, id, "touch /tmp/go", NULL));
	finish(fixture, op, &exit_code);
	assert_int_equal(exit_code, 5);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* Every call that can wait, by its twin. */
static void test_whole_life_by_operations(void **state)
{
	struct fixture *fixture = *state;
	cri_engine *engine = fixture->engine;
	cri_call *call = fixture->call;
	const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "ops", .log_directory = fixture->logs };
	const char *const command[] = { "/bin/sh", "-c", "trap 'exit 3' USR1; echo up; while :; do sleep 0.02; done" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "ops",  .image = IMAGE,
		.command = command,        .n_command = 3, .log_path = "ops.log",
	};
	const cri_resources resources = { CRI_RESOURCES_INIT, .cpu_shares = 100 };
	const char *const words[] = { "/bin/echo", "hi" };
	const cri_exec_options options = { CRI_EXEC_OPTIONS_INIT, .command = words, .n_command = 2 };
	cri_sandbox_filter filter = { CRI_SANDBOX_FILTER_INIT };
	cri_exec_result *result = NULL;
	char *sandbox = NULL, *id = NULL, *text = NULL;
	cri_list *list = NULL;
	int32_t exit_code = -1;
	cri_op *op = NULL;

	fixture_need_controller("cpu");
	expect_ok(fixture, cri_sandbox_run_begin(engine, &pod, NULL, &op, call));
	finish(fixture, op, &sandbox);
	filter.id = sandbox;
	expect_ok(fixture, cri_sandbox_update_resources_begin(engine, sandbox, NULL, &resources, &op, call));
	finish(fixture, op, NULL);
	expect_ok(fixture, cri_sandbox_info_json_begin(engine, sandbox, &op, call));
	finish(fixture, op, &text);
	assert_non_null(strstr(text, "\"cpu_shares\":100"));
	cri_free(text);
	expect_ok(fixture, cri_engine_status_get_begin(engine, &op, call));
	finish(fixture, op, &list);
	assert_string_equal(cri_engine_status_at(list, 0)->root, fixture->root);
	cri_list_free(list);
	expect_ok(fixture, cri_container_create_begin(engine, sandbox, &config, &op, call));
	finish(fixture, op, &id);
	expect_ok(fixture, cri_container_start_begin(engine, id, &op, call));
	finish(fixture, op, NULL);
	expect_ok(fixture, cri_container_update_resources_begin(engine, id, &resources, &op, call));
	finish(fixture, op, NULL);
	expect_ok(fixture, cri_container_exec_sync_begin(engine, id, &options, &op, call));
	finish(fixture, op, &result);
	assert_string_equal(result->output, "hi\n");
	cri_free(result);
	expect_ok(fixture, cri_sandbox_stats_get_begin(engine, sandbox, &op, call));
	finish(fixture, op, &list);
	assert_int_equal(cri_sandbox_stats_at(list, 0)->n_containers, 1);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_stats_list_begin(engine, &filter, &op, call));
	finish(fixture, op, &list);
	assert_int_equal(cri_list_count(list), 1);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_stats_list_begin(engine, NULL, &op, call));
	finish(fixture, op, &list);
	assert_int_equal(cri_list_count(list), 1);
	cri_list_free(list);
	expect_ok(fixture, cri_metrics_begin(engine, &op, call));
	finish(fixture, op, &list);
	assert_true(cri_list_count(list) > 0);
	cri_list_free(list);
	expect_ok(fixture, cri_container_reopen_log_begin(engine, id, &op, call));
	finish(fixture, op, NULL);
	fixture_await_line(fixture, "ops", " stdout F up\n");
	expect_ok(fixture, cri_container_signal_begin(engine, id, "USR1", &op, call));
	finish(fixture, op, NULL);
	expect_ok(fixture, cri_container_wait_begin(engine, id, &op, call));
	finish(fixture, op, &exit_code);
	assert_int_equal(exit_code, 3);
	expect_ok(fixture, cri_container_stop_begin(engine, id, 1, &op, call));
	finish(fixture, op, NULL);
	expect_ok(fixture, cri_container_remove_begin(engine, id, &op, call));
	finish(fixture, op, NULL);
	expect_ok(fixture, cri_sandbox_stop_begin(engine, sandbox, &op, call));
	finish(fixture, op, NULL);
	expect_ok(fixture, cri_sandbox_remove_begin(engine, sandbox, &op, call));
	finish(fixture, op, NULL);
	fixture_assert_clean(fixture);
	cri_free(id);
	cri_free(sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_wait_is_pollable),
		fixture_test(test_whole_life_by_operations),
	};

	return cmocka_run_group_tests_name("operations", tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A container's life: create, start, stop, wait, remove; status, lists, exec, its command and environment. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_whole_life(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "life");
	char *id = fixture_create(fixture, sandbox, "life", "echo out; echo err >&2; exit 3");
	const cri_container_status *status;
	cri_list *list;

	assert_int_equal(fixture_state_of(fixture, id), CRI_CONTAINER_CREATED);
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 3);
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	status = cri_container_status_at(list, 0);
	assert_int_equal(status->info.state, CRI_CONTAINER_EXITED);
	assert_int_equal(status->exit_code, 3);
	assert_string_equal(status->reason, "Error");
	assert_string_equal(status->info.image, IMAGE);
	assert_true(!strncmp(status->info.image_id, "sha256:", 7));
	assert_true(status->info.created_at <= status->started_at);
	assert_true(status->started_at <= status->finished_at);
	assert_string_equal(status->stop_signal, "SIGTERM");
	assert_true(status->has_user);
	assert_int_equal(status->uid, 0);
	assert_int_equal(status->pid, 0);
	cri_list_free(list);
	expect_code(fixture, CRI_EPRECONDITION, cri_container_start(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
	expect_code(fixture, CRI_ENOTFOUND, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	/* Stopping and removing what is gone succeed. */
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void test_completed_and_log(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "log");
	char *id = fixture_start(fixture, sandbox, "log", "echo one; printf 'no newline'");
	const cri_container_status *status;
	cri_list *list;
	char *log;

	assert_int_equal(fixture_wait(fixture, id), 0);
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	status = cri_container_status_at(list, 0);
	assert_string_equal(status->reason, "Completed");
	assert_true(!strncmp(status->log_path, fixture->logs, strlen(fixture->logs)));
	cri_list_free(list);
	log = fixture_log(fixture, "log");
	assert_non_null(strstr(log, " stdout F one\n"));
	assert_non_null(strstr(log, " stdout P no newline\n"));
	free(log);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* A grace that does not fit into nanoseconds, as kubelets give "never", is long, not none at all. */
static void test_endless_grace(struct fixture *fixture, const char *sandbox, const char *name, int64_t grace)
{
	char *id = fixture_start(fixture, sandbox, name,
				 "trap 'sleep 0.2; exit 7' TERM; echo ready; while :; do sleep 0.05; done");

	fixture_await_line(fixture, name, "ready");
	cri_call_set_timeout(fixture->call, 60000);
	expect_ok(fixture, cri_container_stop(fixture->engine, id, grace, fixture->call));
	cri_call_reset(fixture->call);
	assert_int_equal(fixture_wait(fixture, id), 7);
	expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

static void test_stop(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "stop");
	char *polite = fixture_start(fixture, sandbox, "polite",
				     "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
	char *deaf = fixture_start(fixture, sandbox, "deaf", "trap '' TERM; while :; do sleep 0.05; done");
	char *forced = fixture_start(fixture, sandbox, "forced", "sleep 1000 & sleep 1000");
	int64_t before;

	free(fixture_exec(fixture, polite,
			  "for i in $(seq 200); do grep -q '^SigCgt:.*4...$' /proc/1/status && exit; "
			  "sleep 0.02; done",
			  NULL));
	expect_ok(fixture, cri_container_stop(fixture->engine, polite, 10, fixture->call));
	assert_int_equal(fixture_wait(fixture, polite), 7);
	before = milliseconds();
	expect_ok(fixture, cri_container_stop(fixture->engine, deaf, 1, fixture->call));
	assert_true(milliseconds() - before >= 900);
	assert_int_equal(fixture_wait(fixture, deaf), 128 + SIGKILL);
	expect_ok(fixture, cri_container_stop(fixture->engine, forced, 0, fixture->call));
	assert_int_equal(fixture_wait(fixture, forced), 128 + SIGKILL);
	/* What has exited is a success, and stays listed. */
	expect_ok(fixture, cri_container_stop(fixture->engine, forced, 5, fixture->call));
	assert_int_equal(fixture_state_of(fixture, forced), CRI_CONTAINER_EXITED);
	expect_code(fixture, CRI_EINVAL, cri_container_stop(fixture->engine, forced, -1, fixture->call));
	test_endless_grace(fixture, sandbox, "endless", INT64_MAX);
	test_endless_grace(fixture, sandbox, "nearly-endless", INT64_MAX / 1000000000 + 1);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(polite);
	cri_free(deaf);
	cri_free(forced);
	cri_free(sandbox);
}

static void test_stop_signal_and_signal(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "signals");
	const char *const command[] = { "/bin/sh", "-c", "trap 'exit 9' USR1; echo up; while :; do sleep 0.02; done" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "usr1",         .image = IMAGE, .command = command, .n_command = 3,
		.stop_signal = "SIGUSR1",  .log_path = "usr1.log",
	};
	char *id = NULL;

	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_code(fixture, CRI_EPRECONDITION, cri_container_signal(fixture->engine, id, "TERM", fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_container_signal(fixture->engine, id, "NOSUCH", fixture->call));
	fixture_await_line(fixture, "usr1", " stdout F up\n");
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 10, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 9);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void test_remove_running(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "remove");
	char *running = fixture_start(fixture, sandbox, "running", "sleep 1000");
	char *created = fixture_create(fixture, sandbox, "created", "sleep 1000");

	expect_ok(fixture, cri_container_remove(fixture->engine, running, fixture->call));
	expect_ok(fixture, cri_container_remove(fixture->engine, created, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(running);
	cri_free(created);
	cri_free(sandbox);
}

static void test_start_error(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "starterror");
	const char *const missing[] = { "/no/such/program" };
	const char *const directory[] = { "/etc" };
	const cri_container_status *status;
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "missing", .image = IMAGE, .command = missing, .n_command = 1,
	};
	cri_list *list;
	char *id = NULL;

	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	assert_int_not_equal(cri_container_start(fixture->engine, id, fixture->call), 0);
	assert_non_null(strstr(cri_call_message(fixture->call), "/no/such/program"));
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	status = cri_container_status_at(list, 0);
	assert_int_equal(status->info.state, CRI_CONTAINER_EXITED);
	assert_string_equal(status->reason, "StartError");
	assert_int_equal(status->exit_code, 127);
	assert_non_null(strstr(status->message, "/no/such/program"));
	cri_list_free(list);
	cri_free(id);
	config.name = "directory";
	config.command = directory;
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	assert_int_not_equal(cri_container_start(fixture->engine, id, fixture->call), 0);
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	assert_int_equal(cri_container_status_at(list, 0)->exit_code, 126);
	cri_list_free(list);
	cri_free(id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

static void test_environment_and_directory(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "env");
	const cri_key_value a = { CRI_KEY_VALUE_INIT, .key = "A", .value = "1 2=3" };
	const cri_key_value *const envs[] = { &a };
	const char *const command[] = { "/bin/sh", "-c",
					"pwd; echo \"$A\"; id -u; id -G; env | sort; echo ready; sleep 1000" };
	const int64_t groups[] = { 4321 };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,
		.name = "env",
		.image = IMAGE,
		.command = command,
		.n_command = 3,
		.working_dir = "/made/for it",
		.envs = envs,
		.n_envs = 1,
		.log_path = "env.log",
		.has_run_as_user = true,
		.run_as_user = 1234,
		.has_run_as_group = true,
		.run_as_group = 99,
		.supplemental_groups = groups,
		.n_supplemental_groups = 1,
	};
	char *id = NULL, *output, *log;
	cri_list *list;

	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	output = fixture_exec(fixture, id, "pwd; echo \"$A\"; id -u; id -g; id -G", NULL);
	assert_string_equal(output, "/made/for it\n1 2=3\n1234\n99\n99 4321\n");
	free(output);
	fixture_await_line(fixture, "env", " stdout F ready\n");
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	assert_int_equal(cri_container_status_at(list, 0)->uid, 1234);
	assert_int_equal(cri_container_status_at(list, 0)->gid, 99);
	cri_list_free(list);
	/* Until it has written its last variable, and sleeps. */
	free(fixture_exec(fixture, id, "for i in $(seq 500); do ps | grep -q '[s]leep 1000' && exit; sleep 0.02; done",
			  NULL));
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	log = fixture_log(fixture, "env");
	assert_non_null(strstr(log, " stdout F /made/for it\n"));
	assert_non_null(strstr(log, " stdout F A=1 2=3\n"));
	assert_non_null(strstr(log, " stdout F HOSTNAME=env\n"));
	/* liblxc's own variable does not reach the program. */
	assert_null(strstr(log, "container="));
	free(log);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void test_default_command(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "default");
	const cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "shell", .image = IMAGE };
	char *id = NULL;

	/* /bin/sh reads end of file and ends. */
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 0);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

static void test_lists(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "list");
	char *other = fixture_run_sandbox(fixture, "list-other");
	char *running = fixture_start(fixture, sandbox, "running", "sleep 1000");
	char *created = fixture_create(fixture, other, "created", "true");
	cri_container_filter filter = { CRI_CONTAINER_FILTER_INIT };
	const cri_key_value label = { CRI_KEY_VALUE_INIT, .key = "no", .value = "such" };
	const cri_key_value *const labels[] = { &label };
	cri_list *list;

	expect_ok(fixture, cri_container_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 2);
	/* Newest first. */
	assert_string_equal(cri_container_at(list, 0)->id, created);
	assert_null(cri_container_at(list, 2));
	assert_null(cri_sandbox_at(list, 0));
	cri_list_free(list);
	filter.has_state = true;
	filter.state = CRI_CONTAINER_RUNNING;
	expect_ok(fixture, cri_container_list(fixture->engine, &filter, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	assert_string_equal(cri_container_at(list, 0)->id, running);
	cri_list_free(list);
	filter.sandbox_id = other;
	expect_ok(fixture, cri_container_list(fixture->engine, &filter, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	filter.has_state = false;
	filter.state = 0;
	expect_ok(fixture, cri_container_list(fixture->engine, &filter, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	cri_list_free(list);
	filter.label_selector = labels;
	filter.n_label_selector = 1;
	expect_ok(fixture, cri_container_list(fixture->engine, &filter, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, other, fixture->call));
	cri_free(running);
	cri_free(created);
	cri_free(sandbox);
	cri_free(other);
}

static void test_names(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "names");
	char *id = fixture_create(fixture, sandbox, "a_b", "true");
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "a_b", .image = IMAGE };
	char *second = NULL;

	expect_code(fixture, CRI_EEXIST,
		    cri_container_create(fixture->engine, sandbox, &config, &second, fixture->call));
	assert_null(second);
	config.attempt = 1;
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &second, fixture->call));
	cri_free(second);
	config.attempt = 2;
	config.image = "no/such:image";
	expect_code(fixture, CRI_ENOTFOUND,
		    cri_container_create(fixture->engine, sandbox, &config, &second, fixture->call));
	expect_code(fixture, CRI_ENOTFOUND,
		    cri_container_create(fixture->engine, "0123456789", &config, &second, fixture->call));
	config.image = IMAGE;
	config.name = "";
	expect_code(fixture, CRI_EINVAL,
		    cri_container_create(fixture->engine, sandbox, &config, &second, fixture->call));
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, sandbox, fixture->call));
	config.name = "late";
	expect_code(fixture, CRI_EPRECONDITION,
		    cri_container_create(fixture->engine, sandbox, &config, &second, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* The verbose map of CRI's ContainerStatus. */
static void test_information(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "info");
	char *id = fixture_start(fixture, sandbox, "info", "sleep 1000");
	char expected[128], *json = NULL;
	cri_list *list;

	expect_ok(fixture, cri_container_info_json(fixture->engine, id, &json, fixture->call));
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	snprintf(expected, sizeof(expected), "\"pid\":%d,", cri_container_status_at(list, 0)->pid);
	assert_true(cri_container_status_at(list, 0)->pid > 0);
	assert_non_null(strstr(json, expected));
	snprintf(expected, sizeof(expected), "\"sandboxID\":\"%s\"", sandbox);
	assert_non_null(strstr(json, expected));
	assert_non_null(strstr(json, cri_container_status_at(list, 0)->cgroup));
	assert_non_null(strstr(json, "\"config\":{"));
	cri_list_free(list);
	cri_free(json);
	/* A process id is told of what runs only. */
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	expect_ok(fixture, cri_container_info_json(fixture->engine, id, &json, fixture->call));
	assert_non_null(strstr(json, "\"pid\":0,"));
	cri_free(json);
	expect_code(fixture, CRI_ENOTFOUND,
		    cri_container_info_json(fixture->engine, "0123456789", &json, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* Standard input is a pipe that stays open, or /dev/null. */
static void test_standard_input(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "stdin");
	const char *const command[] = { "/bin/cat" };
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "open", .image = IMAGE,
		.command = command,        .n_command = 1, .stdin_ = true,
	};
	char *open = NULL, *closed = NULL, *output;

	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &open, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, open, fixture->call));
	config.name = "closed";
	config.stdin_ = false;
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &closed, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, closed, fixture->call));
	assert_int_equal(fixture_wait(fixture, closed), 0);
	output = fixture_exec(fixture, open, "readlink /proc/1/fd/0 | cut -d : -f 1", NULL);
	assert_string_equal(output, "pipe\n");
	free(output);
	assert_int_equal(fixture_state_of(fixture, open), CRI_CONTAINER_RUNNING);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(open);
	cri_free(closed);
	cri_free(sandbox);
}

/* Nothing is no id of something that is gone. */
static void test_without_an_id(void **state)
{
	struct fixture *fixture = *state;
	cri_engine *engine = fixture->engine;
	cri_call *call = fixture->call;
	const char *const command[] = { "true" };
	const cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "none", .image = IMAGE };
	const cri_exec_options options = { CRI_EXEC_OPTIONS_INIT, .command = command, .n_command = 1 };
	const cri_resources resources = { CRI_RESOURCES_INIT, .cpu_shares = 100 };
	cri_exec_result *result;
	cri_list *list;
	char *text;

	for (int i = 0; i < 2; i++) {
		const char *id = i ? "" : NULL;

		expect_code(fixture, CRI_EINVAL, cri_container_create(engine, id, &config, &text, call));
		expect_code(fixture, CRI_EINVAL, cri_container_start(engine, id, call));
		expect_code(fixture, CRI_EINVAL, cri_container_stop(engine, id, 0, call));
		expect_code(fixture, CRI_EINVAL, cri_container_remove(engine, id, call));
		expect_code(fixture, CRI_EINVAL, cri_container_wait(engine, id, NULL, call));
		expect_code(fixture, CRI_EINVAL, cri_container_signal(engine, id, "TERM", call));
		expect_code(fixture, CRI_EINVAL, cri_container_status_get(engine, id, &list, call));
		expect_code(fixture, CRI_EINVAL, cri_container_info_json(engine, id, &text, call));
		expect_code(fixture, CRI_EINVAL, cri_container_update_resources(engine, id, &resources, call));
		expect_code(fixture, CRI_EINVAL, cri_container_reopen_log(engine, id, call));
		expect_code(fixture, CRI_EINVAL, cri_container_exec_sync(engine, id, &options, &result, call));
		expect_code(fixture, CRI_EINVAL, cri_container_stats_get(engine, id, &list, call));
		expect_code(fixture, CRI_EINVAL, cri_sandbox_stop(engine, id, call));
		expect_code(fixture, CRI_EINVAL, cri_sandbox_remove(engine, id, call));
		expect_code(fixture, CRI_EINVAL, cri_sandbox_status_get(engine, id, &list, call));
		expect_code(fixture, CRI_EINVAL, cri_sandbox_info_json(engine, id, &text, call));
		expect_code(fixture, CRI_EINVAL, cri_sandbox_update_resources(engine, id, NULL, &resources, call));
		expect_code(fixture, CRI_EINVAL, cri_sandbox_stats_get(engine, id, &list, call));
		assert_string_equal(cri_call_message(call), "sandbox: check arguments: sandbox id: it is empty");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_whole_life),
		fixture_test(test_completed_and_log),
		fixture_test(test_stop),
		fixture_test(test_stop_signal_and_signal),
		fixture_test(test_remove_running),
		fixture_test(test_start_error),
		fixture_test(test_environment_and_directory),
		fixture_test(test_default_command),
		fixture_test(test_lists),
		fixture_test(test_names),
		fixture_test(test_information),
		fixture_test(test_standard_input),
		fixture_test(test_without_an_id),
	};

	return cmocka_run_group_tests_name("container", tests, fixture_set_up, fixture_tear_down);
}

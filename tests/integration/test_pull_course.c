/* SPDX-License-Identifier: Apache-2.0 */
/* The course of a pull: how it is watched, how it ends before its time, and several at once. */
#include "pull_fixture.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct watch {
	unsigned calls;
	cri_image_progress last;
	cri_call *cancel; /* when a layer is whole */
};

static void watch(const cri_image_progress *progress, void *data)
{
	struct watch *seen = data;

	assert_true(progress->bytes_done <= progress->bytes_total || !progress->bytes_total);
	seen->calls++;
	seen->last = *progress;
	if (seen->cancel && progress->layers_done > 0)
		cri_call_cancel(seen->cancel);
}

static void test_progress_and_cancel(void **state)
{
	struct fixture *fixture = *state;
	struct watch seen = { 0 };
	cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .progress = watch, .progress_data = &seen };
	struct builder builder;
	cri_list *list = NULL;
	char *id = NULL;

	build_image(&builder, fixture->directory, 2, 1000);
	push(&builder, pull_url, "progress", "latest", "");
	proxy_rules(&pull_proxy, "GET /blobs/%s slow 200000 1\n", builder.digests[1]);
	seen.cancel = fixture->call;
	expect_code(fixture, CRI_ECANCELED,
		    cri_image_pull(fixture->engine, pull_named("progress"), &options, &id, fixture->call));
	assert_null(id);
	cri_call_reset(fixture->call);
	expect_code(fixture, CRI_ENOTFOUND,
		    cri_image_status(fixture->engine, pull_named("progress"), &list, fixture->call));
	/* Goes on with what is there: the first layer came whole. */
	proxy_rules(&pull_proxy, "%s", "");
	seen = (struct watch){ 0 };
	expect_ok(fixture, cri_image_pull(fixture->engine, pull_named("progress"), &options, &id, fixture->call));
	assert_int_equal(log_count(&pull_proxy, builder.digests[0]), 0);
	assert_int_equal(log_count(&pull_proxy, builder.digests[1]), 1);
	assert_true(seen.calls >= 2);
	assert_string_equal(seen.last.step, "commit");
	assert_int_equal(seen.last.layers_done, 2);
	assert_int_equal(seen.last.layers_total, 2);
	assert_int_equal(seen.last.bytes_done, builder.sizes[0] + builder.sizes[1]);
	pull_remove(fixture, id);
	cri_free(id);
	/* What a cancelled pull left goes at the next open. */
	proxy_rules(&pull_proxy, "GET /blobs/%s slow 200000 1\n", builder.digests[1]);
	seen = (struct watch){ .cancel = fixture->call };
	expect_code(fixture, CRI_ECANCELED,
		    cri_image_pull(fixture->engine, pull_named("progress"), &options, &id, fixture->call));
	cri_call_reset(fixture->call);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_int_equal(count_layers(fixture), 1);
}

static void test_operation(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	cri_op *op = NULL;
	char *id = NULL;
	int result;

	build_image(&builder, fixture->directory, 2, 500);
	push(&builder, pull_url, "operation", "latest", "");
	expect_ok(fixture, cri_image_pull_begin(fixture->engine, pull_named("operation"), NULL, &op, fixture->call));
	while ((result = cri_op_finish(op, &id, fixture->call)) == CRI_EAGAIN) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };

		assert_true(poll(&ready, 1, 10000) > 0);
	}
	expect_ok(fixture, result);
	cri_op_free(op);
	pull_remove(fixture, id);
	cri_free(id);
	/* Let go in the middle. */
	proxy_rules(&pull_proxy, "GET /blobs/ slow 100000 9\n");
	expect_ok(fixture, cri_image_pull_begin(fixture->engine, pull_named("operation"), NULL, &op, fixture->call));
	for (int i = 0; i < 5; i++) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };

		(void)poll(&ready, 1, 100);
		assert_int_equal(cri_op_finish(op, &id, fixture->call), CRI_EAGAIN);
	}
	cri_op_free(op);
	assert_int_equal(count_layers(fixture), 1);
}

/* Killed in the middle: the next open leaves no layer, no temporary directory, no cgroup. */
static void test_killed(void **state)
{
	struct fixture *fixture = *state;
	char parent[100], temporary[200];
	struct builder builder;
	struct stat status;
	pid_t process;
	char *id;

	snprintf(parent, sizeof(parent), "%s", fixture->cgroup_parent);
	snprintf(temporary, sizeof(temporary), "%s/tmp", fixture->root);
	build_image(&builder, fixture->directory, 2, 500);
	push(&builder, pull_url, "killed", "latest", "");
	proxy_rules(&pull_proxy, "GET /blobs/%s slow 20000 1\n", builder.digests[1]);
	process = fork();
	assert_true(process >= 0);
	if (process == 0) {
		const cri_engine_options engine_options = fixture_options(fixture);
		const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "pod", .cgroup_parent = parent };
		const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .sandbox = &pod };
		cri_engine *engine;

		if (cri_engine_open(&engine_options, &engine, NULL) == 0)
			(void)cri_image_pull(engine, pull_named("killed"), &options, &id, NULL);
		_exit(1);
	}
	for (int i = 0; pull_count_charged(parent, false) < 2; i++) {
		assert_in_range(i, 0, 1000);
		assert_int_equal(waitpid(process, NULL, WNOHANG), 0);
		usleep(10000);
	}
	assert_int_equal(kill(process, SIGKILL), 0);
	assert_int_equal(waitpid(process, NULL, 0), process);
	/* A helper that was just being started holds its locks until it is. */
	for (int i = 0; i == 0 || count_layers(fixture) > 1 || pull_count_charged(parent, true) > 0; i++) {
		assert_in_range(i, 0, 500);
		usleep(i ? 10000 : 0);
		fixture_close(fixture);
		fixture_open(fixture);
	}
	assert_int_equal(stat(temporary, &status), 0);
	assert_int_equal(status.st_nlink, 2);
	proxy_rules(&pull_proxy, "%s", "");
	id = pull_image(fixture, pull_named("killed"));
	pull_remove(fixture, id);
	cri_free(id);
}

static void *pull_thread(void *data)
{
	struct fixture *fixture = data;
	char *id = NULL;

	return (void *)(intptr_t)(cri_image_pull(fixture->engine, pull_named("together"), NULL, &id, NULL)
					  ? 1
					  : (cri_free(id), 0));
}

/* A second process with an engine of its own. */
static pid_t pull_process(struct fixture *fixture)
{
	const cri_engine_options options = fixture_options(fixture);
	const pid_t pid = fork();
	cri_engine *engine = NULL;
	char *id = NULL;

	if (pid)
		return pid;
	if (cri_engine_open(&options, &engine, NULL) || cri_image_pull(engine, pull_named("together"), NULL, &id, NULL))
		_exit(1);
	cri_engine_close(engine);
	_exit(0);
}

static void test_together(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	pthread_t threads[2];
	pid_t process;
	void *result;
	int status;

	build_image(&builder, fixture->directory, 3, 200);
	push(&builder, pull_url, "together", "latest", "");
	proxy_rules(&pull_proxy, "GET /blobs/%s slow 200000 1\n", builder.digests[2]);
	process = pull_process(fixture);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pull_thread, fixture), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	assert_int_equal(waitpid(process, &status, 0), process);
	assert_int_equal(status, 0);
	/* Three layers and the config, once. */
	assert_int_equal(log_count(&pull_proxy, "GET .*/blobs/"), 4);
	assert_int_equal(count_layers(fixture), 4);
	pull_remove(fixture, pull_named("together"));
}

/* The example, as a program beside this one, on a terminal and without. */
static void test_example(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char output[200], program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	assert_true(length > 0);
	program[length] = '\0';
	*strstr(program, "/tests/integration/") = '\0';
	snprintf(output, sizeof(output), "%s/output", fixture->directory);
	build_image(&builder, fixture->directory, 2, 300);
	push(&builder, pull_url, "example", "latest", "");
	proxy_rules(&pull_proxy, "GET /blobs/%s slow 1000000 1\n", builder.digests[1]);
	shell("script -qec '%s/examples/pull %s %s %s' /dev/null >'%s'", program, pull_named("example"), fixture->root,
	      fixture->state, output);
	shell("grep -q '\\[#####.*\\] .* of 0.6 MB, 1 of 2 layers' '%s' && grep -q 'tag *%s:latest' '%s'", output,
	      pull_named("example"), output);
	shell("%s/examples/pull %s %s %s >'%s' && ! grep -q '#' '%s' && grep -q sha256: '%s'", program,
	      pull_named("example"), fixture->root, fixture->state, output, output, output);
	shell("! %s/examples/pull %s-absent %s %s 2>'%s' && grep -q unknown '%s'", program, pull_named("example"),
	      fixture->root, fixture->state, output, output);
	pull_remove(fixture, pull_named("example"));
	assert_int_equal(unlink(output), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_progress_and_cancel),
		fixture_test(test_operation),
		fixture_test(test_killed),
		fixture_test(test_together),
		fixture_test(test_example),
	};

	return cmocka_run_group_tests(tests, pull_set_up, pull_tear_down);
}

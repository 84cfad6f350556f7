/* SPDX-License-Identifier: Apache-2.0 */
/* Many at once: two processes that make and remove on one root, 200 pods in parallel, events of all of it. */
#include "fixture.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8

static int pod_life(cri_engine *engine, const char *name, unsigned attempt, cri_call *call)
{
	const cri_sandbox_config pod = {
		CRI_SANDBOX_CONFIG_INIT, .name = name, .uid = "storm", .namespace_ = "storm", .attempt = attempt,
	};
	static const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "one", .image = IMAGE, .command = command, .n_command = 2,
	};
	char *sandbox = NULL, *container = NULL;
	int result = cri_sandbox_run(engine, &pod, NULL, &sandbox, call);

	if (result == 0)
		result = cri_container_create(engine, sandbox, &config, &container, call);
	if (result == 0)
		result = cri_container_start(engine, container, call);
	/* Every other one is taken down by the removal of its pod. */
	if (result == 0 && attempt % 2)
		result = cri_container_stop(engine, container, 0, call);
	if (result == 0)
		result = cri_sandbox_remove(engine, sandbox, call);
	cri_free(container);
	cri_free(sandbox);
	return result;
}

struct worker {
	pthread_t thread;
	cri_engine *engine;
	char name[32];
	unsigned pods;
	int result;
	char message[512];
};

static void *work(void *data)
{
	struct worker *worker = data;
	cri_call *call;

	worker->result = cri_call_new(&call);
	for (unsigned i = 0; i < worker->pods && worker->result == 0; i++) {
		worker->result = pod_life(worker->engine, worker->name, i, call);
		snprintf(worker->message, sizeof(worker->message), "%s", cri_call_message(call));
	}
	cri_call_free(call);
	return NULL;
}

static int run_workers(cri_engine *engine, const char *prefix, unsigned pods)
{
	struct worker workers[THREADS];
	int failures = 0;

	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .engine = engine, .pods = pods };
		snprintf(workers[i].name, sizeof(workers[i].name), "%s-%d", prefix, i);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return -1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].result < 0) {
			print_error("%s: %s\n", workers[i].name, workers[i].message);
			failures++;
		}
	}
	return failures;
}

static void test_200_pods_in_parallel(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_workers(fixture->engine, "parallel", 200 / THREADS), 0);
	fixture_assert_clean(fixture);
}

static void test_two_processes(void **state)
{
	struct fixture *fixture = *state;
	int status;
	pid_t pid;

	fixture_close(fixture);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		cri_engine_options options = fixture_options(fixture);
		cri_engine *engine = NULL;

		if (cri_engine_open(&options, &engine, NULL) < 0)
			_exit(100);
		status = run_workers(engine, "child", 5);
		cri_engine_close(engine);
		_exit(status);
	}
	fixture_open(fixture);
	assert_int_equal(run_workers(fixture->engine, "parent", 5), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fixture_assert_clean(fixture);
}

/* Both want every name: of each pair exactly one gets it. */
struct rival {
	pthread_t thread;
	cri_engine *engine;
	char *ids[20];
};

static void *compete(void *data)
{
	struct rival *rival = data;

	for (unsigned i = 0; i < 20; i++) {
		const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "wanted", .attempt = i };

		cri_sandbox_run(rival->engine, &config, NULL, &rival->ids[i], NULL);
	}
	return NULL;
}

static void test_rivals_for_names(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	cri_engine *second = NULL;
	struct rival rivals[2] = { { .engine = fixture->engine } };

	expect_ok(fixture, cri_engine_open(&options, &second, fixture->call));
	rivals[1].engine = second;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&rivals[i].thread, NULL, compete, &rivals[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(rivals[i].thread, NULL);
	for (int i = 0; i < 20; i++) {
		assert_true((rivals[0].ids[i] == NULL) != (rivals[1].ids[i] == NULL));
		cri_free(rivals[0].ids[i]);
		cri_free(rivals[1].ids[i]);
	}
	cri_engine_close(second);
	fixture_clear(fixture);
}

static void test_remove_while_creating(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < 10; i++) {
		const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "raced", .attempt = i };
		static const char *const command[] = { "/bin/sleep", "1000" };
		const cri_container_config config = {
			CRI_CONTAINER_CONFIG_INIT, .name = "one", .image = IMAGE, .command = command, .n_command = 2,
		};
		char *sandbox = NULL, *container = NULL;
		cri_op *create = NULL, *remove = NULL;
		int created = CRI_EAGAIN, removed = CRI_EAGAIN;

		expect_ok(fixture, cri_sandbox_run(fixture->engine, &pod, NULL, &sandbox, fixture->call));
		expect_ok(fixture,
			  cri_container_create_begin(fixture->engine, sandbox, &config, &create, fixture->call));
		expect_ok(fixture, cri_sandbox_remove_begin(fixture->engine, sandbox, &remove, fixture->call));
		while (created == CRI_EAGAIN || removed == CRI_EAGAIN) {
			struct pollfd fds[2] = {
				{ .fd = created == CRI_EAGAIN ? cri_op_fd(create) : -1, .events = POLLIN },
				{ .fd = removed == CRI_EAGAIN ? cri_op_fd(remove) : -1, .events = POLLIN }
			};

			assert_true(poll(fds, 2, 20000) > 0);
			if (fds[0].revents)
				created = cri_op_finish(create, &container, fixture->call);
			if (fds[1].revents)
				removed = cri_op_finish(remove, NULL, fixture->call);
		}
		assert_int_equal(removed, 0);
		assert_true(created == 0 || created == CRI_EPRECONDITION || created == CRI_ENOTFOUND);
		cri_op_free(create);
		cri_op_free(remove);
		cri_free(container);
		cri_free(sandbox);
	}
	fixture_assert_clean(fixture);
}

struct creation {
	struct fixture *fixture;
	const char *sandbox;
	int result;
};

static void *create_on_and_on(void *pointer)
{
	struct creation *creation = pointer;
	const char *const command[] = { "/bin/true" };
	char name[16];
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = name,   .image = IMAGE,
					.command = command,        .n_command = 1, .pid = CRI_NAMESPACE_POD };
	cri_call *call;

	creation->result = cri_call_new(&call);
	if (creation->result < 0)
		return NULL;
	for (int i = 0; i < 1000 && creation->result == 0; i++) {
		char *id = NULL;

		snprintf(name, sizeof(name), "c%d", i);
		cri_call_set_timeout(call, 60000);
		creation->result =
			cri_container_create(creation->fixture->engine, creation->sandbox, &config, &id, call);
		cri_free(id);
	}
	if (creation->result != CRI_EPRECONDITION)
		print_error("%s: %s\n", cri_code_name(creation->result), cri_call_message(call));
	cri_call_free(call);
	return NULL;
}

/* Whatever a creation is at when its pod is stopped: it ends, and says why. */
static void test_stop_while_creating(void **state)
{
	struct fixture *fixture = *state;

	for (int round = 0; round < 30; round++) {
		const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "stopped",
						    .pid = round % 2 ? CRI_NAMESPACE_POD : CRI_NAMESPACE_CONTAINER };
		struct creation creation = { .fixture = fixture };
		pthread_t thread;
		char *id;

		expect_ok(fixture, cri_sandbox_run(fixture->engine, &config, NULL, &id, fixture->call));
		creation.sandbox = id;
		assert_int_equal(pthread_create(&thread, NULL, create_on_and_on, &creation), 0);
		usleep(3000 + (useconds_t)round * 700 % 9000);
		expect_ok(fixture, cri_sandbox_stop(fixture->engine, id, fixture->call));
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(creation.result, CRI_EPRECONDITION);
		expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
		cri_free(id);
	}
	fixture_assert_clean(fixture);
}

static void test_cancelled_and_freed_operations(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "cancel");
	static const char *const command[] = { "/bin/sleep", "1000" };
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "one", .image = IMAGE, .command = command, .n_command = 2,
	};
	cri_list *list;

	for (unsigned i = 0; i < 10; i++) {
		cri_op *op = NULL;

		config.attempt = i;
		expect_ok(fixture, cri_container_create_begin(fixture->engine, sandbox, &config, &op, fixture->call));
		if (i % 2) {
			char *id = NULL;
			int result;

			cri_op_cancel(op);
			while ((result = cri_op_finish(op, &id, fixture->call)) == CRI_EAGAIN) {
				struct pollfd fd = { .fd = cri_op_fd(op), .events = POLLIN };

				assert_true(poll(&fd, 1, 20000) == 1);
			}
			assert_true(result == CRI_ECANCELED || result == 0);
			cri_free(id);
		}
		cri_op_free(op);
	}
	expect_ok(fixture, cri_container_list(fixture->engine, NULL, &list, fixture->call));
	for (size_t i = 0; i < cri_list_count(list); i++)
		assert_int_equal(cri_container_at(list, i)->state, CRI_CONTAINER_CREATED);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(sandbox);
}

/* Every life gives its events once, in order, to a subscriber in another engine. */
static void test_events_in_order(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	cri_engine *watcher = NULL;
	cri_events *events = NULL;
	int64_t last = 0, last_time = 0;
	int counts[5] = { 0 };

	expect_ok(fixture, cri_engine_open(&options, &watcher, fixture->call));
	expect_ok(fixture, cri_events_open(watcher, -1, &events, fixture->call));
	assert_int_equal(run_workers(fixture->engine, "events", 2), 0);
	for (;;) {
		struct pollfd fd = { .fd = cri_events_fd(events), .events = POLLIN };
		cri_list *list = NULL;

		if (poll(&fd, 1, 200) == 0)
			break;
		expect_ok(fixture, cri_events_next(events, &list, fixture->call));
		for (size_t i = 0; i < cri_list_count(list); i++) {
			const cri_event *event = cri_event_at(list, i);

			assert_true(event->sequence > last);
			assert_true(event->created_at >= last_time);
			last = event->sequence;
			last_time = event->created_at;
			if (strcmp(event->container_id, event->sandbox_id) != 0)
				counts[event->type]++;
		}
		cri_list_free(list);
	}
	assert_int_equal(counts[CRI_EVENT_CREATED], 2 * THREADS);
	assert_int_equal(counts[CRI_EVENT_STARTED], 2 * THREADS);
	assert_int_equal(counts[CRI_EVENT_STOPPED], 2 * THREADS);
	assert_int_equal(counts[CRI_EVENT_DELETED], 2 * THREADS);
	cri_events_free(events);
	cri_engine_close(watcher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_200_pods_in_parallel), fixture_test(test_two_processes),
		fixture_test(test_rivals_for_names),     fixture_test(test_remove_while_creating),
		fixture_test(test_stop_while_creating),  fixture_test(test_cancelled_and_freed_operations),
		fixture_test(test_events_in_order),
	};

	return cmocka_run_group_tests_name("concurrency", tests, fixture_set_up, fixture_tear_down);
}

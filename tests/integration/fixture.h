/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the integration tests share: a root and a state directory of their own on a fresh ext4 of their own, an engine
 * with the busybox image in it, short ways to pods and containers, and the proof that nothing is left.
 */
#ifndef LIBCRI_TESTS_INTEGRATION_FIXTURE_H
#define LIBCRI_TESTS_INTEGRATION_FIXTURE_H

#include "libcri/libcri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define IMAGE "docker.io/library/busybox:latest"

struct fixture {
	char directory[64]; /* holds the rest */
	char root[96], state[96], logs[96], archive[96];
	char cgroup_parent[64]; /* "/libcri-test-<pid>" */
	cri_engine *engine;
	cri_call *call;
	int unshared;
};

/* Group set-up and tear-down for cmocka; *state is the struct fixture. The tear-down fails the group when a mount, a
 * cgroup, a process or a directory of the tests is left. */
int fixture_set_up(void **state);
/* Before each test: what a failed one left does not fail the next. */
int fixture_fresh(void **state);
#define fixture_test(function) cmocka_unit_test_setup(function, fixture_fresh)
int fixture_tear_down(void **state);

/* Options that name the fixture's directories. */
cri_engine_options fixture_options(const struct fixture *fixture);
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* Fails the test with the call's message unless `result` is `expected`. */
#define expect_code(fixture, expected, result)                                                                         \
	fixture_expect((fixture)->call, (expected), (result), #result, __FILE__, __LINE__)
#define expect_ok(fixture, result) expect_code(fixture, 0, result)
void fixture_expect(const cri_call *call, int expected, int result, const char *what, const char *file, int line);

/* A pod with INIT's defaults and the fixture's log directory; freed with cri_free. */
char *fixture_run_sandbox(struct fixture *fixture, const char *name);

/* A container of the busybox image that runs a script with /bin/sh -c; log file <name>.log. */
char *fixture_create(struct fixture *fixture, const char *sandbox, const char *name, const char *script);
char *fixture_start(struct fixture *fixture, const char *sandbox, const char *name, const char *script);

/* One with these settings, of the busybox image; without a command it sleeps. */
char *fixture_start_with(struct fixture *fixture, const char *sandbox, const cri_container_config *config);

/* A pod and a container in it by another process, which has ended; `prepare`, which may be NULL, is called in it. */
void fixture_start_elsewhere(struct fixture *fixture, const char *name, const char *script, void (*prepare)(void),
			     char sandbox[65], char container[65]);

/* Removes a pod and frees its id. */
void fixture_remove_sandbox(struct fixture *fixture, char *id);

/* exec_sync of a script; its standard output, to be freed; *exit_code may be NULL. */
char *fixture_exec(struct fixture *fixture, const char *container, const char *script, int32_t *exit_code);

/* exec_sync of a script prints that. */
void fixture_assert_output(struct fixture *fixture, const char *container, const char *script, const char *expected);

/* Waits at most ten seconds for the end. */
int32_t fixture_wait(struct fixture *fixture, const char *container);

/* Skips the test, saying so, where cgroups have no such controller ("memory"). */
void fixture_need_controller(const char *name);

cri_container_state fixture_state_of(struct fixture *fixture, const char *container);

/* The whole log file of a container, to be freed. */
char *fixture_log(struct fixture *fixture, const char *name);

/* Waits at most ten seconds for a line in it. */
void fixture_await_line(struct fixture *fixture, const char *name, const char *line);

/* Runs a command, without single quotes, in a pod's network, where it must succeed. */
void fixture_in_network(struct fixture *fixture, const char *id, const char *command);

/* How many a directory of the root has. */
size_t fixture_count_entries(const struct fixture *fixture, const char *directory);

/* No layer but the fixture's image's, no other image, and nothing half-made. */
void fixture_assert_only_image(struct fixture *fixture);

/* Removes every pod. */
void fixture_clear(struct fixture *fixture);

/* Whether a pod has a directory. After a kill the next open may leave one for the one after it: a helper that was just
 * being started holds its host's locks until it is. */
bool fixture_has_pods(const struct fixture *fixture);

/* Fails unless no mount, cgroup, process, namespace pin or directory of a pod is left. */
void fixture_assert_clean(struct fixture *fixture);

#endif

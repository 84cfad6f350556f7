/* SPDX-License-Identifier: Apache-2.0 */
/* The box that a container gets, seen from inside: devices, capabilities, limits, stats. Its mounts: test_mounts.c. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_devices(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "devices");
	cri_device zero = {
		CRI_DEVICE_INIT,
		.container_path = "/dev/mine",
		.host_path = "/dev/kmsg",
		.permissions = "r",
	};
	const cri_device *const list[] = { &zero };
	/* Reading the kernel's log asks for it. */
	const char *const add[] = { "SYSLOG" };
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "devices",       .devices = list, .n_devices = 1,
		.add_capabilities = add,   .n_add_capabilities = 1,
	};
	char *id, *refused = NULL;

	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(
		fixture, id,
		"test -c /dev/mine && dd if=/dev/mine of=/dev/null bs=8192 count=1 2>/dev/null && echo read", "read\n");
	fixture_assert_output(fixture, id, "(echo x >/dev/mine) 2>&1 | grep -c 'not permitted'", "1\n");
	fixture_assert_output(fixture, id,
			      "for d in null zero full random urandom tty ptmx; do test -c /dev/$d || echo $d; done",
			      "");
	/* No node that the cgroup denies can be used, even when it is made. */
	fixture_assert_output(fixture, id, "mknod /tmp/kmsg c 1 2; (cat /tmp/kmsg) 2>&1 | grep -c 'not permitted'",
			      "1\n");
	config.name = "refused";
	config.image = IMAGE;
	zero.permissions = "rx";
	expect_code(fixture, CRI_EINVAL,
		    cri_container_create(fixture->engine, sandbox, &config, &refused, fixture->call));
	zero.permissions = "";
	zero.host_path = "/etc/passwd";
	expect_code(fixture, CRI_EINVAL,
		    cri_container_create(fixture->engine, sandbox, &config, &refused, fixture->call));
	fixture_remove_sandbox(fixture, sandbox);
	cri_free(id);
}

static void test_capabilities(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "capabilities");
	const char *const add[] = { "NET_ADMIN" };
	const char *const drop[] = { "ALL" };
	const char *const unknown[] = { "NO_SUCH" };
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "default" };
	char *id = fixture_start_with(fixture, sandbox, &config), *refused = NULL;
	static const char capabilities[] = "grep -E '^Cap(Eff|Bnd)' /proc/1/status | cut -f 2";

	/* Docker's 14. */
	fixture_assert_output(fixture, id, capabilities, "00000000a80425fb\n00000000a80425fb\n");
	fixture_assert_output(fixture, id, "grep CapEff /proc/self/status | cut -f 2", "00000000a80425fb\n");
	cri_free(id);
	config.name = "changed";
	config.add_capabilities = add;
	config.n_add_capabilities = 1;
	config.drop_capabilities = drop;
	config.n_drop_capabilities = 1;
	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, id, capabilities, "0000000000001000\n0000000000001000\n");
	cri_free(id);
	config.name = "unprivileged";
	config.n_add_capabilities = config.n_drop_capabilities = 0;
	config.has_run_as_user = true;
	config.run_as_user = 1000;
	config.no_new_privs = true;
	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, id, "grep -E '^(CapEff|NoNewPrivs)' /proc/1/status | cut -f 2",
			      "0000000000000000\n1\n");
	fixture_assert_output(fixture, id, "grep -E '^(CapEff|NoNewPrivs)' /proc/self/status | cut -f 2",
			      "0000000000000000\n1\n");
	cri_free(id);
	config.name = "unknown";
	config.image = IMAGE;
	config.add_capabilities = unknown;
	config.n_add_capabilities = 1;
	expect_code(fixture, CRI_EINVAL,
		    cri_container_create(fixture->engine, sandbox, &config, &refused, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "NO_SUCH"));
	fixture_remove_sandbox(fixture, sandbox);
}

/* A file of the container's own cgroup, as it sees it, on v1 or on v2. */
#define LIMIT(controller, v1, v2) "cat /sys/fs/cgroup/" controller "/" v1 " 2>/dev/null || cat /sys/fs/cgroup/" v2

/* Its own cgroups are the root of what it sees, as few or as many as the host has, and only a privileged one may change
 * them. */
static void test_own_cgroups(void **state)
{
	static const char members[] = "cat /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/pids/tasks 2>/dev/null | "
				      "grep -cx 1";
	static const char count[] = "ls /sys/fs/cgroup | wc -l";
	static const char make[] = "cd /sys/fs/cgroup; [ -e cgroup.procs ] && set . || set */; "
				   "for d; do mkdir $d/made && rmdir $d/made; done 2>&1 | sed 's/.*: //' | sort -u; "
				   "mkdir made 2>&1 | sed 's/.*: //'";
	struct fixture *fixture = *state;
	const cri_sandbox_config pod = {
		CRI_SANDBOX_CONFIG_INIT,
		.name = "cgroups",
		.log_directory = fixture->logs,
		.privileged = true,
	};
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "plain" };
	char *sandbox = NULL, *plain, *privileged, *seen, *line;

	fixture_need_controller("pids");
	expect_ok(fixture, cri_sandbox_run(fixture->engine, &pod, NULL, &sandbox, fixture->call));
	plain = fixture_start_with(fixture, sandbox, &config);
	config.name = "privileged";
	config.privileged = true;
	privileged = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, plain, members, "1\n");
	fixture_assert_output(fixture, privileged, members, "1\n");
	seen = fixture_exec(fixture, privileged, count, NULL);
	assert_true(atoi(seen) > 0);
	fixture_assert_output(fixture, plain, count, seen);
	fixture_assert_output(fixture, plain, make, "Read-only file system\nRead-only file system\n");
	line = fixture_exec(fixture, privileged, make, NULL);
	assert_null(strstr(line, "Read-only"));
	free(line);
	free(seen);
	fixture_remove_sandbox(fixture, sandbox);
	cri_free(plain);
	cri_free(privileged);
}

/* cgroup.pids.max: a number above 0, or -1 for none. */
static void test_pids_annotation(void **state)
{
	struct fixture *fixture = *state;
	static const char *const bad[] = { "", "0", "-2", "1.5", " 7", "7x", "max", "9223372036854775808" };
	cri_key_value pids = { CRI_KEY_VALUE_INIT, .key = "cgroup.pids.max", .value = "-1" };
	const cri_key_value *const annotations[] = { &pids };
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,
		.name = "none",
		.annotations = annotations,
		.n_annotations = 1,
	};
	char *sandbox, *id;

	fixture_need_controller("pids");
	sandbox = fixture_run_sandbox(fixture, "pids");
	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, id, LIMIT("pids", "pids.max", "pids.max"), "max\n");
	cri_free(id);
	config.name = "seven";
	pids.value = "7";
	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, id, LIMIT("pids", "pids.max", "pids.max"), "7\n");
	cri_free(id);
	/* More than the kernel can count is a number, too. */
	config.name = "many";
	pids.value = "9223372036854775807";
	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, id, LIMIT("pids", "pids.max", "pids.max"), "max\n");
	cri_free(id);
	config.name = "bad";
	config.image = IMAGE;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		id = NULL;
		pids.value = bad[i];
		expect_code(fixture, CRI_EINVAL,
			    cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
		assert_non_null(strstr(cri_call_message(fixture->call), "cgroup.pids.max"));
		assert_null(id);
	}
	fixture_remove_sandbox(fixture, sandbox);
}

/* So little memory that not even the first process can begin. */
static void test_too_little_memory(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox;
	const cri_resources resources = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 4096 };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,
		.name = "little",
		.image = IMAGE,
		.resources = &resources,
	};
	char *id = NULL;

	fixture_need_controller("memory");
	sandbox = fixture_run_sandbox(fixture, "little");
	expect_code(fixture, CRI_EINVAL, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "memory_limit_in_bytes"));
	assert_null(id);
	fixture_remove_sandbox(fixture, sandbox);
	fixture_assert_clean(fixture);
}

static void test_limits_and_update(void **state)
{
	struct fixture *fixture = *state;
	const cri_key_value pids = { CRI_KEY_VALUE_INIT, .key = "cgroup.pids.max", .value = "20" };
	const cri_key_value bad = { CRI_KEY_VALUE_INIT, .key = "cgroup.pids.max", .value = "many" };
	const cri_key_value *const annotations[] = { &pids };
	const cri_key_value *const bad_annotations[] = { &bad };
	cri_resources resources = {
		CRI_RESOURCES_INIT,
		.cpu_period = 100000,
		.cpu_quota = 20000,
		.cpu_shares = 512,
		.memory_limit_in_bytes = 64 << 20,
	};
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,  .name = "limits",   .resources = &resources,
		.annotations = annotations, .n_annotations = 1,
	};
	char *sandbox, *id, *refused = NULL, *output;
	const cri_container_status *status;
	cri_list *list;

	fixture_need_controller("cpu");
	fixture_need_controller("memory");
	fixture_need_controller("pids");
	sandbox = fixture_run_sandbox(fixture, "limits");
	id = fixture_start_with(fixture, sandbox, &config);
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	status = cri_container_status_at(list, 0);
	assert_non_null(status->resources);
	assert_int_equal(status->resources->cpu_quota, 20000);
	cri_list_free(list);
	/* More processes than it may have. */
	output = fixture_exec(fixture, id, "for i in $(seq 40); do sleep 3 & done 2>&1 | head -1", NULL);
	assert_non_null(strstr(output, "fork"));
	free(output);
	fixture_assert_output(fixture, id, LIMIT("memory", "memory.limit_in_bytes", "memory.max"), "67108864\n");
	fixture_assert_output(fixture, id, LIMIT("pids", "pids.max", "pids.max"), "20\n");
	fixture_assert_output(fixture, id, LIMIT("cpu", "cpu.cfs_quota_us", "cpu.max") " | cut -d ' ' -f 1", "20000\n");
	fixture_assert_output(fixture, id, LIMIT("cpu", "cpu.shares", "cpu.weight") " | sed s/20/512/", "512\n");
	resources = (cri_resources){
		CRI_RESOURCES_INIT,   .memory_limit_in_bytes = 128 << 20, .pids_limit = -1, .has_oom_score_adj = true,
		.oom_score_adj = 321,
	};
	expect_ok(fixture, cri_container_update_resources(fixture->engine, id, &resources, fixture->call));
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	status = cri_container_status_at(list, 0);
	assert_int_equal(status->resources->cpu_quota, 20000);
	assert_int_equal(status->resources->memory_limit_in_bytes, 128 << 20);
	assert_int_equal(status->resources->oom_score_adj, 321);
	cri_list_free(list);
	/* What was not given is as it was. */
	fixture_assert_output(fixture, id, LIMIT("memory", "memory.limit_in_bytes", "memory.max"), "134217728\n");
	fixture_assert_output(fixture, id, LIMIT("pids", "pids.max", "pids.max"), "max\n");
	fixture_assert_output(fixture, id, LIMIT("cpu", "cpu.cfs_quota_us", "cpu.max") " | cut -d ' ' -f 1", "20000\n");
	fixture_assert_output(fixture, id, "cat /proc/1/oom_score_adj", "321\n");
	resources = (cri_resources){ CRI_RESOURCES_INIT, .cpu_shares = 1 };
	expect_code(fixture, CRI_EINVAL,
		    cri_container_update_resources(fixture->engine, id, &resources, fixture->call));
	config.name = "bad";
	config.image = IMAGE;
	config.resources = NULL;
	config.annotations = bad_annotations;
	expect_code(fixture, CRI_EINVAL,
		    cri_container_create(fixture->engine, sandbox, &config, &refused, fixture->call));
	fixture_remove_sandbox(fixture, sandbox);
	cri_free(id);
}

static void test_out_of_memory(void **state)
{
	struct fixture *fixture = *state;
	const char *const command[] = { "/bin/tail", "-c", "200000000", "/dev/zero" };
	const cri_resources resources = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 16 << 20 };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "oom", .command = command, .n_command = 4, .resources = &resources,
	};
	const cri_container_status *status;
	cri_events *events;
	cri_list *list;
	bool seen = false;
	char *sandbox, *id;

	fixture_need_controller("memory");
	sandbox = fixture_run_sandbox(fixture, "oom");
	expect_ok(fixture, cri_events_open(fixture->engine, -1, &events, fixture->call));
	id = fixture_start_with(fixture, sandbox, &config);
	assert_int_equal(fixture_wait(fixture, id), 137);
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	status = cri_container_status_at(list, 0);
	assert_string_equal(status->reason, "OOMKilled");
	cri_list_free(list);
	expect_ok(fixture, cri_events_next(events, &list, fixture->call));
	for (size_t i = 0; i < cri_list_count(list); i++)
		seen |= cri_event_at(list, i)->type == CRI_EVENT_OOM &&
			!strcmp(cri_event_at(list, i)->container_id, id);
	assert_true(seen);
	cri_list_free(list);
	cri_events_free(events);
	fixture_remove_sandbox(fixture, sandbox);
	cri_free(id);
}

static void test_stats(void **state)
{
	struct fixture *fixture = *state;
	const cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "stats" };
	const cri_container_stats *stats;
	cri_container_filter filter = { CRI_CONTAINER_FILTER_INIT };
	char *sandbox, *id;
	uint64_t cpu, bytes, inodes;
	cri_list *list;

	fixture_need_controller("memory");
	sandbox = fixture_run_sandbox(fixture, "stats");
	id = fixture_start_with(fixture, sandbox, &config);
	filter.sandbox_id = sandbox;
	expect_ok(fixture, cri_container_stats_get(fixture->engine, id, &list, fixture->call));
	stats = cri_container_stats_at(list, 0);
	assert_true(stats->cpu.usage_core_nanoseconds.known);
	assert_true(stats->memory.working_set_bytes.known && stats->memory.working_set_bytes.value > 0);
	assert_true(stats->memory.working_set_bytes.value <= stats->memory.usage_bytes.value);
	assert_true(stats->pids.known);
	assert_int_equal(stats->pids.value, 1);
	cpu = stats->cpu.usage_core_nanoseconds.value;
	bytes = stats->writable_layer.used_bytes;
	inodes = stats->writable_layer.inodes_used;
	cri_list_free(list);
	free(fixture_exec(
		fixture, id,
		"i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; dd if=/dev/zero of=/big bs=1M count=3; sync",
		NULL));
	expect_ok(fixture, cri_container_stats_list(fixture->engine, &filter, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	stats = cri_container_stats_at(list, 0);
	assert_true(stats->cpu.usage_core_nanoseconds.value > cpu + 1000000);
	cri_list_free(list);
	expect_ok(fixture, cri_container_stats_get(fixture->engine, id, &list, fixture->call));
	stats = cri_container_stats_at(list, 0);
	assert_true(stats->writable_layer.used_bytes >= bytes + (3 << 20));
	assert_int_equal(stats->writable_layer.inodes_used, inodes + 1);
	cri_list_free(list);
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	expect_ok(fixture, cri_container_stats_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	expect_ok(fixture, cri_container_stats_get(fixture->engine, id, &list, fixture->call));
	assert_int_equal(cri_container_stats_at(list, 0)->pids.value, 0);
	cri_list_free(list);
	expect_code(fixture, CRI_ENOTFOUND,
		    cri_container_stats_get(fixture->engine, "0123456789", &list, fixture->call));
	fixture_remove_sandbox(fixture, sandbox);
	cri_free(id);
}

static void test_terminal(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "terminal");
	const char *const command[] = { "/bin/sh", "-c",
					"tty; stty -a | head -1 >/dev/null && echo has one; echo err >&2" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,  .name = "terminal", .command = command, .n_command = 3,
		.log_path = "terminal.log", .tty = true,        .stdin_ = true,
	};
	char *id = fixture_start_with(fixture, sandbox, &config);
	char *log;

	assert_int_equal(fixture_wait(fixture, id), 0);
	log = fixture_log(fixture, "terminal");
	assert_non_null(strstr(log, "/dev/pts/"));
	assert_non_null(strstr(log, " stdout F has one"));
	/* One stream. */
	assert_non_null(strstr(log, " stdout F err"));
	free(log);
	fixture_remove_sandbox(fixture, sandbox);
	cri_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_devices),           fixture_test(test_capabilities),
		fixture_test(test_limits_and_update), fixture_test(test_own_cgroups),
		fixture_test(test_pids_annotation),   fixture_test(test_out_of_memory),
		fixture_test(test_too_little_memory), fixture_test(test_stats),
		fixture_test(test_terminal),
	};

	return cmocka_run_group_tests_name("box", tests, fixture_set_up, fixture_tear_down);
}

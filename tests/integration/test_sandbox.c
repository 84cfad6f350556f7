/* SPDX-License-Identifier: Apache-2.0 */
/* A pod's life and its box: names, filters, namespaces, hostname, files, shared memory, sysctls. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *run(struct fixture *fixture, const cri_sandbox_config *config)
{
	char *id = NULL;

	expect_ok(fixture, cri_sandbox_run(fixture->engine, config, NULL, &id, fixture->call));
	return id;
}

static void test_whole_life(void **state)
{
	struct fixture *fixture = *state;
	char *id = fixture_run_sandbox(fixture, "life");
	char *container = fixture_start(fixture, id, "life", "sleep 1000");
	const cri_sandbox_status *status;
	cri_list *list;
	char *json = NULL;

	assert_int_equal(strlen(id), 64);
	expect_ok(fixture, cri_sandbox_status_get(fixture->engine, id, &list, fixture->call));
	status = cri_sandbox_status_at(list, 0);
	assert_string_equal(status->info.name, "life");
	assert_string_equal(status->info.handler, "lxc");
	assert_int_equal(status->info.state, CRI_SANDBOX_READY);
	assert_int_equal(status->pid, CRI_NAMESPACE_CONTAINER);
	assert_int_equal(status->network, CRI_NAMESPACE_POD);
	assert_int_equal(access(status->network_namespace, F_OK), 0);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_info_json(fixture->engine, id, &json, fixture->call));
	assert_non_null(strstr(json, "\"config\":{"));
	cri_free(json);
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, id, fixture->call));
	/* Killed, and still listed. */
	assert_int_equal(fixture_state_of(fixture, container), CRI_CONTAINER_EXITED);
	expect_ok(fixture, cri_sandbox_status_get(fixture->engine, id, &list, fixture->call));
	assert_int_equal(cri_sandbox_status_at(list, 0)->info.state, CRI_SANDBOX_NOTREADY);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, id, fixture->call));
	expect_code(fixture, CRI_ENOTFOUND, cri_sandbox_status_get(fixture->engine, id, &list, fixture->call));
	expect_code(fixture, CRI_ENOTFOUND, cri_container_status_get(fixture->engine, container, &list, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(container);
	cri_free(id);
}

static void test_names_are_unique(void **state)
{
	struct fixture *fixture = *state;
	cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT,
		.name = "a_b",
		.uid = "c_d",
		.namespace_ = "e_f \xc3\xa4/%'\"",
	};
	char *first = run(fixture, &config), *second = NULL, *others[3];
	cri_list *list;

	expect_code(fixture, CRI_EEXIST, cri_sandbox_run(fixture->engine, &config, NULL, &second, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), first));
	/* A stopped pod has its name until it is removed. */
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, first, fixture->call));
	expect_code(fixture, CRI_EEXIST, cri_sandbox_run(fixture->engine, &config, NULL, &second, fixture->call));
	config.attempt = 1;
	second = run(fixture, &config);
	expect_ok(fixture, cri_sandbox_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 2);
	assert_string_equal(cri_sandbox_at(list, 1)->namespace_, config.namespace_);
	cri_list_free(list);
	/* Each of the four makes another name, also where together they are the same text. */
	config.attempt = 0;
	config.uid = "c";
	config.name = "a_b_d";
	others[0] = run(fixture, &config);
	config.name = "a_b";
	others[1] = run(fixture, &config);
	config.namespace_ = "other";
	others[2] = run(fixture, &config);
	for (size_t i = 0; i < 3; i++)
		fixture_remove_sandbox(fixture, others[i]);
	fixture_remove_sandbox(fixture, first);
	fixture_remove_sandbox(fixture, second);
	/* And now it is free. */
	config.uid = "c_d";
	config.namespace_ = "e_f \xc3\xa4/%'\"";
	fixture_remove_sandbox(fixture, run(fixture, &config));
}

static void test_filters(void **state)
{
	struct fixture *fixture = *state;
	const cri_key_value app = { CRI_KEY_VALUE_INIT, .key = "app", .value = "web" };
	const cri_key_value tier = { CRI_KEY_VALUE_INIT, .key = "tier", .value = "front" };
	const cri_key_value *const both[] = { &app, &tier };
	const cri_key_value *const one[] = { &tier };
	cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "labelled", .labels = both, .n_labels = 2 };
	cri_sandbox_filter filter = { CRI_SANDBOX_FILTER_INIT, .label_selector = one, .n_label_selector = 1 };
	char *labelled = run(fixture, &config);
	char *plain = fixture_run_sandbox(fixture, "plain");
	char prefix[9] = "";
	cri_list *list;

	expect_ok(fixture, cri_sandbox_list(fixture->engine, &filter, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	assert_string_equal(cri_sandbox_at(list, 0)->id, labelled);
	assert_int_equal(cri_sandbox_at(list, 0)->n_labels, 2);
	cri_list_free(list);
	filter.has_state = true;
	filter.state = CRI_SANDBOX_NOTREADY;
	expect_ok(fixture, cri_sandbox_list(fixture->engine, &filter, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	filter = (cri_sandbox_filter){ CRI_SANDBOX_FILTER_INIT, .id = prefix };
	memcpy(prefix, plain, 8);
	expect_ok(fixture, cri_sandbox_list(fixture->engine, &filter, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	assert_string_equal(cri_sandbox_at(list, 0)->id, plain);
	cri_list_free(list);
	fixture_remove_sandbox(fixture, labelled);
	fixture_remove_sandbox(fixture, plain);
}

/* Every condition that is given must hold. */
static void test_filters_add_up(void **state)
{
	struct fixture *fixture = *state;
	const cri_key_value app = { CRI_KEY_VALUE_INIT, .key = "app", .value = "web" };
	const cri_key_value other = { CRI_KEY_VALUE_INIT, .key = "app", .value = "we" };
	const cri_key_value *const labels[] = { &app };
	const cri_key_value *const others[] = { &other };
	cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "both", .labels = labels, .n_labels = 1 };
	char *id = run(fixture, &config);
	const struct {
		bool id, state, labels;
		size_t found;
	} cases[] = {
		{ true, true, true, 1 },  { false, true, true, 0 },   { true, false, true, 0 },
		{ true, true, false, 0 }, { false, false, false, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const cri_sandbox_filter filter = {
			CRI_SANDBOX_FILTER_INIT,
			.id = cases[i].id ? id : "0123456789abcdef",
			.has_state = true,
			.state = cases[i].state ? CRI_SANDBOX_READY : CRI_SANDBOX_NOTREADY,
			.label_selector = cases[i].labels ? labels : others,
			.n_label_selector = 1,
		};
		cri_list *list;

		expect_ok(fixture, cri_sandbox_list(fixture->engine, &filter, &list, fixture->call));
		assert_int_equal(cri_list_count(list), cases[i].found);
		cri_list_free(list);
	}
	fixture_remove_sandbox(fixture, id);
}

/* A pod that asks for no host name has its own name, made fit to be one. */
static void test_host_names(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[][2] = {
		{ "plain-1", "plain-1\n" },
		{ "under_score \xc3\xa4", "under-score---\n" },
		{ "a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23456789",
		  "a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23\n" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *id = fixture_run_sandbox(fixture, names[i][0]);
		char *container = fixture_start(fixture, id, "name", "sleep 1000");

		fixture_assert_output(fixture, container, "hostname", names[i][1]);
		fixture_remove_sandbox(fixture, id);
		cri_free(container);
	}
}

static void test_handlers(void **state)
{
	struct fixture *fixture = *state;
	cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "handler" };
	static const char *const known[] = { "", "lxc", "lcr" };
	char *id = NULL;

	for (size_t i = 0; i < 3; i++) {
		expect_ok(fixture, cri_sandbox_run(fixture->engine, &config, known[i], &id, fixture->call));
		fixture_remove_sandbox(fixture, id);
	}
	id = NULL;
	expect_code(fixture, CRI_EINVAL, cri_sandbox_run(fixture->engine, &config, "vm", &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "lxc"));
	assert_null(id);
}

static void test_box(void **state)
{
	struct fixture *fixture = *state;
	const char *const servers[] = { "10.1.2.3", "fd00::1" };
	const char *const searches[] = { "example.org" };
	const char *const options[] = { "ndots:5" };
	const cri_dns_config dns = {
		CRI_DNS_CONFIG_INIT, .servers = servers, .n_servers = 2, .searches = searches,
		.n_searches = 1,     .options = options, .n_options = 1,
	};
	const cri_key_value forward = { CRI_KEY_VALUE_INIT, .key = "net.ipv4.ip_forward", .value = "1" };
	const cri_key_value shmmax = { CRI_KEY_VALUE_INIT, .key = "kernel.shmmax", .value = "123456" };
	const cri_key_value *const sysctls[] = { &forward, &shmmax };
	const cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT, .name = "box",      .hostname = "boxhost",
		.dns_config = &dns,      .sysctls = sysctls, .n_sysctls = 2,
	};
	char *id = run(fixture, &config);
	char *first = fixture_start(fixture, id, "first", "sleep 1000");
	char *second = fixture_start(fixture, id, "second", "sleep 1000");

	fixture_assert_output(fixture, first, "hostname; cat /etc/hostname", "boxhost\nboxhost\n");
	fixture_assert_output(fixture, first, "cat /etc/resolv.conf",
			      "search example.org\nnameserver 10.1.2.3\nnameserver fd00::1\noptions ndots:5\n");
	fixture_assert_output(fixture, first, "grep -c 'localhost boxhost' /etc/hosts", "1\n");
	fixture_assert_output(fixture, first, "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax",
			      "1\n123456\n");
	/* Loopback is up, and is all there is. */
	fixture_assert_output(fixture, first, "ip -o link | wc -l; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo up",
			      "1\nup\n");
	/* Shared memory is the pod's; the PID namespace is each container's own. */
	fixture_assert_output(fixture, first, "echo shared >/dev/shm/file", "");
	fixture_assert_output(fixture, second, "cat /dev/shm/file", "shared\n");
	fixture_assert_output(fixture, second, "cat /proc/1/cmdline | tr '\\0' ' '", "sleep 1000 ");
	fixture_remove_sandbox(fixture, id);
	cri_free(first);
	cri_free(second);
}

static void test_shared_pid_namespace(void **state)
{
	struct fixture *fixture = *state;
	const cri_sandbox_config config = { .size = sizeof(config), .name = "pids", .pid = CRI_NAMESPACE_POD };
	const char *const command[] = { "/bin/sh", "-c", "exec sleep 1001" };
	cri_container_config container = {
		CRI_CONTAINER_CONFIG_INIT, .name = "one",  .image = IMAGE,
		.command = command,        .n_command = 3, .pid = CRI_NAMESPACE_POD,
	};
	char *id = run(fixture, &config);
	char *first = NULL, *second = NULL;
	cri_list *list;

	expect_ok(fixture, cri_container_create(fixture->engine, id, &container, &first, fixture->call));
	container.name = "two";
	expect_ok(fixture, cri_container_create(fixture->engine, id, &container, &second, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, first, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, second, fixture->call));
	fixture_assert_output(fixture, first, "ps | grep -c '[s]leep 1001'", "2\n");
	/* The pause container is no container to those who list. */
	expect_ok(fixture, cri_container_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 2);
	cri_list_free(list);
	/* Its end ends neither the other nor the pod. */
	expect_ok(fixture, cri_container_stop(fixture->engine, first, 0, fixture->call));
	fixture_assert_output(fixture, second, "ps | grep -c '[s]leep 1001'", "1\n");
	fixture_remove_sandbox(fixture, id);
	fixture_assert_clean(fixture);
	cri_free(first);
	cri_free(second);
}

static void test_target_pid_namespace(void **state)
{
	struct fixture *fixture = *state;
	char *id = fixture_run_sandbox(fixture, "target");
	char *target = fixture_start(fixture, id, "target", "exec sleep 1002");
	const char *const command[] = { "/bin/sh", "-c", "exec sleep 1003" };
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,   .name = "debug",     .image = IMAGE, .command = command, .n_command = 3,
		.pid = CRI_NAMESPACE_TARGET, .target_id = target,
	};
	char *debug = NULL;

	expect_ok(fixture, cri_container_create(fixture->engine, id, &config, &debug, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, debug, fixture->call));
	fixture_assert_output(fixture, debug, "ps | grep -c '[s]leep 100[23]'", "2\n");
	config.name = "lost";
	config.target_id = "0123456789abcdef";
	expect_code(fixture, CRI_ENOTFOUND, cri_container_create(fixture->engine, id, &config, &debug, fixture->call));
	fixture_remove_sandbox(fixture, id);
	cri_free(target);
	cri_free(debug);
}

/* Message queues and shared memory of its own, in a pod whose other containers share theirs. */
static void test_own_ipc_namespace(void **state)
{
	struct fixture *fixture = *state;
	const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "own",  .image = IMAGE,
		.command = command,        .n_command = 2, .ipc = CRI_NAMESPACE_CONTAINER,
	};
	char *id = fixture_run_sandbox(fixture, "own-ipc");
	char *shared = fixture_start(fixture, id, "shared", "sleep 1000");
	char *own = NULL, *of_shared, *of_own;

	expect_ok(fixture, cri_container_create(fixture->engine, id, &config, &own, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, own, fixture->call));
	of_shared = fixture_exec(fixture, shared, "echo x >/dev/shm/file; readlink /proc/self/ns/ipc", NULL);
	of_own = fixture_exec(fixture, own, "readlink /proc/self/ns/ipc", NULL);
	assert_string_not_equal(of_shared, of_own);
	fixture_assert_output(fixture, own, "ls /dev/shm; echo y >/dev/shm/own; cat /dev/shm/own", "y\n");
	fixture_assert_output(fixture, shared, "ls /dev/shm", "file\n");
	fixture_remove_sandbox(fixture, id);
	free(of_shared);
	free(of_own);
	cri_free(shared);
	cri_free(own);
}

static void test_node_namespaces(void **state)
{
	struct fixture *fixture = *state;
	const cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT,   .name = "node", .network = CRI_NAMESPACE_NODE, .pid = CRI_NAMESPACE_NODE,
		.ipc = CRI_NAMESPACE_NODE,
	};
	const char *const command[] = { "/bin/sh", "-c", "sleep 1000" };
	const cri_container_config container = {
		CRI_CONTAINER_CONFIG_INIT,
		.name = "node",
		.image = IMAGE,
		.command = command,
		.n_command = 3,
		.network = CRI_NAMESPACE_NODE,
		.pid = CRI_NAMESPACE_NODE,
		.ipc = CRI_NAMESPACE_NODE,
	};
	static const char *const namespaces[] = { "net", "ipc", "uts", "pid" };
	char *id = run(fixture, &config);
	char *started = NULL;

	expect_ok(fixture, cri_container_create(fixture->engine, id, &container, &started, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, started, fixture->call));
	for (size_t i = 0; i < 4; i++) {
		char script[64], path[64], expected[64] = "";

		snprintf(script, sizeof(script), "readlink /proc/self/ns/%s", namespaces[i]);
		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespaces[i]);
		assert_true(readlink(path, expected, sizeof(expected) - 2) > 0);
		strcat(expected, "\n");
		fixture_assert_output(fixture, started, script, expected);
	}
	fixture_remove_sandbox(fixture, id);
	cri_free(started);
}

static void test_bad_input(void **state)
{
	struct fixture *fixture = *state;
	const cri_key_value host = { CRI_KEY_VALUE_INIT, .key = "kernel.panic", .value = "1" };
	const cri_key_value *const sysctls[] = { &host };
	cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT };
	char *id = NULL;
	cri_list *list;

	expect_code(fixture, CRI_EINVAL, cri_sandbox_run(fixture->engine, &config, NULL, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "name"));
	config.name = "bad";
	config.log_directory = "relative";
	expect_code(fixture, CRI_EINVAL, cri_sandbox_run(fixture->engine, &config, NULL, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "log_directory"));
	config.log_directory = NULL;
	config.sysctls = sysctls;
	config.n_sysctls = 1;
	expect_code(fixture, CRI_EINVAL, cri_sandbox_run(fixture->engine, &config, NULL, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "kernel.panic"));
	config.n_sysctls = 0;
	config.cgroup_parent = "/a/../b";
	expect_code(fixture, CRI_EINVAL, cri_sandbox_run(fixture->engine, &config, NULL, &id, fixture->call));
	config.cgroup_parent = NULL;
	config.size = 0;
	expect_code(fixture, CRI_EINVAL, cri_sandbox_run(fixture->engine, &config, NULL, &id, fixture->call));
	config.size = sizeof(config);
	expect_code(fixture, CRI_EINVAL, cri_sandbox_run(fixture->engine, &config, NULL, NULL, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_sandbox_run(NULL, &config, NULL, &id, fixture->call));
	expect_ok(fixture, cri_sandbox_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	fixture_assert_clean(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_whole_life),
		fixture_test(test_names_are_unique),
		fixture_test(test_filters),
		fixture_test(test_filters_add_up),
		fixture_test(test_host_names),
		fixture_test(test_handlers),
		fixture_test(test_box),
		fixture_test(test_shared_pid_namespace),
		fixture_test(test_target_pid_namespace),
		fixture_test(test_own_ipc_namespace),
		fixture_test(test_node_namespaces),
		fixture_test(test_bad_input),
	};

	return cmocka_run_group_tests_name("sandbox", tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What pods and containers use: processors, memory, processes, disk, and what went over a pod's interfaces. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static cri_list *stats_of(struct fixture *fixture, const char *id)
{
	cri_list *list = NULL;

	expect_ok(fixture, cri_sandbox_stats_get(fixture->engine, id, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	return list;
}

/* At most ten seconds later. */
static cri_list *stats_with_processes(struct fixture *fixture, const char *id, uint64_t n)
{
	const struct timespec wait = { .tv_nsec = 20000000 };

	for (int i = 0; i < 500; i++) {
		cri_list *list = stats_of(fixture, id);

		if (cri_sandbox_stats_at(list, 0)->process_count.value == n)
			return list;
		cri_list_free(list);
		nanosleep(&wait, NULL);
	}
	return stats_of(fixture, id);
}

static void assert_empty_pod(const cri_sandbox_stats *stats)
{
	assert_int_equal(stats->n_containers, 0);
	assert_true(stats->process_count.known);
	assert_int_equal(stats->process_count.value, 0);
	assert_int_equal(stats->n_interfaces, 0);
}

static void test_a_pods_stats(void **state)
{
	struct fixture *fixture = *state;
	char *id, *first, *second;
	const cri_sandbox_stats *stats;
	cri_list *list;
	uint64_t cpu;

	fixture_need_controller("memory");
	id = fixture_run_sandbox(fixture, "one");
	list = stats_of(fixture, id);
	stats = cri_sandbox_stats_at(list, 0);
	/* Without a process it has a cgroup and a network all the same. */
	assert_string_equal(stats->info.id, id);
	assert_string_equal(stats->info.name, "one");
	assert_empty_pod(stats);
	assert_true(stats->cpu.usage_core_nanoseconds.known && stats->memory.working_set_bytes.known);
	assert_true(stats->cpu.timestamp > INT64_C(1500000000) * 1000000000);
	assert_false(stats->cpu.usage_nanocores.known);
	assert_false(stats->memory.available_bytes.known);
	cri_list_free(list);
	first = fixture_start(fixture, id, "first", "sleep 1000 & wait");
	second = fixture_start(fixture, id, "second", "exec sleep 1000");
	cri_free(fixture_create(fixture, id, "third", "true"));
	cri_free(fixture_exec(fixture, first, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.2", NULL));
	/* The created one's waits for its start; what was executed just now may still be on its way out. */
	list = stats_with_processes(fixture, id, 4);
	stats = cri_sandbox_stats_at(list, 0);
	assert_int_equal(stats->n_containers, 2);
	assert_int_equal(stats->process_count.value, 4);
	cpu = stats->cpu.usage_core_nanoseconds.value;
	for (size_t i = 0; i < 2; i++) {
		const cri_container_stats *container = stats->containers[i];

		assert_string_equal(container->info.id, i ? first : second);
		assert_true(container->cpu.usage_core_nanoseconds.known);
		assert_true(container->cpu.usage_core_nanoseconds.value <= cpu);
		assert_true(container->memory.usage_bytes.value <= stats->memory.usage_bytes.value);
		assert_int_equal(container->pids.value, i ? 2 : 1);
	}
	assert_true(stats->cpu.usage_nanocores.known);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, id, fixture->call));
	list = stats_with_processes(fixture, id, 0);
	assert_empty_pod(cri_sandbox_stats_at(list, 0));
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	list = NULL;
	expect_code(fixture, CRI_ENOTFOUND, cri_sandbox_stats_get(fixture->engine, id, &list, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_sandbox_stats_get(fixture->engine, id, NULL, fixture->call));
	assert_null(list);
	cri_free(second);
	cri_free(first);
	cri_free(id);
}

static uint64_t own_network(void)
{
	struct stat status;

	assert_int_equal(stat("/proc/thread-self/ns/net", &status), 0);
	return status.st_ino;
}

static void test_interfaces(void **state)
{
	struct fixture *fixture = *state;
	char *id = fixture_run_sandbox(fixture, "net");
	const cri_sandbox_stats *stats;
	const uint64_t before = own_network();
	cri_list *list;

	/* Two ends of one pair: what leaves by eth0 comes in by eth1. */
	fixture_in_network(fixture, id,
			   "ip link add eth1 type veth peer name eth0 && ip link set eth0 up && ip link set eth1 up");
	fixture_in_network(
		fixture, id,
		"ip addr add 192.0.2.1/24 dev eth0 && ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:01 dev eth0 && "
		"{ busybox ping -c 3 -W 1 -s 1000 192.0.2.2; true; }");
	list = stats_of(fixture, id);
	stats = cri_sandbox_stats_at(list, 0);
	assert_int_equal(stats->n_interfaces, 2);
	assert_true(stats->network_timestamp > 0);
	for (size_t i = 0; i < 2; i++) {
		const cri_interface_usage *usage = stats->interfaces[i];

		if (!strcmp(usage->name, "eth0")) {
			assert_true(usage->tx_bytes > 3000);
		} else {
			assert_string_equal(usage->name, "eth1");
			assert_true(usage->rx_bytes > 3000);
		}
		assert_int_equal(usage->rx_errors, 0);
		assert_int_equal(usage->tx_errors, 0);
	}
	cri_list_free(list);
	/* This thread was nowhere else. */
	assert_int_equal(own_network(), before);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

/* A pod may make as many as it likes; not all are told of. */
static void test_many_interfaces(void **state)
{
	struct fixture *fixture = *state;
	char *id = fixture_run_sandbox(fixture, "many");
	cri_list *list;

	fixture_in_network(fixture, id,
			   "for i in $(seq 33); do ip link add a$i type veth peer name b$i || exit 1; done");
	list = stats_of(fixture, id);
	assert_int_equal(cri_sandbox_stats_at(list, 0)->n_interfaces, 64);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

/* A socket in place of the namespace's file, which nobody can open. */
static void test_one_that_cannot_be_looked_into(void **state)
{
	struct fixture *fixture = *state;
	char *id = fixture_run_sandbox(fixture, "ill"), *good = fixture_run_sandbox(fixture, "good");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char pin[256];
	cri_list *list;

	fixture_in_network(fixture, good, "ip link add eth1 type veth peer name eth0");
	fixture_in_network(fixture, id, "ip link add eth1 type veth peer name eth0");
	snprintf(pin, sizeof(pin), "%s/sandboxes/%s/net", fixture->state, id);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", fixture->directory);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(mount(address.sun_path, pin, NULL, MS_BIND, NULL), 0);
	assert_int_not_equal(cri_sandbox_stats_get(fixture->engine, id, &list, fixture->call), 0);
	assert_non_null(strstr(cri_call_message(fixture->call), pin));
	expect_ok(fixture, cri_sandbox_stats_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 2);
	for (size_t i = 0; i < 2; i++) {
		const cri_sandbox_stats *stats = cri_sandbox_stats_at(list, i);

		assert_int_equal(stats->n_interfaces, strcmp(stats->info.id, id) == 0 ? 0 : 2);
	}
	cri_list_free(list);
	expect_ok(fixture, cri_metrics(fixture->engine, &list, fixture->call));
	assert_true(cri_list_count(list) > 0);
	cri_list_free(list);
	assert_int_equal(umount2(pin, MNT_DETACH), 0);
	assert_int_equal(unlink(address.sun_path), 0);
	close(fd);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, good, fixture->call));
	cri_free(good);
	cri_free(id);
}

static void test_hosts_network_has_no_interfaces(void **state)
{
	struct fixture *fixture = *state;
	const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "host", .network = CRI_NAMESPACE_NODE };
	cri_list *list;
	char *id;

	expect_ok(fixture, cri_sandbox_run(fixture->engine, &config, NULL, &id, fixture->call));
	list = stats_of(fixture, id);
	assert_empty_pod(cri_sandbox_stats_at(list, 0));
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

static size_t listed(struct fixture *fixture, const cri_sandbox_filter *filter)
{
	cri_list *list = NULL;
	size_t n;

	expect_ok(fixture, cri_sandbox_stats_list(fixture->engine, filter, &list, fixture->call));
	n = cri_list_count(list);
	for (size_t i = 0; i < n; i++) {
		const cri_sandbox_stats *stats = cri_sandbox_stats_at(list, i);

		/* Each has its own container, and no other's. */
		assert_int_equal(stats->n_containers, 1);
		assert_string_equal(stats->containers[0]->info.name, stats->info.name);
	}
	cri_list_free(list);
	return n;
}

/* More than a thread is started for. */
#define PODS 18

static void test_lists(void **state)
{
	struct fixture *fixture = *state;
	char *ids[PODS];
	const cri_key_value even = { CRI_KEY_VALUE_INIT, .key = "even", .value = "yes" };
	const cri_key_value *const labels[] = { &even };
	cri_sandbox_filter filter = { CRI_SANDBOX_FILTER_INIT, .label_selector = labels, .n_label_selector = 1 };
	cri_list *list = NULL;

	for (size_t i = 0; i < PODS; i++) {
		char name[32];
		cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = name, .log_directory = fixture->logs,
					      .labels = labels, .n_labels = i % 2 ? 0 : 1 };

		snprintf(name, sizeof(name), "many-%zu", i);
		expect_ok(fixture, cri_sandbox_run(fixture->engine, &config, NULL, &ids[i], fixture->call));
		cri_free(fixture_start(fixture, ids[i], name, "sleep 1000"));
	}
	assert_int_equal(listed(fixture, NULL), PODS);
	assert_int_equal(listed(fixture, &filter), PODS / 2);
	/* The state is not looked at: they are the ready ones. */
	filter.has_state = true;
	filter.state = CRI_SANDBOX_NOTREADY;
	assert_int_equal(listed(fixture, &filter), PODS / 2);
	filter.id = ids[1];
	assert_int_equal(listed(fixture, &filter), 0);
	filter.n_label_selector = 0;
	assert_int_equal(listed(fixture, &filter), 1);
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, ids[1], fixture->call));
	assert_int_equal(listed(fixture, &filter), 0);
	assert_int_equal(listed(fixture, NULL), PODS - 1);
	expect_code(fixture, CRI_EINVAL, cri_sandbox_stats_list(fixture->engine, NULL, NULL, fixture->call));
	filter.size = 3;
	expect_code(fixture, CRI_EINVAL, cri_sandbox_stats_list(fixture->engine, &filter, &list, fixture->call));
	assert_null(list);
	/* What is being removed while others look is in a list or not, and no list fails. */
	for (size_t i = 0; i < PODS; i++)
		cri_free(ids[i]);
	fixture_clear(fixture);
	assert_int_equal(listed(fixture, NULL), 0);
}

/* A processor's worth: half of one at least while it spins, and nothing to speak of while it sleeps. */
static void test_rate(void **state)
{
	struct fixture *fixture = *state;
	const struct timespec wait = { .tv_nsec = 150000000 };
	char *id = fixture_run_sandbox(fixture, "rate");
	char *container = fixture_start(fixture, id, "rate", "while :; do :; done");
	cri_list *list;
	cri_cpu_usage cpu;

	for (int look = 0; look < 2; look++) {
		expect_ok(fixture, cri_container_stats_get(fixture->engine, container, &list, fixture->call));
		cpu = cri_container_stats_at(list, 0)->cpu;
		cri_list_free(list);
		assert_int_equal(cpu.usage_nanocores.known, look == 1);
		nanosleep(&wait, NULL);
	}
	assert_in_range(cpu.usage_nanocores.value, 1000000, 1200000000);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(container);
	cri_free(id);
}

static void assert_info(struct fixture *fixture, const char *id, const char *text)
{
	char *json = NULL;

	expect_ok(fixture, cri_sandbox_info_json(fixture->engine, id, &json, fixture->call));
	if (!strstr(json, text))
		print_error("%s is not in %s\n", text, json);
	assert_non_null(strstr(json, text));
	cri_free(json);
}

static uint64_t available(struct fixture *fixture, const char *id)
{
	cri_list *list = stats_of(fixture, id);
	const cri_memory_usage memory = cri_sandbox_stats_at(list, 0)->memory;

	cri_list_free(list);
	return memory.available_bytes.known ? memory.available_bytes.value + memory.working_set_bytes.value : 0;
}

/* What the pod's cgroup limits is what its containers get, all together. */
static void test_updated_resources(void **state)
{
	struct fixture *fixture = *state;
	char *id, *container;
	cri_resources overhead = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 8 << 20, .pids_limit = 2 };
	cri_resources resources = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 56 << 20 };
	int32_t exit_code = -1;

	fixture_need_controller("cpu");
	fixture_need_controller("memory");
	fixture_need_controller("pids");
	id = fixture_run_sandbox(fixture, "update");
	/* Overhead alone limits nothing. */
	expect_ok(fixture, cri_sandbox_update_resources(fixture->engine, id, &overhead, NULL, fixture->call));
	assert_int_equal(available(fixture, id), 0);
	assert_info(fixture, id, "\"overhead\":{\"memory_limit_in_bytes\":8388608,\"pids_limit\":2}");
	expect_ok(fixture, cri_sandbox_update_resources(fixture->engine, id, NULL, &resources, fixture->call));
	assert_int_equal(available(fixture, id), 64 << 20);
	resources = (cri_resources){ CRI_RESOURCES_INIT, .cpu_quota = 50000, .cpu_period = 100000, .cpu_shares = 512,
				     .pids_limit = 6 };
	expect_ok(fixture, cri_sandbox_update_resources(fixture->engine, id, NULL, &resources, fixture->call));
	/* What was not given stays. */
	assert_int_equal(available(fixture, id), 64 << 20);
	assert_info(fixture, id, "\"memory_limit_in_bytes\":58720256");
	assert_info(fixture, id, "\"cpu_quota\":50000");
	container = fixture_start(fixture, id, "update", "sleep 1000");
	/* Six and two processes at most, of which one sleeps and one is the shell. */
	cri_free(fixture_exec(fixture, container, "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait", &exit_code));
	assert_int_not_equal(exit_code, 0);
	resources =
		(cri_resources){ CRI_RESOURCES_INIT, .memory_limit_in_bytes = -1, .cpu_quota = -1, .pids_limit = -1 };
	expect_ok(fixture, cri_sandbox_update_resources(fixture->engine, id, NULL, &resources, fixture->call));
	assert_int_equal(available(fixture, id), 0);
	cri_free(fixture_exec(fixture, container, "for i in 1 2 3 4 5 6 7 8 9; do sleep 0 & done; wait", &exit_code));
	assert_int_equal(exit_code, 0);
	/* Bad ones change nothing. */
	resources.cpu_quota = -9;
	expect_code(fixture, CRI_EINVAL,
		    cri_sandbox_update_resources(fixture->engine, id, NULL, &resources, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "resources.cpu_quota"));
	assert_info(fixture, id, "\"cpu_quota\":-1");
	expect_code(fixture, CRI_ENOTFOUND,
		    cri_sandbox_update_resources(fixture->engine, "0123456789", NULL, NULL, fixture->call));
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, id, fixture->call));
	expect_code(fixture, CRI_EPRECONDITION,
		    cri_sandbox_update_resources(fixture->engine, id, &overhead, NULL, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(container);
	cri_free(id);
}

/* The limit of memory and swap together gets the pod's own memory on top, as that of memory does: else it would be
 * below it. */
static void test_swap_and_overhead(void **state)
{
	struct fixture *fixture = *state;
	char *id;
	const cri_resources overhead = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 8 << 20 };
	const cri_resources resources = {
		CRI_RESOURCES_INIT,
		.memory_limit_in_bytes = 56 << 20,
		.memory_swap_limit_in_bytes = 56 << 20,
	};
	int result;

	fixture_need_controller("memory");
	id = fixture_run_sandbox(fixture, "swap");
	result = cri_sandbox_update_resources(fixture->engine, id, &overhead, &resources, fixture->call);
	if (result == CRI_ENOTSUP) {
		assert_non_null(strstr(cri_call_message(fixture->call), "does not limit swap"));
	} else {
		expect_ok(fixture, result);
		assert_int_equal(available(fixture, id), 64 << 20);
	}
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_a_pods_stats),
		fixture_test(test_interfaces),
		fixture_test(test_many_interfaces),
		fixture_test(test_one_that_cannot_be_looked_into),
		fixture_test(test_hosts_network_has_no_interfaces),
		fixture_test(test_lists),
		fixture_test(test_rate),
		fixture_test(test_updated_resources),
		fixture_test(test_swap_and_overhead),
	};

	return cmocka_run_group_tests_name("stats", tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of pods and containers. */
#include "fixture.h"

#include <stdbool.h>
#include <string.h>

static size_t find_descriptor(const cri_list *descriptors, const char *name)
{
	for (size_t i = 0; i < cri_list_count(descriptors); i++) {
		if (!strcmp(cri_metric_descriptor_at(descriptors, i)->name, name))
			return i;
	}
	fail_msg("%s is not described", name);
	return 0;
}

static const char *label_of(const cri_metric *metric, const cri_metric_descriptor *descriptor, const char *key)
{
	for (size_t i = 0; i < descriptor->n_label_keys; i++) {
		if (!strcmp(descriptor->label_keys[i], key))
			return metric->label_values[i];
	}
	return NULL;
}

/* Each is described, has its labels, and belongs to a pod or a container of it, pod by pod. */
static void test_metrics(void **state)
{
	static const char *const of_both[] = { "container_cpu_usage_seconds_total",
					       "container_memory_working_set_bytes", "container_processes",
					       "container_threads" };
	struct fixture *fixture = *state;
	char *id, *other, *container;
	cri_list *descriptors, *metrics;
	unsigned seen[2] = { 0, 0 }, received = 0, started = 0, disk = 0;

	fixture_need_controller("memory");
	fixture_need_controller("pids");
	id = fixture_run_sandbox(fixture, "metrics");
	other = fixture_run_sandbox(fixture, "other");
	container = fixture_start(fixture, id, "measured", "sleep 1000");
	fixture_in_network(fixture, id, "ip link add eth1 type veth peer name eth0");
	expect_ok(fixture, cri_metric_descriptors(fixture->engine, &descriptors, fixture->call));
	expect_ok(fixture, cri_metrics(fixture->engine, &metrics, fixture->call));
	for (size_t i = 0; i < cri_list_count(metrics); i++) {
		const cri_metric *metric = cri_metric_at(metrics, i);
		const cri_metric_descriptor *descriptor =
			cri_metric_descriptor_at(descriptors, find_descriptor(descriptors, metric->name));
		const bool of_container = *metric->container_id;

		assert_int_equal(metric->n_label_values, descriptor->n_label_keys);
		assert_true(metric->timestamp > INT64_C(1500000000) * 1000000000);
		assert_string_equal(label_of(metric, descriptor, "container"), of_container ? "measured" : "");
		assert_string_equal(label_of(metric, descriptor, "name"), metric->container_id);
		assert_non_null(strstr(label_of(metric, descriptor, "id"), metric->sandbox_id));
		if (strcmp(metric->sandbox_id, id) != 0) {
			assert_string_equal(metric->sandbox_id, other);
			assert_false(of_container);
			continue;
		}
		assert_string_equal(label_of(metric, descriptor, "pod"), "metrics");
		if (of_container)
			assert_string_equal(metric->container_id, container);
		for (size_t k = 0; k < sizeof(of_both) / sizeof(*of_both); k++)
			seen[of_container] += !strcmp(metric->name, of_both[k]);
		if (!strcmp(metric->name, "container_processes"))
			assert_int_equal(metric->value, 1);
		if (!strcmp(metric->name, "container_network_receive_bytes_total")) {
			assert_int_equal(strncmp(label_of(metric, descriptor, "interface"), "eth", 3), 0);
			assert_int_equal(metric->type, CRI_METRIC_COUNTER);
			received++;
		}
		started += !strcmp(metric->name, "container_start_time_seconds") && metric->value > 1500000000;
		disk += !strcmp(metric->name, "container_fs_limit_bytes") && metric->value > 0;
	}
	assert_int_equal(seen[0], 4);
	assert_int_equal(seen[1], 4);
	assert_int_equal(received, 2);
	assert_int_equal(started, 1);
	assert_int_equal(disk, 1);
	assert_null(cri_metric_at(descriptors, 0));
	cri_list_free(metrics);
	cri_list_free(descriptors);
	expect_code(fixture, CRI_EINVAL, cri_metrics(fixture->engine, NULL, fixture->call));
	/* A stopped pod has none. */
	expect_ok(fixture, cri_sandbox_stop(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, other, fixture->call));
	expect_ok(fixture, cri_metrics(fixture->engine, &metrics, fixture->call));
	assert_int_equal(cri_list_count(metrics), 0);
	cri_list_free(metrics);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(container);
	cri_free(other);
	cri_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = { fixture_test(test_metrics) };

	return cmocka_run_group_tests_name("metrics", tests, fixture_set_up, fixture_tear_down);
}

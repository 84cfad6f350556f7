/* SPDX-License-Identifier: Apache-2.0 */
/* What libcri says that is used, as each dialect's clients read it. */
#include "convert_status_fixture.h"

static const cri_filesystem_usage filesystem = {
	.timestamp = 5,
	.mountpoint = "/var",
	.uuid = "1-2",
	.used_bytes = 7,
	.inodes_used = 0,
	.known = true,
};

static void a_file_system(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, filesystem_usage_to_wire(&fixture.conversion, &filesystem), &cri__filesystem_usage__descriptor,
	       " 1=5 2{ 1=\"/var\" } 3{ 1=7 } 4{ }");
	begin(&fixture, RPC_2019);
	expect(&fixture, filesystem_usage_to_wire(&fixture.conversion, &filesystem), &cri__filesystem_usage__descriptor,
	       " 1=5 2{ 1=\"1-2\" } 3{ 1=7 } 4{ }");
}

/* One that could not be counted is not said to be empty. */
static void a_file_system_that_is_not_known(void **state)
{
	const cri_filesystem_usage unknown = { .timestamp = 5, .mountpoint = "/var", .uuid = "1-2" };
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, filesystem_usage_to_wire(&fixture.conversion, &unknown), &cri__filesystem_usage__descriptor,
	       " 1=5 2{ 1=\"/var\" }");
}

#define KNOWN(n)                                                                                                       \
	{                                                                                                              \
		.known = true, .value = (n)                                                                            \
	}
#define PRESSURE                                                                                                       \
	{                                                                                                              \
		.known = true, .some = { 1, 2, 3, 4.5 }, .full = { 5, 0, 0, 0 }                                        \
	}

static cri_container_stats container_stats(void)
{
	return (cri_container_stats){
		.info = container_info(),
		.cpu = { .timestamp = 1, KNOWN(2), KNOWN(3), PRESSURE },
		.memory = { .timestamp = 4, KNOWN(5), KNOWN(6), KNOWN(7), KNOWN(8), KNOWN(9), KNOWN(0), PRESSURE },
		.swap = { .timestamp = 11, KNOWN(12), KNOWN(13) },
		.io = { .timestamp = 14, PRESSURE },
		.writable_layer = filesystem,
	};
}

#define ATTRIBUTES " 1{ 1=\"c1\" 2{ 1=\"main\" 2=1 } 3{ 1=\"l\" 2=\"v\" } 4{ 1=\"n\" } }"
#define PSI "{ 1{ 1=5 } 2{ 1=1 2=2 3=3 4=4.5 } }"
#define CONTAINER_STATS                                                                                                \
	ATTRIBUTES " 2{ 1=1 2{ 1=2 } 3{ 1=3 } 4" PSI                                                                   \
		   " } 3{ 1=4 2{ 1=5 } 3{ 1=6 } 4{ 1=7 } 5{ 1=8 } 6{ 1=9 } 7{ } 8" PSI                                 \
		   " } 4{ 1=5 2{ 1=\"/var\" } 3{ 1=7 } 4{ } } 5{ 1=11 2{ 1=12 } 3{ 1=13 } } 6{ 1=14 2" PSI " }"

static void what_a_container_uses(void **state)
{
	cri_container_stats stats = container_stats();
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, container_stats_to_wire(&fixture.conversion, &stats), &cri__container_stats__descriptor,
	       CONTAINER_STATS);
	begin(&fixture, RPC_V1ALPHA2);
	expect(&fixture, container_stats_to_wire(&fixture.conversion, &stats), &cri__container_stats__descriptor,
	       ATTRIBUTES " 2{ 1=1 2{ 1=2 } 3{ 1=3 } } 3{ 1=4 2{ 1=5 } 3{ 1=6 } 4{ 1=7 } 5{ 1=8 } 6{ 1=9 } 7{ } } "
			  "4{ 1=5 2{ 1=\"/var\" } 3{ 1=7 } 4{ } }");
	begin(&fixture, RPC_2019);
	expect(&fixture, container_stats_to_wire(&fixture.conversion, &stats), &cri__container_stats__descriptor,
	       ATTRIBUTES " 2{ 1=1 2{ 1=2 } } 3{ 1=4 2{ 1=5 } } 4{ 1=5 2{ 1=\"1-2\" } 3{ 1=7 } 4{ } }");
	/* What the kernel does not tell is absent. */
	stats.cpu = (cri_cpu_usage){ .timestamp = 1 };
	stats.memory = (cri_memory_usage){ .timestamp = 4, KNOWN(5) };
	stats.swap = (cri_swap_usage){ .timestamp = 11 };
	stats.io = (cri_io_usage){ .timestamp = 14 };
	begin(&fixture, RPC_V1);
	expect(&fixture, container_stats_to_wire(&fixture.conversion, &stats), &cri__container_stats__descriptor,
	       ATTRIBUTES " 2{ 1=1 } 3{ 1=4 2{ 1=5 } } 4{ 1=5 2{ 1=\"/var\" } 3{ 1=7 } 4{ } }");
}

static void what_a_pod_uses(void **state)
{
	static const cri_interface_usage eth0 = { "eth0", 1, 2, 3, 4 }, eth1 = { "eth1", 5, 0, 0, 0 };
	static const cri_interface_usage *const interfaces[] = { &eth0, &eth1 };
	const cri_container_stats container = container_stats();
	const cri_container_stats *const containers[] = { &container };
	const cri_sandbox_stats stats = {
		.info = pod,
		.cpu = { .timestamp = 1, KNOWN(2) },
		.memory = { .timestamp = 4, KNOWN(5) },
		.io = { .timestamp = 6, PRESSURE },
		.network_timestamp = 7,
		.interfaces = interfaces,
		.n_interfaces = 2,
		.process_count = KNOWN(8),
		.containers = containers,
		.n_containers = 1,
	};
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, sandbox_stats_to_wire(&fixture.conversion, &stats), &cri__pod_sandbox_stats__descriptor,
	       " 1{ 1=\"p1\" 2{ 1=\"web\" 2=\"u\" 3=\"ns\" 4=2 } 3{ 1=\"l\" 2=\"v\" } 4{ 1=\"n\" } } "
	       "2{ 1{ 1=1 2{ 1=2 } } 2{ 1=4 2{ 1=5 } } 3{ 1=7 2{ 1=\"eth0\" 2{ 1=1 } 3{ 1=2 } 4{ 1=3 } 5{ 1=4 } } "
	       "3{ 1=\"eth1\" 2{ 1=5 } 3{ } 4{ } 5{ } } } 4{ 1=1 2{ 1=8 } } 5{" CONTAINER_STATS " } 6{ 1=6 2" PSI
	       " } }");
}

static void figures_are_grouped(void **state)
{
	static const struct {
		const char *pod, *container, *name;
	} figures[] = {
		{ "p1", "", "a" },   { "p1", "", "b" },   { "p1", "c1", "a" },
		{ "p1", "c2", "a" }, { "p1", "c2", "b" }, { "p2", "c2", "a" },
	};
	cri_list *list = list_new(LIST_METRIC, sizeof(cri_metric));
	Cri__ListPodSandboxMetricsResponse *response;
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
		cri_metric *metric = list_add(list);

		assert_non_null(metric);
		*metric = (cri_metric){
			.sandbox_id = figures[i].pod,
			.container_id = figures[i].container,
			.name = figures[i].name,
			.timestamp = 3,
			.type = CRI_METRIC_GAUGE,
			.label_values = texts,
			.n_label_values = 1,
			.value = i,
		};
	}
	begin(&fixture, RPC_V1);
	response = message_new(&fixture.conversion, &cri__list_pod_sandbox_metrics_response__descriptor);
	response->pod_metrics = metrics_to_wire(&fixture.conversion, list, &response->n_pod_metrics);
#define FIGURE(name, value) "{ 1=\"" name "\" 2=3 3=1 4=\"one\" 5{" value " } }"
	expect(&fixture, response, &cri__list_pod_sandbox_metrics_response__descriptor,
	       " 1{ 1=\"p1\" 2" FIGURE("a", "") " 2" FIGURE("b", " 1=1") " 3{ 1=\"c1\" 2" FIGURE(
		       "a", " 1=2") " } "
				    "3{ 1=\"c2\" 2" FIGURE("a", " 1=3") " 2" FIGURE(
					    "b", " 1=4") " } } "
							 "1{ 1=\"p2\" 3{ 1=\"c2\" 2" FIGURE("a", " 1=5") " } }");
	cri_list_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_system),         cmocka_unit_test(a_file_system_that_is_not_known),
		cmocka_unit_test(what_a_container_uses), cmocka_unit_test(what_a_pod_uses),
		cmocka_unit_test(figures_are_grouped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup uses, read from files as kernels write them: v2 and v1, whole and with parts missing. */
#include "base/fs.h"
#include "cgroup/cgroup.h"
#include "cgroup/figures.h"
#include "network/interfaces.h"
#include "runtime/usage.h"
#include "sandbox/metric_table.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define CGROUP "/pod/container"

static char directory[64];
static cri_call call;

static int set_up(void **state)
{
	(void)state;
	call_init(&call);
	strcpy(directory, "/tmp/libcri-usage-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return fs_remove_tree(AT_FDCWD, directory);
}

static void put(const char *hierarchy, const char *file, const char *text)
{
	char path[PATH_MAX];

	assert_int_equal(fs_path(path, sizeof(path), "%s%s" CGROUP, directory, hierarchy), 0);
	assert_int_equal(fs_make_directories(path, 0700), 0);
	assert_int_equal(fs_path(path, sizeof(path), "%s%s" CGROUP "/%s", directory, hierarchy, file), 0);
	assert_int_equal(fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0600, false), 0);
}

static struct cgroup_system v2(void)
{
	return (struct cgroup_system){
		.hierarchies = { { .mountpoint = directory, .controllers = (char *)",cpu,memory,pids,", .v2 = true } },
		.n_hierarchies = 1,
		.unified = true,
	};
}

static void put_v2(void)
{
	put("", "cpu.stat", "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nnr_periods 0\n");
	put("", "memory.current", "10485760\n");
	put("", "memory.max", "20971520\n");
	put("", "memory.stat",
	    "anon 4194304\nfile 6291456\nkernel 65536\ninactive_anon 1\ninactive_file 2097152\npgfault 77\npgmajfault "
	    "3\n");
	put("", "memory.swap.current", "4096\n");
	put("", "memory.swap.max", "1048576\n");
	put("", "pids.current", "7\n");
	put("", "cpu.pressure",
	    "some avg10=1.50 avg60=0.25 avg300=0.01 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n");
	put("", "memory.pressure",
	    "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
	    "full avg10=99.99 avg60=12.34 avg300=5.00 total=2\n");
	put("", "io.pressure",
	    "some avg10=0.00 avg60=0.00 avg300=0.00 total=3\n"
	    "full avg10=0.00 avg60=0.00 avg300=0.00 total=4\n");
}

static void assert_counter(cri_counter counter, uint64_t value)
{
	assert_true(counter.known);
	assert_int_equal(counter.value, value);
}

static void test_v2(void **state)
{
	struct cgroup_system system = v2();
	struct cgroup_usage usage;
	cri_memory_usage memory;
	cri_swap_usage swap;

	(void)state;
	put_v2();
	assert_int_equal(cgroup_usage_read(&system, CGROUP, &usage, &call), 0);
	assert_counter(usage_of_cpu(&usage).usage_core_nanoseconds, 1234567000);
	assert_false(usage_of_cpu(&usage).usage_nanocores.known);
	memory = usage_of_memory(&usage);
	assert_counter(memory.usage_bytes, 10485760);
	assert_counter(memory.working_set_bytes, 10485760 - 2097152);
	assert_counter(memory.available_bytes, 20971520 - (10485760 - 2097152));
	assert_counter(memory.rss_bytes, 4194304);
	assert_counter(memory.page_faults, 77);
	assert_counter(memory.major_page_faults, 3);
	swap = usage_of_swap(&usage);
	assert_counter(swap.usage_bytes, 4096);
	assert_counter(swap.available_bytes, 1048576 - 4096);
	assert_true(usage.has_pids);
	assert_int_equal(usage.pids, 7);
	assert_true(usage.cpu_pressure.known);
	assert_int_equal(usage.cpu_pressure.some.total, 123456);
	assert_true(usage.cpu_pressure.some.avg10 == 1.5);
	assert_true(usage.cpu_pressure.some.avg60 == 0.25);
	assert_true(usage.cpu_pressure.some.avg300 > 0.0099 && usage.cpu_pressure.some.avg300 < 0.0101);
	assert_int_equal(usage.cpu_pressure.full.total, 9);
	assert_true(memory.pressure.known && memory.pressure.full.avg10 > 99.98 && memory.pressure.full.total == 2);
	assert_true(usage_of_io(&usage).pressure.known);
	assert_int_equal(usage_of_io(&usage).pressure.full.total, 4);
}

static void test_v2_without_limits(void **state)
{
	struct cgroup_system system = v2();
	struct cgroup_usage usage;

	(void)state;
	put_v2();
	put("", "memory.max", "max\n");
	put("", "memory.swap.max", "max\n");
	put("", "memory.current", "1000\n");
	assert_int_equal(cgroup_usage_read(&system, CGROUP, &usage, &call), 0);
	assert_false(usage_of_memory(&usage).available_bytes.known);
	assert_false(usage_of_swap(&usage).available_bytes.known);
	assert_counter(usage_of_swap(&usage).usage_bytes, 4096);
	/* More inactive file pages than use, as just after a reclaim: not a huge number. */
	assert_counter(usage_of_memory(&usage).working_set_bytes, 0);
}

/* A kernel without swap and PSI, and a cgroup to which no controller was given. */
static void test_v2_with_parts_missing(void **state)
{
	struct cgroup_system system = v2();
	struct cgroup_usage usage;

	(void)state;
	put("", "cpu.stat", "usage_usec 5\n");
	assert_int_equal(cgroup_usage_read(&system, CGROUP, &usage, &call), 0);
	assert_counter(usage_of_cpu(&usage).usage_core_nanoseconds, 5000);
	assert_false(usage_of_cpu(&usage).pressure.known);
	assert_false(usage_of_memory(&usage).working_set_bytes.known);
	assert_false(usage_of_memory(&usage).rss_bytes.known);
	assert_false(usage_of_memory(&usage).available_bytes.known);
	assert_false(usage_of_swap(&usage).usage_bytes.known);
	assert_false(usage_of_io(&usage).pressure.known);
	assert_false(usage.has_pids);
	/* One that is gone. */
	assert_int_equal(cgroup_usage_read(&system, "/pod/other", &usage, &call), 0);
	assert_false(usage.has_cpu || usage.has_memory || usage.has_pids || usage.has_swap);
}

static void test_v1(void **state)
{
	char cpu[80], memory[80], pids[80];
	struct cgroup_system system = {
		.hierarchies = { { .mountpoint = cpu, .controllers = (char *)",cpu,cpuacct," },
				 { .mountpoint = memory, .controllers = (char *)",memory," },
				 { .mountpoint = pids, .controllers = (char *)",pids," } },
		.n_hierarchies = 3,
	};
	struct cgroup_usage usage;

	(void)state;
	snprintf(cpu, sizeof(cpu), "%s/cpu", directory);
	snprintf(memory, sizeof(memory), "%s/memory", directory);
	snprintf(pids, sizeof(pids), "%s/pids", directory);
	put("/cpu", "cpuacct.usage", "987654321\n");
	put("/memory", "memory.usage_in_bytes", "10485760\n");
	put("/memory", "memory.stat",
	    "cache 1\nrss 2\nhierarchical_memory_limit 20971520\nhierarchical_memsw_limit 31457280\n"
	    "total_cache 6291456\ntotal_rss 4194304\ntotal_swap 4096\ntotal_pgfault 77\ntotal_pgmajfault 3\n"
	    "total_inactive_file 2097152\n");
	put("/pids", "pids.current", "7\n");
	/* By descriptors of the roots, as an engine has them. */
	for (size_t i = 0; i < 3; i++) {
		system.hierarchies[i].directory = open(system.hierarchies[i].mountpoint, O_PATH | O_CLOEXEC);
		assert_true(system.hierarchies[i].directory > 0);
	}
	assert_int_equal(cgroup_usage_read(&system, CGROUP, &usage, &call), 0);
	for (size_t i = 0; i < 3; i++) {
		close(system.hierarchies[i].directory);
		system.hierarchies[i].directory = 0;
	}
	assert_counter(usage_of_cpu(&usage).usage_core_nanoseconds, 987654321);
	assert_counter(usage_of_memory(&usage).working_set_bytes, 10485760 - 2097152);
	assert_counter(usage_of_memory(&usage).rss_bytes, 4194304);
	assert_counter(usage_of_memory(&usage).available_bytes, 20971520 - (10485760 - 2097152));
	assert_counter(usage_of_swap(&usage).usage_bytes, 4096);
	assert_counter(usage_of_swap(&usage).available_bytes, 10485760 - 4096);
	assert_int_equal(usage.pids, 7);
	assert_false(usage_of_io(&usage).pressure.known);
	/* Without limits, and on a kernel that does not count swap. */
	put("/memory", "memory.stat", "hierarchical_memory_limit 9223372036854771712\ntotal_rss 1\n");
	assert_int_equal(cgroup_usage_read(&system, CGROUP, &usage, &call), 0);
	assert_false(usage_of_memory(&usage).available_bytes.known);
	assert_false(usage_of_swap(&usage).usage_bytes.known);
}

/* --- for metrics --- */

#define assert_figure(figure, expected) assert_true(figures.values[figure] == (expected))

static void test_figures_v2(void **state)
{
	struct cgroup_system system = v2();
	struct cgroup_figures figures;

	(void)state;
	put_v2();
	put("", "cpu.stat",
	    "usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\nnr_periods 9\nnr_throttled 4\n"
	    "throttled_usec 500000\n");
	put("", "cpu.weight", "10000\n");
	put("", "cpu.max", "50000 100000\n");
	put("", "memory.stat",
	    "anon 4194304\nfile 6291456\nkernel 65536\nfile_mapped 12\ninactive_file 2097152\nactive_file 13\n"
	    "pgfault 77\npgmajfault 3\n");
	put("", "memory.events", "low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\n");
	put("", "memory.peak", "11000000\n");
	put("", "pids.max", "max\n");
	put("", "io.stat",
	    "8:16 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n7:0 \n"
	    "254:3 wbytes=1 rbytes=2 rios=3 wios=4\n");
	assert_int_equal(cgroup_figures_read(&system, CGROUP, &figures, &call), 0);
	assert_figure(FIGURE_CPU_USAGE, UINT64_C(3000000000));
	assert_figure(FIGURE_CPU_USER, UINT64_C(2000000000));
	assert_figure(FIGURE_CPU_SYSTEM, UINT64_C(1000000000));
	assert_figure(FIGURE_CPU_PERIODS, 9);
	assert_figure(FIGURE_CPU_THROTTLED_PERIODS, 4);
	assert_figure(FIGURE_CPU_THROTTLED_TIME, 500000000);
	assert_figure(FIGURE_CPU_SHARES, 262144);
	assert_figure(FIGURE_CPU_QUOTA, 50000);
	assert_figure(FIGURE_CPU_PERIOD, 100000);
	assert_figure(FIGURE_MEMORY_USAGE, 10485760);
	assert_figure(FIGURE_MEMORY_WORKING_SET, 10485760 - 2097152);
	assert_figure(FIGURE_MEMORY_MAX_USAGE, 11000000);
	assert_figure(FIGURE_MEMORY_CACHE, 6291456);
	assert_figure(FIGURE_MEMORY_RSS, 4194304);
	assert_figure(FIGURE_MEMORY_KERNEL, 65536);
	assert_figure(FIGURE_MEMORY_MAPPED_FILE, 12);
	assert_figure(FIGURE_MEMORY_ACTIVE_FILE, 13);
	assert_figure(FIGURE_MEMORY_SWAP, 4096);
	assert_figure(FIGURE_MEMORY_LIMIT, 20971520);
	assert_figure(FIGURE_SWAP_LIMIT, 1048576);
	assert_figure(FIGURE_MEMORY_FAILURES, FIGURE_UNKNOWN);
	assert_figure(FIGURE_PAGE_FAULTS, 77);
	assert_figure(FIGURE_MAJOR_PAGE_FAULTS_BELOW, 3);
	assert_figure(FIGURE_OOM_KILLS, 1);
	assert_figure(FIGURE_THREADS, 7);
	assert_figure(FIGURE_THREADS_MAX, 0);
	assert_figure(FIGURE_CPU_WAITING, 123456000);
	assert_figure(FIGURE_CPU_STALLED, 9000);
	assert_figure(FIGURE_IO_STALLED, 4000);
	assert_int_equal(figures.n_devices, 3);
	assert_int_equal(figures.devices[0].major, 8);
	assert_int_equal(figures.devices[0].minor, 16);
	assert_int_equal(figures.devices[0].written_bytes, 8192);
	assert_int_equal(figures.devices[0].writes, 2);
	assert_int_equal(figures.devices[1].reads, 0);
	assert_int_equal(figures.devices[2].read_bytes, 2);
	assert_int_equal(figures.devices[2].reads, 3);
}

static void test_figures_v1(void **state)
{
	struct cgroup_system system = {
		.hierarchies = { { .mountpoint = directory,
				   .controllers = (char *)",cpu,cpuacct,memory,pids,blkio," } },
		.n_hierarchies = 1,
	};
	struct cgroup_figures figures;

	(void)state;
	put("", "cpuacct.usage", "3000000000\n");
	put("", "cpuacct.usage_user", "2000000000\n");
	put("", "cpuacct.usage_sys", "1000000000\n");
	put("", "cpu.stat", "nr_periods 9\nnr_throttled 4\nthrottled_time 500000000\n");
	put("", "cpu.shares", "512\n");
	put("", "cpu.cfs_quota_us", "-1\n");
	put("", "cpu.cfs_period_us", "100000\n");
	put("", "memory.usage_in_bytes", "100\n");
	put("", "memory.stat", "pgfault 1\ntotal_pgfault 5\ntotal_cache 7\ntotal_inactive_file 200\n");
	put("", "memory.failcnt", "6\n");
	put("", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	put("", "memory.limit_in_bytes", "9223372036854771712\n");
	put("", "pids.current", "3\n");
	put("", "pids.max", "100\n");
	put("", "blkio.throttle.io_service_bytes_recursive",
	    "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\n8:0 Async 2\n8:0 Total 12288\nTotal 12288\n");
	put("", "blkio.throttle.io_serviced_recursive", "8:0 Read 1\n8:0 Write 2\nTotal 3\n");
	assert_int_equal(cgroup_figures_read(&system, CGROUP, &figures, &call), 0);
	assert_figure(FIGURE_CPU_USAGE, UINT64_C(3000000000));
	assert_figure(FIGURE_CPU_SYSTEM, UINT64_C(1000000000));
	assert_figure(FIGURE_CPU_THROTTLED_TIME, 500000000);
	assert_figure(FIGURE_CPU_SHARES, 512);
	assert_figure(FIGURE_CPU_QUOTA, 0);
	assert_figure(FIGURE_MEMORY_WORKING_SET, 0);
	assert_figure(FIGURE_MEMORY_CACHE, 7);
	assert_figure(FIGURE_MEMORY_FAILURES, 6);
	assert_figure(FIGURE_MEMORY_LIMIT, 0);
	assert_figure(FIGURE_MEMORY_SWAP, FIGURE_UNKNOWN);
	assert_figure(FIGURE_PAGE_FAULTS, 1);
	assert_figure(FIGURE_PAGE_FAULTS_BELOW, 5);
	assert_figure(FIGURE_OOM_KILLS, 2);
	assert_figure(FIGURE_THREADS_MAX, 100);
	assert_figure(FIGURE_CPU_WAITING, FIGURE_UNKNOWN);
	assert_int_equal(figures.n_devices, 1);
	assert_int_equal(figures.devices[0].read_bytes, 4096);
	assert_int_equal(figures.devices[0].writes, 2);
}

static void put_devices(const char *file, unsigned n, const char *line)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;

	for (unsigned i = 0; i < n; i++) {
		buffer_printf(&text, "259:%u ", i);
		buffer_printf(&text, "%s%u\n", line, i);
	}
	assert_false(text.failed);
	put("", file, text.data);
}

/* A storage server has more disks than a page has room for; what is beyond any reason is left out, and fails nothing.
 */
static void test_figures_of_many_devices(void **state)
{
	static const char line[] = "rbytes=18446744073709551615 wbytes=18446744073709551615 rios=18446744073709551615 "
				   "dbytes=18446744073709551615 dios=18446744073709551615 wios=";
	struct cgroup_system system = v2();
	struct cgroup_figures figures;

	(void)state;
	put_v2();
	for (unsigned n = 60; n <= 6000; n *= 10) {
		const unsigned told = n < CGROUP_MAX_DEVICES ? n : CGROUP_MAX_DEVICES;

		put_devices("io.stat", n, line);
		assert_int_equal(cgroup_figures_read(&system, CGROUP, &figures, &call), 0);
		assert_int_equal(figures.n_devices, told);
		assert_int_equal(figures.devices[told - 1].minor, told - 1);
		assert_int_equal(figures.devices[told - 1].writes, told - 1);
		assert_figure(FIGURE_THREADS, 7);
		assert_figure(FIGURE_IO_STALLED, 4000);
	}
	put("", "io.stat", "");
	assert_int_equal(cgroup_figures_read(&system, CGROUP, &figures, &call), 0);
	assert_int_equal(figures.n_devices, 0);
}

static void test_figures_of_many_devices_v1(void **state)
{
	struct cgroup_system system = {
		.hierarchies = { { .mountpoint = directory, .controllers = (char *)",blkio," } },
		.n_hierarchies = 1,
	};
	struct cgroup_figures figures;

	(void)state;
	put_devices("blkio.throttle.io_service_bytes_recursive", 100,
		    "Sync 18446744073709551615\n1:1 Async 18446744073709551615\n1:1 Discard "
		    "18446744073709551615\n1:1 Total 18446744073709551615\n1:1 Write ");
	put_devices("blkio.throttle.io_serviced_recursive", 100, "Read ");
	assert_int_equal(cgroup_figures_read(&system, CGROUP, &figures, &call), 0);
	/* And 1:1. */
	assert_int_equal(figures.n_devices, 101);
	assert_int_equal(figures.devices[100].minor, 99);
	assert_int_equal(figures.devices[100].reads, 99);
	assert_int_equal(figures.devices[1].written_bytes, 99);
}

/* Names are what they are known by; what has further labels has values for them. */
static void test_the_table_of_metrics(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_metrics_all; i++) {
		assert_int_equal(strncmp(metrics_all[i]->name, "container_", 10), 0);
		assert_true(*metrics_all[i]->help);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(metrics_all[i]->name, metrics_all[k]->name);
	}
	for (size_t i = 0; i < n_metrics_of_figures; i++) {
		const struct figure_metric *metric = &metrics_of_figures[i];
		bool listed = false;

		for (size_t k = 0; k < n_metrics_all; k++)
			listed |= metrics_all[k] == metric->metric;
		assert_true(listed);
		assert_true(metric->divisor > 0);
		for (size_t k = 0; k < 4; k++)
			assert_true(!metric->metric->labels[k] == !metric->values[k]);
	}
}

static void test_interfaces(void **state)
{
	static const char heading[] =
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo "
		"colls carrier compressed\n";
	static const char *const bad[] = { "eth0 1 2 3\n", "eth0: 1 2 3\n", ": 1\n", "eth0: 1 2 x\n" };
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct network_look look = { .path = "" };
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text), "%s%s", heading,
		 "    lo:      10       1    0    0    0     0          0         0       10       1    0    0    0    "
		 " 0  "
		 "     0          0\n"
		 "  eth0:18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
		 "a.b-c@1: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n");
	assert_int_equal(network_parse_interfaces(text, &arena, &look), 0);
	assert_int_equal(look.n_interfaces, 2);
	assert_string_equal(look.interfaces[0].name, "eth0");
	assert_true(look.interfaces[0].rx_bytes == UINT64_MAX);
	assert_int_equal(look.interfaces[0].rx_packets, 2);
	assert_int_equal(look.interfaces[0].rx_errors, 3);
	assert_int_equal(look.interfaces[0].rx_dropped, 4);
	assert_int_equal(look.interfaces[0].tx_bytes, 9);
	assert_int_equal(look.interfaces[0].tx_packets, 10);
	assert_int_equal(look.interfaces[0].tx_errors, 11);
	assert_int_equal(look.interfaces[0].tx_dropped, 12);
	assert_string_equal(look.interfaces[1].name, "a.b-c@1");
	assert_int_equal(network_parse_interfaces("", &arena, &look), 0);
	assert_int_equal(look.n_interfaces, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "%s%s", heading, bad[i]);
		assert_int_equal(network_parse_interfaces(text, &arena, &look), -EBADMSG);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_v2),
		TEST(test_v2_without_limits),
		TEST(test_v2_with_parts_missing),
		TEST(test_v1),
		TEST(test_figures_v2),
		TEST(test_figures_v1),
		TEST(test_figures_of_many_devices),
		TEST(test_figures_of_many_devices_v1),
		TEST(test_the_table_of_metrics),
		TEST(test_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

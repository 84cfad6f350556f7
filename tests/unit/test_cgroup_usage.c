/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup uses, read from files as kernels write them: v2 and v1, whole and with parts missing. */
#include "base/fs.h"
#include "runtime/cgroup.h"
#include "runtime/usage.h"

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_v2),
		TEST(test_v2_without_limits),
		TEST(test_v2_with_parts_missing),
		TEST(test_v1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of cgroups, and what is used within them. */
#include "cgroup_fixture.h"

static void test_limits(void **state)
{
	const cri_resources first = {
		CRI_RESOURCES_INIT,
		.cpu_shares = 512,
		.cpu_quota = 50000,
		.cpu_period = 100000,
		.memory_limit_in_bytes = 64 << 20,
		.pids_limit = 50,
	};
	const cri_resources second = {
		CRI_RESOURCES_INIT, .cpu_shares = 2, .cpu_quota = -1, .memory_limit_in_bytes = -1, .pids_limit = -1,
	};

	(void)state;
	need("cpu");
	need("memory");
	need("pids");
	assert_good(cgroup_limit(cgroups, path, &first, &call));
	assert_value("memory", "memory.limit_in_bytes", "memory.max", "67108864");
	assert_value("pids", "pids.max", "pids.max", "50");
	assert_value("cpu", "cpu.shares", "cpu.weight", cgroup_hierarchy_of(cgroups, "cpu")->v2 ? "20" : "512");
	if (cgroup_hierarchy_of(cgroups, "cpu")->v2) {
		assert_value("cpu", "", "cpu.max", "50000 100000");
	} else {
		assert_value("cpu", "cpu.cfs_quota_us", "", "50000");
		assert_value("cpu", "cpu.cfs_period_us", "", "100000");
	}
	assert_good(cgroup_limit(cgroups, path, &second, &call));
	assert_value("pids", "pids.max", "pids.max", "max");
	assert_value("cpu", "cpu.shares", "cpu.weight", cgroup_hierarchy_of(cgroups, "cpu")->v2 ? "1" : "2");
	if (cgroup_hierarchy_of(cgroups, "cpu")->v2) {
		assert_value("cpu", "", "cpu.max", "max 100000");
		assert_value("memory", "", "memory.max", "max");
	} else {
		assert_value("cpu", "cpu.cfs_quota_us", "", "-1");
		assert_value("memory", "memory.limit_in_bytes", "", "9223372036854771712");
	}
}

/* Each must be possible from each other: quota to period against a parent that is full, in both directions. */
static void test_period_order(void **state)
{
	const cri_resources pod = { CRI_RESOURCES_INIT, .cpu_quota = 50000, .cpu_period = 100000 };
	const cri_resources fast = { CRI_RESOURCES_INIT, .cpu_quota = 5000, .cpu_period = 10000 };
	const cri_resources slow = { CRI_RESOURCES_INIT, .cpu_quota = 500000, .cpu_period = 1000000 };
	const cri_resources period = { CRI_RESOURCES_INIT, .cpu_period = 200000 };
	char parent[128];

	(void)state;
	need("cpu");
	snprintf(parent, sizeof(parent), "%s/pod", base);
	assert_good(cgroup_limit(cgroups, parent, &pod, &call));
	assert_good(cgroup_limit(cgroups, path, &fast, &call));
	assert_good(cgroup_limit(cgroups, path, &slow, &call));
	assert_good(cgroup_limit(cgroups, path, &fast, &call));
	assert_good(cgroup_limit(cgroups, path, &period, &call));
	if (cgroup_hierarchy_of(cgroups, "cpu")->v2)
		assert_value("cpu", "", "cpu.max", "5000 200000");
	else
		assert_value("cpu", "cpu.cfs_period_us", "", "200000");
}

static void test_swap(void **state)
{
	const cri_resources small = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 32 << 20,
				      .memory_swap_limit_in_bytes = 48 << 20 };
	const cri_resources large = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 96 << 20,
				      .memory_swap_limit_in_bytes = 128 << 20 };
	const cri_resources swap_only = { CRI_RESOURCES_INIT, .memory_swap_limit_in_bytes = 100 << 20 };
	const cri_resources none = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = -1 };
	const cri_resources wrong = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 64 << 20,
				      .memory_swap_limit_in_bytes = 32 << 20 };
	const struct cgroup_hierarchy *memory = need("memory");

	(void)state;
	if (access(file_of(memory, path, memory->v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes"), F_OK) < 0) {
		assert_int_equal(cgroup_limit(cgroups, path, &small, &call), CRI_ENOTSUP);
		assert_non_null(strstr(call.message, "memory_swap_limit_in_bytes"));
		return;
	}
	assert_good(cgroup_limit(cgroups, path, &small, &call));
	assert_value("memory", "memory.memsw.limit_in_bytes", "memory.swap.max", memory->v2 ? "16777216" : "50331648");
	assert_good(cgroup_limit(cgroups, path, &large, &call));
	assert_value("memory", "memory.memsw.limit_in_bytes", "memory.swap.max", memory->v2 ? "33554432" : "134217728");
	assert_good(cgroup_limit(cgroups, path, &swap_only, &call));
	assert_value("memory", "memory.memsw.limit_in_bytes", "memory.swap.max", memory->v2 ? "4194304" : "104857600");
	assert_value("memory", "memory.limit_in_bytes", "memory.max", "100663296");
	assert_good(cgroup_limit(cgroups, path, &small, &call));
	assert_good(cgroup_limit(cgroups, path, &none, &call));
	if (!memory->v2)
		assert_value("memory", "memory.memsw.limit_in_bytes", "", "9223372036854771712");
	assert_int_equal(cgroup_limit(cgroups, path, &wrong, &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "memory_swap_limit_in_bytes"));
	call_init(&call);
	assert_int_equal(cgroup_limit(cgroups, path, &swap_only, &call), CRI_EINVAL);
}

static void test_cpuset_update(void **state)
{
	const cri_resources one = { CRI_RESOURCES_INIT, .cpuset_cpus = "0" };
	const struct cgroup_hierarchy *hierarchy = need("cpuset");
	const char *all_file = hierarchy->v2 ? "cpuset.cpus.effective" : "cpuset.cpus";
	CLEANUP_BUFFER struct buffer before = BUFFER_EMPTY;
	cri_resources all = { CRI_RESOURCES_INIT };

	(void)state;
	assert_int_equal(fs_read(AT_FDCWD, file_of(hierarchy, path, all_file), 4096, &before), 0);
	before.data[strcspn(before.data, "\n")] = '\0';
	all.cpuset_cpus = before.data;
	assert_good(cgroup_limit(cgroups, path, &one, &call));
	assert_value("cpuset", "cpuset.cpus", "cpuset.cpus", "0");
	assert_good(cgroup_limit(cgroups, path, &all, &call));
	assert_value("cpuset", "cpuset.cpus", "cpuset.cpus.effective", before.data);
}

static void test_refused_limits(void **state)
{
	const cri_key_value pair = { CRI_KEY_VALUE_INIT, .key = "memory.high", .value = "33554432" };
	const cri_key_value procs = { CRI_KEY_VALUE_INIT, .key = "cgroup.procs", .value = "1" };
	const cri_key_value escape = { CRI_KEY_VALUE_INIT, .key = "../memory.high", .value = "1" };
	const cri_key_value *pairs[] = { &pair };
	const cri_resources unified = { CRI_RESOURCES_INIT, .unified = pairs, .n_unified = 1 };
	const cri_hugepage_limit zero = { CRI_HUGEPAGE_LIMIT_INIT, .page_size = "2MB" };
	const cri_hugepage_limit some = { CRI_HUGEPAGE_LIMIT_INIT, .page_size = "2MB", .limit = 4 << 20 };
	const cri_hugepage_limit *limits[] = { &zero };
	const cri_resources hugepages = { CRI_RESOURCES_INIT, .hugepage_limits = limits, .n_hugepage_limits = 1 };
	const cri_resources cpuset = { CRI_RESOURCES_INIT, .cpuset_cpus = "9999" };

	(void)state;
	need_root();
	if (cgroups->unified && !cgroup_hierarchy_of(cgroups, "memory")) {
		assert_int_equal(cgroup_limit(cgroups, path, &unified, &call), CRI_ENOTSUP);
		assert_non_null(strstr(call.message, "memory.high"));
	} else if (cgroups->unified) {
		assert_good(cgroup_limit(cgroups, path, &unified, &call));
		assert_value("memory", "", "memory.high", "33554432");
		pairs[0] = &procs;
		assert_int_equal(cgroup_limit(cgroups, path, &unified, &call), CRI_EINVAL);
		pairs[0] = &escape;
		assert_int_equal(cgroup_limit(cgroups, path, &unified, &call), CRI_EINVAL);
	} else {
		assert_int_equal(cgroup_limit(cgroups, path, &unified, &call), CRI_ENOTSUP);
	}
	if (!cgroup_hierarchy_of(cgroups, "hugetlb")) {
		call_init(&call);
		assert_good(cgroup_limit(cgroups, path, &hugepages, &call));
		limits[0] = &some;
		assert_int_equal(cgroup_limit(cgroups, path, &hugepages, &call), CRI_ENOTSUP);
		assert_non_null(strstr(call.message, "hugepage_limits"));
	}
	if (cgroup_hierarchy_of(cgroups, "cpuset")) {
		call_init(&call);
		assert_int_equal(cgroup_limit(cgroups, path, &cpuset, &call), CRI_EINVAL);
		assert_non_null(strstr(call.message, "cpuset_cpus"));
	}
}

#define USED_BYTES ((size_t)16 << 20)

static void use_things(void)
{
	char *memory = mmap(NULL, USED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(103);
	memset(memory, 1, USED_BYTES);
	/* Of the processor's time: on a busy machine that of the clock is somebody else's. */
	while (clock() < CLOCKS_PER_SEC / 30)
		;
	kill(getpid(), SIGSTOP);
	sleep_forever();
}

/* Nobody is killed for a limit that is asked for later. */
static void refuse_less_than_is_used(pid_t pid)
{
	const cri_resources less = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = USED_BYTES / 2 };
	/* Thread sanitizer's own memory is four times what is used. */
	const cri_resources enough = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = USED_BYTES * 7 };
	struct sysinfo machine;

	if (sysinfo(&machine) || machine.totalswap)
		return;
	assert_int_equal(cgroup_limit(cgroups, path, &less, &call), CRI_EPRECONDITION);
	assert_non_null(strstr(call.message, "memory_limit_in_bytes"));
	call_init(&call);
	assert_value("memory", "memory.limit_in_bytes", "memory.max", "134217728");
	assert_good(cgroup_limit(cgroups, path, &enough, &call));
	assert_value("memory", "memory.limit_in_bytes", "memory.max", "117440512");
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
}

static void test_usage(void **state)
{
	const cri_resources limit = { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 128 << 20 };
	struct cgroup_usage usage;
	char inner[160];
	int status;
	pid_t pid;

	(void)state;
	need("memory");
	need("pids");
	snprintf(inner, sizeof(inner), "%s/c", path);
	assert_good(cgroup_create(cgroups, inner, &call));
	assert_good(cgroup_usage_read(cgroups, path, &usage, &call));
	assert_true(usage.has_memory);
	assert_true(usage.memory_limit == UINT64_MAX);
	assert_int_equal(usage.pids, 0);
	assert_good(cgroup_limit(cgroups, path, &limit, &call));
	pid = start_in(inner, use_things);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	/* On a busy machine memory.stat lags behind: the kernel adds the processors' counts up every two seconds. */
	for (int i = 0; i < 100; i++) {
		assert_good(cgroup_usage_read(cgroups, path, &usage, &call));
		if (usage.memory_rss >= USED_BYTES / 2)
			break;
		usleep(50000);
	}
	assert_true(usage.has_cpu && usage.has_memory && usage.has_pids);
	assert_true(usage.timestamp > INT64_C(1500000000) * NANOSECONDS_PER_SECOND);
	assert_in_range(usage.cpu_nanoseconds, 10 * NANOSECONDS_PER_MILLISECOND, 60 * NANOSECONDS_PER_SECOND);
	assert_in_range(usage.memory_usage, USED_BYTES, 128 << 20);
	assert_in_range(usage.memory_working_set, USED_BYTES, usage.memory_usage);
	assert_in_range(usage.memory_rss, USED_BYTES / 2, usage.memory_usage);
	assert_int_equal(usage.memory_limit, 128 << 20);
	assert_true(usage.page_faults > 0);
	assert_int_equal(usage.pids, 1);
	refuse_less_than_is_used(pid);
	assert_good(cgroup_kill(cgroups, path, &call));
	assert_killed(pid);
	assert_good(cgroup_usage_read(cgroups, "/libcri-unit-nothing-of-this-name", &usage, &call));
	assert_false(usage.has_cpu || usage.has_memory || usage.has_pids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_CGROUP(test_limits),        IN_CGROUP(test_period_order),   IN_CGROUP(test_swap),
		IN_CGROUP(test_cpuset_update), IN_CGROUP(test_refused_limits), IN_CGROUP(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

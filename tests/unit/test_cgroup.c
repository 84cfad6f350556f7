/* SPDX-License-Identifier: Apache-2.0 */
/* cgroups of this machine, whichever version it has. Needs root; skips without. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/clone.h"
#include "base/fs.h"
#include "base/text.h"
#include "cgroup/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>

#include <setjmp.h>

#include <cmocka.h>

static struct cgroup_system *cgroups;
static cri_call call;
static char base[64]; /* this test's own cgroup */
static char path[128];

#define assert_good(expression)                                                                                        \
	do {                                                                                                           \
		int good_ = (expression);                                                                              \
		if (good_ < 0)                                                                                         \
			print_error("%s\n", call.message);                                                             \
		assert_int_equal(good_, 0);                                                                            \
	} while (0)

static int set_up(void **state)
{
	(void)state;
	call_init(&call);
	if (geteuid() != 0 || cgroup_detect(&cgroups, &call) < 0)
		return 0;
	snprintf(base, sizeof(base), "/libcri-unit-%d", getpid());
	snprintf(path, sizeof(path), "%s/pod/container", base);
	return cgroup_create(cgroups, path, &call);
}

static int tear_down(void **state)
{
	int result = 0;

	(void)state;
	if (cgroups) {
		call_init(&call);
		result = cgroup_kill(cgroups, base, &call);
		while (waitpid(-1, NULL, 0) > 0)
			;
		if (result == 0)
			result = cgroup_remove(cgroups, base, &call);
	}
	cgroup_system_free(cgroups);
	cgroups = NULL;
	return result;
}

static void need_root(void)
{
	call_init(&call);
	if (!cgroups)
		skip();
}

static const struct cgroup_hierarchy *need(const char *controller)
{
	const struct cgroup_hierarchy *hierarchy;

	need_root();
	hierarchy = cgroup_hierarchy_of(cgroups, controller);
	if (hierarchy)
		return hierarchy;
	skip();
	abort(); /* skip() does not come back */
}

static const char *file_of(const struct cgroup_hierarchy *hierarchy, const char *cgroup, const char *name)
{
	static char file[PATH_MAX];

	assert_int_equal(fs_path(file, sizeof(file), "%s%s/%s", hierarchy->mountpoint, cgroup, name), 0);
	return file;
}

static void assert_value(const char *controller, const char *v1, const char *v2, const char *expected)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_hierarchy_of(cgroups, controller);
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;

	assert_non_null(hierarchy);
	assert_int_equal(fs_read(AT_FDCWD, file_of(hierarchy, path, hierarchy->v2 ? v2 : v1), 4096, &text), 0);
	text.data[strcspn(text.data, "\n")] = '\0';
	assert_string_equal(text.data, expected);
}

/* A process in a cgroup that does what `run` says; the parent goes on when it is inside. */
static pid_t start_in(const char *cgroup, void (*run)(void))
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct cgroup_entry entry;
	CLEANUP_CLOSE int directory = -1;
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_good(cgroup_entry_files(cgroups, cgroup, &arena, &entry, &call));
	assert_true(entry.n_files > 0 || entry.v2);
	if (entry.v2) {
		directory = open(entry.v2_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(directory >= 0);
	}
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (size_t i = 0; i < entry.n_files; i++) {
			if (fs_write_text(AT_FDCWD, entry.files[i], "0") < 0)
				_exit(101);
		}
		if (entry.v2 && clone_move_into(directory) < 0)
			_exit(101);
		if (write(ready[1], "", 1) != 1)
			_exit(102);
		run();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void assert_killed(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void sleep_forever(void)
{
	for (;;)
		pause();
}

static void test_check_path(void **state)
{
	static const char *const bad[] = { "", "a", "/a/..", "/../a", "/a/./b", "//", "/a/", "/a//b", "/a\nb" };
	char text[4096];

	(void)state;
	call_init(&call);
	assert_int_equal(cgroup_check_path("/", "f", &call), 0);
	assert_int_equal(cgroup_check_path("/kubepods/burstable/pod1", "f", &call), 0);
	assert_int_equal(cgroup_check_path("/a..b/...", "f", &call), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		call_init(&call);
		assert_int_equal(cgroup_check_path(bad[i], "linux.cgroup_parent", &call), CRI_EINVAL);
		assert_non_null(strstr(call.message, "linux.cgroup_parent"));
	}
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[256] = '\0';
	assert_int_equal(cgroup_check_path(text, "f", &call), 0);
	text[256] = 'a';
	text[257] = '\0';
	assert_int_equal(cgroup_check_path(text, "f", &call), CRI_EINVAL);
	text[257] = 'a';
	for (size_t i = 0; i < sizeof(text); i += 128)
		text[i] = '/';
	text[2047] = '\0';
	assert_int_equal(cgroup_check_path(text, "f", &call), 0);
	text[2047] = 'a';
	text[2050] = '\0';
	assert_int_equal(cgroup_check_path(text, "f", &call), CRI_EINVAL);
}

static void test_controllers(void **state)
{
	static struct cgroup_system mixed = {
		.hierarchies = { { .mountpoint = (char *)"/1", .controllers = (char *)",cpu,cpuacct," },
				 { .mountpoint = (char *)"/2", .controllers = (char *)",name=systemd," },
				 { .mountpoint = (char *)"/3", .controllers = (char *)",io,memory,", .v2 = true } },
		.n_hierarchies = 3,
	};

	(void)state;
	assert_ptr_equal(cgroup_hierarchy_of(&mixed, "cpuacct"), &mixed.hierarchies[0]);
	assert_ptr_equal(cgroup_hierarchy_of(&mixed, "cpu"), &mixed.hierarchies[0]);
	assert_ptr_equal(cgroup_hierarchy_of(&mixed, "name=systemd"), &mixed.hierarchies[1]);
	assert_ptr_equal(cgroup_hierarchy_of(&mixed, "memory"), &mixed.hierarchies[2]);
	assert_null(cgroup_hierarchy_of(&mixed, "pids"));
	assert_null(cgroup_hierarchy_of(&mixed, "mem"));
}

static void test_create_and_remove(void **state)
{
	char inner[160];

	(void)state;
	need_root();
	snprintf(inner, sizeof(inner), "%s/a/b/c", path);
	assert_good(cgroup_create(cgroups, inner, &call));
	assert_good(cgroup_create(cgroups, inner, &call));
	for (size_t i = 0; i < cgroups->n_hierarchies; i++)
		assert_int_equal(access(file_of(&cgroups->hierarchies[i], inner, ""), F_OK), 0);
	snprintf(inner, sizeof(inner), "%s/a", path);
	assert_good(cgroup_remove(cgroups, inner, &call));
	assert_good(cgroup_remove(cgroups, inner, &call));
	for (size_t i = 0; i < cgroups->n_hierarchies; i++) {
		assert_int_equal(access(file_of(&cgroups->hierarchies[i], inner, ""), F_OK), -1);
		assert_int_equal(access(file_of(&cgroups->hierarchies[i], path, ""), F_OK), 0);
	}
	assert_int_equal(cgroup_remove(cgroups, "/", &call), CRI_EINVAL);
}

/* A cpuset that another program made has neither CPUs nor nodes on v1, and gives its children none. */
static void test_cpuset_is_filled(void **state)
{
	const struct cgroup_hierarchy *hierarchy = need("cpuset");
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;
	char foreign[160], inner[200];

	(void)state;
	snprintf(foreign, sizeof(foreign), "%s/foreign", base);
	snprintf(inner, sizeof(inner), "%s/foreign/ours/c", base);
	assert_int_equal(mkdir(file_of(hierarchy, base, "foreign"), 0755), 0);
	if (!hierarchy->v2)
		assert_int_equal(fs_write_text(AT_FDCWD, file_of(hierarchy, foreign, "cgroup.clone_children"), "0"), 0);
	assert_good(cgroup_create(cgroups, inner, &call));
	assert_int_equal(fs_read(AT_FDCWD,
				 file_of(hierarchy, inner, hierarchy->v2 ? "cpuset.cpus.effective" : "cpuset.cpus"),
				 4096, &text),
			 0);
	assert_true(text.length > 1);
	assert_int_equal(waitpid(start_in(inner, (void (*)(void))abort), NULL, 0) > 0, 1);
}

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

static void fork_a_few(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork() == 0)
			sleep_forever();
	}
	sleep_forever();
}

static void test_kill(void **state)
{
	char inner[160];
	pid_t pid;

	(void)state;
	need_root();
	assert_int_equal(cgroup_is_empty(cgroups, path, &call), 1);
	assert_good(cgroup_kill(cgroups, path, &call));
	snprintf(inner, sizeof(inner), "%s/deep/er", path);
	assert_good(cgroup_create(cgroups, inner, &call));
	pid = start_in(inner, fork_a_few);
	assert_int_equal(cgroup_is_empty(cgroups, path, &call), 0);
	assert_good(cgroup_kill(cgroups, path, &call));
	assert_int_equal(cgroup_is_empty(cgroups, path, &call), 1);
	assert_killed(pid);
	assert_good(cgroup_kill(cgroups, "/libcri-unit-nothing-of-this-name", &call));
	assert_int_equal(cgroup_is_empty(cgroups, "/libcri-unit-nothing-of-this-name", &call), 1);
}

static void fork_and_fork(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		pid_t pid = fork();

		if (pid > 0 && fork() == 0)
			_exit(0);
	}
}

static void test_kill_fork_bomb(void **state)
{
	const cri_resources few = { CRI_RESOURCES_INIT, .pids_limit = 64 };
	pid_t pid;

	(void)state;
	need("pids");
	assert_good(cgroup_limit(cgroups, path, &few, &call));
	pid = start_in(path, fork_and_fork);
	usleep(50000);
	assert_good(cgroup_kill(cgroups, path, &call));
	assert_int_equal(cgroup_is_empty(cgroups, path, &call), 1);
	assert_killed(pid);
}

static void test_kill_frozen(void **state)
{
	const struct cgroup_hierarchy *freezer;
	pid_t pid;

	(void)state;
	need_root();
	freezer = cgroups->unified ? &cgroups->hierarchies[0] : need("freezer");
	pid = start_in(path, sleep_forever);
	if (cgroups->unified)
		assert_int_equal(fs_write_text(AT_FDCWD, file_of(freezer, path, "cgroup.freeze"), "1"), 0);
	else
		assert_int_equal(fs_write_text(AT_FDCWD, file_of(freezer, path, "freezer.state"), "FROZEN"), 0);
	assert_good(cgroup_kill(cgroups, path, &call));
	assert_killed(pid);
}

static void test_remove_busy(void **state)
{
	char inner[160];
	pid_t pid;

	(void)state;
	need_root();
	snprintf(inner, sizeof(inner), "%s/busy", path);
	assert_good(cgroup_create(cgroups, inner, &call));
	pid = start_in(inner, sleep_forever);
	call.deadline = clock_boot() + 50 * NANOSECONDS_PER_MILLISECOND;
	assert_int_equal(cgroup_remove(cgroups, path, &call), CRI_ETIMEDOUT);
	call_init(&call);
	assert_int_equal(cgroup_remove(cgroups, path, &call), CRI_EINTERNAL);
	assert_non_null(strstr(call.message, path));
	call_init(&call);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_killed(pid);
	assert_good(cgroup_remove(cgroups, path, &call));
	assert_good(cgroup_create(cgroups, path, &call));
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

static void open_devices(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int error = errno;

	if (null < 0)
		_exit(110);
	if (zero >= 0 || error != EPERM)
		_exit(111);
	zero = open("/dev/full", O_RDONLY | O_CLOEXEC);
	_exit(zero < 0 || open("/dev/full", O_WRONLY | O_CLOEXEC) >= 0 ? 112 : 0);
}

static void test_devices(void **state)
{
	static const struct cgroup_device_rule rules[] = {
		{ 'b', -1, -1, "m" },
		{ 'c', -1, -1, "m" },
		{ 'c', 1, 3, "rw" },
		{ 'c', 1, 7, "r" },
	};
	static const struct cgroup_device_rule all = { 'a', -1, -1, "rwm" };
	char boxed[160], inner[200];
	int result, status;
	pid_t pid;

	(void)state;
	need_root();
	snprintf(boxed, sizeof(boxed), "%s/devices", base);
	snprintf(inner, sizeof(inner), "%s/c", boxed);
	assert_good(cgroup_create(cgroups, boxed, &call));
	assert_good(cgroup_allow_devices(cgroups, boxed, &all, 1, &call));
	result = cgroup_allow_devices(cgroups, boxed, rules, 4, &call);
	if (result == CRI_ENOTSUP)
		skip();
	assert_good(result);
	assert_good(cgroup_create(cgroups, inner, &call));
	pid = start_in(inner, open_devices);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_path),
		cmocka_unit_test(test_controllers),
		cmocka_unit_test_setup_teardown(test_create_and_remove, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cpuset_is_filled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_period_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_swap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cpuset_update, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kill, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kill_fork_bomb, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kill_frozen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_remove_busy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_usage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_devices, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Making, emptying and removing cgroups, and the devices of their processes. */
#include "cgroup_fixture.h"

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
		IN_CGROUP(test_create_and_remove),
		IN_CGROUP(test_cpuset_is_filled),
		IN_CGROUP(test_kill),
		IN_CGROUP(test_kill_fork_bomb),
		IN_CGROUP(test_kill_frozen),
		IN_CGROUP(test_remove_busy),
		IN_CGROUP(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

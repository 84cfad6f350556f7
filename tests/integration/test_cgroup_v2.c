/* SPDX-License-Identifier: Apache-2.0 */
/* Where a container's processes are when cgroup v2 is alone: born in its cgroup, they and nobody else. */
#include "fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

static void need_v2(void)
{
	if (access(ROOT "/cgroup.controllers", F_OK)) {
		print_message("cgroup v2 is not alone here\n");
		skip();
	}
}

/* "file" of the container's cgroup. */
static const char *path_in(const struct fixture *fixture, const char *sandbox, const char *container, const char *file)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), ROOT "%s/%s/%s/%s", fixture->cgroup_parent, sandbox, container, file);
	return path;
}

static char *read_file(const char *path)
{
	char *text = calloc(1, 4096);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_non_null(text);
	assert_true(fd >= 0);
	assert_true(read(fd, text, 4095) >= 0);
	close(fd);
	return text;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/* Of the only process in the container's cgroup. */
static pid_t only_process(const struct fixture *fixture, const char *sandbox, const char *container)
{
	char *text = read_file(path_in(fixture, sandbox, container, "cgroup.procs"));
	char *end;
	long pid = strtol(text, &end, 10);

	assert_string_equal(end, "\n");
	free(text);
	return (pid_t)pid;
}

static void test_nobody_else_is_inside(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox, *id, *output;

	need_v2();
	sandbox = fixture_run_sandbox(fixture, "born");
	id = fixture_create(fixture, sandbox, "born", "exec sleep 1000");
	/* cri-init, which waits. */
	only_process(fixture, sandbox, id);
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	output = fixture_exec(fixture, id, "grep -h ^0: /proc/self/cgroup /proc/1/cgroup", NULL);
	assert_string_equal(output, "0::/\n0::/\n");
	free(output);
	only_process(fixture, sandbox, id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* None of ours needs a place of the container's. */
static void test_room_for_one_process(void **state)
{
	struct fixture *fixture = *state;
	static const char *const command[] = { "/bin/sleep", "1000" };
	const cri_key_value limit = { CRI_KEY_VALUE_INIT, .key = "cgroup.pids.max", .value = "1" };
	const cri_key_value *const annotations[] = { &limit };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,  .name = "one",      .image = IMAGE, .command = command, .n_command = 2,
		.annotations = annotations, .n_annotations = 1,
	};
	char *sandbox, *id = NULL, *text;

	need_v2();
	fixture_need_controller("pids");
	sandbox = fixture_run_sandbox(fixture, "one");
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	text = read_file(path_in(fixture, sandbox, id, "pids.max"));
	assert_string_equal(text, "1\n");
	free(text);
	only_process(fixture, sandbox, id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* A container that manages cgroups moves its processes further down, and gives controllers to what is there: its own
 * cgroup then takes no process. */
static void test_exec_follows_the_first_process(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox, *id, *controllers, *output, pid[16], enable[32];
	int32_t exit_code = -1;

	need_v2();
	sandbox = fixture_run_sandbox(fixture, "manager");
	id = fixture_start(fixture, sandbox, "manager", "exec sleep 1000");
	snprintf(pid, sizeof(pid), "%d", only_process(fixture, sandbox, id));
	assert_int_equal(mkdir(path_in(fixture, sandbox, id, "payload"), 0755), 0);
	assert_true(write_file(path_in(fixture, sandbox, id, "payload/cgroup.procs"), pid));
	controllers = read_file(path_in(fixture, sandbox, id, "cgroup.controllers"));
	snprintf(enable, sizeof(enable), "+%.*s", (int)strcspn(controllers, " \n"), controllers);
	free(controllers);
	assert_true(write_file(path_in(fixture, sandbox, id, "cgroup.subtree_control"), enable));
	output = fixture_exec(fixture, id, "grep ^0: /proc/self/cgroup", &exit_code);
	assert_string_equal(output, "0::/payload\n");
	assert_int_equal(exit_code, 0);
	free(output);
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(id);
	cri_free(sandbox);
}

/* As where v1 has the controllers, or the kernel was started without one. */
static void test_limits_without_their_controllers(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *controller, *field;
		cri_resources resources;
	} cases[] = {
		{ "cpu", "cpu_quota", { CRI_RESOURCES_INIT, .cpu_quota = 50000 } },
		{ "cpuset", "cpuset_cpus", { CRI_RESOURCES_INIT, .cpuset_cpus = "0" } },
		{ "memory", "memory_limit_in_bytes", { CRI_RESOURCES_INIT, .memory_limit_in_bytes = 64 << 20 } },
		{ "pids", "pids_limit", { CRI_RESOURCES_INIT, .pids_limit = 20 } },
	};
	char *controllers, *sandbox, *id;
	cri_list *list;
	size_t n = 0;

	need_v2();
	controllers = read_file(ROOT "/cgroup.controllers");
	sandbox = fixture_run_sandbox(fixture, "limits");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const cri_container_config config = {
			CRI_CONTAINER_CONFIG_INIT,
			.name = "limited",
			.image = IMAGE,
			.resources = &cases[i].resources,
		};

		if (strstr(controllers, cases[i].controller))
			continue;
		n++;
		expect_code(fixture, CRI_ENOTSUP,
			    cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
		assert_non_null(strstr(cri_call_message(fixture->call), cases[i].controller));
		assert_non_null(strstr(cri_call_message(fixture->call), cases[i].field));
	}
	free(controllers);
	expect_ok(fixture, cri_container_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
	if (n == 0)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_nobody_else_is_inside),
		fixture_test(test_room_for_one_process),
		fixture_test(test_exec_follows_the_first_process),
		fixture_test(test_limits_without_their_controllers),
	};

	return cmocka_run_group_tests_name("cgroup v2", tests, fixture_set_up, fixture_tear_down);
}

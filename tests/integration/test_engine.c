/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: several at once, from another place, bad options; version, status, information. */
#include "fixture.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_mount_point(const char *path)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[4096], wanted[256];
	bool found = false;

	assert_non_null(mounts);
	snprintf(wanted, sizeof(wanted), " %s ", path);
	while (!found && fgets(line, sizeof(line), mounts))
		found = strstr(line, wanted) != NULL;
	fclose(mounts);
	return found;
}

static void test_version_and_status(void **state)
{
	struct fixture *fixture = *state;
	const cri_engine_status *status;
	cri_list *list;
	char *json = NULL;

	assert_string_equal(cri_version(), CRI_VERSION);
	expect_ok(fixture, cri_engine_status_get(fixture->engine, &list, fixture->call));
	status = cri_engine_status_at(list, 0);
	assert_int_equal(status->n_conditions, 2);
	assert_string_equal(status->conditions[0]->type, "RuntimeReady");
	assert_true(status->conditions[0]->status);
	assert_string_equal(status->conditions[1]->type, "NetworkReady");
	assert_string_equal(status->root, fixture->root);
	assert_true(is_mount_point(status->filesystem));
	assert_int_equal(strncmp(fixture->root, status->filesystem, strlen(status->filesystem)), 0);
	assert_true(status->n_handlers >= 3);
	cri_list_free(list);
	expect_ok(fixture, cri_engine_info_json(fixture->engine, &json, fixture->call));
	assert_non_null(strstr(json, fixture->root));
	cri_free(json);
	expect_ok(fixture, cri_engine_update_runtime_config(fixture->engine, "10.0.0.0/16", fixture->call));
}

static void test_missing_helpers_are_told(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "helpless" };
	cri_engine *engine = NULL;
	cri_list *list;
	char *id = NULL;

	options.helper_directory = "/no/such/directory";
	expect_ok(fixture, cri_engine_open(&options, &engine, fixture->call));
	expect_ok(fixture, cri_engine_status_get(engine, &list, fixture->call));
	assert_false(cri_engine_status_at(list, 0)->conditions[0]->status);
	assert_non_null(strstr(cri_engine_status_at(list, 0)->conditions[0]->message, "/no/such/directory"));
	cri_list_free(list);
	assert_true(cri_sandbox_run(engine, &config, NULL, &id, fixture->call) < 0);
	assert_non_null(strstr(cri_call_message(fixture->call), "/no/such/directory"));
	cri_engine_close(engine);
	fixture_assert_clean(fixture);
}

static void test_many_engines_see_the_same(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	cri_engine *engines[5] = { NULL };
	char *id = fixture_run_sandbox(fixture, "seen");
	char *container = fixture_start(fixture, id, "seen", "sleep 0.3");
	int32_t exit_code = -1;

	for (int i = 0; i < 5; i++)
		expect_ok(fixture, cri_engine_open(&options, &engines[i], fixture->call));
	for (int i = 0; i < 5; i++) {
		cri_list *list;

		expect_ok(fixture, cri_sandbox_list(engines[i], NULL, &list, fixture->call));
		assert_int_equal(cri_list_count(list), 1);
		cri_list_free(list);
		expect_ok(fixture, cri_container_wait(engines[i], container, &exit_code, fixture->call));
		assert_int_equal(exit_code, 0);
	}
	expect_ok(fixture, cri_sandbox_remove(engines[4], id, fixture->call));
	for (int i = 0; i < 5; i++)
		cri_engine_close(engines[i]);
	cri_free(container);
	cri_free(id);
}

static void expect_refused(struct fixture *fixture, int code, const cri_engine_options *options, const char *word)
{
	cri_engine *engine = NULL;

	expect_code(fixture, code, cri_engine_open(options, &engine, fixture->call));
	assert_null(engine);
	if (!strstr(cri_call_message(fixture->call), word))
		print_error("\"%s\" is not in: %s\n", word, cri_call_message(fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), word));
}

static void test_bad_options(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);

	options.root = "relative";
	expect_refused(fixture, CRI_EINVAL, &options, "root");
	options.root = "/tmp/../etc";
	expect_refused(fixture, CRI_EINVAL, &options, "root");
	options.root = "/tmp/a:b";
	expect_refused(fixture, CRI_EINVAL, &options, "root");
	options.root = "/etc/passwd";
	expect_refused(fixture, CRI_EINVAL, &options, "root");
	options = fixture_options(fixture);
	options.default_handler = "vm";
	expect_refused(fixture, CRI_EINVAL, &options, "lxc");
	options = fixture_options(fixture);
	options.cgroup_parent = "no-slash";
	expect_refused(fixture, CRI_EINVAL, &options, "cgroup_parent");
	options = fixture_options(fixture);
	options.cgroup_driver = CRI_CGROUP_SYSTEMD;
	expect_refused(fixture, CRI_ENOTSUP, &options, "cgroup_driver");
	options = fixture_options(fixture);
	options.size = 0;
	expect_refused(fixture, CRI_EINVAL, &options, "size");
}

struct lines {
	unsigned all;
};

static void count_lines(cri_log_level level, const char *message, void *data)
{
	struct lines *lines = data;

	(void)level;
	(void)message;
	lines->all++;
}

static void expect_kept(struct fixture *fixture, cri_engine *engine, const cri_engine_options *options,
			const char *member)
{
	expect_code(fixture, CRI_EINVAL, cri_engine_reload(engine, options, fixture->call));
	if (!strstr(cri_call_message(fixture->call), member))
		print_error("\"%s\" is not in: %s\n", member, cri_call_message(fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), member));
}

static void test_reload(void **state)
{
	struct fixture *fixture = *state;
	struct lines lines = { 0 };
	const char *directories[] = { "/one", "/two" };
	const cri_registry_options registry = { CRI_REGISTRY_OPTIONS_INIT, .host = "registry.local" };
	const cri_registry_options *registries[] = { &registry };
	cri_engine_options options = fixture_options(fixture), other;
	cri_engine *engine;

	options.log = count_lines;
	options.log_data = &lines;
	options.log_level = CRI_LOG_ERROR;
	expect_ok(fixture, cri_engine_open(&options, &engine, fixture->call));
	expect_ok(fixture, cri_engine_update_runtime_config(engine, "10.0.0.0/16", fixture->call));
	assert_int_equal(lines.all, 0);
	options.log_level = CRI_LOG_INFO;
	options.cni_plugin_directories = directories;
	options.n_cni_plugin_directories = 2;
	options.cni_config_directory = "/three";
	options.registries = registries;
	options.n_registries = 1;
	options.insecure_registries = directories;
	options.n_insecure_registries = 1;
	expect_ok(fixture, cri_engine_reload(engine, &options, fixture->call));
	expect_ok(fixture, cri_engine_update_runtime_config(engine, "10.0.0.0/16", fixture->call));
	assert_int_equal(lines.all, 1);
	/* All else stays, and what is refused changes nothing. */
	other = options;
	other.log_level = CRI_LOG_ERROR;
	other.root = "/elsewhere";
	expect_kept(fixture, engine, &other, "root");
	other.root = options.root;
	other.cgroup_parent = "/elsewhere";
	expect_kept(fixture, engine, &other, "cgroup_parent");
	other.cgroup_parent = options.cgroup_parent;
	other.max_events = 7;
	expect_kept(fixture, engine, &other, "max_events");
	other.max_events = options.max_events;
	other.log_data = NULL;
	expect_kept(fixture, engine, &other, "log_data");
	other.log_data = options.log_data;
	other.size = 1;
	expect_kept(fixture, engine, &other, "size");
	expect_kept(fixture, engine, NULL, "root");
	expect_ok(fixture, cri_engine_update_runtime_config(engine, "10.0.0.0/16", fixture->call));
	assert_int_equal(lines.all, 2);
	/* Defaults that are spelled out are the defaults. */
	other = options;
	other.max_events = 10000;
	other.default_handler = "lxc";
	expect_ok(fixture, cri_engine_reload(engine, &other, fixture->call));
	cri_engine_close(engine);
}

/* While it has pods, a root is where they are mounted. */
/* A root without pods may move, but not away from an engine that is open: its pods would be lost to the other. */
static void test_open_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	cri_engine *second = NULL;
	char other[128];
	int status;
	pid_t pid;

	snprintf(other, sizeof(other), "%s/moved-state", fixture->directory);
	options.state = other;
	expect_refused(fixture, CRI_EPRECONDITION, &options, fixture->state);
	/* A fork's child that gives the engine up takes nothing from its parent. */
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		cri_engine_close(fixture->engine);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect_refused(fixture, CRI_EPRECONDITION, &options, fixture->state);
	fixture_close(fixture);
	expect_ok(fixture, cri_engine_open(&options, &second, fixture->call));
	options = fixture_options(fixture);
	expect_refused(fixture, CRI_EPRECONDITION, &options, other);
	cri_engine_close(second);
	fixture_open(fixture);
	assert_int_equal(umount2(other, MNT_DETACH), 0);
}

static void test_other_places(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	char *id = fixture_run_sandbox(fixture, "place");
	char other[128];
	int status;
	pid_t pid;

	snprintf(other, sizeof(other), "%s/other-state", fixture->directory);
	options.state = other;
	expect_refused(fixture, CRI_EPRECONDITION, &options, fixture->state);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		cri_engine *engine = NULL;
		int result;

		options = fixture_options(fixture);
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(100);
		result = cri_engine_open(&options, &engine, NULL);
		_exit(result == CRI_EPRECONDITION ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

static void run_on(size_t processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		_exit(101);
}

/* As services have that see a file system of their own. Which processor makes what decides how kernels since 6.18
 * number mount namespaces. */
static int open_in_own_namespace(struct fixture *fixture, size_t made_on, size_t opened_on)
{
	cri_engine_options options = fixture_options(fixture);
	char root[128], directory[128];
	cri_engine *engine = NULL;

	snprintf(root, sizeof(root), "%s/own-root", fixture->directory);
	snprintf(directory, sizeof(directory), "%s/own-state", fixture->directory);
	options.root = root;
	options.state = directory;
	run_on(made_on);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 100;
	run_on(opened_on);
	if (cri_engine_open(&options, &engine, fixture->call) < 0) {
		fprintf(stderr, "processor %zu, then %zu: %s\n", made_on, opened_on, cri_call_message(fixture->call));
		return 1;
	}
	cri_engine_close(engine);
	return 0;
}

static void test_mount_namespace_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	size_t processors[3], n = 0;
	char command[160];
	cpu_set_t allowed;

	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	for (size_t i = 0; i < CPU_SETSIZE && n < 3; i++) {
		if (CPU_ISSET(i, &allowed))
			processors[n++] = i;
	}
	snprintf(command, sizeof(command), "rm -rf %s/own-root %s/own-state", fixture->directory, fixture->directory);
	for (size_t i = 0; i < n * n; i++) {
		pid_t pid;
		int status;

		fflush(NULL);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(open_in_own_namespace(fixture, processors[i / n], processors[i % n]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(system(command), 0);
	}
}

/* What a restart of the machine leaves: the root, and an empty state directory. */
static void test_restart_of_the_machine(void **state)
{
	struct fixture *fixture = *state;
	char *id = fixture_run_sandbox(fixture, "restart");
	char *container = fixture_start(fixture, id, "restart", "sleep 1000");
	char command[160];
	cri_list *list;

	/* Processes end, mounts go, and what was on a tmpfs. */
	expect_ok(fixture, cri_container_stop(fixture->engine, container, 0, fixture->call));
	expect_ok(fixture, cri_container_remove(fixture->engine, container, fixture->call));
	cri_free(container);
	fixture_close(fixture);
	assert_int_equal(umount2(fixture->state, MNT_DETACH), 0);
	snprintf(command, sizeof(command), "rm -rf %s/*", fixture->state);
	assert_int_equal(system(command), 0);
	fixture_open(fixture);
	expect_ok(fixture, cri_sandbox_status_get(fixture->engine, id, &list, fixture->call));
	assert_int_equal(cri_sandbox_status_at(list, 0)->info.state, CRI_SANDBOX_NOTREADY);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(id);
	id = fixture_run_sandbox(fixture, "restart");
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_version_and_status),
		fixture_test(test_missing_helpers_are_told),
		fixture_test(test_many_engines_see_the_same),
		fixture_test(test_bad_options),
		fixture_test(test_reload),
		fixture_test(test_open_elsewhere),
		fixture_test(test_other_places),
		fixture_test(test_mount_namespace_of_its_own),
		fixture_test(test_restart_of_the_machine),
	};

	return cmocka_run_group_tests_name("engine", tests, fixture_set_up, fixture_tear_down);
}

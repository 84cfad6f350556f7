/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(const char *format, const char *a, const char *b)
{
	char command[1024];

	/* The formats are the literals of this file. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(command, sizeof(command), format, a, b);
#pragma GCC diagnostic pop
	return system(command);
}

/* The file or directory of a shell's unquoted name, and whether it exists at all. */
static bool anything_matches(const char *pattern)
{
	glob_t found;
	bool any = glob(pattern, GLOB_NOSORT, NULL, &found) == 0;

	for (size_t i = 0; any && i < found.gl_pathc; i++)
		print_message("left: %s\n", found.gl_pathv[i]);
	globfree(&found);
	return any;
}

cri_engine_options fixture_options(const struct fixture *fixture)
{
	return (cri_engine_options){
		CRI_ENGINE_OPTIONS_INIT,
		.root = fixture->root,
		.state = fixture->state,
		.cgroup_parent = fixture->cgroup_parent,
		/* The machine's network is not the tests': network_fixture.h. */
		.network_plugin = CRI_NETWORK_NONE,
	};
}

void fixture_open(struct fixture *fixture)
{
	cri_engine_options options = fixture_options(fixture);

	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
}

void fixture_close(struct fixture *fixture)
{
	cri_engine_close(fixture->engine);
	fixture->engine = NULL;
}

int fixture_set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	cri_list *images = NULL;

	if (!fixture)
		return -1;
	*state = fixture;
	if (geteuid() != 0) {
		print_message("integration tests need root\n");
		return -1;
	}
	snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/libcri-test.XXXXXX");
	if (!mkdtemp(fixture->directory))
		return -1;
	snprintf(fixture->root, sizeof(fixture->root), "%s/root", fixture->directory);
	snprintf(fixture->state, sizeof(fixture->state), "%s/state", fixture->directory);
	snprintf(fixture->logs, sizeof(fixture->logs), "%s/logs", fixture->directory);
	snprintf(fixture->archive, sizeof(fixture->archive), "%s/busybox.tar", fixture->directory);
	snprintf(fixture->cgroup_parent, sizeof(fixture->cgroup_parent), "/libcri-test-%d", getpid());
	if (cri_call_new(&fixture->call) < 0)
		return -1;
	if (run("examples/make_busybox_image.sh '%s'%s", fixture->archive, "") != 0)
		return -1;
	fixture_open(fixture);
	if (cri_image_import(fixture->engine, fixture->archive, NULL, &images, fixture->call) < 0) {
		print_message("import: %s\n", cri_call_message(fixture->call));
		return -1;
	}
	cri_list_free(images);
	return 0;
}

int fixture_fresh(void **state)
{
	struct fixture *fixture = *state;

	if (!fixture->engine)
		fixture_open(fixture);
	cri_call_reset(fixture->call);
	fixture_clear(fixture);
	return 0;
}

int fixture_tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (!fixture->engine)
		fixture_open(fixture);
	fixture_clear(fixture);
	fixture_assert_clean(fixture);
	fixture_close(fixture);
	cri_call_free(fixture->call);
	/* The shared helpers' cgroup stays with the root's machine; the tests' own parent must go. */
	run("find /sys/fs/cgroup -depth -type d -path '*%s*' -exec rmdir {} + 2>/dev/null%s", fixture->cgroup_parent,
	    "");
	umount2(fixture->state, MNT_DETACH);
	if (run("rm -rf '%s'%s", fixture->directory, "") != 0)
		return -1;
	free(fixture);
	return 0;
}

void fixture_need_controller(const char *name)
{
	char path[64], word[32], line[512] = " ";
	FILE *controllers = fopen("/sys/fs/cgroup/cgroup.controllers", "re");
	bool there;

	if (controllers) {
		there = fgets(line + 1, sizeof(line) - 2, controllers);
		fclose(controllers);
		line[strcspn(line, "\n")] = ' ';
		snprintf(word, sizeof(word), " %s ", name);
		there = there && strstr(line, word);
	} else {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", name);
		there = access(path, F_OK) == 0;
	}
	if (there)
		return;
	print_message("this machine has no cgroup controller \"%s\"\n", name);
	skip();
}

void fixture_expect(const cri_call *call, int expected, int result, const char *what, const char *file, int line)
{
	if (result == expected)
		return;
	print_error("%s answered %s, expected %s: %s\n", what, cri_code_name(result), cri_code_name(expected),
		    cri_call_message(call));
	_fail(file, line);
}

char *fixture_run_sandbox(struct fixture *fixture, const char *name)
{
	const cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT,        .name = name, .uid = "uid", .namespace_ = "tests",
		.log_directory = fixture->logs,
	};
	char *id = NULL;

	expect_ok(fixture, cri_sandbox_run(fixture->engine, &config, NULL, &id, fixture->call));
	return id;
}

char *fixture_create(struct fixture *fixture, const char *sandbox, const char *name, const char *script)
{
	const char *const command[] = { "/bin/sh", "-c", script };
	char log[96];
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = name,   .image = IMAGE,
		.command = command,        .n_command = 3, .log_path = log,
	};
	char *id = NULL;

	snprintf(log, sizeof(log), "%s.log", name);
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	return id;
}

char *fixture_start(struct fixture *fixture, const char *sandbox, const char *name, const char *script)
{
	char *id = fixture_create(fixture, sandbox, name, script);

	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	return id;
}

char *fixture_start_with(struct fixture *fixture, const char *sandbox, const cri_container_config *given)
{
	static const char *const sleeper[] = { "/bin/sleep", "1000" };
	cri_container_config config = *given;
	char *id = NULL;

	config.image = IMAGE;
	if (!config.n_command) {
		config.command = sleeper;
		config.n_command = 2;
	}
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	return id;
}

void fixture_start_elsewhere(struct fixture *fixture, const char *name, const char *script, void (*prepare)(void),
			     char sandbox[65], char container[65])
{
	int ids[2], status;
	pid_t pid;

	assert_int_equal(pipe2(ids, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		char *pod, *made;

		if (prepare)
			prepare();
		fixture_open(fixture);
		pod = fixture_run_sandbox(fixture, name);
		made = fixture_start(fixture, pod, name, script);
		_exit(write(ids[1], pod, 64) == 64 && write(ids[1], made, 64) == 64 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ids[0], sandbox, 64), 64);
	assert_int_equal(read(ids[0], container, 64), 64);
	sandbox[64] = container[64] = '\0';
	close(ids[0]);
	close(ids[1]);
}

void fixture_remove_sandbox(struct fixture *fixture, char *id)
{
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

char *fixture_exec(struct fixture *fixture, const char *container, const char *script, int32_t *exit_code)
{
	const char *const command[] = { "/bin/sh", "-c", script };
	const cri_exec_options options = { CRI_EXEC_OPTIONS_INIT, .command = command, .n_command = 3, .timeout = 30 };
	cri_exec_result *result = NULL;
	char *output;

	expect_ok(fixture, cri_container_exec_sync(fixture->engine, container, &options, &result, fixture->call));
	if (exit_code)
		*exit_code = result->exit_code;
	output = strndup(result->output, result->output_length);
	cri_free(result);
	assert_non_null(output);
	return output;
}

void fixture_assert_output(struct fixture *fixture, const char *container, const char *script, const char *expected)
{
	char *output = fixture_exec(fixture, container, script, NULL);

	assert_string_equal(output, expected);
	free(output);
}

int32_t fixture_wait(struct fixture *fixture, const char *container)
{
	int32_t exit_code = -1;

	cri_call_set_timeout(fixture->call, 10000);
	expect_ok(fixture, cri_container_wait(fixture->engine, container, &exit_code, fixture->call));
	cri_call_reset(fixture->call);
	return exit_code;
}

cri_container_state fixture_state_of(struct fixture *fixture, const char *container)
{
	cri_container_state state;
	cri_list *list = NULL;

	expect_ok(fixture, cri_container_status_get(fixture->engine, container, &list, fixture->call));
	state = cri_container_status_at(list, 0)->info.state;
	cri_list_free(list);
	return state;
}

char *fixture_log(struct fixture *fixture, const char *name)
{
	char path[256];
	char *text = calloc(1, 1u << 20);
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s.log", fixture->logs, name);
	file = fopen(path, "re");
	assert_non_null(text);
	assert_non_null(file);
	n = fread(text, 1, (1u << 20) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

void fixture_await_line(struct fixture *fixture, const char *name, const char *line)
{
	for (int i = 0; i < 1000; i++) {
		char *log = fixture_log(fixture, name);
		const bool is_there = strstr(log, line);

		free(log);
		if (is_there)
			return;
		usleep(10000);
	}
	fail_msg("%s: no \"%s\"", name, line);
}

void fixture_in_network(struct fixture *fixture, const char *id, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "nsenter --net=%s/sandboxes/%s/net sh -c '%s' >/dev/null 2>&1", fixture->state, id,
		 command);
	assert_int_equal(system(line), 0);
}

size_t fixture_count_entries(const struct fixture *fixture, const char *directory)
{
	char path[160];
	size_t n = 0;
	DIR *entries;

	snprintf(path, sizeof(path), "%s/%s", fixture->root, directory);
	entries = opendir(path);
	if (!entries) {
		assert_int_equal(errno, ENOENT);
		return 0;
	}
	while (readdir(entries))
		n++;
	closedir(entries);
	return n - 2;
}

void fixture_assert_only_image(struct fixture *fixture)
{
	cri_list *list;

	assert_int_equal(fixture_count_entries(fixture, "l"), 1);
	assert_int_equal(fixture_count_entries(fixture, "tmp"), 0);
	expect_ok(fixture, cri_image_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	cri_list_free(list);
}

void fixture_clear(struct fixture *fixture)
{
	cri_list *list = NULL;

	expect_ok(fixture, cri_sandbox_list(fixture->engine, NULL, &list, fixture->call));
	for (size_t i = 0; i < cri_list_count(list); i++)
		expect_ok(fixture, cri_sandbox_remove(fixture->engine, cri_sandbox_at(list, i)->id, fixture->call));
	cri_list_free(list);
}

/* Below the state directory only the shared pins may be mounted. */
static bool mounts_are_left(const struct fixture *fixture)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	bool left = false;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *at = strstr(line, fixture->directory);

		if (at && strstr(at, "/state/") && !strstr(at, "/state/ns/")) {
			print_message("left: mount %s", line);
			left = true;
		}
	}
	fclose(file);
	return left;
}

/* Helpers name the state directory in their command line. */
static bool processes_are_left(const struct fixture *fixture, bool says)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool left = false;

	assert_non_null(proc);
	while ((entry = readdir(proc))) {
		char path[300], command[2048];
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || atoi(entry->d_name) == getpid()) {
			if (fd >= 0)
				close(fd);
			continue;
		}
		n = read(fd, command, sizeof(command) - 1);
		close(fd);
		for (ssize_t i = 0; i + 1 < n; i++)
			command[i] = command[i] ? command[i] : ' ';
		command[n > 0 ? n : 0] = '\0';
		if (strstr(command, fixture->state)) {
			if (says)
				print_message("left: process %s %s\n", entry->d_name, command);
			left = true;
		}
	}
	closedir(proc);
	return left;
}

bool fixture_has_pods(const struct fixture *fixture)
{
	char path[160];
	struct stat status;

	snprintf(path, sizeof(path), "%s/sandboxes", fixture->state);
	return stat(path, &status) == 0 && status.st_nlink > 2;
}

void fixture_assert_clean(struct fixture *fixture)
{
	static const char *const patterns[] = { "%s/root/c/*", "%s/root/tmp/*", "%s/state/sandboxes/*",
						"%s/state/containers/*", "%s/state/exits/[!.]*" };
	char pattern[256];
	bool left = mounts_are_left(fixture);
	bool helpers = true;

	/* A shim whose host was killed while it started sees that, and ends by itself, and so does one that is about to
	 * be executed, which has its host's command line: what a second look finds is no more to be blamed. */
	for (int i = 0; i < 500 && helpers; i++) {
		helpers = processes_are_left(fixture, false);
		if (helpers)
			usleep(10000);
	}
	if (helpers)
		left |= processes_are_left(fixture, true);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(pattern, sizeof(pattern), patterns[i], fixture->directory);
#pragma GCC diagnostic pop
		left |= anything_matches(pattern);
	}
	snprintf(pattern, sizeof(pattern), "/sys/fs/cgroup/*%s/*/", fixture->cgroup_parent);
	left |= anything_matches(pattern);
	snprintf(pattern, sizeof(pattern), "/sys/fs/cgroup%s/*/", fixture->cgroup_parent);
	left |= anything_matches(pattern);
	assert_false(left);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where logs go, what they look like, and what is refused. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct pod {
	struct fixture *fixture;
	char *id;
};

static struct pod run_pod(struct fixture *fixture, const char *name, const char *log_directory)
{
	const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = name, .log_directory = log_directory };
	struct pod pod = { fixture, NULL };

	expect_ok(fixture, cri_sandbox_run(fixture->engine, &config, NULL, &pod.id, fixture->call));
	return pod;
}

static int create(struct pod *pod, const char *name, const char *log_path, const char *script, char **id)
{
	const char *const command[] = { "/bin/sh", "-c", script };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = name,   .image = IMAGE,
		.command = command,        .n_command = 3, .log_path = log_path,
	};

	*id = NULL;
	return cri_container_create(pod->fixture->engine, pod->id, &config, id, pod->fixture->call);
}

static void run_to_end(struct pod *pod, const char *name, const char *log_path, const char *script)
{
	char *id;

	expect_ok(pod->fixture, create(pod, name, log_path, script, &id));
	expect_ok(pod->fixture, cri_container_start(pod->fixture->engine, id, pod->fixture->call));
	fixture_wait(pod->fixture, id);
	cri_free(id);
}

static void remove_pod(struct pod *pod)
{
	expect_ok(pod->fixture, cri_sandbox_remove(pod->fixture->engine, pod->id, pod->fixture->call));
	cri_free(pod->id);
}

static void test_format(void **state)
{
	struct fixture *fixture = *state;
	struct pod pod = run_pod(fixture, "format", fixture->logs);
	char *log, *line;
	int year, month, day, hour, minute, second, length = 0;

	run_to_end(&pod, "format", "format.log", "echo out; echo err >&2; head -c 40000 /dev/zero | tr '\\0' x; echo");
	log = fixture_log(fixture, "format");
	assert_int_equal(
		sscanf(log, "%4d-%2d-%2dT%2d:%2d:%2d.%*9dZ %n", &year, &month, &day, &hour, &minute, &second, &length),
		6);
	assert_int_equal(length, 31);
	assert_non_null(strstr(log, " stdout F out\n"));
	assert_non_null(strstr(log, " stderr F err\n"));
	/* A long line comes in parts, the last of which ends it. */
	line = strstr(log, " stdout P xxx");
	assert_non_null(line);
	assert_non_null(strstr(line, " stdout F xxx"));
	free(log);
	remove_pod(&pod);
}

static void test_no_line_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct pod pod = run_pod(fixture, "many", fixture->logs);
	char *log;
	int lines = 0;

	for (int i = 0; i < 5; i++) {
		char name[16], file[24], expected[64];

		snprintf(name, sizeof(name), "many%d", i);
		snprintf(file, sizeof(file), "%s.log", name);
		run_to_end(&pod, name, file, "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done");
		log = fixture_log(fixture, name);
		lines = 0;
		for (const char *at = log; (at = strchr(at, '\n')); at++)
			lines++;
		assert_int_equal(lines, 5000);
		snprintf(expected, sizeof(expected), " stdout F line 4999\n");
		assert_non_null(strstr(log, expected));
		free(log);
	}
	remove_pod(&pod);
}

static void test_parents_are_made_and_files_appended(void **state)
{
	struct fixture *fixture = *state;
	char directory[160], path[256];
	struct pod pod;
	struct stat before, after;

	snprintf(directory, sizeof(directory), "%s/deep/er", fixture->logs);
	pod = run_pod(fixture, "parents", directory);
	run_to_end(&pod, "one", "sub/dir/file.log", "echo first");
	snprintf(path, sizeof(path), "%s/sub/dir/file.log", directory);
	assert_int_equal(stat(path, &before), 0);
	run_to_end(&pod, "two", "sub/dir/file.log", "echo second");
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_true(after.st_size > before.st_size);
	remove_pod(&pod);
	/* Removing never deletes a log. */
	assert_int_equal(access(path, F_OK), 0);
}

static void test_no_log(void **state)
{
	struct fixture *fixture = *state;
	struct pod without_path = run_pod(fixture, "without-path", fixture->logs);
	struct pod without_directory = run_pod(fixture, "without-directory", NULL);
	cri_list *list;
	char *id;

	run_to_end(&without_path, "quiet", NULL, "head -c 1000000 /dev/zero; echo done");
	expect_ok(fixture, create(&without_directory, "quiet", "file.log", "echo hi", &id));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 0);
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	assert_string_equal(cri_container_status_at(list, 0)->log_path, "");
	cri_list_free(list);
	expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
	cri_free(id);
	remove_pod(&without_path);
	remove_pod(&without_directory);
}

static void test_refused_paths(void **state)
{
	struct fixture *fixture = *state;
	struct pod pod = run_pod(fixture, "refused", fixture->logs);
	char path[256];
	char *id;

	expect_code(fixture, CRI_EINVAL, create(&pod, "up", "../out.log", "true", &id));
	expect_code(fixture, CRI_EINVAL, create(&pod, "absolute", "/etc/out.log", "true", &id));
	snprintf(path, sizeof(path), "%s/directory", fixture->logs);
	assert_int_equal(mkdir(path, 0755), 0);
	expect_code(fixture, CRI_EINVAL, create(&pod, "directory", "directory", "true", &id));
	snprintf(path, sizeof(path), "%s/link", fixture->logs);
	assert_int_equal(symlink("/etc", path), 0);
	expect_code(fixture, CRI_EINVAL, create(&pod, "through-link", "link/out.log", "true", &id));
	assert_int_not_equal(access("/etc/out.log", F_OK), 0);
	/* Nor is anything made on the way out. */
	snprintf(path, sizeof(path), "%s/outside", fixture->directory);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/out", fixture->logs);
	assert_int_equal(symlink("../outside", path), 0);
	expect_code(fixture, CRI_EINVAL, create(&pod, "through-link", "out/made/out.log", "true", &id));
	snprintf(path, sizeof(path), "%s/outside/made", fixture->directory);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/outside", fixture->directory);
	assert_int_equal(rmdir(path), 0);
	/* A file that exists and is none to write a log to. */
	snprintf(path, sizeof(path), "%s/fifo", fixture->logs);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_code(fixture, CRI_EINVAL, create(&pod, "fifo", "fifo", "true", &id));
	expect_code(fixture, CRI_EINVAL, create(&pod, "below-a-file", "fifo/out.log", "true", &id));
	remove_pod(&pod);
	/* A directory that nobody can make; the pod itself asks nothing of it. */
	pod = run_pod(fixture, "impossible", "/proc/impossible");
	expect_code(fixture, CRI_EINVAL, create(&pod, "impossible", "out.log", "true", &id));
	expect_ok(fixture, create(&pod, "possible", "", "true", &id));
	cri_free(id);
	remove_pod(&pod);
}

/* Status tells the path as it was asked for, absolute; what became of the file does not keep a container. */
static void test_path_and_removal(void **state)
{
	struct fixture *fixture = *state;
	struct pod pod = run_pod(fixture, "path", fixture->logs);
	char path[256];
	cri_list *list;
	char *id;

	snprintf(path, sizeof(path), "%s/deep/path.log", fixture->logs);
	expect_ok(fixture, create(&pod, "path", "deep/path.log", "echo hi; sleep 1000", &id));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &list, fixture->call));
	assert_string_equal(cri_container_status_at(list, 0)->log_path, path);
	cri_list_free(list);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	expect_code(fixture, CRI_EINVAL, cri_container_reopen_log(fixture->engine, id, fixture->call));
	expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
	assert_int_equal(access(path, F_OK), 0);
	remove_pod(&pod);
	cri_free(id);
}

static void test_one_running_writer(void **state)
{
	struct fixture *fixture = *state;
	struct pod first = run_pod(fixture, "first", fixture->logs);
	struct pod second = run_pod(fixture, "second", fixture->logs), third;
	char path[128], *a, *b, *c;
	int status;
	pid_t pid;

	expect_ok(fixture, create(&first, "a", "shared.log", "sleep 1000", &a));
	expect_ok(fixture, create(&second, "b", "shared.log", "sleep 1000", &b));
	expect_ok(fixture, cri_container_start(fixture->engine, a, fixture->call));
	expect_code(fixture, CRI_EEXIST, cri_container_start(fixture->engine, b, fixture->call));
	assert_int_equal(fixture_state_of(fixture, b), CRI_CONTAINER_CREATED);
	/* By another way to the same file, and from another program. */
	snprintf(path, sizeof(path), "%s-link", fixture->logs);
	assert_int_equal(symlink(fixture->logs, path), 0);
	third = run_pod(fixture, "third", path);
	expect_ok(fixture, create(&third, "c", "shared.log", "sleep 1000", &c));
	expect_code(fixture, CRI_EEXIST, cri_container_start(fixture->engine, c, fixture->call));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		fixture_open(fixture);
		_exit(cri_container_start(fixture->engine, c, fixture->call) == CRI_EEXIST ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	remove_pod(&third);
	cri_free(c);
	assert_int_equal(unlink(path), 0);
	/* One that has exited does not hold it. */
	expect_ok(fixture, cri_container_stop(fixture->engine, a, 0, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, b, fixture->call));
	remove_pod(&first);
	remove_pod(&second);
	cri_free(a);
	cri_free(b);
}

/* What was created holds no log: if another used the path meanwhile, and it was rotated, the new file is written. */
static void test_rotated_before_start(void **state)
{
	struct fixture *fixture = *state;
	struct pod pod = run_pod(fixture, "rotated", fixture->logs);
	char path[256], rotated[256];
	char *id, *log;

	expect_ok(fixture, create(&pod, "late", "rotated.log", "echo late", &id));
	run_to_end(&pod, "early", "rotated.log", "echo early");
	snprintf(path, sizeof(path), "%s/rotated.log", fixture->logs);
	snprintf(rotated, sizeof(rotated), "%s/rotated.log.1", fixture->logs);
	assert_int_equal(rename(path, rotated), 0);
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 0);
	log = fixture_log(fixture, "rotated");
	assert_non_null(strstr(log, " stdout F late\n"));
	assert_null(strstr(log, "early"));
	free(log);
	remove_pod(&pod);
	cri_free(id);
}

static void test_reopen(void **state)
{
	struct fixture *fixture = *state;
	struct pod pod = run_pod(fixture, "reopen", fixture->logs);
	char path[256], rotated[256];
	char *id, *log;

	expect_ok(fixture, create(&pod, "reopen", "reopen.log", "echo one; sleep 1000", &id));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	snprintf(path, sizeof(path), "%s/reopen.log", fixture->logs);
	snprintf(rotated, sizeof(rotated), "%s/reopen.log.1", fixture->logs);
	assert_int_equal(rename(path, rotated), 0);
	expect_ok(fixture, cri_container_reopen_log(fixture->engine, id, fixture->call));
	assert_int_equal(access(path, F_OK), 0);
	free(fixture_exec(fixture, id, "echo after >/proc/1/fd/1", NULL));
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	log = fixture_log(fixture, "reopen");
	assert_non_null(strstr(log, " stdout F after\n"));
	free(log);
	expect_code(fixture, CRI_EPRECONDITION, cri_container_reopen_log(fixture->engine, id, fixture->call));
	remove_pod(&pod);
	cri_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_format),
		fixture_test(test_no_line_is_lost),
		fixture_test(test_parents_are_made_and_files_appended),
		fixture_test(test_no_log),
		fixture_test(test_refused_paths),
		fixture_test(test_path_and_removal),
		fixture_test(test_one_running_writer),
		fixture_test(test_rotated_before_start),
		fixture_test(test_reopen),
	};

	return cmocka_run_group_tests_name("log", tests, fixture_set_up, fixture_tear_down);
}

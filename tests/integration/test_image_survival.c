/* SPDX-License-Identifier: Apache-2.0 */
/* Imports that are cancelled, whose helpers or whose program are killed, and several at once. */
#include "fixture.h"
#include "image_builder.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_LAYERS 4

static char layout[320], archive[320];

static void pause_milliseconds(long milliseconds)
{
	const struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* A process whose root is below the fixture's directory: a cri-unpack that works for these tests. 0: none. */
static pid_t find_unpacker(const struct fixture *fixture)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	assert_non_null(processes);
	while (!found && (entry = readdir(processes))) {
		char path[300], root[300];
		ssize_t length;

		if (!strtol(entry->d_name, NULL, 10))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/root", entry->d_name);
		length = readlink(path, root, sizeof(root) - 1);
		if (length <= 0)
			continue;
		root[length] = '\0';
		if (strncmp(root, fixture->root, strlen(fixture->root)) == 0)
			found = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	closedir(processes);
	return found;
}

static void expect_nothing_left(struct fixture *fixture)
{
	for (int i = 0; find_unpacker(fixture); i++) {
		assert_in_range(i, 0, 500);
		pause_milliseconds(10);
	}
	fixture_assert_only_image(fixture);
}

static void import_and_remove(struct fixture *fixture, const char *path)
{
	cri_list *list;

	expect_ok(fixture, cri_image_import(fixture->engine, path, NULL, &list, fixture->call));
	assert_int_equal(fixture_count_entries(fixture, "l"), 1 + N_LAYERS);
	expect_ok(fixture, cri_image_remove(fixture->engine, cri_image_at(list, 0)->id, fixture->call));
	cri_list_free(list);
}

/* Layers of some megabytes and many files, so that there is a middle to be killed in. */
static int make_image(void **state)
{
	struct fixture *fixture;
	struct builder builder;
	static char bytes[65536];

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * i >> 3);
	builder_begin(&builder, fixture->directory);
	for (int i = 0; i < N_LAYERS; i++) {
		struct tar tar;

		tar_begin(&tar, builder.directory);
		for (int j = 0; j < 300; j++) {
			char name[64];

			/* The odd ones depend on what is below them. */
			snprintf(name, sizeof(name), "directory-%d/file-%d-%d", j % 10, i, j);
			if (i % 2 == 0 && j < 10) {
				char directory[32];

				snprintf(directory, sizeof(directory), "directory-%d", j);
				tar_directory(&tar, directory, 0755);
			}
			tar_bytes(&tar, name, 0644, bytes, 20000);
		}
		tar_end(&tar);
		builder_layer(&builder, &tar, "gzip -1");
		unlink(tar.path);
	}
	builder_manifest(&builder, NULL);
	builder_index(&builder, "survival");
	snprintf(layout, sizeof(layout), "%s", builder.directory);
	snprintf(archive, sizeof(archive), "%s.tar", builder.directory);
	builder_pack(&builder, archive, "cat");
	return 0;
}

/* Continues an operation `steps` times; whether it is over. */
static int step(struct fixture *fixture, cri_op *op, int steps, cri_list **list)
{
	int result = CRI_EAGAIN;

	for (int i = 0; i < steps && result == CRI_EAGAIN; i++) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };

		assert_int_equal(poll(&ready, 1, 10000), 1);
		result = cri_op_finish(op, list, fixture->call);
	}
	return result;
}

static void test_cancelled(void **state)
{
	struct fixture *fixture = *state;

	for (int steps = 0; steps < 40; steps += steps < 8 ? 1 : 8) {
		cri_list *list = NULL;
		cri_op *op;
		int result;

		expect_ok(fixture, cri_image_import_begin(fixture->engine, steps % 2 ? archive : layout, NULL, &op,
							  fixture->call));
		if (step(fixture, op, steps, &list) == CRI_EAGAIN) {
			cri_op_cancel(op);
			result = step(fixture, op, 10000, &list);
			if (result)
				expect_code(fixture, CRI_ECANCELED, result);
		}
		if (list)
			expect_ok(fixture, cri_image_remove(fixture->engine, cri_image_at(list, 0)->id, fixture->call));
		cri_list_free(list);
		cri_op_free(op);
		expect_nothing_left(fixture);
	}
}

static void test_abandoned(void **state)
{
	struct fixture *fixture = *state;

	for (int steps = 0; steps < 20; steps++) {
		cri_list *list = NULL;
		cri_op *op;

		expect_ok(fixture, cri_image_import_begin(fixture->engine, steps % 2 ? archive : layout, NULL, &op,
							  fixture->call));
		(void)step(fixture, op, steps, &list);
		cri_op_free(op);
		if (list)
			expect_ok(fixture, cri_image_remove(fixture->engine, cri_image_at(list, 0)->id, fixture->call));
		cri_list_free(list);
		expect_nothing_left(fixture);
	}
}

static void test_deadline(void **state)
{
	struct fixture *fixture = *state;

	for (int64_t milliseconds = 0; milliseconds < 24; milliseconds += 3) {
		cri_list *list = NULL;
		int result;

		cri_call_set_timeout(fixture->call, milliseconds);
		result = cri_image_import(fixture->engine, layout, NULL, &list, fixture->call);
		cri_call_reset(fixture->call);
		if (result == 0)
			expect_ok(fixture, cri_image_remove(fixture->engine, cri_image_at(list, 0)->id, fixture->call));
		else
			assert_int_equal(result, CRI_ETIMEDOUT);
		cri_list_free(list);
		expect_nothing_left(fixture);
	}
}

static void test_killed_unpacker(void **state)
{
	struct fixture *fixture = *state;
	cri_list *list = NULL;
	cri_op *op;
	pid_t pid = 0;
	int result = CRI_EAGAIN;

	expect_ok(fixture, cri_image_import_begin(fixture->engine, layout, NULL, &op, fixture->call));
	while (result == CRI_EAGAIN && !(pid = find_unpacker(fixture)))
		result = step(fixture, op, 1, &list);
	assert_int_equal(result, CRI_EAGAIN);
	assert_int_equal(kill(pid, SIGKILL), 0);
	result = step(fixture, op, 10000, &list);
	expect_code(fixture, CRI_EINTERNAL, result);
	assert_non_null(strstr(cri_call_message(fixture->call), "ended"));
	cri_op_free(op);
	expect_nothing_left(fixture);
	import_and_remove(fixture, layout);
}

/* In a process of its own: opens the root, imports. Exits 0 when that worked. */
static pid_t import_in_child(struct fixture *fixture, const char *path)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		cri_engine_options options = fixture_options(fixture);
		cri_engine *engine;
		cri_list *list;

		if (cri_engine_open(&options, &engine, NULL) || cri_image_import(engine, path, NULL, &list, NULL))
			_exit(1);
		_exit(0);
	}
	return pid;
}

/* All layers are there with the image, or none without. */
static bool is_whole(struct fixture *fixture)
{
	cri_list *list;
	size_t n_images;

	expect_ok(fixture, cri_image_list(fixture->engine, "survival", &list, fixture->call));
	n_images = cri_list_count(list);
	cri_list_free(list);
	return fixture_count_entries(fixture, "l") == (n_images ? 1 + N_LAYERS : 1);
}

static void test_killed_program(void **state)
{
	struct fixture *fixture = *state;

	for (long delay = 0; delay < 90; delay += 3) {
		pid_t pid = import_in_child(fixture, delay % 2 ? archive : layout);
		int status;

		pause_milliseconds(delay);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		/* Helpers notice that nobody listens; one that was just being started holds the locks of the layer that
		 * it is for until it is, and an open that does not get them leaves the layer to the next. */
		for (int i = 0; i == 0 || find_unpacker(fixture) || fixture_count_entries(fixture, "tmp") > 0 ||
				!is_whole(fixture);
		     i++) {
			assert_in_range(i, 0, 500);
			pause_milliseconds(i ? 10 : 0);
			fixture_close(fixture);
			fixture_open(fixture);
		}
		/* Killed after its commit, it has left an image, and that is whole. */
		assert_true(is_whole(fixture));
		expect_ok(fixture, cri_image_remove(fixture->engine, "survival", fixture->call));
		expect_nothing_left(fixture);
	}
	import_and_remove(fixture, archive);
}

static void test_several_programs(void **state)
{
	struct fixture *fixture = *state;

	for (int round = 0; round < 3; round++) {
		pid_t pids[6];

		for (int i = 0; i < 6; i++)
			pids[i] = import_in_child(fixture, i % 2 ? archive : layout);
		for (int i = 0; i < 6; i++) {
			int status;

			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		assert_int_equal(fixture_count_entries(fixture, "l"), 1 + N_LAYERS);
		expect_ok(fixture, cri_image_remove(fixture->engine, "survival", fixture->call));
		expect_nothing_left(fixture);
	}
}

/* One program imports, another removes what it finds: each import succeeds. */
static void test_import_against_remove(void **state)
{
	struct fixture *fixture = *state;
	pid_t pids[2];
	int status, alive = 2;

	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			cri_engine_options options = fixture_options(fixture);
			cri_engine *engine;
			cri_list *list;

			if (cri_engine_open(&options, &engine, NULL))
				_exit(1);
			for (int n = 0; n < 15; n++) {
				if (cri_image_import(engine, layout, NULL, &list, fixture->call)) {
					print_error("%s\n", cri_call_message(fixture->call));
					_exit(2);
				}
				cri_list_free(list);
			}
			_exit(0);
		}
	}
	while (alive > 0) {
		expect_ok(fixture, cri_image_remove(fixture->engine, "survival", fixture->call));
		while (waitpid(-1, &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
			alive--;
		}
	}
	expect_ok(fixture, cri_image_remove(fixture->engine, "survival", fixture->call));
	expect_nothing_left(fixture);
}

#define CROWD_LIMIT 256
#define CROWD_MESSAGES 3
#define CROWD_FDS 250 /* in a message; the kernel takes 253 */

/* So many descriptors on their way that who may have CROWD_LIMIT open may send none. */
static void crowd(int pair[2])
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(CROWD_FDS * sizeof(int))];
	} control = { .header = { CMSG_LEN(CROWD_FDS * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec byte = { "", 1 };
	const struct msghdr message = {
		.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int fds[CROWD_FDS];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	for (int i = 0; i < CROWD_FDS; i++)
		fds[i] = STDOUT_FILENO;
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	for (int i = 0; i < CROWD_MESSAGES; i++)
		assert_int_equal(sendmsg(pair[0], &message, 0), 1);
}

/* The kernel refuses to take a descriptor along while many of the same user's are on their way, whoever's they are:
 * that is waited for, since it says nothing of the image. */
static void test_crowded(void **state)
{
	struct fixture *fixture = *state;
	const struct rlimit limit = { CROWD_LIMIT, CROWD_LIMIT };
	int pair[2], begun[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(begun), 0);
	crowd(pair);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		cri_engine_options options = fixture_options(fixture);
		cri_engine *engine;
		cri_list *list;

		close(pair[0]);
		close(pair[1]);
		/* Or the helper would give itself the usual limit. */
		if (prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0) || setrlimit(RLIMIT_NOFILE, &limit) ||
		    cri_engine_open(&options, &engine, NULL) || write(begun[1], "", 1) != 1)
			_exit(1);
		if (cri_image_import(engine, layout, NULL, &list, fixture->call)) {
			print_error("%s\n", cri_call_message(fixture->call));
			_exit(2);
		}
		_exit(0);
	}
	close(begun[1]);
	assert_int_equal(read(begun[0], &byte, 1), 1);
	pause_milliseconds(300);
	close(pair[0]);
	close(pair[1]);
	close(begun[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect_ok(fixture, cri_image_remove(fixture->engine, "survival", fixture->call));
	expect_nothing_left(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_abandoned),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_killed_unpacker),
		cmocka_unit_test(test_killed_program),
		cmocka_unit_test(test_several_programs),
		cmocka_unit_test(test_import_against_remove),
		cmocka_unit_test(test_crowded),
	};

	return cmocka_run_group_tests(tests, make_image, fixture_tear_down);
}

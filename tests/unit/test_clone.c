/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that are born in a cgroup of v2, or move there where they cannot be. */
#include "spawn_fixture.h"

#include "base/clone.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/statfs.h>

#define STACK_SIZE 65536

static char cgroup[PATH_MAX]; /* of these tests */
static const char *name;      /* its own */
static int cgroup_fd = -1;
static _Alignas(16) char stack[STACK_SIZE];

static int make_cgroup(void **state)
{
	static const char *const mountpoints[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };

	for (size_t i = 0; i < 2; i++) {
		struct statfs status;

		if (statfs(mountpoints[i], &status) || status.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		snprintf(cgroup, sizeof(cgroup), "%s/libcri-test-clone-%d", mountpoints[i], getpid());
		name = strrchr(cgroup, '/');
		if (mkdir(cgroup, 0755))
			break;
		cgroup_fd = open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
		break;
	}
	return find_self(state);
}

static int remove_cgroup(void **state)
{
	(void)state;
	if (cgroup_fd < 0)
		return 0;
	close(cgroup_fd);
	/* What was killed or has ended may take a moment to be gone. */
	for (int tries = 0; rmdir(cgroup) && tries < 1000; tries++)
		usleep(1000);
	return access(cgroup, F_OK) ? 0 : -1;
}

static void need_cgroup(void)
{
	if (cgroup_fd < 0)
		skip();
}

/* Whether the calling process is in the cgroup. */
static bool is_inside(void)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;

	return !fs_read(AT_FDCWD, "/proc/self/cgroup", 65536, &text) && strstr(text.data, name);
}

static int look(void *argument)
{
	int *told = argument;

	*told += is_inside() ? 1 : 100;
	return 7;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, __WALL), pid);
	return status;
}

/* 1: the kernel, or what confines this process (valgrind too), knows no clone3 with cgroups. */
static bool cannot(pid_t pid)
{
	return pid == -ENOSYS || pid == -E2BIG;
}

static void test_is_born_inside(void **state)
{
	int told = 10, pidfd = -1;
	pid_t pid, tid = 0;

	(void)state;
	need_cgroup();
	errno = 4711;
	pid = clone_into(look, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD,
			 &told, &pidfd, &tid, cgroup_fd);
	assert_int_equal(errno, 4711);
	if (cannot(pid))
		skip();
	assert_true(pid > 0);
	assert_int_equal(tid, pid);
	assert_int_equal(told, 11);
	assert_true(pidfd >= 0);
	close(pidfd);
	assert_int_equal(wait_for(pid), 7 << 8);
	assert_false(is_inside());
}

/* Its memory is a copy: what it writes is not seen here. */
static void test_without_shared_memory(void **state)
{
	int told = 10;
	pid_t pid;

	(void)state;
	need_cgroup();
	pid = clone_into(look, stack + STACK_SIZE, SIGCHLD, &told, NULL, NULL, cgroup_fd);
	if (cannot(pid))
		skip();
	assert_true(pid > 0);
	assert_int_equal(wait_for(pid), 7 << 8);
	assert_int_equal(told, 10);
}

static int clone_sibling(void *argument)
{
	int *told = argument;

	*told = clone_into(look, stack + STACK_SIZE / 2, CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD, &told[1],
			   NULL, NULL, cgroup_fd);
	return 0;
}

static void test_sibling(void **state)
{
	int told[2] = { 0, 0 };
	pid_t pid;

	(void)state;
	need_cgroup();
	pid = clone(clone_sibling, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, told);
	assert_true(pid > 0);
	assert_int_equal(wait_for(pid), 0);
	/* valgrind makes a fork of the first one, too. */
	if (cannot(told[0]) || told[0] == 0)
		skip();
	/* It is a child of ours, with the signal of its brother. */
	assert_true(told[0] > 0);
	assert_int_equal(told[1], 1);
	assert_int_equal(wait_for(told[0]), 7 << 8);
}

static void test_failures(void **state)
{
	int told = 0, directory = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid;

	(void)state;
	need_cgroup();
	pid = clone_into(look, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, &told, NULL, NULL, directory);
	if (!cannot(pid))
		assert_int_equal(pid, -EBADF);
	assert_int_equal(clone_move_into(directory), -ENOENT);
	assert_int_equal(clone_move_into(-1), -EBADF);
	assert_int_equal(told, 0);
	close(directory);
}

static void assert_program_is_inside(void)
{
	const char *const argv[] = { "cat", "/proc/self/cgroup", NULL };
	struct spawn spawn = { SPAWN_INIT, .path = "/bin/cat", .argv = argv, .cgroup_v2_fd = cgroup_fd };
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;

	assert_int_equal(run(&spawn, NULL, &output), 0);
	assert_non_null(strstr(output.data, name));
}

static void test_program(void **state)
{
	(void)state;
	need_cgroup();
	assert_program_is_inside();
	assert_false(is_inside());
}

static void test_program_fails(void **state)
{
	const char *const argv[] = { "true", NULL };
	struct spawn spawn = { SPAWN_INIT, .path = "/bin/true", .argv = argv };
	int before = count_fds();

	(void)state;
	spawn.cgroup_v2_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(spawn_program(&spawn, NULL), -ENOENT);
	close(spawn.cgroup_v2_fd);
	need_cgroup();
	spawn.cgroup_v2_fd = cgroup_fd;
	spawn.path = "/nonexistent";
	assert_int_equal(spawn_program(&spawn, NULL), -ENOENT);
	assert_int_equal(count_fds(), before);
}

/* As by the profiles of container engines that are older than clone3. */
static bool forbid_clone3(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void test_program_moves_where_it_cannot_be_born(void **state)
{
	pid_t child;

	(void)state;
	need_cgroup();
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int told = 0;

		if (!forbid_clone3() || clone_into(look, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, &told,
						   NULL, NULL, cgroup_fd) != -ENOSYS)
			_exit(1);
		assert_program_is_inside();
		_exit(0);
	}
	assert_int_equal(wait_for(child), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_born_inside),
		cmocka_unit_test(test_without_shared_memory),
		cmocka_unit_test(test_sibling),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_program_fails),
		cmocka_unit_test(test_program_moves_where_it_cannot_be_born),
	};

	if (argc > 1 && !strcmp(argv[1], "report"))
		return report();
	return cmocka_run_group_tests(tests, make_cgroup, remove_cgroup);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Whom cri-shim kills with a command. In a PID namespace, where the test says which pid is next; what the members of
 * the container's cgroup are, it says as well, through a FIFO in the place of cgroup.procs. */
#include "helpers/shim/kill.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define SECONDS 30
#define COMMAND 100
#define DAEMON 200

static char directory[64], members[96], tasks[96];

/* What a step of the test could not do. */
#define NEED(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			_exit(__LINE__ % 128 + 100);                                                                   \
	} while (0)

/* A process of this pid, which leads a session, tells so, and waits to be killed. */
static pid_t start(pid_t pid, void (*then)(void))
{
	char number[16], byte;
	int told[2];
	pid_t made;

	snprintf(number, sizeof(number), "%d", pid - 1);
	NEED(fs_write_text(AT_FDCWD, "/proc/sys/kernel/ns_last_pid", number) == 0);
	NEED(pipe(told) == 0);
	made = fork();
	if (made == 0) {
		alarm(SECONDS);
		NEED(setsid() == pid);
		if (then)
			then();
		NEED(write(told[1], "", 1) == 1);
		for (;;)
			pause();
	}
	NEED(made == pid);
	NEED(read(told[0], &byte, 1) == 1);
	close(told[0]);
	close(told[1]);
	return made;
}

static void start_daemon(void)
{
	start(DAEMON, NULL);
}

static void pause_milliseconds(int milliseconds)
{
	const struct timespec pause = { .tv_nsec = milliseconds * 1000000L };

	nanosleep(&pause, NULL);
}

/* Whether a process still reads what it was answered last. */
static bool reads(pid_t killer)
{
	CLEANUP_DIR DIR *opened = NULL;
	const struct dirent *entry;
	char path[64], link[128];

	snprintf(path, sizeof(path), "/proc/%d/fd", killer);
	opened = opendir(path);
	while (opened && (entry = readdir(opened))) {
		ssize_t length = readlinkat(dirfd(opened), entry->d_name, link, sizeof(link) - 1);

		link[length > 0 ? length : 0] = '\0';
		if (!strcmp(link, members))
			return true;
	}
	return false;
}

/* Nobody: one that is out of reach. An answer has at least a byte, for the answered one to be seen reading it. */
#define NOBODY "0\n"

/* Answers one look at the cgroup, and waits until it is over. False: nobody looks any more. */
static bool answer(pid_t killer, const char *text)
{
	int fd, left = 1;

	while ((fd = open(members, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
		siginfo_t info = { 0 };

		NEED(errno == ENXIO);
		NEED(waitid(P_PID, (id_t)killer, &info, WEXITED | WNOHANG | WNOWAIT) == 0);
		if (info.si_pid)
			return false;
		pause_milliseconds(1);
	}
	NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	while (left) {
		NEED(ioctl(fd, FIONREAD, &left) == 0);
		pause_milliseconds(1);
	}
	close(fd);
	while (reads(killer))
		pause_milliseconds(1);
	return true;
}

static void await_killed(pid_t pid)
{
	int status;

	/* An orphan is not our child before its parent is dead. */
	while (waitpid(pid, &status, 0) != pid)
		pause_milliseconds(1);
	NEED(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static pid_t start_killer(bool all)
{
	const char *const entries[] = { tasks };
	const struct order order = { .cgroup_entry = { .items = (const char **)entries, .n = 1 } };
	pid_t killer = fork();

	if (killer == 0) {
		alarm(SECONDS);
		if (all)
			kill_container(&order, SECONDS * 1000);
		else
			kill_command(&order, COMMAND, SECONDS * 1000);
		_exit(0);
	}
	NEED(killer > 0);
	return killer;
}

/* A daemon of the command's is killed with it. While that goes on, a process that has nothing to do with them gets the
 * daemon's pid. */
static void reuse_a_pid(void)
{
	pid_t killer;
	int status;

	start(COMMAND, start_daemon);
	killer = start_killer(false);
	NEED(answer(killer, "100\n200\n"));
	await_killed(DAEMON);
	/* Start times are in hundredths of a second. */
	pause_milliseconds(30);
	start(DAEMON, NULL);
	NEED(answer(killer, "200\n"));
	while (answer(killer, NOBODY))
		continue;
	NEED(waitpid(killer, &status, 0) == killer && status == 0);
	/* It lives. The command is reaped last: as long as nobody does, its pid is its own. */
	NEED(waitpid(DAEMON, &status, WNOHANG) == 0);
	await_killed(COMMAND);
}

/* A child of the command's that its parent's death has left behind is known by its session. */
static void start_child(void)
{
	pid_t child = fork();

	if (child == 0) {
		alarm(SECONDS);
		for (;;)
			pause();
	}
	NEED(child == COMMAND + 1);
}

static void kill_an_orphan(void)
{
	pid_t killer;
	int status;

	start(COMMAND, start_child);
	NEED(kill(COMMAND, SIGKILL) == 0);
	pause_milliseconds(1);
	killer = start_killer(false);
	NEED(answer(killer, "101\n"));
	await_killed(COMMAND + 1);
	while (answer(killer, NOBODY))
		continue;
	NEED(waitpid(killer, &status, 0) == killer && status == 0);
	await_killed(COMMAND);
}

#define NO_NAMESPACE 77

static void run_inside(void (*body)(void))
{
	pid_t outer;
	int status;

	/* ThreadSanitizer gives every process a thread, which takes the next pid. */
#ifdef __SANITIZE_THREAD__
	skip();
#endif
	outer = fork();
	assert_true(outer >= 0);
	if (outer == 0) {
		pid_t inner;

		if (unshare(CLONE_NEWPID | CLONE_NEWNS))
			_exit(NO_NAMESPACE);
		/* Not the inner one's: as first process of its namespace it would ignore it. */
		alarm(2 * SECONDS);
		inner = fork();
		if (inner == 0) {
			NEED(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
			NEED(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
			NEED(mount("proc", "/proc", "proc", 0, NULL) == 0);
			body();
			_exit(0);
		}
		if (inner < 0 || waitpid(inner, &status, 0) != inner)
			_exit(99);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
	}
	assert_int_equal(waitpid(outer, &status, 0), outer);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Two are listed, of whom one is another's when he is opened: no member of the container. */
static void list_a_stranger(void)
{
	pid_t killer;
	int status;

	start(COMMAND, NULL);
	start(DAEMON, NULL);
	killer = start_killer(true);
	NEED(answer(killer, "100\n200\n"));
	NEED(answer(killer, "100\n"));
	await_killed(COMMAND);
	while (answer(killer, NOBODY))
		continue;
	NEED(waitpid(killer, &status, 0) == killer && status == 0);
	NEED(waitpid(DAEMON, &status, WNOHANG) == 0);
}

/* More than are opened at a time, in any order. */
static void list_many(void)
{
	CLEANUP_BUFFER struct buffer list = BUFFER_EMPTY;
	pid_t pids[100], killer;
	int status;

	for (int i = 0; i < 100; i++)
		pids[i] = start(COMMAND + i, NULL);
	for (int i = 0; i < 100; i++)
		buffer_printf(&list, "%d\n", pids[i * 37 % 100]);
	NEED(!list.failed);
	killer = start_killer(true);
	/* A look, and one more for each 32. */
	for (int i = 0; i < 5; i++)
		NEED(answer(killer, list.data));
	for (int i = 0; i < 100; i++)
		await_killed(pids[i]);
	while (answer(killer, NOBODY))
		continue;
	NEED(waitpid(killer, &status, 0) == killer && status == 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/libcri-kill-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(members, sizeof(members), "%s/cgroup.procs", directory);
	snprintf(tasks, sizeof(tasks), "%s/tasks", directory);
	return mkfifo(members, 0600);
}

static int tear_down(void **state)
{
	(void)state;
	return fs_remove_tree(AT_FDCWD, directory);
}

static void test_a_pid_that_became_another_process_is_spared(void **state)
{
	(void)state;
	run_inside(reuse_a_pid);
}

static void test_an_orphan_of_the_session_is_killed(void **state)
{
	(void)state;
	run_inside(kill_an_orphan);
}

static void test_who_is_no_member_any_more_is_spared(void **state)
{
	(void)state;
	run_inside(list_a_stranger);
}

static void test_all_of_many_are_killed(void **state)
{
	(void)state;
	run_inside(list_many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_pid_that_became_another_process_is_spared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_orphan_of_the_session_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_is_no_member_any_more_is_spared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_of_many_are_killed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

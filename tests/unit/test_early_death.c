/* SPDX-License-Identifier: Apache-2.0 */
/* A message that never comes: who was to send it is dead, and both ends of the socket are still open. */
#include "helpers/shim/early_death.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static ssize_t receive(int fd, int flags, char *byte)
{
	struct iovec data = { .iov_base = byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	return recvmsg(fd, &message, flags);
}

/* A child that sends a byte, or dies without. */
static pid_t child(int fd, bool sends)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (sends)
			_exit(write(fd, "x", 1) == 1 ? 0 : 1);
		usleep(50000);
		raise(SIGKILL);
	}
	assert_true(pid > 0);
	return pid;
}

static void test_dead_sender(void **state)
{
	int fds[2];
	char byte = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(early_death_watch(), 0);
	pid = child(fds[1], false);
	alarm(30);
	assert_int_equal(receive(fds[0], 0, &byte), -1);
	assert_int_equal(errno, ECONNRESET);
	/* Whoever has to reap it still can. */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	alarm(0);
	close(fds[0]);
	close(fds[1]);
}

/* What was sent before the end is received, also when the sender is seen to be dead first. */
static void test_last_words(void **state)
{
	int fds[2];
	char byte = 0;
	siginfo_t info;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(early_death_watch(), 0);
	pid = child(fds[1], true);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	alarm(30);
	assert_int_equal(receive(fds[0], 0, &byte), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(receive(fds[0], 0, &byte), -1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* With nobody dead there is just nothing yet, and at the end there is the end. */
	assert_int_equal(receive(fds[0], MSG_DONTWAIT, &byte), -1);
	assert_int_equal(errno, EAGAIN);
	close(fds[1]);
	assert_int_equal(receive(fds[0], 0, &byte), 0);
	close(fds[0]);
	assert_int_equal(receive(-1, 0, &byte), -1);
	assert_int_equal(errno, EBADF);
	alarm(0);
}

/* The other way round: a process waits for one that watched, and was killed and reaped. */
static void test_dead_watcher(void **state)
{
	int fds[2], life[2];
	char byte = 0;
	pid_t watcher;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, life), 0);
	watcher = fork();
	assert_true(watcher >= 0);
	if (watcher == 0) {
		if (early_death_watch() < 0 || fork() < 0)
			_exit(1);
		close(life[0]);
		alarm(60);
		/* It and its child: the one has no dead child, the other a living parent. */
		(void)(write(life[1], "w", 1) == 1 && receive(fds[0], 0, &byte));
		_exit(2);
	}
	close(life[1]);
	alarm(30);
	assert_int_equal(read(life[0], &byte, 1), 1);
	assert_int_equal(read(life[0], &byte, 1), 1);
	assert_int_equal(kill(watcher, SIGKILL), 0);
	assert_int_equal(waitpid(watcher, NULL, 0), watcher);
	/* The end of the file: nobody is left. */
	assert_int_equal(read(life[0], &byte, 1), 0);
	alarm(0);
	close(life[0]);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dead_sender),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_dead_watcher),
	};

	return cmocka_run_group_tests_name("early death", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cri-init's answer to the shim when its user has more descriptors on their way than it may send. Needs root. */
#include "helpers/init/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 32
#define SENDS_MAX 128

/* Puts descriptors on their way until no more may be. How many there are; -1: as many as one likes. */
static int crowd(int socket)
{
	const int fd = 0;

	for (int i = 0; i < SENDS_MAX; i++) {
		const int error = socket_send(socket, "", 1, &fd, 1);

		if (error == -ETOOMANYREFS)
			return i;
		if (error)
			return -1;
	}
	return -1;
}

static void drain(int socket, int n)
{
	int fds[SOCKET_MAX_FDS];
	size_t n_fds;
	char byte;

	while (n-- > 0 && socket_receive(socket, &byte, 1, fds, &n_fds, 0) > 0)
		while (n_fds)
			close(fds[--n_fds]);
}

/* A process of a user of its own. Its exit code: 0, or which step failed. */
static int play(int channel)
{
	const struct rlimit files = { FILES_MAX, FILES_MAX };
	const uid_t user = 1000000000u + (uid_t)getpid();
	int queue[2], n, status;
	pid_t reader;

	if (dup2(channel, INIT_SOCKET_FD) < 0 || socket_pair(queue) || setrlimit(RLIMIT_NOFILE, &files) ||
	    setresuid(user, user, user))
		return 1;
	n = crowd(queue[0]);
	if (n <= 0)
		return 2;
	if (socket_send(INIT_SOCKET_FD, "", 1, &(int){ 0 }, 1) != -ETOOMANYREFS)
		return 3;
	reader = fork();
	if (reader == 0) {
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
		drain(queue[1], n);
		_exit(0);
	}
	if (reader < 0 || channel_send_ready("ready", sizeof("ready"), 0))
		return 4;
	return waitpid(reader, &status, 0) == reader && status == 0 ? 0 : 5;
}

static void test_crowded(void **state)
{
	char bytes[INIT_MESSAGE_MAX];
	int pair[2], fds[SOCKET_MAX_FDS], status;
	size_t n_fds;
	pid_t pid;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(socket_pair(pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(play(fcntl(pair[1], F_DUPFD_CLOEXEC, 10)));
	close(pair[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(socket_receive(pair[0], bytes, sizeof(bytes), fds, &n_fds, MSG_DONTWAIT),
			 sizeof(struct init_message) + sizeof("ready"));
	assert_int_equal(n_fds, 1);
	close(fds[0]);
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_crowded) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

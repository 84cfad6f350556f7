/* SPDX-License-Identifier: Apache-2.0 */
#include "early_death.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_AGAIN 20 /* milliseconds */

/* Of the process that watches, as all that it forks have it, too. */
static struct {
	bool on;
	pid_t pid;
	int pidfd;
} watcher = { .pidfd = -1 };

int early_death_watch(void)
{
	if (watcher.pidfd >= 0)
		close(watcher.pidfd);
	watcher.pid = getpid();
	watcher.pidfd = pidfd_open(watcher.pid, 0);
	watcher.on = watcher.pidfd >= 0;
	return watcher.on ? 0 : -errno;
}

/* It stays to be waited for. */
static bool has_dead_child(void)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid != 0;
}

/* False: nothing is there, and none will come. */
static bool await_child(int fd)
{
	while (fd >= 0) {
		struct pollfd message = { .fd = fd, .events = POLLIN };
		/* Before the look at the socket: what it sent before it ended is then found. */
		bool dead = has_dead_child();
		int ready = poll(&message, 1, dead ? 0 : LOOK_AGAIN);

		/* A descriptor that cannot be watched is recvmsg's to complain of. */
		if (ready > 0 || (ready < 0 && errno != EINTR))
			return true;
		if (ready == 0 && dead)
			return false;
	}
	return true;
}

/* In the first process itself. Nothing is to be put away for a monitor that is dead: it ends, as it would by its death
 * signal. */
static void await_monitor(int fd)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = watcher.pidfd, .events = POLLIN },
	};
	int ready;

	if (fd < 0)
		return;
	do {
		ready = poll(fds, 2, -1);
	} while (ready < 0 && errno == EINTR);
	if (ready > 0 && !fds[0].revents)
		_exit(EXIT_FAILURE);
}

static bool await_message(int fd)
{
	if (getpid() == watcher.pid)
		return await_child(fd);
	await_monitor(fd);
	return true;
}

__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	if (watcher.on && !(flags & MSG_DONTWAIT) && !await_message(fd)) {
		errno = ECONNRESET;
		return -1;
	}
	return syscall(SYS_recvmsg, fd, message, flags);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "early_death.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_AGAIN 20 /* milliseconds */

static bool watching;

void early_death_watch(void)
{
	watching = true;
}

/* It stays to be waited for. */
static bool has_dead_child(void)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid != 0;
}

/* False: nothing is there, and none will come. */
static bool await_message(int fd)
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

__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	if (watching && !(flags & MSG_DONTWAIT) && !await_message(fd)) {
		errno = ECONNRESET;
		return -1;
	}
	return syscall(SYS_recvmsg, fd, message, flags);
}

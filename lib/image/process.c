/* SPDX-License-Identifier: Apache-2.0 */
#include "image/process.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

void process_kill(int pidfd)
{
	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

int process_end(int pidfd, cri_call *call)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int result = 1;

	if (pidfd < 0)
		return 0;
	process_kill(pidfd);
	result = call_wait(call, "wait for a helper to end", &ended, 1, -1);
	return result < 0 ? result : 0;
}

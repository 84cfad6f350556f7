/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in pause: the first process of a PID namespace that a pod's containers share. */
#include "become.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1))
#define WAITED_FOR (SIGNAL_BIT(SIGTERM) | SIGNAL_BIT(SIGINT) | SIGNAL_BIT(SIGCHLD))

/* Blocked, they also reach the first process of a namespace, which otherwise ignores what it does not handle. */
static int wait_for_signals(struct prepared *prepared, struct failure *failure)
{
	(void)prepared;
	(void)failure;
	reset_signals(WAITED_FOR);
	return 0;
}

int become_pause(struct prepared *prepared, struct failure *failure)
{
	const uint64_t waited_for = WAITED_FOR;
	int result;

	memset(prepared->process.capabilities, 0, sizeof(prepared->process.capabilities));
	prepared->process.no_new_privs = true;
	result = drop_privileges(prepared, wait_for_signals, failure);
	if (result < 0)
		return result;
	(void)prctl(PR_SET_NAME, "pause", 0UL, 0UL, 0UL);
	/* The shim sees the end of the socket: that is the success. */
	if (syscall(SYS_close_range, 0L, (long)UINT32_MAX, 0L) < 0)
		return fail(failure, errno, "close descriptors", "");
	for (;;) {
		long number = syscall(SYS_rt_sigtimedwait, &waited_for, NULL, NULL, sizeof(waited_for));

		if (number == SIGTERM || number == SIGINT)
			_exit(0);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

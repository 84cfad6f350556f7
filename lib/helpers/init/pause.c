/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in pause: the first process of a PID namespace that a pod's containers share. */
#include "become.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
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

#define PAGE 4096UL
#define STACK_USED_BEFORE (64UL << 10)

/* It stays for the life of the pod: what was needed to come here is given back, some 50 KiB. Variables read as zero
 * from now on. A larger page size only gives back less, or nothing (EINVAL). */
static void give_back_memory(void)
{
	extern char __bss_start[], _end[];
	unsigned long begin = ((unsigned long)__bss_start + PAGE - 1) & ~(PAGE - 1);
	unsigned long end = (unsigned long)_end & ~(PAGE - 1);
	unsigned long stack = ((unsigned long)__builtin_frame_address(0) & ~(PAGE - 1)) - PAGE;

	if (end > begin)
		(void)syscall(SYS_madvise, begin, end - begin, (long)MADV_DONTNEED);
	(void)syscall(SYS_madvise, stack - STACK_USED_BEFORE, STACK_USED_BEFORE, (long)MADV_DONTNEED);
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
	give_back_memory();
	for (;;) {
		long number = syscall(SYS_rt_sigtimedwait, &waited_for, NULL, NULL, sizeof(waited_for));

		if (number == SIGTERM || number == SIGINT)
			_exit(0);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

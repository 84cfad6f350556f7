/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of it run in the memory of a host (spawn.c): raw system calls only. */
#include "clone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNSANITISED __attribute__((no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))

/* The exit signal stands in the flags of clone(2). */
#define EXIT_SIGNAL 0xff

/* glibc keeps its clone3 to itself, and syscall(2) would return on the new stack, where no return address is. */
#if defined(__x86_64__)
UNSANITISED static long start(struct clone_args *arguments, int (*function)(void *), void *argument)
{
	register __typeof__(function) child_function __asm__("r8") = function;
	register void *child_argument __asm__("r9") = argument;
	long result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r9, %%rdi\n\t"
			 "call *%%r8\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "a"((long)SYS_clone3), "D"(arguments), "S"(sizeof(*arguments)), "r"(child_function),
			   "r"(child_argument), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory", "cc");
	return result;
}
#elif defined(__aarch64__)
UNSANITISED static long start(struct clone_args *arguments, int (*function)(void *), void *argument)
{
	register long number __asm__("x8") = SYS_clone3;
	register long first __asm__("x0") = (long)(uintptr_t)arguments;
	register long second __asm__("x1") = sizeof(*arguments);
	register __typeof__(function) child_function __asm__("x9") = function;
	register void *child_argument __asm__("x10") = argument;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, x10\n\t"
			 "blr x9\n\t"
			 "mov x8, %[exit]\n\t"
			 "svc #0\n\t"
			 "brk #1\n"
			 "1:"
			 : "+r"(first)
			 : "r"(number), "r"(second), "r"(child_function), "r"(child_argument), [exit] "i"(SYS_exit)
			 : "memory", "cc");
	return first;
}
#else
UNSANITISED static long start(struct clone_args *arguments, int (*function)(void *), void *argument)
{
	(void)arguments;
	(void)function;
	(void)argument;
	return -ENOSYS;
}
#endif

UNSANITISED pid_t clone_into(int (*function)(void *), void *stack_end, int flags, void *argument, int *pidfd,
			     pid_t *tid, int cgroup_fd)
{
	/* The kernel wants the lowest address and the size, and adds them. */
	struct clone_args arguments = {
		.flags = ((uint64_t)(unsigned int)flags & ~(uint64_t)EXIT_SIGNAL) | CLONE_INTO_CGROUP,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.parent_tid = (uint64_t)(uintptr_t)tid,
		.exit_signal = flags & CLONE_PARENT ? 0 : (uint64_t)flags & EXIT_SIGNAL,
		.stack = (uint64_t)(uintptr_t)stack_end - 16,
		.stack_size = 16,
		.cgroup = (uint64_t)(unsigned int)cgroup_fd,
	};

	return (pid_t)start(&arguments, function, argument);
}

UNSANITISED int clone_move_into(int cgroup_fd)
{
	long fd = syscall(SYS_openat, cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_write, fd, "0", 1) < 0)
		error = -errno;
	syscall(SYS_close, fd);
	return error;
}

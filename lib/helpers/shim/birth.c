/* SPDX-License-Identifier: Apache-2.0 */
#include "birth.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long (*system_call)(long number, ...);

static system_call c_library;
static int cgroup = -1;

void birth_begin(int cgroup_fd)
{
	cgroup = cgroup_fd;
}

/* Its pid, 0 in it, or -1: it was not born. */
static long clone_first_process(const struct clone_args *given, size_t size)
{
	struct clone_args arguments = { 0 };
	int fd = cgroup;
	long pid;

	memcpy(&arguments, given, size < sizeof(arguments) ? size : sizeof(arguments));
	arguments.flags |= CLONE_INTO_CGROUP;
	arguments.cgroup = (uint64_t)fd;
	pid = c_library(SYS_clone3, &arguments, sizeof(arguments));
	/* The caller shares memory and descriptors with the monitor, the process neither. */
	if (pid > 0) {
		cgroup = -1;
		close(fd);
	}
	return pid;
}

/* That more is read than was passed does no harm: the calling conventions put arguments into registers first. */
__attribute__((visibility("default"), no_sanitize("address"))) long syscall(long number, ...)
{
	va_list list;
	long a[6];

	va_start(list, number);
	for (size_t i = 0; i < sizeof(a) / sizeof(*a); i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (!c_library) {
		*(void **)&c_library = dlsym(RTLD_NEXT, "syscall");
		if (!c_library) {
			errno = ENOSYS;
			return -1;
		}
	}
	if (number == SYS_clone3 && cgroup >= 0) {
		const struct clone_args *arguments = (const struct clone_args *)a[0]; /* NOLINT */

		if ((arguments->flags & (CLONE_PARENT | CLONE_VM | CLONE_INTO_CGROUP)) == CLONE_PARENT) {
			long pid = clone_first_process(arguments, (size_t)a[1]);

			if (pid >= 0)
				return pid;
		}
	}
	return c_library(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

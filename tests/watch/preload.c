/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a helper that runs under valgrind or with AddressSanitizer. A seccomp filter would be theirs too,
 * which make other system calls, and limits of memory and descriptors would count what is theirs: so neither is set.
 * That they hold is for the tests of the plain helpers. And valgrind 3.19 does not know openat2.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define N_ARGUMENTS 6

/* What a test opens leads nowhere else. */
static long open_below(int fd, const char *path, const struct open_how *how)
{
	if (how->resolve & RESOLVE_IN_ROOT)
		path += strspn(path, "/");
	return openat(fd, *path ? path : ".", (int)how->flags, (mode_t)how->mode);
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	long arguments[N_ARGUMENTS];
	va_list list;

	va_start(list, number);
	for (size_t i = 0; i < N_ARGUMENTS; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_seccomp)
		return 0;
#ifdef WITHOUT_OPENAT2
	if (number == SYS_openat2)
		return open_below((int)arguments[0], (const char *)arguments[1], (const void *)arguments[2]);
#else
	(void)open_below;
#endif
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	(void)resource;
	(void)limit;
	return 0;
}

int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit)
{
	(void)resource;
	(void)limit;
	return 0;
}

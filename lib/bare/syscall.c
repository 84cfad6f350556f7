/* SPDX-License-Identifier: Apache-2.0 */
/* System calls as the C library declares them: -1 and errno. One thread, so errno is a plain variable. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static int last_error;

int *__errno_location(void)
{
	return &last_error;
}

#if defined(__x86_64__)
static long enter(long number, const long a[6])
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__) /* mk/bare.mk takes the C library for any other machine */
static long enter(long number, const long a[6])
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a[0];
	register long x1 __asm__("x1") = a[1];
	register long x2 __asm__("x2") = a[2];
	register long x3 __asm__("x3") = a[3];
	register long x4 __asm__("x4") = a[4];
	register long x5 __asm__("x5") = a[5];

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}
#endif

/* Reads six arguments whatever was passed, as glibc does: both calling conventions put them into registers first, and
 * the kernel looks only at those that the call has. */
long syscall(long number, ...)
{
	long arguments[6];
	va_list list;
	long result;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	result = enter(number, arguments);
	if (result < 0 && result > -4096) {
		last_error = (int)-result;
		return -1;
	}
	return result;
}

void _exit(int status)
{
	for (;;)
		syscall(SYS_exit_group, (long)status);
}

int close(int fd)
{
	return (int)syscall(SYS_close, (long)fd);
}

ssize_t read(int fd, void *bytes, size_t length)
{
	return syscall(SYS_read, (long)fd, bytes, length);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t offset)
{
	return syscall(SYS_pread64, (long)fd, bytes, length, (long)offset);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	return syscall(SYS_write, (long)fd, bytes, length);
}

int openat(int directory_fd, const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	return (int)syscall(SYS_openat, (long)directory_fd, path, (long)flags, (long)mode);
}

int mkdirat(int directory_fd, const char *path, mode_t mode)
{
	return (int)syscall(SYS_mkdirat, (long)directory_fd, path, (long)mode);
}

ssize_t readlinkat(int directory_fd, const char *restrict path, char *restrict target, size_t size)
{
	return syscall(SYS_readlinkat, (long)directory_fd, path, target, size);
}

int fstat(int fd, struct stat *status)
{
	return (int)syscall(SYS_fstat, (long)fd, status);
}

int fstatfs(int fd, struct statfs *status)
{
	return (int)syscall(SYS_fstatfs, (long)fd, status);
}

int fchown(int fd, uid_t owner, gid_t group)
{
	return (int)syscall(SYS_fchown, (long)fd, (long)owner, (long)group);
}

int fchdir(int fd)
{
	return (int)syscall(SYS_fchdir, (long)fd);
}

int dup3(int from, int to, int flags)
{
	return (int)syscall(SYS_dup3, (long)from, (long)to, (long)flags);
}

int fcntl(int fd, int command, ...)
{
	va_list list;
	long argument;

	va_start(list, command);
	argument = va_arg(list, long);
	va_end(list);
	return (int)syscall(SYS_fcntl, (long)fd, (long)command, argument);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	long argument;

	va_start(list, request);
	argument = va_arg(list, long);
	va_end(list);
	return (int)syscall(SYS_ioctl, (long)fd, (long)request, argument);
}

int prctl(int option, ...)
{
	long arguments[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	return (int)syscall(SYS_prctl, (long)option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, address, length, (long)protection, (long)flags, (long)fd, (long)offset);
}

int munmap(void *address, size_t length)
{
	return (int)syscall(SYS_munmap, address, length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return syscall(SYS_sendmsg, (long)fd, message, (long)flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return syscall(SYS_recvmsg, (long)fd, message, (long)flags);
}

/* What CMSG_NXTHDR is in glibc's header. The control data of recvmsg are the kernel's. */
struct cmsghdr *__cmsg_nxthdr(struct msghdr *message, struct cmsghdr *header)
{
	char *end = (char *)message->msg_control + message->msg_controllen;
	size_t size = CMSG_ALIGN(header->cmsg_len);
	size_t left = (size_t)(end - (char *)header);

	if (header->cmsg_len < sizeof(*header) || size >= left || left - size < sizeof(*header))
		return NULL;
	return (struct cmsghdr *)((char *)header + size);
}

int socket(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, (long)domain, (long)type, (long)protocol);
}

dev_t gnu_dev_makedev(unsigned int major, unsigned int minor)
{
	return (dev_t)(major & 0xfffU) << 8 | (dev_t)(major & ~0xfffU) << 32 | (minor & 0xffU) |
	       (dev_t)(minor & ~0xffU) << 12;
}

int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)
{
	return (int)syscall(SYS_mount, source, target, type, flags, data);
}

int unshare(int flags)
{
	return (int)syscall(SYS_unshare, (long)flags);
}

int sethostname(const char *name, size_t length)
{
	return (int)syscall(SYS_sethostname, name, length);
}

mode_t umask(mode_t mask)
{
	return (mode_t)syscall(SYS_umask, (long)mask);
}

pid_t getpid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

pid_t setsid(void)
{
	return (pid_t)syscall(SYS_setsid);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return (pid_t)syscall(SYS_wait4, (long)pid, status, (long)options, 0L);
}

int execve(const char *path, char *const argv[], char *const environment[])
{
	return (int)syscall(SYS_execve, path, argv, environment);
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
	return (int)syscall(SYS_prlimit64, 0L, (long)resource, 0L, limit);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	return (int)syscall(SYS_prlimit64, 0L, (long)resource, limit, 0L);
}

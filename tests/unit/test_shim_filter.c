/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in seccomp profile, tried on this machine's kernel: what it says where a call's arguments
 * decide, by all ways to make it. */
#include "helpers/shim/filter_library.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define INSTRUCTIONS_MAX BPF_MAXINSNS

static struct sock_filter instructions[INSTRUCTIONS_MAX];
static struct sock_fprog program = { .filter = instructions };

static int compile(int fd)
{
	struct filter_library library;
	struct failure failure = { 0 };
	struct filter filter = { .library = &library, .failure = &failure };

	if (filter_library_load(&library, &failure) || filter_fill_default(&filter)) {
		print_message("%s: %s\n", failure.step, failure.message);
		return 1;
	}
	return library.export_bpf(filter.context, fd) < 0;
}

/* In a child, as cri-shim does: libseccomp leaves memory behind. */
static int set_up(void **state)
{
	CLEANUP_CLOSE int fd = memfd_create("filter", MFD_CLOEXEC);
	int status = -1;
	pid_t pid;
	ssize_t n;

	(void)state;
	assert_true(fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(compile(fd));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	n = pread(fd, instructions, sizeof(instructions), 0);
	assert_true(n > 0 && n % (ssize_t)sizeof(*instructions) == 0);
	program.len = (unsigned short)((size_t)n / sizeof(*instructions));
	return 0;
}

/* With the filter, in a process of its own: the errno of a call by its first argument; 0: it succeeded. */
static int error_of(long (*way)(unsigned long first), unsigned long first)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		long result;

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			_exit(255);
		result = way(first);
		_exit(result < 0 ? (int)-result : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static long by_socket(unsigned long family)
{
	long fd = syscall(SYS_socket, family, SOCK_DGRAM, 0);

	return fd < 0 ? -errno : fd;
}

static void test_families(void **state)
{
	(void)state;
	assert_int_equal(error_of(by_socket, AF_UNIX), 0);
	assert_int_equal(error_of(by_socket, AF_INET), 0);
	assert_int_equal(error_of(by_socket, AF_VSOCK), EPERM);
	/* The kernel takes the lower 32 bits. */
	assert_int_equal(error_of(by_socket, (1UL << 32) | AF_VSOCK), EPERM);
	assert_int_equal(error_of(by_socket, AF_MAX), EPERM);
	/* One beyond AF_VSOCK comes as far as the kernel, which may not have it. */
	assert_int_not_equal(error_of(by_socket, AF_XDP), EPERM);
	assert_int_not_equal(error_of(by_socket, AF_XDP), ENOSYS);
}

/* Without a stack the child goes on with its parent's. */
static long by_clone(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -errno : pid;
}

/* Flags that the filter does not see. */
static long by_clone3(unsigned long flags)
{
	unsigned long arguments[8] = { flags, 0, 0, 0, SIGCHLD };
	long pid = syscall(SYS_clone3, arguments, sizeof(arguments));

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -errno : pid;
}

static void test_new_namespaces(void **state)
{
	static const unsigned long flags[] = {
		CLONE_NEWNS,
		CLONE_NEWCGROUP,
		CLONE_NEWUTS,
		CLONE_NEWIPC,
		CLONE_NEWUSER,
		CLONE_NEWPID,
		CLONE_NEWNET,
		CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET,
		CLONE_NEWUSER | CLONE_VFORK | CLONE_PTRACE,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		assert_int_equal(error_of(by_clone, flags[i]), EPERM);
		assert_int_equal(error_of(by_clone, flags[i] | 1UL << 40), EPERM);
		/* So that the C library uses clone. */
		assert_int_equal(error_of(by_clone3, flags[i]), ENOSYS);
	}
	assert_int_equal(error_of(by_clone3, 0), ENOSYS);
	assert_int_equal(error_of(by_clone, 0), 0);
	assert_int_equal(error_of(by_clone, CLONE_FS | CLONE_FILES), 0);
}

static bool is_allowed_personality(unsigned int persona)
{
	return (persona & ~0x20008U) == 0 || persona == 0xffffffff;
}

/* All that differ from an allowed one by one or two bits, and many others. */
static long try_personalities(unsigned long seed)
{
	static const unsigned int allowed[] = { 0, 0x8, 0x20000, 0x20008, 0xffffffff };
	uint64_t random = seed;

	for (unsigned int i = 0; i < 5 * 32 * 32 + 20000; i++) {
		unsigned int persona = allowed[i % 5] ^ 1U << i / 5 % 32 ^ 1U << i / 160 % 32;
		long result;

		random = random * 6364136223846793005U + 1442695040888963407U;
		if (i >= 5 * 32 * 32)
			persona = (unsigned int)(random >> 32);
		if (i % 5 == 0 && i >= 5 * 32 * 32)
			persona |= (unsigned int)(random << 8);
		result = syscall(SYS_personality, persona | (i & 1 ? random << 32 : 0));
		if (is_allowed_personality(persona) ? result < 0 : result != -1 || errno != EPERM)
			return -1 - (long)(i % 250);
	}
	return 0;
}

static void test_personalities(void **state)
{
	(void)state;
	assert_int_equal(error_of(try_personalities, 7), 0);
}

#ifdef __x86_64__
static long call_of_i386(long number, unsigned long first, unsigned long second, unsigned long third)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(third)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static long by_i386(unsigned long family)
{
	return call_of_i386(359, family, SOCK_DGRAM, 0);
}

static long clone_by_i386(unsigned long flags)
{
	long pid = call_of_i386(120, flags | SIGCHLD, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long by_socketcall(unsigned long family)
{
	unsigned int *arguments =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (arguments == MAP_FAILED)
		return -255;
	arguments[0] = (unsigned int)family;
	arguments[1] = SOCK_DGRAM;
	return call_of_i386(102, 1, (unsigned long)arguments, 0);
}

/* A kernel that does not ends the process that tries. */
static bool runs_i386(void)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(call_of_i386(20, 0, 0, 0) == getpid() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

static void test_i386(void **state)
{
	(void)state;
	if (!runs_i386())
		skip(); /* a kernel without 32-bit programs */
	assert_int_equal(error_of(by_i386, AF_INET), 0);
	assert_int_equal(error_of(clone_by_i386, CLONE_NEWUSER), EPERM);
	assert_int_equal(error_of(clone_by_i386, 0), 0);
	assert_int_equal(error_of(by_i386, AF_VSOCK), EPERM);
	assert_int_equal(error_of(by_socketcall, AF_VSOCK), EPERM);
	assert_int_equal(error_of(by_socketcall, AF_INET), EPERM);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_new_namespaces),
		cmocka_unit_test(test_personalities),
#ifdef __x86_64__
		cmocka_unit_test(test_i386),
#endif
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}

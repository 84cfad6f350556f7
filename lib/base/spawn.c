/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes are made, and for a moment both run in the memory of the host, while the calling thread stands still
 * (CLONE_VM | CLONE_VFORK): the intermediate, and its child, which becomes the program. What this rests on:
 *
 * - Both have a stack of their own, and write only there, to struct start and to errno of the calling thread. They use
 *   raw system calls: wrappers may be cancellation points, which would look at the calling thread's cancellation.
 * - Neither shares signal handlers with the host (no CLONE_SIGHAND), and every signal is blocked, also those that the C
 *   library keeps for itself and sigfillset leaves out, until the program has reset its dispositions: no handler of the
 *   host may run in its memory in another process.
 * - The intermediate has exit signal 0: the kernel shows it to no wait without __WCLONE or __WALL, sends no SIGCHLD and
 *   does not reap it for a host that ignores SIGCHLD. A host that waits with __WALL may reap it before us, so nothing
 * is read from its exit status.
 * - With a pidfd the intermediate shares the descriptor table (CLONE_FILES), so that the pidfd that the kernel makes
 * for it is the host's, made before the program runs. The program has a copy of the table, in which the descriptors
 * that other threads of the host make meanwhile cannot appear. Without a pidfd the table is not shared, since valgrind
 *   knows no clone(2) that shares it but threads; to valgrind these are forks, and therefore the mapping is MAP_SHARED.
 */
#include "spawn.h"

#include "cleanup.h"
#include "clone.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define STACK_SIZE ((size_t)64 * 1024)
#define MAX_FDS 1024
#define FIRST_FD 3
#define KERNEL_SIGNALS 64

/* A sanitizer would keep notes of frames that are never left, on stacks that are unmapped. */
#define UNSANITISED __attribute__((no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))

/* clone(2) by the C library's other name: ThreadSanitizer replaces "clone" by one that takes every child for a fork
 * with memory of its own, and with CLONE_VM would reset the host's. */
extern int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...); // NOLINT

struct start {
	void *mapping;
	size_t size;
	const struct spawn *spawn;
	const char *const *environment;
	char *program_stack; /* its end: stacks grow down */
	bool wants_pidfd;
	bool is_born_inside; /* of spawn->cgroup_v2_fd */
	int pidfd;
	int error;      /* of the program's start; 0 from execve on */
	bool completed; /* the intermediate came to its end */
	int sources[];  /* what becomes 0, 1, 2, 3, … */
};

static const char *const default_environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	NULL,
};

UNSANITISED static int enter_cgroups(const int *fds)
{
	for (; fds && *fds != -1; fds++) {
		if (syscall(SYS_write, *fds, "0", 1) < 0)
			return -errno;
	}
	return 0;
}

/* What was sent to the host's process group before setsid, as by the terminal, is not for the program: ignoring a
 * signal drops it. Handlers would be reset by execve, ignored signals would stay ignored. The kernel's struct sigaction
 * begins with the handler; all zero is SIG_DFL everywhere. */
UNSANITISED static void reset_signals(void)
{
	const unsigned long reset[8] = { 0 }, ignore[8] = { (unsigned long)SIG_IGN };
	uint64_t pending = 0;

	syscall(SYS_rt_sigpending, &pending, sizeof(pending));
	for (int number = 1; number <= KERNEL_SIGNALS; number++) {
		if (pending & UINT64_C(1) << (number - 1))
			syscall(SYS_rt_sigaction, number, ignore, NULL, sizeof(pending));
		syscall(SYS_rt_sigaction, number, reset, NULL, sizeof(pending));
	}
}

/* First every source that lies where something will be put is moved out of the way, then all are put in their places.
 */
UNSANITISED static int place_descriptors(struct start *start)
{
	const int end = FIRST_FD + (int)start->spawn->n_fds;
	long null = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	for (int i = 0; i < end; i++) {
		long source = i < FIRST_FD && start->sources[i] < 0 ? null : start->sources[i];

		if (source < end && source != i)
			source = syscall(SYS_fcntl, source, F_DUPFD_CLOEXEC, end);
		if (source < 0)
			return -errno;
		start->sources[i] = (int)source;
	}
	for (int i = 0; i < end; i++) {
		long result;

		if (start->sources[i] == i)
			result = syscall(SYS_fcntl, i, F_SETFD, 0);
		else
			result = syscall(SYS_dup3, start->sources[i], i, 0);
		if (result < 0)
			return -errno;
	}
	return syscall(SYS_close_range, end, ~0U, 0) < 0 ? -errno : 0;
}

UNSANITISED static int prepare_program(struct start *start)
{
	const uint64_t none = 0;
	int error;

	if (syscall(SYS_setsid) < 0)
		return -errno;
	error = enter_cgroups(start->spawn->cgroup_fds);
	if (!error && start->spawn->cgroup_v2_fd >= 0 && !start->is_born_inside)
		error = clone_move_into(start->spawn->cgroup_v2_fd);
	if (error)
		return error;
	if (syscall(SYS_chdir, "/") < 0)
		return -errno;
	error = place_descriptors(start);
	if (error)
		return error;
	reset_signals();
	return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none)) < 0 ? -errno : 0;
}

UNSANITISED static int run_program(void *argument)
{
	struct start *start = argument;
	int error = prepare_program(start);

	if (!error) {
		/* Whoever kills it from here on killed the program. */
		start->error = 0;
		syscall(SYS_execve, start->spawn->path, start->spawn->argv, start->environment);
		error = -errno;
	}
	start->error = error;
	return 127;
}

/* Its pid, or -errno. Why it cannot be born in the cgroup shows when it moves there. */
UNSANITISED static pid_t start_program(struct start *start)
{
	const int flags = CLONE_VM | CLONE_VFORK | (start->wants_pidfd ? CLONE_PIDFD : 0);
	pid_t pid;

	if (start->spawn->cgroup_v2_fd >= 0) {
		start->is_born_inside = true;
		pid = clone_into(run_program, start->program_stack, flags, start, &start->pidfd, NULL,
				 start->spawn->cgroup_v2_fd);
		if (pid > 0)
			return pid;
		start->is_born_inside = false;
	}
	pid = __clone(run_program, start->program_stack, flags, start, &start->pidfd);
	if (pid >= 0)
		return pid;
	/* The kernel may have told a number before it failed. */
	start->pidfd = -1;
	return -errno;
}

UNSANITISED static int run_intermediate(void *argument)
{
	struct start *start = argument;
	siginfo_t info;
	pid_t pid = start_program(start);

	if (pid < 0) {
		start->error = pid;
	} else if (start->error) {
		while (syscall(SYS_waitid, P_PID, pid, &info, WEXITED | __WALL, NULL) < 0 && errno == EINTR)
			;
	}
	start->completed = true;
	return 0;
}

static int check(const struct spawn *spawn)
{
	/* A relative path would be looked up in "/". */
	if (!spawn->path || spawn->path[0] != '/' || !spawn->argv || !spawn->argv[0] || spawn->n_fds > MAX_FDS)
		return -EINVAL;
	for (size_t i = 0; i < spawn->n_fds; i++) {
		if (spawn->fds[i] < 0)
			return -EBADF;
	}
	return 0;
}

/* guard page | the program's stack | the intermediate's stack | struct start. NULL: *error says why. */
static struct start *map_start(const struct spawn *spawn, bool wants_pidfd, int *error)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), start_at = page + 2 * STACK_SIZE;
	size_t start_size = sizeof(struct start) + (FIRST_FD + spawn->n_fds) * sizeof(int);
	size_t size = start_at + (start_size + page - 1) / page * page;
	char *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct start *start;

	if (mapping == MAP_FAILED) {
		*error = -errno;
		return NULL;
	}
	if (mprotect(mapping, page, PROT_NONE)) {
		*error = -errno;
		munmap(mapping, size);
		return NULL;
	}
	start = (struct start *)(mapping + start_at);
	start->mapping = mapping;
	start->size = size;
	start->spawn = spawn;
	start->environment = spawn->environment ? spawn->environment : default_environment;
	start->program_stack = mapping + page + STACK_SIZE;
	start->wants_pidfd = wants_pidfd;
	start->pidfd = -1;
	/* Unless it comes to something else, it was killed before. */
	start->error = -EINTR;
	start->sources[0] = spawn->stdin_fd;
	start->sources[1] = spawn->stdout_fd;
	start->sources[2] = spawn->stderr_fd;
	for (size_t i = 0; i < spawn->n_fds; i++)
		start->sources[FIRST_FD + i] = spawn->fds[i];
	return start;
}

static int start_intermediate(struct start *start, bool shares_files)
{
	int flags = CLONE_VM | CLONE_VFORK | (shares_files ? CLONE_FILES : 0);
	const uint64_t all = ~UINT64_C(0);
	siginfo_t info;
	uint64_t mask;
	int error = 0;
	pid_t pid;

	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof(mask)) < 0)
		return -errno;
	pid = __clone(run_intermediate, start->program_stack + STACK_SIZE, flags, start);
	if (pid < 0) {
		error = -errno;
	} else {
		while (syscall(SYS_waitid, P_PID, pid, &info, WEXITED | __WCLONE, NULL) < 0 && errno == EINTR)
			;
	}
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
	return error;
}

int spawn_program(const struct spawn *spawn, int *pidfd)
{
	CLEANUP_CLOSE int program = -1;
	int error = check(spawn);
	struct start *start;

	if (error)
		return error;
	start = map_start(spawn, pidfd != NULL, &error);
	if (!start)
		return error;
	error = start_intermediate(start, pidfd != NULL);
	program = start->pidfd;
	if (!error && !start->completed) {
		/* Somebody killed the intermediate. The program may still run on its stack here, which is therefore
		 * given up rather than unmapped. */
		if (program >= 0)
			syscall(SYS_pidfd_send_signal, program, SIGKILL, NULL, 0);
		return -EINTR;
	}
	if (!error)
		error = start->error;
	munmap(start->mapping, start->size);
	if (!error && pidfd)
		*pidfd = take_fd(&program);
	return error;
}

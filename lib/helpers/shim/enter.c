/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process cannot move itself into a PID namespace, only its children. So the shim starts a guide, which enters the
 * container's cgroup and namespaces and starts cri-init there with CLONE_PARENT, as a child of the shim. Both share the
 * shim's memory (CLONE_VM), which waits (CLONE_VFORK): nothing is copied, and an exec costs well under a millisecond.
 *
 * Into a cgroup of v2 the guide is born (CLONE_INTO_CGROUP): writing to cgroup.procs would wait for RCU, about 10 ms.
 * With clone3 it has a copy of the memory, since there is no way to give it a stack from C.
 */
#include "enter.h"

#include "base/cleanup.h"
#include "runtime/init_protocol.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char step[] = "enter the container";

#define STACK_SIZE (64u << 10) /* of each of the two */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

struct guide {
	const struct entry *entry;
	char *stack; /* the end of that of cri-init's process, and the start of the guide's */
	pid_t pid;
	int error;          /* an errno, negative */
	const char *failed; /* what failed */
};

/* Between clone and exec in the container. Its caller waits, so its memory is as good as its own. */
static int become_init(void *argument)
{
	static const char *const arguments[] = { "cri-init", NULL };
	static const char *const environment[] = { NULL };
	struct guide *guide = argument;
	int socket = guide->entry->socket;

	/* The leader of a session, by which it is killed with all that it started. */
	(void)setsid();
	/* dup2 of a descriptor onto itself would leave it O_CLOEXEC. */
	if (socket == INIT_SOCKET_FD ? fcntl(socket, F_SETFD, 0) < 0 : dup2(socket, INIT_SOCKET_FD) < 0) {
		guide->error = -errno;
		guide->failed = "pass the socket on";
		_exit(127);
	}
	execveat(guide->entry->program, "", (char *const *)arguments, (char *const *)environment, AT_EMPTY_PATH);
	guide->error = -errno;
	guide->failed = "execute cri-init";
	_exit(127);
}

/* In the container's cgroup already. */
_Noreturn static void lead_on(struct guide *guide)
{
	guide->error = 0;
	if (setns(guide->entry->process, NAMESPACES) < 0) {
		guide->error = -errno;
		guide->failed = "the namespaces";
		_exit(1);
	}
	guide->pid = clone(become_init, guide->stack, CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD, guide);
	if (guide->pid < 0) {
		guide->error = -errno;
		guide->failed = "start cri-init";
	}
	_exit(0);
}

static int lead(void *argument)
{
	struct guide *guide = argument;

	guide->error = order_enter(guide->entry->cgroup_entry, &guide->failed);
	if (guide->error < 0)
		_exit(1);
	lead_on(guide);
}

/* The directory of the container's cgroup, if v2 is all that there is; -1: it is not; -errno. */
static int open_v2_cgroup(const struct texts *entry)
{
	static const char file[] = "/cgroup.procs";
	size_t length = entry->n == 1 ? strlen(entry->items[0]) : 0;
	char path[PATH_MAX];
	int fd;

	if (length < strlen(file) || length >= sizeof(path) ||
	    strcmp(entry->items[0] + length - strlen(file), file) != 0)
		return -1;
	memcpy(path, entry->items[0], length - strlen(file));
	path[length - strlen(file)] = '\0';
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A child in the cgroup, like fork. Its pid, 0 in the child, or -errno. */
static pid_t fork_into(int cgroup)
{
	struct clone_args arguments = {
		.flags = CLONE_VFORK | CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup,
	};
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	return pid < 0 ? -errno : (pid_t)pid;
}

static pid_t start_guide(struct guide *guide)
{
	CLEANUP_CLOSE int cgroup = open_v2_cgroup(guide->entry->cgroup_entry);
	pid_t pid;

	if (cgroup < -1)
		return cgroup;
	if (cgroup < 0) {
		pid = clone(lead, guide->stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, guide);
		return pid < 0 ? -errno : pid;
	}
	pid = fork_into(cgroup);
	if (pid == 0)
		lead_on(guide);
	return pid;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		continue;
}

/* What a guide leaves here is seen by the shim also when it had a copy of all other memory. */
struct shared {
	struct guide guide;
	char stacks[2][STACK_SIZE];
};

int enter_container(const struct entry *entry, pid_t *pid, struct failure *failure)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct guide guide;
	pid_t guide_pid;

	if (shared == MAP_FAILED)
		return fail(failure, CRI_ENOMEM, errno, step, "make a stack");
	shared->guide =
		(struct guide){ .entry = entry, .stack = shared->stacks[1], .error = -EIO, .failed = "its guide died" };
	guide_pid = start_guide(&shared->guide);
	if (guide_pid < 0)
		shared->guide.error = guide_pid;
	else
		reap(guide_pid);
	guide = shared->guide;
	munmap(shared, sizeof(*shared));
	if (guide.error == 0 && guide.pid > 0) {
		*pid = guide.pid;
		return 0;
	}
	if (guide.pid > 0)
		reap(guide.pid);
	/* The container ended meanwhile: its cgroup, or its first process, is gone. */
	if (guide.error == -ENOENT || guide.error == -ENODEV || guide.error == -ESRCH)
		return fail(failure, CRI_EPRECONDITION, guide.error, step, "it does not run any more: %s",
			    guide.failed);
	return fail(failure, code_of_errno(guide.error), guide.error, step, "%s", guide.failed);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process cannot move itself into a PID namespace, only its children. So the shim starts a guide, which enters the
 * container's cgroup and namespaces and starts cri-init there with CLONE_PARENT, as a child of the shim. Both share the
 * shim's memory (CLONE_VM), which waits (CLONE_VFORK): nothing is copied, and an exec costs well under a millisecond.
 */
#include "enter.h"

#include "base/cleanup.h"
#include "runtime/init_protocol.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char step[] = "enter the container";

#define STACK_SIZE (64u << 10) /* of each of the two */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

struct guide {
	const struct entry *entry;
	char *stack; /* of cri-init's process, its end */
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

static int lead(void *argument)
{
	struct guide *guide = argument;

	guide->error = order_enter(guide->entry->cgroup_entry, &guide->failed);
	if (guide->error < 0)
		_exit(1);
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

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		continue;
}

int enter_container(const struct entry *entry, pid_t *pid, struct failure *failure)
{
	struct guide guide = { .entry = entry, .error = -EIO, .failed = "its guide died" };
	char *stacks =
		mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t guide_pid;

	if (stacks == MAP_FAILED)
		return fail(failure, CRI_ENOMEM, errno, step, "make a stack");
	guide.stack = stacks + STACK_SIZE;
	guide_pid = clone(lead, stacks + 2 * STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, &guide);
	if (guide_pid < 0)
		guide.error = -errno;
	else
		reap(guide_pid);
	munmap(stacks, 2 * STACK_SIZE);
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

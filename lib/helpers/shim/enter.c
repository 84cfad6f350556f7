/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process cannot move itself into a PID namespace, only its children. So the shim starts a guide, which enters the
 * container's namespaces and starts cri-init there with CLONE_PARENT, as a child of the shim. Both share the shim's
 * memory (CLONE_VM), which waits (CLONE_VFORK): nothing is copied, and an exec costs well under a millisecond.
 *
 * The guide moves itself into the container's cgroups of v1, which cri-init inherits. Into that of v2 cri-init is born
 * (base/clone.h), while the guide stays outside: with nsdelegate that takes a guide whose cgroup namespace is still the
 * shim's, so cri-init enters the container's itself.
 */
#include "enter.h"

#include "base/cleanup.h"
#include "base/clone.h"
#include "base/fs.h"
#include "base/text.h"
#include "runtime/init_protocol.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char step[] = "enter the container";

#define STACK_SIZE (64u << 10) /* of each of the two */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define CGROUP_LIMIT (64u << 10)

#define STAT_LIMIT 4096
#define EXITING 0x4u

/* How often a container may change its cgroups while it is entered. */
#define ATTEMPTS 3

struct guide {
	const struct entry *entry;
	int cgroup;  /* of v2; negative: none */
	char *stack; /* of cri-init's process, its end */
	pid_t pid;
	int error;          /* an errno, negative */
	const char *failed; /* what failed */
};

/* Between clone and exec in the container. Its caller waits, so its memory is as good as its own. It ends by returning:
 * before _exit AddressSanitizer would look for a stack that it knows. */
static int become_init(void *argument)
{
	static const char *const arguments[] = { "cri-init", NULL };
	static const char *const environment[] = { NULL };
	struct guide *guide = argument;
	int socket = guide->entry->socket;

	if (setns(guide->entry->process, CLONE_NEWCGROUP) < 0) {
		guide->error = -errno;
		guide->failed = "the cgroup namespace";
		return 127;
	}
	/* The leader of a session, by which it is killed with all that it started. */
	(void)setsid();
	/* dup2 of a descriptor onto itself would leave it O_CLOEXEC. */
	if (socket == INIT_SOCKET_FD ? fcntl(socket, F_SETFD, 0) < 0 : dup2(socket, INIT_SOCKET_FD) < 0) {
		guide->error = -errno;
		guide->failed = "pass the socket on";
		return 127;
	}
	execveat(guide->entry->program, "", (char *const *)arguments, (char *const *)environment, AT_EMPTY_PATH);
	guide->error = -errno;
	guide->failed = "execute cri-init";
	return 127;
}

/* Its pid, or -errno. Where it cannot be born in the cgroup of v2, the guide moves there before. */
static pid_t start_init(struct guide *guide)
{
	/* The kernel tells whom the guide has started: it may not live to do so. */
	const int flags = CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD;
	pid_t pid;

	if (guide->cgroup >= 0) {
		pid = clone_into(become_init, guide->stack, flags, guide, NULL, &guide->pid, guide->cgroup);
		if (pid > 0 || pid == -EBUSY)
			return pid;
		pid = clone_move_into(guide->cgroup);
		if (pid < 0)
			return pid;
	}
	pid = clone(become_init, guide->stack, flags, guide, &guide->pid);
	return pid < 0 ? -errno : pid;
}

static int lead(void *argument)
{
	struct guide *guide = argument;
	pid_t pid;

	guide->error = order_enter(&guide->entry->order->cgroup_entry, &guide->failed);
	if (guide->error < 0)
		return 1;
	if (setns(guide->entry->process, NAMESPACES) < 0) {
		guide->error = -errno;
		guide->failed = "the namespaces";
		return 1;
	}
	pid = start_init(guide);
	if (pid < 0) {
		guide->error = pid;
		guide->failed = "start cri-init in its cgroup";
	} else {
		guide->pid = pid;
	}
	return 0;
}

/* A container that manages cgroups has put its first process into one below its own, which then takes none any more
 * (EBUSY): that is where it is to be followed. One that left its own is not. */
static int open_present_cgroup(const struct entry *entry)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	const struct order_cgroup *own = &entry->order->cgroup_v2;
	char path[PATH_MAX];
	const char *present;
	int result = fs_path(path, sizeof(path), "/proc/%d/cgroup", entry->pid);
	int fd;

	if (result == 0)
		result = fs_read(AT_FDCWD, path, CGROUP_LIMIT, &content);
	/* Alive, so the pid was its own. */
	if (result == 0 && pidfd_send_signal(entry->process, 0, NULL, 0) < 0)
		result = -ESRCH;
	if (result < 0 || !content.data)
		return result < 0 ? result : -EBUSY;
	present = text_starts(content.data, "0::") ? content.data : strstr(content.data, "\n0::");
	present = present ? strchr(present, '/') : NULL;
	if (!present || !text_starts(present, own->path) || present[strlen(own->path)] != '/')
		return -EBUSY;
	result = fs_path(path, sizeof(path), "%s%.*s", own->mountpoint, (int)strcspn(present, "\n"), present);
	if (result < 0)
		return result;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Whether a signal ended it. */
static bool reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		continue;
	return WIFSIGNALED(status);
}

static void start_guide(struct guide *guide)
{
	pid_t pid = clone(lead, guide->stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, guide);

	if (pid < 0) {
		guide->error = -errno;
		guide->failed = "start its guide";
		return;
	}
	/* With the container, of which it was a part in v1. What it started goes the same way, also if it has not been
	 * killed with it: nobody waits for it to leave its stack, and the container's end would wait for its reaping.
	 */
	if (reap(pid)) {
		guide->error = -ESRCH;
		guide->failed = "its guide was killed";
		if (guide->pid > 0)
			kill(guide->pid, SIGKILL);
	}
	if (guide->error < 0 && guide->pid > 0) {
		reap(guide->pid);
		guide->pid = 0;
	}
}

static void enter(struct guide *guide)
{
	CLEANUP_CLOSE int own = order_open_cgroup(guide->entry->order);

	guide->cgroup = own;
	if (own < 0 && own != -ENODATA) {
		guide->error = own;
		guide->failed = "its cgroup";
		return;
	}
	start_guide(guide);
	for (int i = 1; guide->error == -EBUSY && i < ATTEMPTS; i++) {
		CLEANUP_CLOSE int present = open_present_cgroup(guide->entry);

		guide->cgroup = present;
		guide->error = present < 0 ? present : 0;
		guide->failed = "the cgroup of its first process";
		if (present >= 0)
			start_guide(guide);
	}
}

/* Whether the first process is on its way out (PF_EXITING in its flags: proc(5), /proc/PID/stat), or gone. */
static bool is_ending(const struct entry *entry)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	char path[PATH_MAX];
	const char *at;
	unsigned int flags;
	int result = fs_path(path, sizeof(path), "/proc/%d/stat", entry->pid);

	if (result == 0)
		result = fs_read(AT_FDCWD, path, STAT_LIMIT, &content);
	if (pidfd_send_signal(entry->process, 0, NULL, 0) < 0)
		return true;
	at = result == 0 && content.data ? strrchr(content.data, ')') : NULL;
	return at && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && flags & EXITING;
}

int enter_container(const struct entry *entry, pid_t *pid, struct failure *failure)
{
	struct guide guide = { .entry = entry, .error = -EIO, .failed = "its guide died" };
	char *stacks =
		mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stacks == MAP_FAILED)
		return fail(failure, CRI_ENOMEM, errno, step, "make a stack");
	guide.stack = stacks + STACK_SIZE;
	enter(&guide);
	munmap(stacks, 2 * STACK_SIZE);
	if (guide.error == 0 && guide.pid > 0) {
		*pid = guide.pid;
		return 0;
	}
	/* A PID namespace whose first process ends takes no others any more; the kernel calls that ENOMEM. */
	if (guide.error == -ENOMEM && is_ending(entry))
		guide.error = -ESRCH;
	/* The container ended meanwhile: its cgroup, or its first process, is gone. */
	if (guide.error == -ENOENT || guide.error == -ENODEV || guide.error == -ESRCH)
		return fail(failure, CRI_EPRECONDITION, guide.error, step, "it does not run any more: %s",
			    guide.failed);
	return fail(failure, code_of_errno(guide.error), guide.error, step, "%s", guide.failed);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kill.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cgroup/files.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>

#define PROCS_LIMIT (64u << 20)

#define STAT_SIZE 1024

/* What kill_command wants to know of a process: proc(5), /proc/PID/stat. */
struct process {
	pid_t pid, parent, session;
	unsigned long long start; /* with the pid it names one process for good */
	bool doomed;
};

/* Pids, which are also the ids of the sessions that they lead. */
struct pids {
	struct buffer list; /* pid_t… */
};

typedef void (*each_pid)(pid_t pid, void *context);

static void each_listed(const char *directory, each_pid action, void *context)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	char path[PATH_MAX];

	if (fs_path(path, sizeof(path), "%s/cgroup.procs", directory) < 0 ||
	    fs_read(AT_FDCWD, path, PROCS_LIMIT, &content) < 0)
		return;
	for (const char *at = content.data; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
		long pid = strtol(at, NULL, 10);

		/* 0: in a PID namespace that is not below ours. */
		if (pid > 0)
			action((pid_t)pid, context);
	}
}

/* On v1 any hierarchy will do: the container is at the same place in all. */
static int container_cgroup(const struct order *order, char path[PATH_MAX])
{
	const char *slash = order->cgroup_entry.n ? strrchr(order->cgroup_entry.items[0], '/') : NULL;

	if (!slash && order->cgroup_v2.path)
		return fs_path(path, PATH_MAX, "%s%s", order->cgroup_v2.mountpoint, order->cgroup_v2.path);
	if (!slash)
		return -ENOENT;
	return fs_path(path, PATH_MAX, "%.*s", (int)(slash - order->cgroup_entry.items[0]),
		       order->cgroup_entry.items[0]);
}

static void each_member(const char *cgroup, each_pid action, void *context)
{
	CLEANUP_CGROUP_SUBTREE struct cgroup_subtree subtree = CGROUP_SUBTREE_EMPTY;

	if (cgroup_subtree_read(cgroup, &subtree) < 0)
		return;
	for (size_t i = 0; i < subtree.n; i++)
		each_listed(subtree.paths[i], action, context);
}

static bool kill_opened(int pidfd)
{
	return pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0;
}

static void kill_any(pid_t pid, void *context)
{
	CLEANUP_CLOSE int pidfd = pidfd_open(pid, 0);
	size_t *killed = context;

	if (pidfd >= 0 && kill_opened(pidfd))
		++*killed;
}

static size_t kill_all_members(const char *cgroup, void *context)
{
	size_t killed = 0;

	(void)context;
	each_member(cgroup, kill_any, &killed);
	return killed;
}

/* Again and again until a round finds nothing to kill. */
static void kill_rounds(const struct order *order, size_t (*round)(const char *cgroup, void *context), void *context,
			int milliseconds)
{
	const struct timespec pause = { .tv_nsec = NANOSECONDS_PER_MILLISECOND };
	int64_t until = clock_boot() + milliseconds * NANOSECONDS_PER_MILLISECOND;
	char cgroup[PATH_MAX];

	if (container_cgroup(order, cgroup) < 0)
		return;
	while (round(cgroup, context) > 0 && clock_boot() < until)
		nanosleep(&pause, NULL);
}

void kill_container(const struct order *order, int milliseconds)
{
	kill_rounds(order, kill_all_members, NULL, milliseconds);
}

static bool read_process(pid_t pid, struct process *process)
{
	char path[64], text[STAT_SIZE];
	CLEANUP_CLOSE int fd = -1;
	const char *at;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return false;
	text[length] = '\0';
	/* A name may hold anything, also parentheses. */
	at = strrchr(text, ')');
	*process = (struct process){ .pid = pid };
	return at && sscanf(at + 1, " %*c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			    &process->parent, &process->session, &process->start) == 3;
}

static bool has_pid(const struct pids *pids, pid_t pid)
{
	const pid_t *list = (const pid_t *)(const void *)pids->list.data;

	for (size_t i = 0; i < pids->list.length / sizeof(pid); i++)
		if (list[i] == pid)
			return true;
	return false;
}

static void add_process(pid_t pid, void *context)
{
	struct buffer *table = context;
	struct process process;

	if (read_process(pid, &process))
		buffer_append(table, &process, sizeof(process));
}

/* Whether more are found to be doomed. */
static bool spread(struct process *processes, size_t n, struct pids *doomed)
{
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		struct process *process = &processes[i];

		if (process->doomed || (!has_pid(doomed, process->pid) && !has_pid(doomed, process->parent) &&
					!has_pid(doomed, process->session)))
			continue;
		process->doomed = found = true;
		if (!has_pid(doomed, process->pid))
			buffer_append(&doomed->list, &process->pid, sizeof(process->pid));
	}
	return found;
}

/* The pid is opened before it is looked at again, so that it cannot become another's in between. */
static bool kill_process(const struct process *process)
{
	CLEANUP_CLOSE int pidfd = pidfd_open(process->pid, 0);
	struct process now;

	return pidfd >= 0 && read_process(process->pid, &now) && now.start == process->start && kill_opened(pidfd);
}

static size_t kill_doomed(const char *cgroup, void *context)
{
	CLEANUP_BUFFER struct buffer table = BUFFER_EMPTY;
	struct pids *doomed = context;
	struct process *processes;
	size_t n, killed = 0;

	each_member(cgroup, add_process, &table);
	processes = (struct process *)(void *)table.data;
	n = table.length / sizeof(*processes);
	while (spread(processes, n, doomed))
		continue;
	for (size_t i = 0; i < n; i++)
		killed += processes[i].doomed && kill_process(&processes[i]);
	return killed;
}

void kill_command(const struct order *order, pid_t command, int milliseconds)
{
	struct pids doomed = { BUFFER_EMPTY };

	buffer_append(&doomed.list, &command, sizeof(command));
	kill_rounds(order, kill_doomed, &doomed, milliseconds);
	buffer_free(&doomed.list);
}

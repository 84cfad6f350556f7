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

#define STAT_SIZE 1024

/* What kill_command wants to know of a process: proc(5), /proc/PID/stat. */
struct process {
	pid_t pid, parent, session;
	unsigned long long start; /* with the pid it names one process for good */
	bool doomed;
};

/* The members of a container at one look, ordered by pid. */
struct table {
	struct buffer list; /* struct process… */
};

/* Processes that were found to be doomed, dead ones too: their sessions and children are. */
struct doomed {
	struct buffer list; /* struct process… */
};

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

static size_t kill_all_members(const char *cgroup, void *context)
{
	size_t found;

	(void)context;
	return cgroup_kill_members(cgroup, &found) < 0 ? 0 : found;
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

static struct process *processes_of(const struct buffer *list, size_t *n)
{
	*n = list->length / sizeof(struct process);
	return (struct process *)(void *)list->data;
}

static void add_process(pid_t pid, void *context)
{
	struct table *table = context;
	struct process process;

	if (pid > 0 && read_process(pid, &process))
		buffer_append(&table->list, &process, sizeof(process));
}

static int by_pid(const void *one, const void *other)
{
	const struct process *left = one, *right = other;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

static const struct process *find_member(const struct table *table, pid_t pid)
{
	const struct process key = { .pid = pid };
	size_t n;
	const struct process *processes = processes_of(&table->list, &n);

	return n ? bsearch(&key, processes, n, sizeof(key), by_pid) : NULL;
}

/* The doomed one of a pid, or of its latest owners the first. */
static const struct process *find_doomed(const struct doomed *doomed, pid_t pid)
{
	size_t n;
	const struct process *processes = processes_of(&doomed->list, &n);

	while (n--) {
		if (processes[n].pid == pid)
			return &processes[n];
	}
	return NULL;
}

/* Whether the owner of a pid, which a process names as its parent or its session, is doomed. The pid of one that has
 * died may have become another's, who is then a member and speaks for himself; and whoever names the dead one is not
 * older than he was. */
static bool names_doomed(const struct table *table, const struct doomed *doomed, const struct process *process,
			 pid_t owner)
{
	const struct process *member = find_member(table, owner);
	const struct process *dead = member ? NULL : find_doomed(doomed, owner);

	return member ? member->doomed : dead && dead->start <= process->start;
}

static bool is_doomed(const struct table *table, const struct doomed *doomed, const struct process *process)
{
	const struct process *itself = find_doomed(doomed, process->pid);

	if (itself && itself->start == process->start)
		return true;
	return names_doomed(table, doomed, process, process->parent) ||
	       (process->session != process->pid && names_doomed(table, doomed, process, process->session));
}

/* Whether more are found to be doomed. Parents mostly have lower pids than their children, so that one round finds
 * nearly all. */
static bool spread(const struct table *table, struct doomed *doomed)
{
	bool found = false;
	size_t n;
	struct process *processes = processes_of(&table->list, &n);

	for (size_t i = 0; i < n; i++) {
		struct process *process = &processes[i];
		const struct process *known;

		if (process->doomed || !is_doomed(table, doomed, process))
			continue;
		process->doomed = found = true;
		known = find_doomed(doomed, process->pid);
		if (!known || known->start != process->start)
			buffer_append(&doomed->list, process, sizeof(*process));
	}
	return found;
}

/* The pid is opened before it is looked at again, so that it cannot become another's in between. */
static bool kill_process(const struct process *process)
{
	CLEANUP_CLOSE int pidfd = pidfd_open(process->pid, 0);
	struct process now;

	return pidfd >= 0 && read_process(process->pid, &now) && now.start == process->start &&
	       pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0;
}

static void table_free(struct table *table)
{
	buffer_free(&table->list);
}

static size_t kill_doomed(const char *cgroup, void *context)
{
	CLEANUP(table_free) struct table table = { BUFFER_EMPTY };
	struct process *processes;
	size_t n, killed = 0;

	(void)cgroup_each_member(cgroup, add_process, &table);
	processes = processes_of(&table.list, &n);
	if (n)
		qsort(processes, n, sizeof(*processes), by_pid);
	while (spread(&table, context))
		continue;
	for (size_t i = 0; i < n; i++)
		killed += processes[i].doomed && kill_process(&processes[i]);
	return killed;
}

void kill_command(const struct order *order, pid_t command, int milliseconds)
{
	struct doomed doomed = { BUFFER_EMPTY };
	struct process process;

	if (!read_process(command, &process))
		return;
	buffer_append(&doomed.list, &process, sizeof(process));
	kill_rounds(order, kill_doomed, &doomed, milliseconds);
	buffer_free(&doomed.list);
}

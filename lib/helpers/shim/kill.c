/* SPDX-License-Identifier: Apache-2.0 */
#include "kill.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "runtime/cgroup_files.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>

#define PROCS_LIMIT (64u << 20)

/* Of session 0: all. The pid is opened before it is asked about, so that it cannot become another's in between. */
static bool kill_one(pid_t pid, pid_t session)
{
	CLEANUP_CLOSE int pidfd = pidfd_open(pid, 0);

	if (pidfd < 0 || (session && getsid(pid) != session))
		return false;
	return pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0;
}

static size_t kill_listed(const char *directory, pid_t session)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	char path[PATH_MAX];
	size_t killed = 0;

	if (fs_path(path, sizeof(path), "%s/cgroup.procs", directory) < 0 ||
	    fs_read(AT_FDCWD, path, PROCS_LIMIT, &content) < 0)
		return 0;
	for (const char *at = content.data; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
		long pid = strtol(at, NULL, 10);

		/* 0: in a PID namespace that is not below ours. */
		if (pid > 0 && kill_one((pid_t)pid, session))
			killed++;
	}
	return killed;
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

static size_t kill_round(const char *cgroup, pid_t session)
{
	CLEANUP_CGROUP_SUBTREE struct cgroup_subtree subtree = CGROUP_SUBTREE_EMPTY;
	size_t killed = 0;

	if (cgroup_subtree_read(cgroup, &subtree) < 0)
		return 0;
	for (size_t i = 0; i < subtree.n; i++)
		killed += kill_listed(subtree.paths[i], session);
	return killed;
}

static void kill_members(const struct order *order, pid_t session, int milliseconds)
{
	const struct timespec pause = { .tv_nsec = NANOSECONDS_PER_MILLISECOND };
	int64_t until = clock_boot() + milliseconds * NANOSECONDS_PER_MILLISECOND;
	char cgroup[PATH_MAX];

	if (container_cgroup(order, cgroup) < 0)
		return;
	while (kill_round(cgroup, session) > 0 && clock_boot() < until)
		nanosleep(&pause, NULL);
}

void kill_container(const struct order *order, int milliseconds)
{
	kill_members(order, 0, milliseconds);
}

void kill_session(const struct order *order, pid_t session, int milliseconds)
{
	kill_members(order, session, milliseconds);
}

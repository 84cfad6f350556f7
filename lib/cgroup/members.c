/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in a cgroup. What a file says of that is old when it has been read: a pid may be another process's by then. */
#include "cgroup/files.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

#define PROCS_LIMIT ((size_t)64 << 20)

/* So many are opened at a time, of a program that may have few descriptors left. */
#define AT_ONCE 32

static int by_number(const void *one, const void *other)
{
	const pid_t left = *(const pid_t *)one, right = *(const pid_t *)other;

	return (left > right) - (left < right);
}

/* The pids that a directory's cgroup.procs has now, in order, as an array in `pids`. 0 stands for one of a PID
 * namespace that is not below ours. The number of them, or -errno. */
static ssize_t read_pids(const char *directory, struct buffer *pids)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;
	char path[PATH_MAX];
	ssize_t n;
	int result = fs_path(path, sizeof(path), "%s/cgroup.procs", directory);

	pids->length = 0;
	if (result == 0)
		result = fs_read(AT_FDCWD, path, PROCS_LIMIT, &text);
	/* EOPNOTSUPP: a threaded one; its processes are those of a cgroup above. */
	if (result < 0)
		return result == -ENOENT || result == -ENODEV || result == -EOPNOTSUPP ? 0 : result;
	for (size_t at = 0; at < text.length; at += strcspn(text.data + at, "\n") + 1) {
		const pid_t pid = (pid_t)strtol(text.data + at, NULL, 10);

		buffer_append(pids, &pid, sizeof(pid));
	}
	if (pids->failed)
		return -ENOMEM;
	n = (ssize_t)(pids->length / sizeof(pid_t));
	if (n)
		qsort(pids->data, (size_t)n, sizeof(pid_t), by_number);
	return n;
}

static bool has_pid(const struct buffer *pids, pid_t pid)
{
	return pids->length && bsearch(&pid, pids->data, pids->length / sizeof(pid), sizeof(pid), by_number);
}

/* Whoever is opened first and a member afterwards is the one that was opened, or that one is dead already. */
static int kill_some(const char *directory, const pid_t *pids, size_t n)
{
	CLEANUP_BUFFER struct buffer members = BUFFER_EMPTY;
	int opened[AT_ONCE], error = 0;
	ssize_t n_members;

	for (size_t i = 0; i < n; i++) {
		opened[i] = pids[i] > 0 ? pidfd_open(pids[i], 0) : -1;
		if (pids[i] > 0 && opened[i] < 0 && errno != ESRCH)
			error = -errno;
	}
	n_members = read_pids(directory, &members);
	for (size_t i = 0; i < n; i++) {
		if (n_members > 0 && opened[i] >= 0 && has_pid(&members, pids[i]) &&
		    pidfd_send_signal(opened[i], SIGKILL, NULL, 0) < 0 && errno != ESRCH)
			error = -errno;
		cleanup_close_fd(&opened[i]);
	}
	return n_members < 0 ? (int)n_members : error;
}

static int kill_in(const char *directory, size_t *found)
{
	CLEANUP_BUFFER struct buffer pids = BUFFER_EMPTY;
	ssize_t n = read_pids(directory, &pids);
	const pid_t *first = (const pid_t *)(const void *)pids.data;
	int result = 0;

	if (n < 0)
		return (int)n;
	for (ssize_t i = 0; i < n; i++)
		*found += first[i] > 0;
	for (size_t i = 0; i < (size_t)n && result == 0; i += AT_ONCE)
		result = kill_some(directory, first + i, (size_t)n - i < AT_ONCE ? (size_t)n - i : AT_ONCE);
	return result;
}

int cgroup_kill_members(const char *path, size_t *found)
{
	CLEANUP_CGROUP_SUBTREE struct cgroup_subtree subtree = CGROUP_SUBTREE_EMPTY;
	int result = cgroup_subtree_read(path, &subtree);

	*found = 0;
	for (size_t i = 0; i < subtree.n && result == 0; i++)
		result = kill_in(subtree.paths[i], found);
	return result;
}

int cgroup_each_member(const char *path, void (*action)(pid_t pid, void *context), void *context)
{
	CLEANUP_CGROUP_SUBTREE struct cgroup_subtree subtree = CGROUP_SUBTREE_EMPTY;
	CLEANUP_BUFFER struct buffer pids = BUFFER_EMPTY;
	int result = cgroup_subtree_read(path, &subtree);

	for (size_t i = 0; i < subtree.n && result == 0; i++) {
		ssize_t n = read_pids(subtree.paths[i], &pids);

		for (ssize_t k = 0; k < n; k++)
			action(((const pid_t *)(const void *)pids.data)[k], context);
		result = n < 0 ? (int)n : 0;
	}
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing cgroups. */
#include "cgroup/files.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char create_step[] = "make the cgroup";
static const char remove_step[] = "remove the cgroup";

/* What limits and figures need; others stay as the administrator left them. */
static const char *const used_controllers[] = { "cpu", "cpuset", "hugetlb", "io", "memory", "pids" };
#define N_USED (sizeof(used_controllers) / sizeof(*used_controllers))

/* How long dying processes may keep a cgroup busy. */
#define BUSY_MILLISECONDS 2000
#define BUSY_DELAY_MAX 64

/* cpuset on v1: a new cgroup has no CPU and no memory node, and takes no process, unless clone_children is set above.
 */
static int fill_cpuset_file(const char *parent, const char *path, const char *name)
{
	char file[PATH_MAX], value[4096];
	ssize_t length;
	int result = fs_path(file, sizeof(file), "%s/%s", path, name);

	if (result < 0)
		return result;
	length = cgroup_file_read(file, value, sizeof(value));
	if (length < 0)
		return (int)length;
	if (length > 1)
		return 0;
	result = fs_path(file, sizeof(file), "%s/%s", parent, name);
	if (result < 0)
		return result;
	length = cgroup_file_read(file, value, sizeof(value));
	if (length < 0)
		return (int)length;
	result = fs_path(file, sizeof(file), "%s/%s", path, name);
	return result < 0 ? result : fs_write(AT_FDCWD, file, value, (size_t)length);
}

static int fill_cpuset(const char *parent, const char *path)
{
	int result = fill_cpuset_file(parent, path, "cpuset.cpus");

	return result < 0 ? result : fill_cpuset_file(parent, path, "cpuset.mems");
}

/* A v1 cgroup in which others will be made, be it by liblxc. */
static int prepare_parent(const struct cgroup_hierarchy *hierarchy, const char *parent, const char *path, bool made)
{
	char file[PATH_MAX];
	int result = 0;

	if (strstr(hierarchy->controllers, ",cpuset,")) {
		result = fill_cpuset(parent, path);
		if (result == 0 && made)
			result = fs_path(file, sizeof(file), "%s/cgroup.clone_children", path);
		if (result == 0 && made)
			result = fs_write_text(AT_FDCWD, file, "1");
	} else if (made && strstr(hierarchy->controllers, ",memory,")) {
		/* Kernels before 5.11 count a child's memory in its parent only when told to; EBUSY or EINVAL: it is
		 * inherited. */
		result = fs_path(file, sizeof(file), "%s/memory.use_hierarchy", path);
		if (result == 0)
			(void)fs_write_text(AT_FDCWD, file, "1");
	}
	return result;
}

/* From the root down to `path`, which is made too. */
static int make_with_parents(const struct cgroup_hierarchy *hierarchy, char *path)
{
	size_t root = strlen(hierarchy->mountpoint);
	char parent[PATH_MAX];
	int result = 0;

	memcpy(parent, path, root);
	parent[root] = '\0';
	for (char *end = path + root; result == 0 && *end == '/';) {
		char next;
		bool made;

		end += 1 + strcspn(end + 1, "/");
		next = *end;
		*end = '\0';
		made = mkdir(path, 0755) == 0;
		if (!made && errno != EEXIST)
			result = -errno;
		if (result == 0 && !hierarchy->v2)
			result = prepare_parent(hierarchy, parent, path, made);
		memcpy(parent, path, (size_t)(end - path) + 1);
		*end = next;
	}
	return result;
}

static size_t words_missing(const char *have, const char *wanted, bool missing[N_USED])
{
	size_t n = 0;

	for (size_t i = 0; i < N_USED; i++) {
		size_t length = strlen(used_controllers[i]);
		bool is_wanted = false, is_there = false;

		for (const char *at = wanted; *at; at += strcspn(at, " \n"), at += *at != '\0')
			is_wanted |= strcspn(at, " \n") == length && !strncmp(at, used_controllers[i], length);
		for (const char *at = have; *at; at += strcspn(at, " \n"), at += *at != '\0')
			is_there |= strcspn(at, " \n") == length && !strncmp(at, used_controllers[i], length);
		missing[i] = is_wanted && !is_there;
		n += missing[i];
	}
	return n;
}

/* Lets the children of one v2 cgroup have what it has itself. One that cannot be enabled (EBUSY: the cgroup holds
 * processes; EINVAL: the kernel has an objection) is found out when a limit needs it: cgroup_limit tells. */
static int enable_controllers(const char *path)
{
	char file[PATH_MAX], available[512], enabled[512], order[512];
	bool missing[N_USED];
	size_t used = 0;
	ssize_t length;
	int result = fs_path(file, sizeof(file), "%s/cgroup.controllers", path);

	if (result < 0)
		return result;
	length = cgroup_file_read(file, available, sizeof(available));
	if (length < 0)
		return (int)length;
	result = fs_path(file, sizeof(file), "%s/cgroup.subtree_control", path);
	if (result < 0)
		return result;
	length = cgroup_file_read(file, enabled, sizeof(enabled));
	if (length < 0)
		return (int)length;
	if (!words_missing(enabled, available, missing))
		return 0;
	for (size_t i = 0; i < N_USED; i++) {
		if (missing[i])
			used += (size_t)snprintf(order + used, sizeof(order) - used, "+%s ", used_controllers[i]);
	}
	if (fs_write_text(AT_FDCWD, file, order) == 0)
		return 0;
	for (size_t i = 0; i < N_USED; i++) {
		if (missing[i] && snprintf(order, sizeof(order), "+%s", used_controllers[i]) > 0)
			(void)fs_write_text(AT_FDCWD, file, order);
	}
	return 0;
}

/* Does so from the root down to the parent of `path`, unless `path` has all that the root has. */
static int enable_in_parents(const struct cgroup_hierarchy *hierarchy, char *path)
{
	char file[PATH_MAX], has[512], root[512];
	bool missing[N_USED];
	ssize_t length;
	int result = fs_path(file, sizeof(file), "%s/cgroup.controllers", path);

	if (result < 0)
		return result;
	length = cgroup_file_read(file, has, sizeof(has));
	if (length < 0)
		return (int)length;
	result = fs_path(file, sizeof(file), "%s/cgroup.controllers", hierarchy->mountpoint);
	if (result < 0)
		return result;
	length = cgroup_file_read(file, root, sizeof(root));
	if (length < 0)
		return (int)length;
	if (!words_missing(has, root, missing))
		return 0;
	for (char *end = path + strlen(hierarchy->mountpoint); result == 0 && *end == '/';) {
		*end = '\0';
		result = enable_controllers(path);
		*end = '/';
		end += 1 + strcspn(end + 1, "/");
	}
	return result;
}

static bool is_filled(const char *path, const char *name)
{
	char file[PATH_MAX], value[4096];

	return fs_path(file, sizeof(file), "%s/%s", path, name) == 0 &&
	       cgroup_file_read(file, value, sizeof(value)) > 1;
}

static int create_in(const struct cgroup_hierarchy *hierarchy, char *path)
{
	int result = 0;

	/* Mostly the parents are there, and clone_children fills a new cpuset. */
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		if (errno != ENOENT)
			return -errno;
		result = make_with_parents(hierarchy, path);
	} else if (!hierarchy->v2 && strstr(hierarchy->controllers, ",cpuset,") &&
		   (!is_filled(path, "cpuset.cpus") || !is_filled(path, "cpuset.mems"))) {
		result = make_with_parents(hierarchy, path);
	}
	if (result == 0 && hierarchy->v2)
		result = enable_in_parents(hierarchy, path);
	return result;
}

int cgroup_create(const struct cgroup_system *system, const char *path, cri_call *call)
{
	char directory[PATH_MAX];

	if (!strcmp(path, "/"))
		return 0;
	for (size_t i = 0; i < system->n_hierarchies; i++) {
		int result = cgroup_path(directory, &system->hierarchies[i], path, NULL);

		if (result == 0)
			result = create_in(&system->hierarchies[i], directory);
		if (result < 0)
			return call_fail_errno(call, result, create_step, "%s in %s", path,
					       system->hierarchies[i].mountpoint);
	}
	return 0;
}

/* 0: it is gone. -EBUSY: something in it lives on, or is still dying. */
static int remove_now(const char *path)
{
	CLEANUP_CGROUP_SUBTREE struct cgroup_subtree subtree = CGROUP_SUBTREE_EMPTY;
	int result;

	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	result = cgroup_subtree_read(path, &subtree);
	if (result < 0)
		return result;
	for (size_t i = subtree.n; i-- > 0;) {
		if (rmdir(subtree.paths[i]) < 0 && errno != ENOENT)
			result = -errno;
	}
	return result;
}

static int remove_in(const struct cgroup_hierarchy *hierarchy, const char *cgroup, int64_t deadline, cri_call *call)
{
	char path[PATH_MAX];
	int result = cgroup_path(path, hierarchy, cgroup, NULL);

	if (result == 0)
		result = remove_now(path);
	for (int64_t delay = 1; result == -EBUSY && clock_boot() < deadline;) {
		int waited = call_wait(call, remove_step, NULL, 0, delay);

		if (waited < 0)
			return waited;
		if (delay < BUSY_DELAY_MAX)
			delay *= 2;
		result = remove_now(path);
	}
	return result < 0 ? call_fail_errno(call, result, remove_step, "%s", path) : 0;
}

int cgroup_remove(const struct cgroup_system *system, const char *path, cri_call *call)
{
	const int64_t deadline = clock_boot() + BUSY_MILLISECONDS * NANOSECONDS_PER_MILLISECOND;
	int failed = 0;

	if (!strcmp(path, "/"))
		return call_fail(call, CRI_EINVAL, remove_step, "the root cgroup cannot be removed");
	/* What can go, goes: the first failure is told at the end. */
	for (size_t i = 0; i < system->n_hierarchies; i++) {
		int result = remove_in(&system->hierarchies[i], path, deadline, call);

		if (failed == 0)
			failed = result;
	}
	return failed;
}

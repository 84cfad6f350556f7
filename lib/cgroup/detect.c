/* SPDX-License-Identifier: Apache-2.0 */
/* Which cgroup hierarchies there are, from the mounts that this process sees. */
#include "cgroup/files.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/mountinfo.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "find the cgroups";

/* What stands among the super options of a v1 mount and is no controller (cgroup1_show_options of the kernel). */
static const char *const not_controllers[] = {
	"rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", "nofavordynmods", "none",
};

static bool is_controller(const char *option, size_t length)
{
	for (size_t i = 0; i < sizeof(not_controllers) / sizeof(*not_controllers); i++) {
		if (strlen(not_controllers[i]) == length && strncmp(not_controllers[i], option, length) == 0)
			return false;
	}
	return length > 0 && strncmp(option, "release_agent=", strlen("release_agent=")) != 0;
}

static char *v1_controllers(const char *options)
{
	CLEANUP_BUFFER struct buffer list = BUFFER_EMPTY;

	buffer_text(&list, ",");
	while (*options) {
		size_t length = strcspn(options, ",");

		if (is_controller(options, length)) {
			buffer_append(&list, options, length);
			buffer_text(&list, ",");
		}
		options += length;
		options += *options == ',';
	}
	return buffer_take(&list);
}

static int v2_controllers(const char *mountpoint, char **controllers)
{
	CLEANUP_BUFFER struct buffer list = BUFFER_EMPTY;
	char path[PATH_MAX];
	char text[4096];
	ssize_t length;
	int result = fs_path(path, sizeof(path), "%s/cgroup.controllers", mountpoint);

	if (result < 0)
		return result;
	length = cgroup_file_read(path, text, sizeof(text));
	if (length < 0)
		return (int)length;
	buffer_text(&list, ",");
	for (const char *at = text; *at;) {
		size_t word = strcspn(at, " \n");

		if (word) {
			buffer_append(&list, at, word);
			buffer_text(&list, ",");
		}
		at += word;
		at += *at != '\0';
	}
	*controllers = buffer_take(&list);
	return *controllers ? 0 : -ENOMEM;
}

/* Adds a mount, unless it shows a hierarchy that is there already. One may be mounted several times: bind mounts show a
 * part of it, and only the whole is of use. */
static int add(struct cgroup_system *system, const struct mountinfo_line *mount)
{
	struct cgroup_hierarchy *hierarchy = &system->hierarchies[system->n_hierarchies];
	CLEANUP_FREE char *controllers = NULL;
	bool v2 = strcmp(mount->type, "cgroup2") == 0;
	int result;

	if (strcmp(mount->root, "/") != 0)
		return 0;
	if (v2) {
		if (cgroup_hierarchy_v2(system))
			return 0;
		result = v2_controllers(mount->mountpoint, &controllers);
		if (result < 0) /* ENOENT: another mount hides this one */
			return result == -ENOENT ? 0 : result;
	} else {
		controllers = v1_controllers(mount->options);
		if (!controllers)
			return -ENOMEM;
		for (size_t i = 0; i < system->n_hierarchies; i++) {
			if (!system->hierarchies[i].v2 && !strcmp(system->hierarchies[i].controllers, controllers))
				return 0;
		}
	}
	if (system->n_hierarchies == CGROUP_MAX_HIERARCHIES)
		return -E2BIG;
	hierarchy->mountpoint = strdup(mount->mountpoint);
	if (!hierarchy->mountpoint)
		return -ENOMEM;
	hierarchy->controllers = TAKE_POINTER(controllers);
	hierarchy->v2 = v2;
	system->n_hierarchies++;
	return 0;
}

/*
 * Beside v1, v2 counts only with one of the controllers that matter. Otherwise it mostly has hugetlb or misc, which
 * nobody mounted; for these alone containers do not enter v2: cgroup.procs has an RCU wait.
 */
static void settle_v2(struct cgroup_system *system)
{
	static const char *const reasons[] = { ",cpu,", ",cpuset,", ",io,", ",memory,", ",pids," };

	system->unified = system->n_hierarchies == 1 && system->hierarchies[0].v2;
	for (size_t i = 0; !system->unified && i < system->n_hierarchies; i++) {
		struct cgroup_hierarchy *hierarchy = &system->hierarchies[i];
		bool counts = !hierarchy->v2;

		for (size_t k = 0; k < sizeof(reasons) / sizeof(*reasons); k++)
			counts |= strstr(hierarchy->controllers, reasons[k]) != NULL;
		if (!counts)
			hierarchy->controllers[1] = '\0';
	}
}

static int read_mounts(struct cgroup_system *system, cri_call *call)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;
	struct mountinfo_line mount;
	char *at;
	int result = mountinfo_read(&text);

	if (result < 0)
		return call_fail_errno(call, result, step, "/proc/self/mountinfo");
	for (at = text.data; mountinfo_next(&at, &mount);) {
		if (strcmp(mount.type, "cgroup") != 0 && strcmp(mount.type, "cgroup2") != 0)
			continue;
		result = add(system, &mount);
		if (result < 0)
			return call_fail_errno(call, result, step, "%s", mount.mountpoint);
	}
	if (!system->n_hierarchies)
		return call_fail(call, CRI_EPRECONDITION, step,
				 "no cgroup file system is mounted: mount one at /sys/fs/cgroup");
	return 0;
}

/* Never as descriptor 0, which says that there is none. */
static int open_root(struct cgroup_hierarchy *hierarchy)
{
	CLEANUP_CLOSE int fd = open(hierarchy->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int kept = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (kept < 0)
		return -errno;
	hierarchy->directory = kept;
	return 0;
}

static int open_roots(struct cgroup_system *system, cri_call *call)
{
	static const char *const read_often[] = { ",cpuacct,", ",memory,", ",pids," };

	for (size_t i = 0; i < system->n_hierarchies; i++) {
		struct cgroup_hierarchy *hierarchy = &system->hierarchies[i];
		bool wanted = system->unified;
		int result;

		for (size_t k = 0; k < sizeof(read_often) / sizeof(*read_often); k++)
			wanted |= strstr(hierarchy->controllers, read_often[k]) != NULL;
		result = wanted ? open_root(hierarchy) : 0;
		if (result < 0)
			return call_fail_errno(call, result, step, "%s", hierarchy->mountpoint);
	}
	return 0;
}

int cgroup_detect(struct cgroup_system **detected, cri_call *call)
{
	struct cgroup_system *system = calloc(1, sizeof(*system));
	int result;

	if (!system)
		return call_no_memory(call, step);
	result = read_mounts(system, call);
	if (result == 0) {
		settle_v2(system);
		result = open_roots(system, call);
	}
	if (result < 0) {
		cgroup_system_free(system);
		return result;
	}
	*detected = system;
	return 0;
}

void cgroup_system_free(struct cgroup_system *system)
{
	if (!system)
		return;
	for (size_t i = 0; i < system->n_hierarchies; i++) {
		if (system->hierarchies[i].directory)
			close(system->hierarchies[i].directory);
		free(system->hierarchies[i].mountpoint);
		free(system->hierarchies[i].controllers);
	}
	free(system);
}

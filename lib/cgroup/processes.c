/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a cgroup. */
#include "cgroup/files.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>

static const char step[] = "count the cgroup's processes";

/* Lines of cgroup.procs, of which there may be any number. */
static int count_lines(const char *directory, uint64_t *n)
{
	char path[PATH_MAX], text[4096];
	CLEANUP_CLOSE int fd = -1;
	ssize_t length;
	int result = fs_path(path, sizeof(path), "%s/cgroup.procs", directory);

	if (result < 0)
		return result;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	while ((length = read(fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < length; i++)
			*n += text[i] == '\n';
	}
	/* EOPNOTSUPP: a threaded one; its processes are those of a cgroup above. */
	return length < 0 && errno != ENODEV && errno != EOPNOTSUPP ? -errno : 0;
}

int cgroup_count_processes(const struct cgroup_system *system, const char *path, bool *known, uint64_t *n,
			   cri_call *call)
{
	CLEANUP_CGROUP_SUBTREE struct cgroup_subtree subtree = CGROUP_SUBTREE_EMPTY;
	const struct cgroup_hierarchy *hierarchy = cgroup_hierarchy_of(system, "pids");
	char directory[PATH_MAX];
	int result;

	*known = false;
	*n = 0;
	/* All hierarchies that processes are put into have the same. */
	hierarchy = hierarchy ? hierarchy : &system->hierarchies[0];
	result = cgroup_path(directory, hierarchy, path, NULL);
	if (result == 0)
		result = cgroup_subtree_read(directory, &subtree);
	for (size_t i = 0; i < subtree.n && result == 0; i++)
		result = count_lines(subtree.paths[i], n);
	if (result < 0)
		return call_fail_errno(call, result, step, "%s", path);
	*known = subtree.n > 0;
	return 0;
}

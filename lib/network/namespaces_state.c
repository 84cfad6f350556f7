/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory, and the two network namespaces that are not a pod's. */
#include "network/namespaces.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/paths.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

static const char step[] = "prepare the state directory";

/* Below it are the root file systems of containers: of one with a user namespace, root must get through. */
#define STATE_MODE 0711

/* So long may a helper of a killed program be at work. */
#define PINNING_MILLISECONDS 512

struct directory_facts {
	bool on_tmpfs, mount_point;
};

static int look(const char *path, struct directory_facts *facts)
{
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs file_system;
	struct statx status;

	if (fd < 0 || fstatfs(fd, &file_system) < 0 || statx(fd, "", AT_EMPTY_PATH, 0, &status) < 0)
		return -errno;
	if (!(status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return -EOPNOTSUPP;
	facts->on_tmpfs = file_system.f_type == TMPFS_MAGIC;
	facts->mount_point = status.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}

/* What a tmpfs would be mounted over stays where it is, and nobody could reach it any more: the socket that systemd
 * made for a daemon which is only then started, say. */
static int refuse_to_hide(const char *path, cri_call *call)
{
	CLEANUP_DIR DIR *directory = opendir(path);
	const struct dirent *entry;

	if (!directory)
		return call_fail_errno(call, errno, step, "look into %s", path);
	while ((entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return call_fail(
				call, CRI_EPRECONDITION, step,
				"%s is on no tmpfs, and the one that belongs there would hide %s/%s: mount one "
				"before that is made, or have it elsewhere",
				path, path, entry->d_name);
	}
	return 0;
}

/* Private, so that what is mounted below neither appears in other mount namespaces, which would keep it alive, nor
 * slows their copying down. A directory that is on a tmpfs (/run) stays on it, so that its content and limits do. */
static int mount_state(const char *path, cri_call *call)
{
	struct directory_facts facts = { 0 };
	int result = look(path, &facts);

	if (result < 0)
		return call_fail_errno(call, result, step, "look at %s", path);
	if (!facts.on_tmpfs)
		result = refuse_to_hide(path, call);
	if (result < 0)
		return result;
	if (!facts.on_tmpfs && mount("libcri", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711") < 0)
		return call_fail_errno(call, errno, step, "mount a tmpfs at %s", path);
	if (facts.on_tmpfs && !facts.mount_point && mount(path, path, NULL, MS_BIND, NULL) < 0)
		return call_fail_errno(call, errno, step, "bind %s onto itself", path);
	if (mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0)
		return call_fail_errno(call, errno, step, "make %s private", path);
	return 0;
}

/* 1: a namespace is pinned there. 0: not, and nothing is in the way any more. */
static int is_pinned(const char *path)
{
	struct statfs status;

	if (statfs(path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (status.f_type == NSFS_MAGIC)
		return 1;
	return unlink(path) < 0 ? -errno : 0;
}

typedef int (*pin_namespace)(cri_engine *engine, const char *directory, cri_call *call);

static int try_pin(cri_engine *engine, const char *directory, const char *path, pin_namespace pin, cri_call *call)
{
	int result = is_pinned(path);

	if (result < 0)
		return call_fail_errno(call, result, step, "look at %s", path);
	return result == 1 ? 0 : pin(engine, directory, call);
}

/* The helper of a program that was killed may be making the same pin. */
static int pin_shared(cri_engine *engine, const char *directory, const char *path, pin_namespace pin, cri_call *call)
{
	for (int64_t wait = 1; wait <= PINNING_MILLISECONDS; wait *= 2) {
		cri_call attempt;
		int result;

		call_init_child(&attempt, call);
		result = try_pin(engine, directory, path, pin, &attempt);
		if (result == 0)
			return 0;
		if (cri_call_errno(&attempt) != EBUSY && cri_call_errno(&attempt) != EEXIST)
			break;
		result = call_wait(call, step, NULL, 0, wait);
		if (result < 0)
			return result;
	}
	return try_pin(engine, directory, path, pin, call);
}

static int pin_own_network(const char *path)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	/* /proc/1/ns/net may be out of reach; this thread's is the host program's. */
	return mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

int namespaces_prepare_state(cri_engine *engine, cri_call *call)
{
	char path[PATH_MAX], directory[PATH_MAX];
	int result = fs_make_directories(engine->state, STATE_MODE);

	if (result < 0)
		return call_fail_errno(call, result, step, "make %s", engine->state);
	result = mount_state(engine->state, call);
	if (result < 0)
		return result;
	result = fs_path(directory, sizeof(directory), "%s/ns", engine->state);
	if (result == 0)
		result = fs_make_directories(directory, 0700);
	if (result < 0)
		return call_fail_errno(call, result, step, "make %s/ns", engine->state);
	result = pin_shared(engine, directory, path_empty_namespace(engine, path), namespaces_pin_empty, call);
	if (result == 0)
		result =
			pin_shared(engine, directory, path_monitor_mounts(engine, path), namespaces_pin_monitors, call);
	if (result < 0)
		return result;
	/* Else no volume could hold it: a mount namespace is bound only in older ones, and a container's is younger. At
	 * each open, as who pinned it may have been killed before this. */
	if (mount(NULL, path, NULL, MS_UNBINDABLE, NULL) < 0)
		return call_fail_errno(call, errno, step, "make %s unbindable", path);
	result = is_pinned(path_host_namespace(engine, path));
	if (result == 0)
		result = pin_own_network(path);
	return result < 0 ? call_fail_errno(call, result, step, "pin this network namespace at %s", path) : 0;
}

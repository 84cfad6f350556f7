/* SPDX-License-Identifier: Apache-2.0 */
#include "image/filesystem.h"

#include "base/fs.h"
#include "base/mountinfo.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

static const char step[] = "find the file system";

#define UUID_DIRECTORY "/dev/disk/by-uuid"

static bool is_device(const char *path, dev_t device)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISBLK(status.st_mode) && status.st_rdev == device;
}

static const char *find_uuid(struct arena *arena, dev_t device)
{
	CLEANUP_DIR DIR *directory = opendir(UUID_DIRECTORY);
	char path[PATH_MAX];
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		if (fs_path(path, sizeof(path), UUID_DIRECTORY "/%s", entry->d_name))
			continue;
		if (is_device(path, device))
			return arena_strdup(arena, entry->d_name);
	}
	return NULL;
}

static int find_mount(const char *path, uint64_t *mount, dev_t *device, cri_call *call)
{
	struct statx status;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, &status))
		return call_fail_errno(call, errno, step, "%s", path);
	if (!(status.stx_mask & STATX_MNT_ID))
		return call_fail(call, CRI_ENOTSUP, step, "the kernel is older than 5.8");
	*mount = status.stx_mnt_id;
	*device = makedev(status.stx_dev_major, status.stx_dev_minor);
	return 0;
}

static int find(struct arena *arena, const char *path, const char **mountpoint, const char **uuid, cri_call *call)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	struct mountinfo_line line;
	const char *found;
	struct stat status;
	uint64_t mount = 0;
	dev_t device = 0;
	char *at;
	int error, result = find_mount(path, &mount, &device, call);

	if (result < 0)
		return result;
	error = mountinfo_read(&content);
	if (error)
		return call_fail_errno(call, error, step, "read /proc/self/mountinfo");
	at = content.data;
	do {
		if (!mountinfo_next(&at, &line))
			return call_fail(call, CRI_ENOTFOUND, step, "%s is on no mount that this process sees", path);
	} while (line.id != mount);
	*mountpoint = arena_strdup(arena, line.mountpoint);
	if (!*mountpoint)
		return call_no_memory(call, step);
	found = find_uuid(arena, device);
	/* btrfs and others have device numbers of their own. */
	if (!found && stat(line.source, &status) == 0 && S_ISBLK(status.st_mode))
		found = find_uuid(arena, status.st_rdev);
	*uuid = found ? found : *mountpoint;
	return 0;
}

int filesystem_of_root(cri_engine *engine, const char **mountpoint, const char **uuid, cri_call *call)
{
	int result = 0;

	pthread_mutex_lock(&engine->settings);
	if (!engine->mountpoint) {
		const char *point = NULL, *id = NULL;

		result = find(&engine->arena, engine->root, &point, &id, call);
		if (result == 0) {
			engine->mountpoint = point;
			engine->filesystem = id;
		}
	}
	if (result == 0) {
		*mountpoint = engine->mountpoint;
		*uuid = engine->filesystem;
	}
	pthread_mutex_unlock(&engine->settings);
	return result;
}

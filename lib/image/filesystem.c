/* SPDX-License-Identifier: Apache-2.0 */
#include "image/filesystem.h"

#include "base/fs.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

static const char step[] = "find the file system";

#define MOUNTINFO_LIMIT ((size_t)16 << 20)
#define UUID_DIRECTORY "/dev/disk/by-uuid"

/* proc(5): blanks, newlines and backslashes as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' &&
		    text[3] >= '0' && text[3] <= '7') {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* The line "id parent major:minor root mountpoint options … - type source options". */
static bool read_line(char *line, uint64_t mount, const char **mountpoint, const char **source)
{
	char *fields[5] = { NULL }, *save = NULL, *separator = strstr(line, " - ");
	uint64_t id;

	if (!separator)
		return false;
	*separator = '\0';
	for (size_t i = 0; i < 5; i++) {
		fields[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!fields[i])
			return false;
	}
	if (text_to_uint64(fields[0], &id) || id != mount)
		return false;
	unescape(fields[4]);
	*mountpoint = fields[4];
	(void)strtok_r(separator + 3, " ", &save);
	*source = strtok_r(NULL, " ", &save);
	return true;
}

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
	const char *point = NULL, *source = NULL, *found;
	struct stat status;
	uint64_t mount = 0;
	dev_t device = 0;
	char *line, *save = NULL;
	int error, result = find_mount(path, &mount, &device, call);

	if (result < 0)
		return result;
	error = fs_read(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_LIMIT, &content);
	if (error)
		return call_fail_errno(call, error, step, "read /proc/self/mountinfo");
	for (line = strtok_r(content.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (read_line(line, mount, &point, &source))
			break;
	if (!line)
		return call_fail(call, CRI_ENOTFOUND, step, "%s is on no mount that this process sees", path);
	*mountpoint = arena_strdup(arena, point);
	if (!*mountpoint)
		return call_no_memory(call, step);
	found = find_uuid(arena, device);
	/* btrfs and others have device numbers of their own. */
	if (!found && source && stat(source, &status) == 0 && S_ISBLK(status.st_mode))
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

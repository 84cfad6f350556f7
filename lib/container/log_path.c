/* SPDX-License-Identifier: Apache-2.0 */
#include "container/log_path.h"

#include "base/fs.h"
#include "base/text.h"

#include <limits.h>
#include <string.h>

static const char step[] = "check log_path";

const char *log_path_join(struct arena *arena, const char *log_directory, const char *log_path)
{
	if (text_is_empty(log_directory) || text_is_empty(log_path))
		return "";
	return arena_printf(arena, "%s/%s", log_directory, log_path);
}

/* The file itself: absent or regular, never a link that would lead out of the directory. */
static int check_file(const char *path, cri_call *call)
{
	struct stat stat;

	if (lstat(path, &stat) < 0)
		return errno == ENOENT ? 0 : call_fail_errno(call, errno, step, "%s", path);
	if (S_ISDIR(stat.st_mode))
		return call_fail(call, CRI_EINVAL, step, "log_path: %s is a directory", path);
	if (S_ISLNK(stat.st_mode))
		return call_fail(call, CRI_EINVAL, step, "log_path: %s is a symbolic link", path);
	if (!S_ISREG(stat.st_mode))
		return call_fail(call, CRI_EINVAL, step, "log_path: %s is not a regular file", path);
	return 0;
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	if (!strcmp(directory, "/"))
		return true;
	return !strncmp(path, directory, length) && (path[length] == '/' || !path[length]);
}

static int leads_out(const char *log_path, const char *log_directory, cri_call *call)
{
	return call_fail(call, CRI_EINVAL, step, "log_path: %s leads out of log_directory %s", log_path, log_directory);
}

/* Where the deepest part of `path` that exists really is: what is missing would be made there. */
static int resolve_existing(struct arena *arena, const char *path, char resolved[PATH_MAX], cri_call *call)
{
	char *part = arena_strdup(arena, path);

	if (!part)
		return call_no_memory(call, step);
	while (!realpath(part, resolved)) {
		char *slash = strrchr(part, '/');

		if (errno == ENOTDIR)
			return call_fail(call, CRI_EINVAL, step, "log_path: a part of %s is no directory", path);
		if (errno != ENOENT || !slash || slash == part)
			return call_fail_errno(call, errno, step, "resolve %s", part);
		*slash = '\0';
	}
	return 0;
}

static int make_directory(const char *path, cri_call *call)
{
	int result = fs_make_directories(path, 0755);

	if (result == -ENOTDIR)
		return call_fail(call, CRI_EINVAL, step, "log_path: a part of %s is no directory", path);
	/* Where the kernel makes the directories, as in /proc: nothing that the caller asked for is missing. */
	if (result == -ENOENT)
		return call_fail(call, CRI_EINVAL, step, "log_path: %s cannot be made there", path);
	return result < 0 ? call_fail_errno(call, result, step, "make %s", path) : 0;
}

/* The directory of the log, made where it is missing, never outside of log_directory. */
static int make_parent(struct arena *arena, const char *log_directory, const char *path, const char *log_path,
		       char parent[PATH_MAX], cri_call *call)
{
	char directory[PATH_MAX];
	int result = make_directory(log_directory, call);

	if (result == 0)
		result = resolve_existing(arena, path, parent, call);
	if (result < 0)
		return result;
	if (!realpath(log_directory, directory))
		return call_fail_errno(call, errno, step, "resolve %s", log_directory);
	if (!is_below(parent, directory))
		return leads_out(log_path, log_directory, call);
	result = make_directory(path, call);
	if (result < 0)
		return result;
	if (!realpath(path, parent))
		return call_fail_errno(call, errno, step, "resolve %s", path);
	return is_below(parent, directory) ? 0 : leads_out(log_path, log_directory, call);
}

int log_path_resolve(struct arena *arena, const char *log_directory, const char *log_path, const char **resolved,
		     cri_call *call)
{
	char parent[PATH_MAX];
	char *path, *slash;
	int result;

	*resolved = "";
	path = (char *)log_path_join(arena, log_directory, log_path);
	if (!path)
		return call_no_memory(call, step);
	if (!*path)
		return 0;
	slash = strrchr(path, '/');
	*slash = '\0';
	result = make_parent(arena, log_directory, path, log_path, parent, call);
	if (result < 0)
		return result;
	path = arena_printf(arena, "%s/%s", strcmp(parent, "/") ? parent : "", slash + 1);
	if (!path)
		return call_no_memory(call, step);
	result = check_file(path, call);
	if (result == 0)
		*resolved = path;
	return result;
}

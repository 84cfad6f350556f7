/* SPDX-License-Identifier: Apache-2.0 */
#include "executable.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int check(const char *path)
{
	CLEANUP_CLOSE int fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EACCES;
	return syscall(SYS_faccessat2, fd, "", (long)X_OK, (long)(AT_EACCESS | AT_EMPTY_PATH)) < 0 ? -errno : 0;
}

static int join(const char *directory, size_t length, const char *name, char path[PATH_MAX])
{
	size_t name_size = strlen(name) + 1;

	if (!length) {
		directory = ".";
		length = 1;
	}
	if (length + 1 + name_size > PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path, directory, length);
	path[length] = '/';
	memcpy(path + length + 1, name, name_size);
	return 0;
}

int executable_find(const char *name, const char *search, char executable[PATH_MAX])
{
	int worst = -ENOENT;

	if (!*name)
		return -ENOENT;
	if (strlen(name) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (strchr(name, '/')) {
		memcpy(executable, name, strlen(name) + 1);
		return check(executable);
	}
	for (;;) {
		const char *colon = strchr(search, ':');
		size_t length = colon ? (size_t)(colon - search) : strlen(search);
		int result = join(search, length, name, executable);

		if (result == 0)
			result = check(executable);
		if (result == 0)
			return 0;
		if (result == -EACCES)
			worst = -EACCES;
		else if (result != -ENOENT && result != -ENOTDIR && result != -ENAMETOOLONG && result != -ELOOP)
			return result;
		if (!colon)
			return worst;
		search = colon + 1;
	}
}

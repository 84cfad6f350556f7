/* SPDX-License-Identifier: Apache-2.0 */
#include "proc.h"

#include "failure.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

int proc_write_self(int root_fd, const char *name, const char *text)
{
	char path[64] = "";
	struct composed composed = { path, 0, sizeof(path) };
	CLEANUP_CLOSE int fd = -1;
	struct statfs status;
	ssize_t n;

	compose(&composed, "/proc/self/%s", name);
	fd = fs_open_in_root(root_fd, path, O_WRONLY | O_NOCTTY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &status) < 0)
		return -errno;
	if (status.f_type != PROC_SUPER_MAGIC)
		return -ENODEV;
	n = write(fd, text, strlen(text));
	if (n < 0)
		return -errno;
	return (size_t)n == strlen(text) ? 0 : -EIO;
}

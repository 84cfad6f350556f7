/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "core/paths.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A watch on the directory sees IN_ATTRIB, or IN_CLOSE_WRITE when the file had to be made. */
void engine_wake(cri_engine *engine)
{
	char path[PATH_MAX];

	if (!path_wake(engine, path))
		return;
	if (utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
		CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		(void)fd;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "oom.h"

#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* "oom_kill N" stands in memory.oom_control on v1, in memory.events on v2. */
#define COUNTER "oom_kill "
#define FILE_SIZE 1024

int oom_open(const struct order *order)
{
	char path[PATH_MAX];

	if (*order->oom_v2)
		return open(order->oom_v2, O_RDONLY | O_CLOEXEC);
	if (!*order->oom_v1 || fs_path(path, sizeof(path), "%s/memory.oom_control", order->oom_v1) < 0)
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool oom_happened(int fd)
{
	char content[FILE_SIZE];
	ssize_t length = fd < 0 ? -1 : pread(fd, content, sizeof(content) - 1, 0);
	const char *at;

	if (length <= 0)
		return false;
	content[length] = '\0';
	at = strstr(content, COUNTER);
	return at && strtoul(at + strlen(COUNTER), NULL, 10) > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "oom.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* "oom_kill N" stands in memory.oom_control on v1, in memory.events on v2. */
#define COUNTER "oom_kill "
#define FILE_LIMIT 4096

static bool counter_is_positive(const char *path)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	const char *at;

	if (fs_read(AT_FDCWD, path, FILE_LIMIT, &content) < 0 || !content.data)
		return false;
	at = strstr(content.data, COUNTER);
	return at && strtoul(at + strlen(COUNTER), NULL, 10) > 0;
}

bool oom_happened(const struct order *order)
{
	char path[PATH_MAX];

	if (*order->oom_v2)
		return counter_is_positive(order->oom_v2);
	return *order->oom_v1 && fs_path(path, sizeof(path), "%s/memory.oom_control", order->oom_v1) == 0 &&
	       counter_is_positive(path);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "libcri/error.h"

#include <errno.h>
#include <unistd.h>

int sink_write(int fd, const void *bytes, size_t length, struct failure *failure)
{
	const char *next = bytes;

	while (length > 0) {
		ssize_t written = write(fd, next, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EPIPE)
			return fail(failure, FETCH_SINK_CLOSED, "nobody reads the layer");
		if (written < 0)
			return fail_errno(failure, errno, "write to the sink");
		next += written;
		length -= (size_t)written;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "libcri/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int fail(struct failure *failure, int code, const char *format, ...)
{
	va_list args;

	if (failure->code)
		return -1;
	failure->code = code;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return -1;
}

int fail_errno(struct failure *failure, int error, const char *what)
{
	if (!failure->code)
		failure->error = error;
	return fail(failure, CRI_EINTERNAL, "%s", what);
}

static ssize_t read_file(struct source *source, void *bytes, size_t size, struct failure *failure)
{
	ssize_t length;

	do
		length = read(source->fd, bytes, size);
	while (length < 0 && errno == EINTR);
	return length < 0 ? fail_errno(failure, errno, "read the source") : length;
}

void source_open_file(struct source *source, int fd)
{
	source->read = read_file;
	source->fd = fd;
}

ssize_t source_read_full(struct source *source, void *bytes, size_t size, struct failure *failure)
{
	size_t done = 0;

	while (done < size) {
		ssize_t length = source->read(source, (char *)bytes + done, size - done, failure);

		if (length < 0)
			return -1;
		if (length == 0)
			break;
		done += (size_t)length;
	}
	return (ssize_t)done;
}

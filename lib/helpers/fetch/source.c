/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "base/cleanup.h"
#include "libcri/error.h"

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

int file_read(int fd, take_bytes take, void *context, struct failure *failure)
{
	CLEANUP_FREE char *buffer = malloc(CHUNK_SIZE);
	ssize_t length;

	if (!buffer)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	while ((length = read(fd, buffer, CHUNK_SIZE)) != 0) {
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return fail_errno(failure, errno, "read the source");
		if (take(context, buffer, (size_t)length, failure))
			return -1;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/failure.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(struct failure *failure, int code, const char *format, ...)
{
	va_list arguments;

	if (failure->code)
		return failure->code;
	failure->code = code;
	va_start(arguments, format);
	vsnprintf(failure->text, sizeof(failure->text), format, arguments);
	va_end(arguments);
	return code;
}

int fail_errno(struct failure *failure, int error, const char *format, ...)
{
	va_list arguments;
	size_t length;
	int code = CRI_EINTERNAL;

	error = error < 0 ? -error : error;
	if (error == EPERM || error == EACCES)
		code = CRI_EPERM;
	else if (error == ENOSPC)
		code = CRI_EEXHAUSTED;
	if (failure->code)
		return failure->code;
	failure->code = code;
	va_start(arguments, format);
	vsnprintf(failure->text, sizeof(failure->text), format, arguments);
	va_end(arguments);
	length = strlen(failure->text);
	snprintf(failure->text + length, sizeof(failure->text) - length, ": %s", strerror(error));
	return code;
}

int fail_memory(struct failure *failure)
{
	return fail(failure, CRI_ENOMEM, "out of memory");
}

void fail_where(struct failure *failure, const char *format, ...)
{
	char before[512];
	char text[sizeof(failure->text)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(before, sizeof(before), format, arguments);
	va_end(arguments);
	memcpy(text, failure->text, sizeof(text));
	snprintf(failure->text, sizeof(failure->text), "%s: %.1500s", before, text);
}

void fail_finish(struct failure *failure)
{
	if (text_is_utf8(failure->text, strlen(failure->text)))
		return;
	for (char *at = failure->text; *at; at++) {
		if (*at & 0x80)
			*at = '?';
	}
}

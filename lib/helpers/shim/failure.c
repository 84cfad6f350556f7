/* SPDX-License-Identifier: Apache-2.0 */
#include "failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int code_of_errno(int error)
{
	switch (error < 0 ? -error : error) {
	case ENOMEM:
		return CRI_ENOMEM;
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
		return CRI_EEXHAUSTED;
	case EPERM:
	case EACCES:
		return CRI_EPERM;
	default:
		return CRI_EINTERNAL;
	}
}

int fail(struct failure *failure, int code, int error, const char *step, const char *format, ...)
{
	va_list arguments;
	size_t length;

	failure->code = code;
	failure->error = error < 0 ? -error : error;
	snprintf(failure->step, sizeof(failure->step), "%s", step);
	va_start(arguments, format);
	vsnprintf(failure->message, sizeof(failure->message), format, arguments);
	va_end(arguments);
	length = strlen(failure->message);
	if (error)
		snprintf(failure->message + length, sizeof(failure->message) - length, "%s%s", length ? ": " : "",
			 strerrordesc_np(failure->error) ? strerrordesc_np(failure->error) : "unknown error");
	return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, for the FAILED message; and texts put together without stdio. */
#ifndef LIBCRI_HELPERS_INIT_FAILURE_H
#define LIBCRI_HELPERS_INIT_FAILURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* A text that grows in a fixed place; what does not fit is cut. Always ends with a NUL. */
struct composed {
	char *bytes;
	size_t length, size;
};

/* printf with %s, %d (int64_t), %o (uint32_t, octal) and %x (uint64_t) and nothing else. */
void compose(struct composed *text, const char *format, ...);
void compose_list(struct composed *text, const char *format, va_list arguments);

struct failure {
	int error; /* an errno, positive */
	const char *step;
	char message[1024];
};

/* Describes a failure; `error` is positive or negative. Answers it negative. */
int fail(struct failure *failure, int error, const char *step, const char *format, ...);

#endif

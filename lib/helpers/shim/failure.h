/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong inside the shim, as its answers tell it. */
#ifndef LIBCRI_HELPERS_SHIM_FAILURE_H
#define LIBCRI_HELPERS_SHIM_FAILURE_H

#include "libcri/error.h"

struct failure {
	int code;  /* a cri_code */
	int error; /* an errno, positive; 0: none */
	char step[64];
	char message[960];
};

/* Describes a failure and answers `code`. An errno, positive or negative, adds its text; 0 adds none. */
int fail(struct failure *failure, int code, int error, const char *step, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The code that goes with an errno. */
int code_of_errno(int error);

#endif

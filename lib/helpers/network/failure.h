/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong in cri-network, as the user will read it. */
#ifndef LIBCRI_HELPERS_NETWORK_FAILURE_H
#define LIBCRI_HELPERS_NETWORK_FAILURE_H

#include "libcri/error.h"

struct failure {
	int code; /* a cri_code; 0: nothing failed yet */
	char text[2048];
};

/* Describes a failure and answers `code`; of several the first is kept, and answered. */
int fail(struct failure *failure, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with the text of an errno, positive or negative; its code is CRI_EINTERNAL, or CRI_EPERM for EPERM and
 * EACCES, CRI_EEXHAUSTED for ENOSPC. */
int fail_errno(struct failure *failure, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

int fail_memory(struct failure *failure);

/* Makes the description UTF-8, as the answer must be: what plugins print may be anything, and cut anywhere. */
void fail_finish(struct failure *failure);

/* Puts a text before the description. */
void fail_where(struct failure *failure, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

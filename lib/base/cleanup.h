/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup attributes: what a scope owns goes when the scope ends, unless it is taken. */
#ifndef LIBCRI_BASE_CLEANUP_H
#define LIBCRI_BASE_CLEANUP_H

#include "thread_errno.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

/* close(2) leaves the descriptor closed whatever it answers, EINTR included; errno survives so that an error path can
 * still report what failed. */
static inline void cleanup_close_fd(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

static inline void cleanup_close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define CLEANUP(function) __attribute__((cleanup(function)))
#define CLEANUP_FREE CLEANUP(cleanup_free_pointer)
#define CLEANUP_CLOSE CLEANUP(cleanup_close_fd)
#define CLEANUP_DIR CLEANUP(cleanup_close_dir)

/* Hand the ownership on: the variable is left empty, its value is returned. */
#define TAKE_POINTER(pointer)                                                                                          \
	({                                                                                                             \
		__typeof__(pointer) taken_ = (pointer);                                                                \
		(pointer) = NULL;                                                                                      \
		taken_;                                                                                                \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Where a container's log is. */
#ifndef LIBCRI_CONTAINER_LOG_PATH_H
#define LIBCRI_CONTAINER_LOG_PATH_H

#include "base/arena.h"
#include "core/call.h"

/* log_directory/log_path as the caller named it, "" when either is empty. NULL: memory ran out. */
const char *log_path_join(struct arena *arena, const char *log_directory, const char *log_path);

/* Makes the parents and answers the path with links resolved, so that two names of one file compare equal. What is
 * there must be a regular file, inside the resolved log_directory; CRI_EINVAL says what it is. */
int log_path_resolve(struct arena *arena, const char *log_directory, const char *log_path, const char **resolved,
		     cri_call *call);

#endif

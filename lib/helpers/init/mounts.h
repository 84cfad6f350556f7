/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of a container, made inside of it. */
#ifndef LIBCRI_HELPERS_INIT_MOUNTS_H
#define LIBCRI_HELPERS_INIT_MOUNTS_H

#include "channel.h"

#include <stdbool.h>

/* Carries out INIT_MOUNT, INIT_FRESH, INIT_MASK or INIT_READONLY below `root_fd`. */
int mounts_do(int root_fd, const struct order *order, struct failure *failure);
bool mounts_is_order(const struct order *order);

/* The root itself is made read-only here, when it was ordered: in between, the working directory can be made. */
int mounts_finish(int root_fd, struct failure *failure);

/* Attaches what the path of `source_fd` (O_PATH) shows at `target`, which is made as an empty file when missing. */
int mounts_bind_file(int root_fd, int source_fd, const char *target);

#endif

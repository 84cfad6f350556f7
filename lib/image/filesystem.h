/* SPDX-License-Identifier: Apache-2.0 */
/* Which file system a path is on. */
#ifndef LIBCRI_IMAGE_FILESYSTEM_H
#define LIBCRI_IMAGE_FILESYSTEM_H

#include "base/arena.h"
#include "core/call.h"

/* Its mount point in this mount namespace and its UUID, or the mount point again when it has none that udev knows. */
int filesystem_of(struct arena *arena, const char *path, const char **mountpoint, const char **uuid, cri_call *call);

#endif

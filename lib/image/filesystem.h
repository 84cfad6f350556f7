/* SPDX-License-Identifier: Apache-2.0 */
/* Which file system the root is on. */
#ifndef LIBCRI_IMAGE_FILESYSTEM_H
#define LIBCRI_IMAGE_FILESYSTEM_H

#include "core/engine.h"

/* Its mount point in this mount namespace and its UUID, or the mount point again when it has none that udev knows. Both
 * live as long as the engine, of which neither changes: the open database keeps it mounted. */
int filesystem_of_root(cri_engine *engine, const char **mountpoint, const char **uuid, cri_call *call);

#endif

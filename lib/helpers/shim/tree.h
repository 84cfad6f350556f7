/* SPDX-License-Identifier: Apache-2.0 */
/* Detached copies of mounts, to be attached in a container. */
#ifndef LIBCRI_HELPERS_SHIM_TREE_H
#define LIBCRI_HELPERS_SHIM_TREE_H

#include <stdbool.h>

/* Of what is at `source`; recursive: with what is mounted below it, but for bound mount namespaces, which the kernel
 * attaches in no younger one. A descriptor or -errno. */
int tree_clone(const char *source, bool recursive);

/* Of what is at `source` in another mount namespace, that of a file. */
int tree_clone_in(const char *mount_namespace, const char *source);

#endif

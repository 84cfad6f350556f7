/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the kernel killed something of the container for want of memory: the counter of the container's own cgroup,
 * which outlives its processes. */
#ifndef LIBCRI_HELPERS_SHIM_OOM_H
#define LIBCRI_HELPERS_SHIM_OOM_H

#include "order.h"

/* A descriptor to look through later, for where the cgroups cannot be seen any more. -1: no memory controller. */
int oom_open(const struct order *order);

bool oom_happened(int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the kernel killed something of the container for want of memory. */
#ifndef LIBCRI_HELPERS_SHIM_OOM_H
#define LIBCRI_HELPERS_SHIM_OOM_H

#include "order.h"

/* From the counter of the container's own cgroup, which outlives its processes. No memory controller: no. */
bool oom_happened(const struct order *order);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the lxc handler: what the parts of its output must agree on. */
#ifndef LIBCRI_RUNTIME_HANDLER_LXC_H
#define LIBCRI_RUNTIME_HANDLER_LXC_H

#include "core/engine.h"
#include "runtime/container.h"

#include <limits.h>

/* The cgroup that a container's shim and monitor live in: shared by all, or in the pod's, beside the containers'.
 * NULL: memory ran out. */
const char *handler_monitor_cgroup(const cri_engine *engine, const struct runtime_container *container,
				   struct arena *arena);

#endif

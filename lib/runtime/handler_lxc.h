/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the lxc handler: what the parts of its output must agree on. */
#ifndef LIBCRI_RUNTIME_HANDLER_LXC_H
#define LIBCRI_RUNTIME_HANDLER_LXC_H

#include "core/engine.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"

/* The cgroup that a container's shim and monitor live in: shared by all, or in the pod's, beside the containers'; and
 * how they get into it. All in the arena. */
int handler_monitor_cgroup(cri_engine *engine, const struct runtime_container *container, struct arena *arena,
			   const char **cgroup, struct cgroup_entry *entry, cri_call *call);

#endif

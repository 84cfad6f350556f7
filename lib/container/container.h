/* SPDX-License-Identifier: Apache-2.0 */
/* A container's life, as lib/sandbox and recovery need it. Functions on an id expect its object lock to be held. */
#ifndef LIBCRI_CONTAINER_CONTAINER_H
#define LIBCRI_CONTAINER_CONTAINER_H

#include "core/engine.h"
#include "runtime/container.h"
#include "store/store.h"

/* Makes everything that a row in state CREATING names, and flips it. On failure all is undone and the row deleted.
 * *start may be a shim that has begun; the caller abandons it, which after this is never needed, but does no harm. */
struct shim_start;
int container_make(cri_engine *engine, struct container_row *row, const struct runtime_container *description,
		   const cri_resources *resources, struct shim_start *start, cri_call *call);

/* SIGKILL to all its processes, and its end recorded. One that has ended is a success. */
int container_kill(cri_engine *engine, const char *id, cri_call *call);

/* Removes a container in any state: its processes, directories, cgroups, records, row. Idempotent. */
int container_destroy(cri_engine *engine, const char *id, cri_call *call);

/* Executes the command of a created container. */
int container_launch(cri_engine *engine, const struct container_row *row, cri_call *call);

/* Brings the row up to date with what its processes did while nobody looked: an exit, a start that was not recorded,
 * a dead shim (resumed), a dead monitor (its cgroup is killed and the end recorded as Unknown, 137). */
int container_reconcile(cri_engine *engine, const char *id, cri_call *call);

/* The same without the start: a living shim is not asked. */
int container_reconcile_helpers(cri_engine *engine, const char *id, cri_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Exit records: how a container's end gets from the shim's file into the store, exactly once. */
#ifndef LIBCRI_CONTAINER_EXITS_H
#define LIBCRI_CONTAINER_EXITS_H

#include "base/arena.h"
#include "core/engine.h"
#include "runtime/shim.h"
#include "store/store.h"

/* Commits the exit records that are there. Cheap when there are none. */
int container_fold_exits(cri_engine *engine, cri_call *call);

/* Commits the record of one container. *folded: there was one. */
int container_fold_exit(cri_engine *engine, const char *id, bool *folded, cri_call *call);

/* For reads, which never write: shows a row as it will be once its record is committed. *liveness, unless NULL, is set
 * if the row is still CREATED or RUNNING then. */
int container_overlay_exit(cri_engine *engine, struct arena *arena, struct container_row *row,
			   enum shim_liveness *liveness, cri_call *call);

/* Whether any record waits: lets a list of many skip looking for each. */
bool container_exits_pending(const cri_engine *engine);

/* Waits until the container has exited and its end is committed; `timeout` in milliseconds, -1: the call's deadline.
 * `locked`: the caller holds the object lock, which is right for a moment after SIGKILL, never for a container's run.
 * 0; CRI_EAGAIN, not described: the timeout passed. */
int container_await_exit(cri_engine *engine, const char *id, int64_t timeout, bool locked, cri_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The processes behind a container, found by the lock files that they hold for life: a pid is trusted only while its
 * lock is held. */
#ifndef LIBCRI_RUNTIME_SHIM_PROCESS_H
#define LIBCRI_RUNTIME_SHIM_PROCESS_H

#include "core/engine.h"

enum shim_process { SHIM_PROCESS_SHIM, SHIM_PROCESS_MONITOR };

/* A pidfd of the living process, readable when it ends; -ESRCH when it does not live; -errno. */
int shim_process_open(cri_engine *engine, const char *id, enum shim_process process);

/* SIGKILL to the shim and the monitor, and waits until both are gone. The container's own processes are killed through
 * its cgroup before. */
int shim_process_kill(cri_engine *engine, const char *id, cri_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of starting cri-shim (shim_start.c) for those that start it otherwise: shim_resume, shim_zygote.c. */
#ifndef LIBCRI_RUNTIME_SHIM_START_H
#define LIBCRI_RUNTIME_SHIM_START_H

#include "core/engine.h"

/* *fd: of the v2 cgroup's directory that the shim is to be born in; NULL: none, -1. */
int shim_open_monitor_cgroup(const char *directory, int *fd, cri_call *call);

/* The program in that cgroup (-1: none), with the other end of *socket as its SHIM_STATUS_FD. `first`: what it is told
 * first; NULL: nothing. */
int shim_spawn(cri_engine *engine, const char *id, const char *option, const char *first, int cgroup, int *socket,
	       cri_call *call);

/* The same in the monitors' cgroup, which is made, and with SHIM_ENTER. */
int shim_spawn_entered(cri_engine *engine, const char *id, const char *container_cgroup, bool zygote, int *socket,
		       cri_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Killing through the container's own cgroup, which holds all of its processes and its execs'. */
#ifndef LIBCRI_HELPERS_SHIM_KILL_H
#define LIBCRI_HELPERS_SHIM_KILL_H

#include "order.h"

#include <sys/types.h>

/* SIGKILL to every process, again and again until none is left or `milliseconds` have passed (0: once). */
void kill_container(const struct order *order, int milliseconds);

/* SIGKILL to the processes of one session. The session's id is a pid, and stays taken while one of them lives. */
void kill_session(const struct order *order, pid_t session, int milliseconds);

#endif

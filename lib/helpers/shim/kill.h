/* SPDX-License-Identifier: Apache-2.0 */
/* Killing through the container's own cgroup, which holds all of its processes and its execs'. */
#ifndef LIBCRI_HELPERS_SHIM_KILL_H
#define LIBCRI_HELPERS_SHIM_KILL_H

#include "order.h"

#include <sys/types.h>

/* SIGKILL to every process, again and again until none is left or `milliseconds` have passed (0: once). */
void kill_container(const struct order *order, int milliseconds);

/* SIGKILL to a command and to what it started: its session, the children of all that is killed, and their sessions. One
 * that was orphaned before, and had left the session, is a daemon of its own and lives on. The command must not have
 * been reaped. */
void kill_command(const struct order *order, pid_t command, int milliseconds);

#endif

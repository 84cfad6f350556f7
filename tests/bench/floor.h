/* SPDX-License-Identifier: Apache-2.0 */
/* The bare kernel work of a container: what nothing on this machine can be quicker than by much. */
#ifndef LIBCRI_TESTS_BENCH_FLOOR_H
#define LIBCRI_TESTS_BENCH_FLOOR_H

/* `lower` holds bin/busybox; `directory` is a scratch directory on the same file system as the engine's root.
 * Up: clone3 with new mount, PID, network, IPC, UTS and cgroup namespaces, a cgroup in every hierarchy, in which it is
 * born where that is one of v2, and which it enters by cgroup.procs else; overlay mount, pivot_root, execve of a static
 * program. The cycle adds kill, reap and removing all of it. -1 and a message on
 * failure. */
int floor_cycle(const char *lower, const char *directory, int number, double *up, double *cycle);

#endif

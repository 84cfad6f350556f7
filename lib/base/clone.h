/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that are born in a cgroup of v2 (clone3(2), CLONE_INTO_CGROUP, since Linux 5.7). The other way, writing to
 * cgroup.procs, waits for an RCU grace period: 10 to 60 ms, with the lock of all cgroups held.
 */
#ifndef LIBCRI_BASE_CLONE_H
#define LIBCRI_BASE_CLONE_H

#include <sys/types.h>

/* clone(2) into the cgroup of which `cgroup_fd` is the directory (O_PATH will do): the child runs function(argument) on
 * a stack that ends at `stack_end`, 16-aligned, and exits with what it returns. With CLONE_PARENT the kernel takes the
 * exit signal from the caller. CLONE_PIDFD: *pidfd. CLONE_PARENT_SETTID: *tid, written before the child runs.
 * The pid, or -errno without touching errno. -EBUSY: the cgroup has children with controllers, and takes no process.
 * -ENOSYS, -E2BIG: the kernel cannot, or who confines us does not let us, nor can valgrind. */
pid_t clone_into(int (*function)(void *), void *stack_end, int flags, void *argument, int *pidfd, pid_t *tid,
		 int cgroup_fd);

/* The plain way, for the calling process while it has one thread: "0" into cgroup.procs of that directory. 0 or
 * -errno. */
int clone_move_into(int cgroup_fd);

#endif

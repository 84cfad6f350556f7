/* SPDX-License-Identifier: Apache-2.0 */
/* The common start of the helpers that the host program starts. */
#ifndef LIBCRI_HELPERS_HELPER_H
#define LIBCRI_HELPERS_HELPER_H

#include <stdint.h>
#include <sys/resource.h>

/*
 * Gives back what the program inherited from the host and spawn_program cannot reset: umask (022), resource limits
 * (the table in helper.c), nice value and scheduling policy, I/O priority, CPU affinity, NUMA policy, timer slack,
 * transparent huge pages, personality, oom_score_adj (0). So neither the helper nor a container that it starts is
 * limited by what the host limited itself to.
 *
 * What the kernel does not permit is done as far as it goes and is no failure: without CAP_SYS_RESOURCE a hard limit
 * that the host lowered stays, and so does an oom_score_adj above 0. 0 or -errno.
 */
int helper_start(void);

/* Sets a resource limit, without CAP_SYS_RESOURCE as far as the present hard limit allows: hard and soft are cut to
 * it. 0: set as wanted; 1: cut; -errno. */
int helper_set_limit(int resource, const struct rlimit *wanted);

/* Writes /proc/self/oom_score_adj. Without CAP_SYS_RESOURCE a process cannot go below the least that it was given:
 * 0: written; 1: that was not permitted and the present value stays; -errno. */
int helper_set_oom_score(int64_t score);

#endif

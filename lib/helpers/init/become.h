/* SPDX-License-Identifier: Apache-2.0 */
/* From START to execve: privileges go, in the order in which each step still has what it needs. */
#ifndef LIBCRI_HELPERS_INIT_BECOME_H
#define LIBCRI_HELPERS_INIT_BECOME_H

#include "prepare.h"

/* Becomes the process. `stdio`: three descriptors, or NULL with a terminal. Returns only when it failed. */
int become(struct prepared *prepared, const int *stdio, struct failure *failure);

/* Becomes the pause process: no privileges, no descriptors; reaps orphans until SIGTERM or SIGINT, then exits with 0.
 * Returns only when it failed. */
int become_pause(struct prepared *prepared, struct failure *failure);

/* Default dispositions of all signals. `blocked`: what is blocked afterwards, bit N-1 for signal N. */
void reset_signals(uint64_t blocked);

/* The user, its groups, the capability sets and no_new_privs, seccomp. What `extra` holds stays effective until the
 * seccomp filter is in. `before_seccomp` does what needs nothing but the user's own rights. */
int drop_privileges(struct prepared *prepared, int (*before_seccomp)(struct prepared *, struct failure *),
		    struct failure *failure);

#endif

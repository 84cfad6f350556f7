/* SPDX-License-Identifier: Apache-2.0 */
/* Starting cri-init inside a running container. */
#ifndef LIBCRI_HELPERS_SHIM_ENTER_H
#define LIBCRI_HELPERS_SHIM_ENTER_H

#include "order.h"

#include <sys/types.h>

struct entry {
	const struct texts *cgroup_entry;
	int process; /* pidfd of the container's first process */
	int program; /* cri-init */
	int socket;  /* becomes INIT_SOCKET_FD */
};

/* *pid is a child of this process, in the container's namespaces and cgroup. */
int enter_container(const struct entry *entry, pid_t *pid, struct failure *failure);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Starting cri-init inside a running container. */
#ifndef LIBCRI_HELPERS_SHIM_ENTER_H
#define LIBCRI_HELPERS_SHIM_ENTER_H

#include "order.h"

#include <sys/types.h>

struct entry {
	const struct order *order;
	pid_t pid;   /* of the container's first process */
	int process; /* its pidfd */
	int program; /* cri-init */
	int socket;  /* becomes INIT_SOCKET_FD */
};

/* *pid is a child of this process, in the container's namespaces and cgroup. */
int enter_container(const struct entry *entry, pid_t *pid, struct failure *failure);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: the process that is the container's parent, the only one that loads liblxc. It is forked off the shim,
 * needs nothing of it afterwards, and ends when the container's exit record is published.
 */
#ifndef LIBCRI_HELPERS_SHIM_MONITOR_H
#define LIBCRI_HELPERS_SHIM_MONITOR_H

#include "order.h"

#include <signal.h>
#include <sys/types.h>

/* What the monitor takes over. All stay the shim's too. */
struct monitor_fds {
	int init_peer; /* cri-init's end */
	int link_peer; /* its own end to the shim */
	int store_receive, store_send;
	int init_program; /* cri-init, to be executed */
};

/* Tells the monitor that cri-init has its end of the socket: it closes its own, so that the end of file can be seen. */
#define MONITOR_RELEASE_SIGNAL SIGWINCH

/* From the monitor to the shim. */
enum link_kind {
	LINK_FAILED = 1, /* nothing runs */
	LINK_LOADED,     /* liblxc is loaded, and starts the container now */
	LINK_ENDED, /* the container has ended and its cgroup is gone; DIRECTORY/exit is written if it was created */
};
struct link_message {
	enum link_kind kind;
	struct failure failure;
};

/* Forks it. Its pid, or -errno. */
pid_t monitor_fork(struct order *order, const struct monitor_fds *fds);

#endif

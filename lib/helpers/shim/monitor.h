/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: the process that is the container's parent, the only one that runs liblxc. It is forked off the shim,
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
	LINK_ENDED, /* the container has ended and its cgroup is gone; DIRECTORY/exit is written if it was created */
};
struct link_message {
	enum link_kind kind;
	struct failure failure;
};

/* Forks it: it loads liblxc, and reads the order in the container's state directory when it is sent SHIM_ORDER over its
 * link. Where the container has a cgroup of v2 it starts it with SHIM_GO, else at once. Its pid, or -errno. */
pid_t monitor_fork(const char *directory, const struct monitor_fds *fds);

#endif

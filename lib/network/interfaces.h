/* SPDX-License-Identifier: Apache-2.0 */
/* What went over the interfaces of network namespaces. */
#ifndef LIBCRI_NETWORK_INTERFACES_H
#define LIBCRI_NETWORK_INTERFACES_H

#include "base/arena.h"
#include "core/call.h"

struct network_interface {
	const char *name;
	uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
	uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};

/* A namespace and what was found in it: all interfaces but loopback, in the kernel's order. */
struct network_look {
	const char *path; /* "": none, and so no interfaces */
	const struct network_interface *interfaces;
	size_t n_interfaces;
	int64_t timestamp; /* clock_wall() */
	int result;        /* 0; below: an errno that kept us from them, and there are no interfaces */
};

/*
 * Looks into each, and fails for want of memory or of a thread alone: what kept us from one is that look's result. A
 * namespace that is gone has no interfaces.
 *
 * Only a process inside sees /proc/net/dev of a namespace, and a pod may have none; so a thread enters them, one after
 * another, and ends. No other thread of the program is touched by that (setns(2) changes the calling thread alone).
 */
int network_look(struct network_look *looks, size_t n_looks, struct arena *arena, cri_call *call);

/* Describes a look's failure in the call. */
int network_look_fail(const struct network_look *look, cri_call *call);

/* Parses /proc/net/dev, apart for tests. 0, -EBADMSG, -ENOMEM. */
int network_parse_interfaces(const char *text, struct arena *arena, struct network_look *look);

#endif

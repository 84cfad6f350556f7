/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink sockets of the host's and the pod's network namespace. */
#ifndef LIBCRI_HELPERS_NETWORK_NETLINK_H
#define LIBCRI_HELPERS_NETWORK_NETLINK_H

#include "helpers/network/pod.h"

#include <libmnl/libmnl.h>

struct netlink {
	struct mnl_socket *socket;
	unsigned port, sequence;
};

struct nets {
	struct netlink host, inside, filter;
	int host_fd, inside_fd; /* the namespaces */
};

/* -errno. */
int netlink_open(struct netlink *netlink, int bus);
void netlink_close(struct netlink *netlink);

/* Sends one request and hands every answer to `callback`, which may be NULL. 0 or -errno of the kernel. */
int netlink_talk(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t callback, void *data);

/* The socket of the host's namespace, in which the program is. */
int nets_host(struct pod *pod, struct netlink **netlink, struct failure *failure);
/* That of the pod's; the program itself stays in the host's. */
int nets_inside(struct pod *pod, struct netlink **netlink, struct failure *failure);
/* Netfilter's, in the host's; -errno. It stays open until the answer is given: closing it waits until the kernel has
 * destroyed what was deleted (nft_rcv_nl_event), which takes it tens of milliseconds. */
int nets_filter(struct pod *pod, struct netlink **netlink);
/* Runs `action` inside the pod's namespace. */
int nets_enter(struct pod *pod, int (*action)(void *), void *data, struct failure *failure);
void nets_close(struct pod *pod);

#endif

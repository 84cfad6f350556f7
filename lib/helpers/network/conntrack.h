/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_HELPERS_NETWORK_CONNTRACK_H
#define LIBCRI_HELPERS_NETWORK_CONNTRACK_H

#include "helpers/network/netlink.h"

/* Makes the kernel forget the UDP flows to a port of the host, so that a new port mapping takes effect for clients that
 * went on sending. `netlink` is a netfilter socket. */
int conntrack_forget_udp(struct netlink *netlink, uint16_t port, struct failure *failure);

#endif

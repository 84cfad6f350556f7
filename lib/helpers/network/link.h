/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces, addresses and routes. Every function answers 0 or -errno. */
#ifndef LIBCRI_HELPERS_NETWORK_LINK_H
#define LIBCRI_HELPERS_NETWORK_LINK_H

#include "helpers/network/address.h"
#include "helpers/network/netlink.h"

#include <net/if.h>

#define MAC_TEXT 18

struct link {
	int index;
	unsigned flags, mtu;
	uint8_t mac[6];
	bool is_bridge;
};

const char *mac_text(const uint8_t mac[6], char text[MAC_TEXT]);

/* -ENODEV: there is none. */
int link_find(struct netlink *netlink, const char *name, struct link *link);
/* -EEXIST. It is up. `mtu` 0: the kernel's. Its address is given, or it would change with its ports. */
int link_make_bridge(struct netlink *netlink, const char *name, unsigned mtu, const uint8_t mac[6]);

struct veth {
	const char *name, *peer;
	const uint8_t *mac, *peer_mac; /* 6 bytes */
	unsigned mtu;
	int bridge;  /* index of its master */
	int peer_fd; /* the peer's network namespace */
};
/* The host's end is up, the peer is not. -EEXIST: either name is taken. */
int link_make_veth(struct netlink *netlink, const struct veth *veth);
int link_set_hairpin(struct netlink *netlink, int index);
int link_set_up(struct netlink *netlink, const char *name);
/* A port of a bridge: nothing is forwarded to it or from it any more. Unlike taking it down, waits for nobody. */
int link_disable_port(struct netlink *netlink, int index);
/* A bridge keeps it from then on, whatever ports come and go. */
int link_set_mac(struct netlink *netlink, int index, const uint8_t mac[6]);
int link_delete(struct netlink *netlink, int index);

/* -EEXIST: it has it. IPv6 addresses are usable at once, without duplicate address detection. */
int link_add_address(struct netlink *netlink, int index, const struct prefix *prefix);
int link_delete_address(struct netlink *netlink, int index, const struct prefix *prefix);
/* Calls back for every address of an interface. */
int link_addresses(struct netlink *netlink, int index, void (*callback)(const struct prefix *, void *), void *data);
/* `gateway` without family: on the link. -EEXIST: the very same is there. */
int link_add_route(struct netlink *netlink, int index, const struct prefix *destination, const struct address *gateway);
/* The interface by which an address is reached. */
int link_towards(struct netlink *netlink, const struct address *address, char name[IFNAMSIZ]);

#endif

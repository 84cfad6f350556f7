/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the bridge plugin. */
#ifndef LIBCRI_HELPERS_NETWORK_BRIDGE_H
#define LIBCRI_HELPERS_NETWORK_BRIDGE_H

#include "helpers/network/host_local.h"
#include "helpers/network/link.h"
#include "helpers/network/result.h"

struct bridge {
	char name[IFNAMSIZ];
	unsigned mtu;
	bool is_gateway, is_default_gateway, force_address, masquerade, hairpin;
};

/* An interface that is being made. */
struct making {
	struct bridge bridge;
	struct host_local host_local;
	struct allocation allocations[HOST_LOCAL_SETS]; /* one of each range set */
	struct link link;                               /* the bridge's */
	const char *interface;
	char host_name[IFNAMSIZ];
	uint8_t host_mac[6], mac[6];
	bool made;
};

/* Addresses, routes and the announcement, inside the pod. */
int bridge_set_up_inside(struct pod *pod, struct making *making, struct failure *failure);
int bridge_result(struct pod *pod, const cJSON *configuration, const struct making *making, cJSON **result,
		  struct failure *failure);
/* CHECK: the interface has the addresses that ADD answered. */
int bridge_check(struct pod *pod, const struct making *making, const cJSON *previous, struct failure *failure);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host-local plugin: addresses from ranges, one file for each that is taken, below <dataDir>/<network>:
 *
 *     10.1.0.2             holds "<container id>\r\n<interface>"
 *     last_reserved_ip.0   the address that was given last from the first set of ranges
 *     lock                 flock(2)
 *
 * Byte for byte what the plugin's program writes, so that both may serve one network.
 */
#ifndef LIBCRI_HELPERS_NETWORK_HOST_LOCAL_H
#define LIBCRI_HELPERS_NETWORK_HOST_LOCAL_H

#include "helpers/network/address.h"
#include "helpers/network/pod.h"

#define HOST_LOCAL_SETS 8
#define HOST_LOCAL_RANGES 16 /* in a set */

struct range {
	struct prefix subnet;
	struct address start, end, gateway;
};

struct range_set {
	struct range ranges[HOST_LOCAL_RANGES];
	size_t n;
};

struct host_local {
	char directory[512];
	struct range_set sets[HOST_LOCAL_SETS];
	size_t n_sets;
	const cJSON *routes; /* checked: [{"dst","gw"}], or NULL */
	struct address requested[HOST_LOCAL_SETS];
	size_t n_requested;
};

struct allocation {
	struct prefix prefix;
	struct address gateway;
};

/* Whether all options of the section "ipam" are known. */
bool host_local_can(const cJSON *ipam);

/* `full`: for ADD; else only what giving back needs. */
int host_local_read(const cJSON *configuration, const char *network, bool full, struct host_local *host_local,
		    struct failure *failure);

/* One address of every set. Those that were got before a failure are given back by host_local_release. */
int host_local_allocate(const struct pod *pod, const char *interface, const struct host_local *host_local,
			struct allocation allocations[HOST_LOCAL_SETS], struct failure *failure);

/* All addresses of the pod's interface: those of ADD's result, or, without one, whatever is found to be its own. One
 * that has none is a success. */
int host_local_release(const struct pod *pod, const char *interface, const struct host_local *host_local,
		       const cJSON *result, struct failure *failure);

/* GC: addresses of the network that belong to none of the attachments [{"containerID","ifname"}]. Those that were given
 * within the last minute stay: they may be of a pod that came after the list was made. */
int host_local_collect(const struct pod *pod, const struct host_local *host_local, const cJSON *valid,
		       struct failure *failure);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that the programs of the plugins make, with iptables: for who must know which of the two did ADD. */
#ifndef LIBCRI_HELPERS_NETWORK_RULES_OF_PROGRAM_H
#define LIBCRI_HELPERS_NETWORK_RULES_OF_PROGRAM_H

#include "helpers/network/pod.h"

/* Of bridge, that masquerades, and of portmap. */
#define PROGRAM_CHAIN_BRIDGE "CNI-"
#define PROGRAM_CHAIN_PORTMAP "CNI-DN-"

/*
 * Whether the chain of a pod in a network is there, in the nat table of either family. The old iptables, which is not
 * nftables, keeps its rules where they cannot be asked for one by one: *possible is true when it has a nat table at
 * all.
 */
int program_rules_find(struct pod *pod, const char *network, const char *prefix, bool *found, bool *possible,
		       struct failure *failure);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that the programs of the plugins make: by iptables, or, those of 1.6 and later, by nftables. So that what
 * they have added can be deleted without them, when they cannot find it any more, and to know that there is none.
 */
#ifndef LIBCRI_HELPERS_NETWORK_RULES_OF_PROGRAM_H
#define LIBCRI_HELPERS_NETWORK_RULES_OF_PROGRAM_H

#include "helpers/network/pod.h"

enum program_rules {
	PROGRAM_RULES_NONE,
	PROGRAM_RULES_MASQUERADE, /* of bridge, and others with ipMasq */
	PROGRAM_RULES_PORTS,      /* of portmap */
};

/* Whether the chain of iptables that the pod has in the network is there, in the nat table of either family. */
int program_rules_find(struct pod *pod, const char *network, enum program_rules kind, bool *found,
		       struct failure *failure);

/*
 * Deletes what is there of the pod on this interface of the network. The old iptables, which is not nftables, keeps its
 * rules where they cannot be reached: program_rules_may_be_hidden is true when it has a nat table at all.
 */
int program_rules_forget(struct pod *pod, const char *network, const char *interface, enum program_rules kind,
			 struct failure *failure);
bool program_rules_may_be_hidden(void);

/* A program's complaint that the pod's chain is not there. */
bool program_rules_are_missed(const struct pod *pod, const char *network, enum program_rules kind,
			      const char *complaint);

#endif

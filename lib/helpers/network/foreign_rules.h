/* SPDX-License-Identifier: Apache-2.0 */
/* Chains and rules of nftables that other programs have made. Every function answers 0 or -errno; no table, no chain
 * and no rule of this kind is success. */
#ifndef LIBCRI_HELPERS_NETWORK_FOREIGN_RULES_H
#define LIBCRI_HELPERS_NETWORK_FOREIGN_RULES_H

#include "helpers/network/netlink.h"

/* The kernel has no such object, or knows nothing of them. */
bool foreign_is_absent(int result);

int foreign_chain_find(struct netlink *netlink, uint16_t family, const char *table, const char *chain, bool *found);

/* Deletes a chain, with its rules and all rules of the table that jump to it, in one transaction. */
int foreign_chain_delete(struct netlink *netlink, uint16_t family, const char *table, const char *chain);

/* Deletes the rules of a chain that have this comment, or one that begins so. */
int foreign_rules_delete(struct netlink *netlink, uint16_t family, const char *table, const char *chain,
			 const char *comment, bool begins);

#endif

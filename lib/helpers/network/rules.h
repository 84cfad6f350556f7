/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masquerading and port mappings in nftables: one table "libcri" whose rules never change, and sets and maps whose
 * elements are the pods' (rules_table.c). An element carries its owner as a comment; adding and deleting take one
 * transaction each, whatever the number of pods, and a host port that is taken is refused by the kernel itself.
 */
#ifndef LIBCRI_HELPERS_NETWORK_RULES_H
#define LIBCRI_HELPERS_NETWORK_RULES_H

#include "helpers/network/address.h"
#include "helpers/network/netlink.h"

#define RULES_TABLE "libcri"
#define RULES_OWNER 128

/* In the order of set_shapes; those of IPv6 stand RULES_SETS_PER_FAMILY behind those of IPv4. */
enum rules_set {
	SET_LOCAL,         /* pod . destinations that see its own address */
	SET_MASQUERADED,   /* pod */
	SET_SNAT,          /* sources . pod that is reached through a mapped port, and must answer by the host */
	MAP_PORTS,         /* protocol . port : pod . port */
	MAP_ADDRESS_PORTS, /* the host's address . protocol . port : pod . port */
	RULES_SETS_PER_FAMILY,
};
#define RULES_SETS (2 * RULES_SETS_PER_FAMILY)

struct rules_element {
	unsigned set;
	uint8_t key[40], key_end[40]; /* key_end: of intervals */
	uint8_t data[24];             /* of maps */
	const char *what;             /* for the failure */
	uint16_t port;                /* a host port, for the failure; 0: none */
};

struct rules {
	struct netlink *netlink;
	char owner[RULES_OWNER];
	struct rules_element elements[512];
	size_t n;
};

/* The shape of a set. */
struct rules_shape {
	const char *name;
	uint8_t key[4];  /* lengths of the key's fields, 0 ends them */
	uint8_t data[3]; /* of the value's */
	bool interval;
};
const struct rules_shape *rules_shape(unsigned set);
size_t rules_length(const uint8_t *fields); /* with the padding of each to four bytes */

/* Makes the table with its sets and rules; -EEXIST: it is there. */
int rules_make_table(struct netlink *netlink);
/* Sends a batch and reads what the kernel complains of: 0 or -errno of the first that failed, *index which (from 0). */
int rules_send(struct netlink *netlink, struct mnl_nlmsg_batch *batch, unsigned first_sequence, unsigned *index);

#define RULES_TRIES 16
struct nftnl_set;
struct nftnl_set_elem;
/* For messages; NULL: memory ran out. */
struct nftnl_set *rules_new_set(unsigned set);
bool rules_is_owned(const struct nftnl_set_elem *element, const char *owner);
/* The elements of a set. -EINTR: another transaction came in between, begin anew, RULES_TRIES times. */
int rules_dump(struct rules *rules, unsigned set, mnl_cb_t callback, void *data);

/*
 * A port that is mapped on all addresses and the same one on a single address are two elements for the kernel, and the
 * second would be hidden from the first. Fails when another owner has such a port of one that is collected; a pod may
 * have both, as with the plugin's program.
 */
int rules_refuse_shadows(struct rules *rules, struct failure *failure);

int rules_open(struct rules *rules, struct pod *pod, const char *interface, struct failure *failure);

/* What leaves the pod's subnet bears the host's address. Collected; rules_commit adds all or none. */
int rules_masquerade(struct rules *rules, const struct prefix *pod, struct failure *failure);
/* `host` without family: every address. `snat`: clients on the host itself and in the pod's subnet reach it too. */
int rules_map_port(struct rules *rules, uint8_t protocol, const struct address *host, uint16_t host_port,
		   const struct prefix *pod, uint16_t port, bool snat, struct failure *failure);
int rules_commit(struct rules *rules, struct failure *failure);

/* What bridge and portmap make; bit i: rules_set i of both families. */
#define BRIDGE_SETS (1u << SET_LOCAL | 1u << SET_MASQUERADED)
#define PORTMAP_SETS (1u << SET_SNAT | 1u << MAP_PORTS | 1u << MAP_ADDRESS_PORTS)

/* Deletes the owner's elements in the sets of `mask`. No table, no nftables: success. */
int rules_forget(struct pod *pod, const char *interface, unsigned mask, struct failure *failure);
/* How many the owner has. */
int rules_count(struct rules *rules, unsigned mask, unsigned *count, struct failure *failure);

#endif

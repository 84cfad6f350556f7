/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/rules.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <string.h>

#define PORT_LENGTH 8 /* protocol . port, each padded to four bytes */

struct looking {
	const struct rules *rules;
	unsigned set; /* of the elements that may be hidden or hide */
	const struct rules_element *clash;
};

static size_t address_length(unsigned set)
{
	return set / RULES_SETS_PER_FAMILY ? 16 : 4;
}

/* Protocol and port of a key; behind the address, if there is one. */
static const uint8_t *port_of(unsigned set, const uint8_t *key)
{
	return set % RULES_SETS_PER_FAMILY == MAP_ADDRESS_PORTS ? key + address_length(set) : key;
}

static int look_at_element(struct nftnl_set_elem *element, void *data)
{
	struct looking *looking = data;
	const struct rules *rules = looking->rules;
	const unsigned other = looking->set % RULES_SETS_PER_FAMILY == MAP_PORTS
				       ? looking->set - MAP_PORTS + MAP_ADDRESS_PORTS
				       : looking->set - MAP_ADDRESS_PORTS + MAP_PORTS;
	uint32_t length = 0;
	const uint8_t *key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &length);

	if (!key || length != rules_length(rules_shape(looking->set)->key) || rules_is_owned(element, rules->owner))
		return 0;
	for (size_t i = 0; i < rules->n && !looking->clash; i++) {
		const struct rules_element *ours = &rules->elements[i];

		if (ours->set == other && !memcmp(port_of(other, ours->key), port_of(looking->set, key), PORT_LENGTH))
			looking->clash = ours;
	}
	return 0;
}

static int look(const struct nlmsghdr *header, void *data)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		return MNL_CB_ERROR;
	if (nftnl_set_elems_nlmsg_parse(header, set) == 0)
		nftnl_set_elem_foreach(set, look_at_element, data);
	nftnl_set_free(set);
	return MNL_CB_OK;
}

/* The port of one of ours, on all addresses: the kernel is asked for it alone. */
static int ask_for_port(struct rules *rules, const struct rules_element *ours, struct looking *looking)
{
	char buffer[MNL_NLMSG_HDRLEN + 512] = "";
	struct nftnl_set *set = rules_new_set(looking->set);
	struct nftnl_set_elem *element = nftnl_set_elem_alloc();
	struct nlmsghdr *header = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_ACK, 0);
	const bool ready = set && element;

	if (ready) {
		nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, port_of(ours->set, ours->key), PORT_LENGTH);
		nftnl_set_elem_add(set, element);
		nftnl_set_elems_nlmsg_build_payload(header, set);
	} else if (element) {
		nftnl_set_elem_free(element);
	}
	if (set)
		nftnl_set_free(set);
	return ready ? netlink_talk(rules->netlink, header, look, looking) : -ENOMEM;
}

/* The ports of single addresses, which are few. */
static int list_ports(struct rules *rules, struct looking *looking)
{
	int result = -EINTR;

	for (int i = 0; i < RULES_TRIES && result == -EINTR; i++) {
		looking->clash = NULL;
		result = rules_dump(rules, looking->set, look, looking);
	}
	return result;
}

static int judge(const struct looking *looking, int result, struct failure *failure)
{
	/* Nobody has made the table yet. */
	if (result < 0 && result != -ENOENT && result != -EOPNOTSUPP && result != -EPROTONOSUPPORT)
		return fail_errno(failure, result, "nftables: look for host ports");
	if (!looking->clash)
		return 0;
	return fail(failure, CRI_EEXIST, "host port %u/%s is taken by another pod, on %s", looking->clash->port,
		    looking->clash->what,
		    looking->set % RULES_SETS_PER_FAMILY == MAP_PORTS ? "all addresses" : "one of the addresses");
}

int rules_refuse_shadows(struct rules *rules, struct failure *failure)
{
	bool listed[RULES_SETS] = { false };
	int code = 0;

	for (size_t i = 0; i < rules->n && code == 0; i++) {
		const struct rules_element *ours = &rules->elements[i];
		const unsigned kind = ours->set % RULES_SETS_PER_FAMILY, first = ours->set - kind;
		struct looking looking = { .rules = rules };

		if (kind == MAP_ADDRESS_PORTS) {
			looking.set = first + MAP_PORTS;
			code = judge(&looking, ask_for_port(rules, ours, &looking), failure);
		} else if (kind == MAP_PORTS && !listed[ours->set]) {
			listed[ours->set] = true;
			looking.set = first + MAP_ADDRESS_PORTS;
			code = judge(&looking, list_ports(rules, &looking), failure);
		}
	}
	return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table: as `nft list table inet libcri` would print it, for IPv4 (IPv6 alike):
 *
 *     chain prerouting, chain output { type nat hook …; priority dstnat
 *         fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @address_ports4
 *         fib daddr type local dnat ip to meta l4proto . th dport map @ports4 }
 *     chain postrouting { type nat hook postrouting priority srcnat
 *         ct status dnat ip saddr . ip daddr @snat4 masquerade
 *         ip saddr . ip daddr @local4 return
 *         ip saddr @masqueraded4 masquerade }
 */
#include "helpers/network/rules.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#define BATCH_SIZE 65536

/* Where the header of the network layer has its addresses. */
static const struct family {
	uint8_t protocol;
	unsigned source, destination, size;
} families[] = {
	{ NFPROTO_IPV4, 12, 16, 4 },
	{ NFPROTO_IPV6, 8, 24, 16 },
};

static const struct rules_shape set_shapes[RULES_SETS] = {
	{ "local4", { 4, 4 }, { 0 }, true },
	{ "masqueraded4", { 4 }, { 0 }, false },
	{ "snat4", { 4, 4 }, { 0 }, true },
	{ "ports4", { 1, 2 }, { 4, 2 }, false },
	{ "address_ports4", { 4, 1, 2 }, { 4, 2 }, false },
	{ "local6", { 16, 16 }, { 0 }, true },
	{ "masqueraded6", { 16 }, { 0 }, false },
	{ "snat6", { 16, 16 }, { 0 }, true },
	{ "ports6", { 1, 2 }, { 16, 2 }, false },
	{ "address_ports6", { 16, 1, 2 }, { 16, 2 }, false },
};

const struct rules_shape *rules_shape(unsigned set)
{
	return &set_shapes[set];
}

size_t rules_length(const uint8_t *fields)
{
	size_t length = 0;

	for (; *fields; fields++)
		length += (*fields + 3u) & ~3u;
	return length;
}

/* nft's numbers of types, which it packs by six bits; the kernel only hands them back. */
static uint32_t type_of(const uint8_t *fields)
{
	uint32_t type = 0;

	for (; *fields; fields++) {
		static const uint8_t types[] = { [1] = 12, [2] = 13, [4] = 7, [16] = 8 };

		type = type << 6 | types[*fields];
	}
	return type;
}

struct building {
	struct mnl_nlmsg_batch *batch;
	unsigned sequence;
	bool failed; /* memory ran out */
	struct nftnl_rule *rule;
};

static struct nlmsghdr *header(struct building *building, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(building->batch), type, NFPROTO_INET, flags,
				     building->sequence++);
}

static void done(struct building *building)
{
	mnl_nlmsg_batch_next(building->batch);
}

static void add_table(struct building *building)
{
	struct nftnl_table *table = nftnl_table_alloc();

	if (!table) {
		building->failed = true;
		return;
	}
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, RULES_TABLE);
	nftnl_table_nlmsg_build_payload(header(building, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL), table);
	done(building);
	nftnl_table_free(table);
}

static void add_set(struct building *building, unsigned index)
{
	const struct rules_shape *shape = &set_shapes[index];
	struct nftnl_set *set = nftnl_set_alloc();
	size_t n_fields = strlen((const char *)shape->key);
	uint32_t flags = 0;

	if (!set) {
		building->failed = true;
		return;
	}
	if (shape->data[0])
		flags |= NFT_SET_MAP;
	if (shape->interval)
		flags |= NFT_SET_INTERVAL;
	if (n_fields > 1)
		flags |= NFT_SET_CONCAT;
	nftnl_set_set_str(set, NFTNL_SET_TABLE, RULES_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, shape->name);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(set, NFTNL_SET_ID, index + 1);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, type_of(shape->key));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, (uint32_t)rules_length(shape->key));
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, flags);
	if (shape->data[0]) {
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, type_of(shape->data));
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, (uint32_t)rules_length(shape->data));
	}
	if (n_fields > 1)
		nftnl_set_set_data(set, NFTNL_SET_DESC_CONCAT, shape->key, (uint32_t)n_fields);
	nftnl_set_nlmsg_build_payload(header(building, NFT_MSG_NEWSET, NLM_F_CREATE), set);
	done(building);
	nftnl_set_free(set);
}

static void add_chain(struct building *building, const char *name, uint32_t hook, int32_t priority)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain) {
		building->failed = true;
		return;
	}
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, RULES_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "nat");
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
	nftnl_chain_nlmsg_build_payload(header(building, NFT_MSG_NEWCHAIN, NLM_F_CREATE), chain);
	done(building);
	nftnl_chain_free(chain);
}

static struct nftnl_expr *expression(struct building *building, const char *name)
{
	struct nftnl_expr *made = nftnl_expr_alloc(name);

	if (!made || !building->rule) {
		building->failed = true;
		return NULL;
	}
	nftnl_rule_add_expr(building->rule, made);
	return made;
}

static void compare(struct building *building, uint32_t reg, uint32_t how, const void *bytes, uint32_t length)
{
	struct nftnl_expr *made = expression(building, "cmp");

	if (!made)
		return;
	nftnl_expr_set_u32(made, NFTNL_EXPR_CMP_SREG, reg);
	nftnl_expr_set_u32(made, NFTNL_EXPR_CMP_OP, how);
	nftnl_expr_set(made, NFTNL_EXPR_CMP_DATA, bytes, length);
}

static void meta(struct building *building, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *made = expression(building, "meta");

	if (!made)
		return;
	nftnl_expr_set_u32(made, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(made, NFTNL_EXPR_META_DREG, reg);
}

static void payload(struct building *building, uint32_t base, uint32_t offset, uint32_t length, uint32_t reg)
{
	struct nftnl_expr *made = expression(building, "payload");

	if (!made)
		return;
	nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_LEN, length);
	nftnl_expr_set_u32(made, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

/* The rule goes on when the key in the registers from NFT_REG32_00 is in the set. */
static void look_up(struct building *building, unsigned set, uint32_t value_reg)
{
	struct nftnl_expr *made = expression(building, "lookup");

	if (!made)
		return;
	nftnl_expr_set_u32(made, NFTNL_EXPR_LOOKUP_SREG, NFT_REG32_00);
	nftnl_expr_set_str(made, NFTNL_EXPR_LOOKUP_SET, set_shapes[set].name);
	nftnl_expr_set_u32(made, NFTNL_EXPR_LOOKUP_SET_ID, set + 1);
	if (value_reg)
		nftnl_expr_set_u32(made, NFTNL_EXPR_LOOKUP_DREG, value_reg);
}

static void begin_rule(struct building *building, const char *chain, const struct family *family)
{
	building->rule = nftnl_rule_alloc();
	if (!building->rule) {
		building->failed = true;
		return;
	}
	nftnl_rule_set_str(building->rule, NFTNL_RULE_TABLE, RULES_TABLE);
	nftnl_rule_set_str(building->rule, NFTNL_RULE_CHAIN, chain);
	meta(building, NFT_META_NFPROTO, NFT_REG_1);
	compare(building, NFT_REG_1, NFT_CMP_EQ, &family->protocol, 1);
}

static void end_rule(struct building *building)
{
	if (!building->rule)
		return;
	nftnl_rule_nlmsg_build_payload(header(building, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND), building->rule);
	done(building);
	nftnl_rule_free(building->rule);
	building->rule = NULL;
}

static void add_dnat_rule(struct building *building, const char *chain, unsigned which, bool by_address)
{
	const struct family *family = &families[which];
	const uint32_t type_local = RTN_LOCAL, words = family->size / 4;
	const uint32_t value = NFT_REG32_00 + 8;
	uint32_t reg = NFT_REG32_00;
	struct nftnl_expr *made;

	begin_rule(building, chain, family);
	made = expression(building, "fib");
	if (made) {
		nftnl_expr_set_u32(made, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_expr_set_u32(made, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
		nftnl_expr_set_u32(made, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	}
	compare(building, NFT_REG_1, NFT_CMP_EQ, &type_local, sizeof(type_local));
	if (by_address) {
		payload(building, NFT_PAYLOAD_NETWORK_HEADER, family->destination, family->size, reg);
		reg += words;
	}
	meta(building, NFT_META_L4PROTO, reg);
	payload(building, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, reg + 1);
	look_up(building, (by_address ? MAP_ADDRESS_PORTS : MAP_PORTS) + which * RULES_SETS_PER_FAMILY, value);
	made = expression(building, "nat");
	if (made) {
		nftnl_expr_set_u32(made, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
		nftnl_expr_set_u32(made, NFTNL_EXPR_NAT_FAMILY, family->protocol);
		nftnl_expr_set_u32(made, NFTNL_EXPR_NAT_REG_ADDR_MIN, value);
		nftnl_expr_set_u32(made, NFTNL_EXPR_NAT_REG_PROTO_MIN, value + words);
	}
	end_rule(building);
}

static void load_addresses(struct building *building, const struct family *family)
{
	payload(building, NFT_PAYLOAD_NETWORK_HEADER, family->source, family->size, NFT_REG32_00);
	payload(building, NFT_PAYLOAD_NETWORK_HEADER, family->destination, family->size,
		NFT_REG32_00 + family->size / 4);
}

static void add_snat_rule(struct building *building, unsigned which)
{
	const uint32_t wanted = IPS_DST_NAT, zero = 0;
	struct nftnl_expr *made;

	begin_rule(building, "postrouting", &families[which]);
	made = expression(building, "ct");
	if (made) {
		nftnl_expr_set_u32(made, NFTNL_EXPR_CT_KEY, NFT_CT_STATUS);
		nftnl_expr_set_u32(made, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	}
	made = expression(building, "bitwise");
	if (made) {
		nftnl_expr_set_u32(made, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
		nftnl_expr_set_u32(made, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
		nftnl_expr_set_u32(made, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
		nftnl_expr_set_u32(made, NFTNL_EXPR_BITWISE_LEN, sizeof(wanted));
		nftnl_expr_set(made, NFTNL_EXPR_BITWISE_MASK, &wanted, sizeof(wanted));
		nftnl_expr_set(made, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero));
	}
	compare(building, NFT_REG_1, NFT_CMP_NEQ, &zero, sizeof(zero));
	load_addresses(building, &families[which]);
	look_up(building, SET_SNAT + which * RULES_SETS_PER_FAMILY, 0);
	(void)expression(building, "masq");
	end_rule(building);
}

static void add_masquerade_rules(struct building *building, unsigned which)
{
	const struct family *family = &families[which];
	struct nftnl_expr *made;

	begin_rule(building, "postrouting", family);
	load_addresses(building, family);
	look_up(building, SET_LOCAL + which * RULES_SETS_PER_FAMILY, 0);
	made = expression(building, "immediate");
	if (made) {
		nftnl_expr_set_u32(made, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
		nftnl_expr_set_u32(made, NFTNL_EXPR_IMM_VERDICT, (uint32_t)NFT_RETURN);
	}
	end_rule(building);
	begin_rule(building, "postrouting", family);
	payload(building, NFT_PAYLOAD_NETWORK_HEADER, family->source, family->size, NFT_REG32_00);
	look_up(building, SET_MASQUERADED + which * RULES_SETS_PER_FAMILY, 0);
	(void)expression(building, "masq");
	end_rule(building);
}

static void build(struct building *building)
{
	static const char *const dnat_chains[] = { "prerouting", "output" };

	add_table(building);
	for (unsigned i = 0; i < RULES_SETS; i++)
		add_set(building, i);
	add_chain(building, "prerouting", NF_INET_PRE_ROUTING, -100);
	add_chain(building, "output", NF_INET_LOCAL_OUT, -100);
	add_chain(building, "postrouting", NF_INET_POST_ROUTING, 100);
	for (unsigned which = 0; which < 2; which++) {
		for (unsigned i = 0; i < 2; i++) {
			add_dnat_rule(building, dnat_chains[i], which, true);
			add_dnat_rule(building, dnat_chains[i], which, false);
		}
		add_snat_rule(building, which);
		add_masquerade_rules(building, which);
	}
}

int rules_make_table(struct netlink *netlink)
{
	static char buffer[2 * BATCH_SIZE];
	struct building building = { .batch = mnl_nlmsg_batch_start(buffer, BATCH_SIZE) };
	const unsigned first = netlink->sequence + 1;
	unsigned failed;
	int result = -ENOMEM;

	if (!building.batch)
		return -ENOMEM;
	building.sequence = first;
	nftnl_batch_begin(mnl_nlmsg_batch_current(building.batch), building.sequence++);
	mnl_nlmsg_batch_next(building.batch);
	build(&building);
	nftnl_batch_end(mnl_nlmsg_batch_current(building.batch), building.sequence++);
	mnl_nlmsg_batch_next(building.batch);
	netlink->sequence = building.sequence;
	if (!building.failed)
		result = rules_send(netlink, building.batch, first, &failed);
	mnl_nlmsg_batch_stop(building.batch);
	return result;
}

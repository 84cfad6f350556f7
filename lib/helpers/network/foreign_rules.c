/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/foreign_rules.h"

#include "helpers/network/rules.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <string.h>

#define BATCH_SIZE 65536
#define TRIES 16
#define HANDLES_MAX 256 /* of one transaction */

/* Which rules of a table are wanted. */
struct search {
	uint16_t family;
	const char *table;
	const char *chain;   /* they are in it; NULL: in any */
	const char *target;  /* they jump to it; NULL: whatever they do */
	const char *comment; /* they have it; NULL: whatever they have */
	bool begins;
	size_t n;
	struct {
		uint64_t handle;
		char chain[NFT_CHAIN_MAXNAMELEN];
	} found[HANDLES_MAX];
};

bool foreign_is_absent(int result)
{
	return result == -ENOENT || result == -EOPNOTSUPP || result == -EPROTONOSUPPORT;
}

static struct nftnl_chain *new_chain(const char *table, const char *name)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return NULL;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	return chain;
}

int foreign_chain_find(struct netlink *netlink, uint16_t family, const char *table, const char *name, bool *found)
{
	char buffer[MNL_NLMSG_HDRLEN + 512] = "";
	struct nftnl_chain *chain = new_chain(table, name);
	struct nlmsghdr *header = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETCHAIN, family, NLM_F_ACK, 0);
	int result;

	if (!chain)
		return -ENOMEM;
	nftnl_chain_nlmsg_build_payload(header, chain);
	nftnl_chain_free(chain);
	result = netlink_talk(netlink, header, NULL, NULL);
	*found = result == 0;
	return foreign_is_absent(result) ? 0 : result;
}

static int read_comment(const struct nftnl_udata *attribute, void *data)
{
	const char **comment = data;

	if (nftnl_udata_type(attribute) == NFTNL_UDATA_RULE_COMMENT && nftnl_udata_len(attribute) &&
	    memchr(nftnl_udata_get(attribute), '\0', nftnl_udata_len(attribute)))
		*comment = nftnl_udata_get(attribute);
	return 0;
}

static bool has_comment(const struct nftnl_rule *rule, const struct search *search)
{
	uint32_t length = 0;
	const void *data = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &length);
	const char *comment = NULL;

	if (!data || nftnl_udata_parse(data, length, read_comment, &comment) < 0 || !comment)
		return false;
	return search->begins ? !strncmp(comment, search->comment, strlen(search->comment))
			      : !strcmp(comment, search->comment);
}

static int look_for_jump(struct nftnl_expr *expression, void *data)
{
	const char *const *target = data;
	const char *chain;

	if (strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "immediate") != 0 ||
	    !nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_CHAIN))
		return 0;
	chain = nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN);
	return chain && !strcmp(chain, *target) ? -1 : 0;
}

static bool jumps(struct nftnl_rule *rule, const struct search *search)
{
	return nftnl_expr_foreach(rule, look_for_jump, (void *)&search->target) < 0;
}

static int collect(const struct nlmsghdr *header, void *data)
{
	struct search *search = data;
	struct nftnl_rule *rule = nftnl_rule_alloc();
	const char *chain;

	if (!rule)
		return MNL_CB_ERROR;
	if (nftnl_rule_nlmsg_parse(header, rule) == 0 && search->n < HANDLES_MAX) {
		chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
		/* Kernels of before 6.x dump all chains, whichever is asked for. */
		if (chain && (!search->chain || !strcmp(chain, search->chain)) &&
		    (!search->target || jumps(rule, search)) && (!search->comment || has_comment(rule, search))) {
			search->found[search->n].handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
			snprintf(search->found[search->n].chain, NFT_CHAIN_MAXNAMELEN, "%s", chain);
			search->n++;
		}
	}
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

static struct nftnl_rule *new_rule(const char *table, const char *chain)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return NULL;
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table);
	if (chain)
		nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	return rule;
}

static int find(struct netlink *netlink, struct search *search)
{
	char buffer[MNL_NLMSG_HDRLEN + 512] = "";
	struct nftnl_rule *wanted = new_rule(search->table, search->chain);
	struct nlmsghdr *header =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETRULE, search->family, NLM_F_DUMP | NLM_F_ACK, 0);

	if (!wanted)
		return -ENOMEM;
	nftnl_rule_nlmsg_build_payload(header, wanted);
	nftnl_rule_free(wanted);
	search->n = 0;
	return netlink_talk(netlink, header, collect, search);
}

struct building {
	struct mnl_nlmsg_batch *batch;
	uint16_t family;
	unsigned sequence;
	bool failed;
};

static struct nlmsghdr *header(struct building *building, uint16_t type)
{
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(building->batch), type, building->family, 0,
				     building->sequence++);
}

/* `handle` 0: all rules of the chain. */
static void put_rule(struct building *building, const char *table, const char *chain, uint64_t handle)
{
	struct nftnl_rule *rule = new_rule(table, chain);

	if (rule && handle)
		nftnl_rule_set_u64(rule, NFTNL_RULE_HANDLE, handle);
	if (rule)
		nftnl_rule_nlmsg_build_payload(header(building, NFT_MSG_DELRULE), rule);
	building->failed |= !rule || !mnl_nlmsg_batch_next(building->batch);
	if (rule)
		nftnl_rule_free(rule);
}

static void put_chain(struct building *building, const char *table, const char *name)
{
	struct nftnl_chain *chain = new_chain(table, name);

	if (chain)
		nftnl_chain_nlmsg_build_payload(header(building, NFT_MSG_DELCHAIN), chain);
	building->failed |= !chain || !mnl_nlmsg_batch_next(building->batch);
	if (chain)
		nftnl_chain_free(chain);
}

/* What was found, and a chain behind it, if one is given. */
static int delete_found(struct netlink *netlink, const struct search *search, const char *chain)
{
	static char buffer[2 * BATCH_SIZE];
	struct building building = { .batch = mnl_nlmsg_batch_start(buffer, BATCH_SIZE), .family = search->family };
	unsigned first = building.sequence = netlink->sequence + 1, index;
	int result = -ENOMEM;

	if (!building.batch)
		return -ENOMEM;
	nftnl_batch_begin(mnl_nlmsg_batch_current(building.batch), building.sequence++);
	mnl_nlmsg_batch_next(building.batch);
	for (size_t i = 0; i < search->n; i++)
		put_rule(&building, search->table, search->found[i].chain, search->found[i].handle);
	if (chain) {
		put_rule(&building, search->table, chain, 0);
		put_chain(&building, search->table, chain);
	}
	nftnl_batch_end(mnl_nlmsg_batch_current(building.batch), building.sequence++);
	mnl_nlmsg_batch_next(building.batch);
	netlink->sequence = building.sequence;
	if (!building.failed)
		result = rules_send(netlink, building.batch, first, &index);
	mnl_nlmsg_batch_stop(building.batch);
	return result;
}

/* Somebody else, as iptables or kube-proxy, was quicker, or changes the table all the time: look again. A dump that was
 * disturbed leaves its rest in the socket. */
static bool is_disturbed(struct netlink *netlink, int result)
{
	if (result == -EINTR) {
		netlink_close(netlink);
		return netlink_open(netlink, NETLINK_NETFILTER) == 0;
	}
	return result == -ENOENT || result == -EBUSY || result == -ERESTART;
}

int foreign_chain_delete(struct netlink *netlink, uint16_t family, const char *table, const char *chain)
{
	static struct search search;
	bool found = false;
	int result = 0;

	for (int i = 0; i < TRIES; i++) {
		result = foreign_chain_find(netlink, family, table, chain, &found);
		if (result < 0 || !found)
			return result;
		search = (struct search){ .family = family, .table = table, .target = chain };
		result = find(netlink, &search);
		if (result == 0)
			result = delete_found(netlink, &search, chain);
		if (result == 0 || !is_disturbed(netlink, result))
			return result;
	}
	return result;
}

int foreign_rules_delete(struct netlink *netlink, uint16_t family, const char *table, const char *chain,
			 const char *comment, bool begins)
{
	static struct search search;
	bool found = false;
	int result = 0;

	for (int i = 0; i < TRIES; i++) {
		result = foreign_chain_find(netlink, family, table, chain, &found);
		if (result < 0 || !found)
			return result;
		search = (struct search){
			.family = family, .table = table, .chain = chain, .comment = comment, .begins = begins
		};
		result = find(netlink, &search);
		if (result == 0 && !search.n)
			return 0;
		if (result == 0)
			result = delete_found(netlink, &search, NULL);
		if (result < 0 && !is_disturbed(netlink, result))
			return result;
	}
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/rules_of_program.h"

#include "base/fs.h"
#include "base/text.h"
#include "helpers/network/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <libnftnl/chain.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <sha2.h>
#include <string.h>

#define CHAIN_LENGTH 28 /* of iptables */
#define NAMES_MAX 4096

/* The prefix and as much of the hash of network and pod as there is room for. */
static int chain_name(const struct pod *pod, const char *network, const char *prefix, char name[CHAIN_LENGTH + 1])
{
	CLEANUP_FREE char *hashed = text_printf("%s%s", network, pod->id);
	uint8_t digest[SHA512_DIGEST_LENGTH];
	char hex[2 * sizeof(digest) + 1];
	SHA2_CTX context;

	if (!hashed)
		return -ENOMEM;
	SHA512Init(&context);
	SHA512Update(&context, (const uint8_t *)hashed, strlen(hashed));
	SHA512Final(digest, &context);
	text_hex(digest, sizeof(digest), hex);
	snprintf(name, CHAIN_LENGTH + 1, "%s%.*s", prefix, (int)(CHAIN_LENGTH - strlen(prefix)), hex);
	return 0;
}

static int find_chain(struct netlink *netlink, uint16_t family, const char *name)
{
	char buffer[MNL_NLMSG_HDRLEN + 512];
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct nlmsghdr *header = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETCHAIN, family, NLM_F_ACK, 0);

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, "nat");
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	nftnl_chain_nlmsg_build_payload(header, chain);
	nftnl_chain_free(chain);
	return netlink_talk(netlink, header, NULL, NULL);
}

static bool is_absent(int result)
{
	return result == -ENOENT || result == -EOPNOTSUPP || result == -EPROTONOSUPPORT;
}

static bool old_iptables_has_nat(const char *names)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;

	return fs_read(AT_FDCWD, names, NAMES_MAX, &content) == 0 && content.length && strstr(content.data, "nat");
}

int program_rules_find(struct pod *pod, const char *network, const char *prefix, bool *found, bool *possible,
		       struct failure *failure)
{
	static const uint16_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
	struct netlink *netlink = NULL;
	char name[CHAIN_LENGTH + 1];
	int result = chain_name(pod, network, prefix, name);

	*found = false;
	*possible = old_iptables_has_nat("/proc/self/net/ip_tables_names") ||
		    old_iptables_has_nat("/proc/self/net/ip6_tables_names");
	if (result == 0)
		result = nets_filter(pod, &netlink);
	for (size_t i = 0; i < 2 && result == 0 && !*found; i++) {
		result = find_chain(netlink, families[i], name);
		*found = result == 0;
		result = is_absent(result) ? 0 : result;
	}
	return result < 0 && !is_absent(result) ? fail_errno(failure, result, "nftables: look for the chain %s", name)
						: 0;
}

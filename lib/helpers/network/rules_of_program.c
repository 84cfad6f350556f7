/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where they are. By iptables: in the table nat of each family a chain for each pod in a network, and rules that jump
 * to it. By nftables: rules of their own tables, whose comments say whose they are; portmap's are the pod's alone,
 * whatever the network.
 */
#include "helpers/network/rules_of_program.h"

#include "base/fs.h"
#include "base/text.h"
#include "helpers/network/foreign_rules.h"
#include "helpers/network/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <sha2.h>
#include <string.h>

#define CHAIN_LENGTH 28 /* of iptables */
#define NAMES_MAX 4096
#define HASH_LENGTH 16 /* of comments */

static const uint16_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };

/* The first digits of the hash of two texts, one behind the other. */
static int hash(const char *one, const char *two, size_t digits, char *hex)
{
	CLEANUP_FREE char *hashed = text_printf("%s%s", one, two);
	uint8_t digest[SHA512_DIGEST_LENGTH];
	char all[2 * sizeof(digest) + 1];
	SHA2_CTX context;

	if (!hashed)
		return -ENOMEM;
	SHA512Init(&context);
	SHA512Update(&context, (const uint8_t *)hashed, strlen(hashed));
	SHA512Final(digest, &context);
	text_hex(digest, sizeof(digest), all);
	memcpy(hex, all, digits);
	hex[digits] = '\0';
	return 0;
}

/* A prefix, and as much of the hash of network and pod as there is room for. */
static int chain_name(const struct pod *pod, const char *network, enum program_rules kind, char name[CHAIN_LENGTH + 1])
{
	const char *prefix = kind == PROGRAM_RULES_PORTS ? "CNI-DN-" : "CNI-";
	const size_t length = strlen(prefix);

	memcpy(name, prefix, length + 1);
	return hash(network, pod->id, CHAIN_LENGTH - length, name + length);
}

int program_rules_find(struct pod *pod, const char *network, enum program_rules kind, bool *found,
		       struct failure *failure)
{
	struct netlink *netlink = NULL;
	char name[CHAIN_LENGTH + 1];
	int result = chain_name(pod, network, kind, name);

	*found = false;
	if (result == 0)
		result = nets_filter(pod, &netlink);
	for (size_t i = 0; i < 2 && result == 0 && !*found; i++)
		result = foreign_chain_find(netlink, families[i], "nat", name, found);
	return result < 0 && !foreign_is_absent(result)
		       ? fail_errno(failure, result, "nftables: look for the chain %s", name)
		       : 0;
}

bool program_rules_are_missed(const struct pod *pod, const char *network, enum program_rules kind,
			      const char *complaint)
{
	char name[CHAIN_LENGTH + 1];
	const char *at = complaint;

	if (chain_name(pod, network, kind, name) < 0)
		return false;
	/* "Chain 'NAME' does not exist", "Couldn't load target `NAME':No such file or directory". The command line,
	 * which is there whatever failed, has it without quotes. */
	while ((at = strstr(at, name)) != NULL) {
		if (at > complaint && (at[-1] == '\'' || at[-1] == '`') && at[strlen(name)] == '\'')
			return true;
		at += strlen(name);
	}
	return false;
}

static bool old_iptables_has_nat(const char *names)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;

	return fs_read(AT_FDCWD, names, NAMES_MAX, &content) == 0 && content.length && strstr(content.data, "nat");
}

bool program_rules_may_be_hidden(void)
{
	return old_iptables_has_nat("/proc/self/net/ip_tables_names") ||
	       old_iptables_has_nat("/proc/self/net/ip6_tables_names");
}

/* "HASH-HASH, net: …": the network's, then the interface's and the pod's. */
static int forget_masquerade(struct netlink *netlink, const struct pod *pod, const char *network, const char *interface)
{
	CLEANUP_FREE char *attachment = text_printf("%s:", interface);
	char comment[2 * HASH_LENGTH + 2] = "";
	int result = attachment ? hash(network, "", HASH_LENGTH, comment) : -ENOMEM;

	comment[HASH_LENGTH] = '-';
	if (result == 0)
		result = hash(attachment, pod->id, HASH_LENGTH, comment + HASH_LENGTH + 1);
	return result < 0 ? result
			  : foreign_rules_delete(netlink, NFPROTO_INET, "cni_plugins_masquerade", "masq_checks",
						 comment, true);
}

static int forget_ports(struct netlink *netlink, const struct pod *pod)
{
	static const char *const chains[] = { "hostports", "hostip_hostports", "masquerading" };
	int result = 0;

	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < sizeof(chains) / sizeof(*chains) && result == 0; j++)
			result = foreign_rules_delete(netlink, families[i], "cni_hostport", chains[j], pod->id, false);
	}
	return result;
}

int program_rules_forget(struct pod *pod, const char *network, const char *interface, enum program_rules kind,
			 struct failure *failure)
{
	struct netlink *netlink = NULL;
	char name[CHAIN_LENGTH + 1];
	int result = chain_name(pod, network, kind, name);

	if (result == 0)
		result = nets_filter(pod, &netlink);
	for (size_t i = 0; i < 2 && result == 0; i++)
		result = foreign_chain_delete(netlink, families[i], "nat", name);
	if (result == 0 && kind == PROGRAM_RULES_MASQUERADE)
		result = forget_masquerade(netlink, pod, network, interface);
	else if (result == 0)
		result = forget_ports(netlink, pod);
	return result < 0 && !foreign_is_absent(result)
		       ? fail_errno(failure, result, "nftables: delete the rules of the plugin's program")
		       : 0;
}

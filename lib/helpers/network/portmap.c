/* SPDX-License-Identifier: Apache-2.0 */
/* The portmap plugin, with nftables. */
#include "base/fs.h"
#include "base/json.h"
#include "base/text.h"
#include "helpers/network/conntrack.h"
#include "helpers/network/link.h"
#include "helpers/network/native.h"
#include "helpers/network/result.h"
#include "helpers/network/rules.h"

#include <fcntl.h>
#include <string.h>

bool portmap_can(const cJSON *configuration)
{
	static const char *const known[] = { "type", "name",          "cniVersion", "prevResult", "snat",
					     "dns",  "runtimeConfig", VALID_KEY,    NULL };
	return native_only_known(configuration, known);
}

static const cJSON *mappings_of(const cJSON *configuration)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(configuration, "runtimeConfig"),
						"portMappings");
}

bool portmap_makes_rules(const cJSON *configuration)
{
	const cJSON *mapping;

	cJSON_ArrayForEach(mapping, mappings_of(configuration))
	{
		int64_t port = 0;

		if (json_int64(mapping, "hostPort", &port) == 0 && port)
			return true;
	}
	return false;
}

struct mapping {
	uint8_t protocol;
	struct address host; /* no family: all */
	int only_family;     /* 0: both */
	uint16_t host_port, port;
};

static int read_mapping(const cJSON *json, struct mapping *mapping, struct failure *failure)
{
	const char *protocol = "tcp", *host = "";
	int64_t host_port = 0, port = 0;
	static const struct address any = { 0 };

	memset(mapping, 0, sizeof(*mapping));
	if (json_int64(json, "hostPort", &host_port) == -EINVAL || json_int64(json, "containerPort", &port) < 0 ||
	    host_port < 0 || host_port > 65535 || port < 1 || port > 65535)
		return fail(failure, CRI_EINVAL, "a port mapping has no valid ports");
	if (json_string(json, "protocol", &protocol) == -EINVAL || json_string(json, "hostIP", &host) == -EINVAL)
		return fail(failure, CRI_EINVAL, "a port mapping is malformed");
	if (!strcasecmp(protocol, "tcp") || text_is_empty(protocol))
		mapping->protocol = IPPROTO_TCP;
	else if (!strcasecmp(protocol, "udp"))
		mapping->protocol = IPPROTO_UDP;
	else if (!strcasecmp(protocol, "sctp"))
		mapping->protocol = IPPROTO_SCTP;
	else
		return fail(failure, CRI_EINVAL, "a port mapping's protocol \"%s\" is not known", protocol);
	mapping->host_port = (uint16_t)host_port;
	mapping->port = (uint16_t)port;
	if (text_is_empty(host))
		return 0;
	if (address_parse(host, &mapping->host) < 0)
		return fail(failure, CRI_EINVAL, "a port mapping's host address \"%s\" is none", host);
	mapping->only_family = mapping->host.family;
	/* 0.0.0.0 and :: are all addresses of the family. */
	if (!memcmp(mapping->host.bytes, any.bytes, address_size(&mapping->host)))
		mapping->host = any;
	return 0;
}

/* The first address of each family on the pod's interface. */
static size_t pod_addresses(const cJSON *result, const char *interface, struct prefix addresses[2])
{
	struct prefix prefix;
	size_t n = 0;

	for (unsigned i = 0; n < 2 && result_address_of(result, interface, i, &prefix); i++) {
		if (n == 0 || addresses[0].address.family != prefix.address.family)
			addresses[n++] = prefix;
	}
	return n;
}

/* Connections from the host's own loopback are routed to the pod only then. */
static int route_localnet(struct pod *pod, const struct address *address, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	char name[IFNAMSIZ], path[128], text[ADDRESS_TEXT];
	struct netlink *host;
	int code = nets_host(pod, &host, failure);

	if (code < 0)
		return code;
	code = link_towards(host, address, name);
	/* No way to it: it is not reached by its ports either, until there is one. */
	if (code == -ENETUNREACH || code == -EHOSTUNREACH)
		return 0;
	if (code < 0)
		return fail_errno(failure, code, "find the way to %s", address_text(address, text));
	if (fs_path(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/route_localnet", name) < 0)
		return fail(failure, CRI_EINTERNAL, "the name %s is too long", name);
	if (fs_read(AT_FDCWD, path, 16, &content) == 0 && content.length && content.data[0] == '1')
		return 0;
	code = fs_write_text(AT_FDCWD, path, "1");
	return code < 0 ? fail_errno(failure, code, "write %s", path) : 0;
}

/* The elements of all mappings, not yet added. */
static int collect(struct rules *rules, const cJSON *mappings, bool snat, const struct prefix *addresses, size_t n,
		   struct failure *failure)
{
	const cJSON *json;
	int code = 0;

	cJSON_ArrayForEach(json, mappings)
	{
		struct mapping mapping;

		code = read_mapping(json, &mapping, failure);
		for (size_t i = 0; i < n && code == 0 && mapping.host_port; i++) {
			if (mapping.only_family && mapping.only_family != addresses[i].address.family)
				continue;
			code = rules_map_port(rules, mapping.protocol, &mapping.host, mapping.host_port, &addresses[i],
					      mapping.port, snat, failure);
		}
		if (code < 0)
			return code;
	}
	return 0;
}

/* Datagrams of a client that came before would go on to where they went. As good as it goes: a kernel without conntrack
 * messages lets these flows expire. */
static void forget_flows(struct rules *rules, const cJSON *mappings)
{
	struct failure ignored = { 0 };
	const cJSON *json;

	cJSON_ArrayForEach(json, mappings)
	{
		struct mapping mapping;

		if (read_mapping(json, &mapping, &ignored) == 0 && mapping.protocol == IPPROTO_UDP && mapping.host_port)
			(void)conntrack_forget_udp(rules->netlink, mapping.host_port, &ignored);
	}
}

static int add(struct rules *rules, struct pod *pod, const char *interface, const cJSON *mappings, bool snat,
	       const cJSON *previous, struct failure *failure)
{
	struct prefix addresses[2];
	const size_t n = pod_addresses(previous, interface, addresses);
	int code = collect(rules, mappings, snat, addresses, n, failure);

	if (code < 0 || !rules->n)
		return code;
	for (size_t i = 0; i < n && snat && code == 0; i++) {
		if (addresses[i].address.family == AF_INET)
			code = route_localnet(pod, &addresses[i].address, failure);
	}
	if (code == 0)
		code = rules_commit(rules, failure);
	if (code == 0)
		forget_flows(rules, mappings);
	return code;
}

static int check(struct rules *rules, const char *interface, const cJSON *mappings, const cJSON *previous,
		 struct failure *failure)
{
	struct prefix addresses[2];
	const size_t n = pod_addresses(previous, interface, addresses);
	unsigned wanted, count;
	int code = collect(rules, mappings, false, addresses, n, failure);

	wanted = (unsigned)rules->n;
	if (code == 0)
		code = rules_count(rules, 1u << MAP_PORTS | 1u << MAP_ADDRESS_PORTS, &count, failure);
	if (code == 0 && count < wanted)
		code = fail(failure, CRI_EPRECONDITION, "%u of %u port mappings are gone", wanted - count, wanted);
	return code;
}

int portmap_run(struct pod *pod, const struct attachment *attachment, const cJSON *configuration, const cJSON *previous,
		cJSON **result, struct failure *failure)
{
	static struct rules rules;
	const cJSON *mappings = mappings_of(configuration);
	bool snat = true;
	int code = 0;

	(void)json_bool(configuration, "snat", &snat);
	if (pod->command == COMMAND_ADD && !previous)
		return fail(failure, CRI_EINVAL, "it must stand behind another plugin in the list");
	if (pod->command == COMMAND_DEL)
		return rules_forget(pod, attachment->interface, PORTMAP_SETS, failure);
	if (cJSON_GetArraySize(mappings)) {
		code = rules_open(&rules, pod, attachment->interface, failure);
		if (code == 0 && pod->command == COMMAND_ADD)
			code = add(&rules, pod, attachment->interface, mappings, snat, previous, failure);
		else if (code == 0)
			code = check(&rules, attachment->interface, mappings, previous, failure);
	}
	if (code == 0 && pod->command == COMMAND_ADD) {
		*result = cJSON_Duplicate(previous, true);
		code = *result ? 0 : fail_memory(failure);
	}
	return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The portmap plugin, with nftables. */
#include "base/fs.h"
#include "base/json.h"
#include "base/text.h"
#include "helpers/network/conntrack.h"
#include "helpers/network/native.h"
#include "helpers/network/result.h"
#include "helpers/network/rules.h"

#include <fcntl.h>
#include <string.h>

#define OWN_SETS (1u << SET_SNAT | 1u << MAP_PORTS | 1u << MAP_ADDRESS_PORTS)

bool portmap_can(const cJSON *configuration)
{
	static const char *const known[] = { "type", "name", "cniVersion",    "prevResult",
					     "snat", "dns",  "runtimeConfig", NULL };
	return native_only_known(configuration, known);
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

/* The first address of each family. */
static size_t pod_addresses(const cJSON *result, struct prefix addresses[2])
{
	struct prefix prefix;
	size_t n = 0;

	for (unsigned i = 0; n < 2 && result_pod_address(result, i, &prefix); i++) {
		if (n == 0 || addresses[0].address.family != prefix.address.family)
			addresses[n++] = prefix;
	}
	return n;
}

/* Connections from the host's own loopback are routed to the pod only then. The host's interface that leads to the pod
 * is the first of the result. */
static int route_localnet(const cJSON *result, struct failure *failure)
{
	const cJSON *interface = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(result, "interfaces"), 0);
	const char *name = "", *sandbox = "";
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	char path[128];
	int code;

	(void)json_string(interface, "name", &name);
	(void)json_string(interface, "sandbox", &sandbox);
	if (text_is_empty(name) || !text_is_empty(sandbox) || strchr(name, '/') ||
	    fs_path(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/route_localnet", name) < 0)
		return 0;
	if (fs_read(AT_FDCWD, path, 16, &content) == 0 && content.length && content.data[0] == '1')
		return 0;
	code = fs_write_text(AT_FDCWD, path, "1");
	return code < 0 ? fail_errno(failure, code, "write %s", path) : 0;
}

static int add(struct rules *rules, const struct pod *pod, const cJSON *mappings, bool snat, const cJSON *previous,
	       struct failure *failure)
{
	struct prefix addresses[2];
	const size_t n = pod_addresses(previous, addresses);
	const cJSON *json;
	int code = 0;

	(void)pod;
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
	if (!rules->n)
		return 0;
	if (snat && n && (addresses[0].address.family == AF_INET || n == 2))
		code = route_localnet(previous, failure);
	if (code == 0)
		code = rules_commit(rules, failure);
	cJSON_ArrayForEach(json, mappings)
	{
		struct mapping mapping;

		/* Datagrams of a client that came before would go on to where they went. */
		if (code == 0 && read_mapping(json, &mapping, failure) == 0 && mapping.protocol == IPPROTO_UDP &&
		    mapping.host_port)
			code = conntrack_forget_udp(&rules->netlink, mapping.host_port, failure);
	}
	return code;
}

static int check(struct rules *rules, const cJSON *mappings, struct failure *failure)
{
	unsigned count;
	int code = rules_count(rules, 1u << MAP_PORTS | 1u << MAP_ADDRESS_PORTS, &count, failure);

	if (code == 0 && count < (unsigned)cJSON_GetArraySize(mappings))
		code = fail(failure, CRI_EPRECONDITION, "port mappings are gone");
	return code;
}

int portmap_run(struct pod *pod, const struct attachment *attachment, const cJSON *configuration, const cJSON *previous,
		cJSON **result, struct failure *failure)
{
	static struct rules rules;
	const cJSON *mappings = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(configuration, "runtimeConfig"), "portMappings");
	bool snat = true;
	int code = 0;

	(void)json_bool(configuration, "snat", &snat);
	if (pod->command == COMMAND_ADD && !previous)
		return fail(failure, CRI_EINVAL, "it must stand behind another plugin in the list");
	if (cJSON_GetArraySize(mappings)) {
		code = rules_open(&rules, pod, attachment->interface, failure);
		if (code == 0 && pod->command == COMMAND_ADD)
			code = add(&rules, pod, mappings, snat, previous, failure);
		else if (code == 0 && pod->command == COMMAND_DEL)
			code = rules_delete(&rules, OWN_SETS, failure);
		else if (code == 0)
			code = check(&rules, mappings, failure);
		rules_close(&rules);
	}
	if (code == 0 && pod->command == COMMAND_ADD) {
		*result = cJSON_Duplicate(previous, true);
		code = *result ? 0 : fail_memory(failure);
	}
	return code;
}

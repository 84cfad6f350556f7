/* SPDX-License-Identifier: Apache-2.0 */
/* The bridge plugin with host-local addresses. */
#include "helpers/network/bridge.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "helpers/network/native.h"
#include "helpers/network/rules.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define DEFAULT_BRIDGE "cni0"
#define NAME_TRIES 8

bool bridge_can(const cJSON *configuration)
{
	static const char *const known[] = { "type",   "name", "cniVersion",  "prevResult",   "runtimeConfig",
					     "bridge", "dns",  "isGateway",   "ipMasq",       "isDefaultGateway",
					     "mtu",    "ipam", "hairpinMode", "forceAddress", VALID_KEY,
					     NULL };
	const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(configuration, "runtimeConfig");

	return native_only_known(configuration, known) && !cJSON_GetObjectItemCaseSensitive(arguments, "mac") &&
	       !cJSON_GetObjectItemCaseSensitive(arguments, "ipRanges") &&
	       host_local_can(cJSON_GetObjectItemCaseSensitive(configuration, "ipam"));
}

bool bridge_makes_rules(const cJSON *configuration)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(configuration, "ipMasq"));
}

static int read_flag(const cJSON *configuration, const char *key, bool *flag, struct failure *failure)
{
	return json_bool(configuration, key, flag) == -EINVAL
		       ? fail(failure, CRI_EINVAL, "\"%s\" is neither true nor false", key)
		       : 0;
}

static int read_configuration(const cJSON *configuration, struct bridge *bridge, struct failure *failure)
{
	const char *name = "";
	int64_t mtu = 0;
	int code;

	memset(bridge, 0, sizeof(*bridge));
	if (json_string(configuration, "bridge", &name) == -EINVAL || strlen(name) >= IFNAMSIZ || strchr(name, '/'))
		return fail(failure, CRI_EINVAL, "\"bridge\" is no name of an interface");
	snprintf(bridge->name, sizeof(bridge->name), "%s", text_is_empty(name) ? DEFAULT_BRIDGE : name);
	if (json_int64(configuration, "mtu", &mtu) == -EINVAL || mtu < 0 || mtu > 65535)
		return fail(failure, CRI_EINVAL, "\"mtu\" is not 0 to 65535");
	bridge->mtu = (unsigned)mtu;
	code = read_flag(configuration, "isGateway", &bridge->is_gateway, failure);
	if (code == 0)
		code = read_flag(configuration, "isDefaultGateway", &bridge->is_default_gateway, failure);
	if (code == 0)
		code = read_flag(configuration, "forceAddress", &bridge->force_address, failure);
	if (code == 0)
		code = read_flag(configuration, "ipMasq", &bridge->masquerade, failure);
	if (code == 0)
		code = read_flag(configuration, "hairpinMode", &bridge->hairpin, failure);
	bridge->is_gateway = bridge->is_gateway || bridge->is_default_gateway;
	return code;
}

/* Reads first: /proc/sys may be read-only, and right already. */
static int enable_forwarding(int family, struct failure *failure)
{
	const char *path =
		family == AF_INET ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding";
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	int code = fs_read(AT_FDCWD, path, 16, &content);

	if (code == 0 && content.length && content.data[0] == '1')
		return 0;
	code = fs_write_text(AT_FDCWD, path, "1");
	return code < 0 ? fail_errno(failure, code, "switch forwarding on in %s, which a gateway needs", path) : 0;
}

static int random_mac(uint8_t mac[6])
{
	int code = random_bytes(mac, 6);

	mac[0] = (uint8_t)((mac[0] & 0xfe) | 0x02);
	return code;
}

static void write_setting(const char *bridge, const char *setting, const char *value)
{
	char path[PATH_MAX];

	if (fs_path(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", bridge, setting) == 0)
		(void)fs_write_text(AT_FDCWD, path, value);
}

/*
 * The kernel gives the bridge its link-local address anew whenever the first port comes, and looks for a duplicate for
 * two seconds. Until then it finds no neighbour for what it forwards, so that nobody outside reaches a pod over IPv6.
 * Nobody else on a bridge of our making chooses that address. And who owns an interface owns its routes. Without
 * /proc/sys, or IPv6, all stays as it is.
 */
static void write_settings(const char *bridge)
{
	write_setting(bridge, "accept_dad", "0");
	write_setting(bridge, "accept_ra", "0");
}

static int ensure_bridge(struct netlink *host, const struct bridge *bridge, struct link *link, struct failure *failure)
{
	int code = link_find(host, bridge->name, link);
	uint8_t mac[6];

	if (code == -ENODEV) {
		code = random_mac(mac);
		if (code == 0)
			code = link_make_bridge(host, bridge->name, bridge->mtu, mac);
		if (code == 0)
			write_settings(bridge->name);
		/* Another pod's helper was quicker. */
		if (code == 0 || code == -EEXIST)
			code = link_find(host, bridge->name, link);
	}
	if (code < 0)
		return fail_errno(failure, code, "make the bridge %s", bridge->name);
	if (!link->is_bridge)
		return fail(failure, CRI_EPRECONDITION, "the interface %s exists and is no bridge", bridge->name);
	if (!(link->flags & IFF_UP)) {
		code = link_set_up(host, bridge->name);
		if (code < 0)
			return fail_errno(failure, code, "bring the bridge %s up", bridge->name);
	}
	return 0;
}

#define ADDRESSES_MAX 64 /* that are replaced */

struct gateway_search {
	struct prefix wanted;
	bool found, clash;
	struct prefix other;
};

/* A bridge has one address of IPv4, as with the program, and several of IPv6 that do not overlap. */
static void compare_address(const struct prefix *present, void *data)
{
	struct gateway_search *search = data;

	if (present->address.family != search->wanted.address.family)
		return;
	if (present->length == search->wanted.length && !address_compare(&present->address, &search->wanted.address)) {
		search->found = true;
	} else if (present->address.family == AF_INET || prefix_contains(present, &search->wanted.address) ||
		   prefix_contains(&search->wanted, &present->address)) {
		search->clash = true;
		search->other = *present;
	}
}

static int add_gateway(struct netlink *host, const struct bridge *bridge, const struct link *link,
		       const struct prefix *wanted, struct failure *failure)
{
	char text[PREFIX_TEXT];
	int code = link_add_address(host, link->index, wanted);

	/* Another pod's helper was quicker. */
	if (code == -EEXIST)
		return 0;
	if (code == 0)
		code = link_set_mac(host, link->index, link->mac);
	return code < 0 ? fail_errno(failure, code, "give the bridge %s the address %s", bridge->name,
				     prefix_text(wanted, text))
			: 0;
}

static int ensure_gateway(struct netlink *host, const struct bridge *bridge, const struct link *link,
			  const struct allocation *allocation, struct failure *failure)
{
	const struct prefix wanted = { allocation->gateway, allocation->prefix.length };
	char wanted_text[PREFIX_TEXT], other[PREFIX_TEXT];

	for (int i = 0; i < ADDRESSES_MAX; i++) {
		struct gateway_search search = { .wanted = wanted };
		int code = link_addresses(host, link->index, compare_address, &search);

		if (code < 0)
			return fail_errno(failure, code, "list the addresses of the bridge %s", bridge->name);
		if (search.found)
			return 0;
		if (!search.clash)
			return add_gateway(host, bridge, link, &wanted, failure);
		if (!bridge->force_address)
			return fail(failure, CRI_EPRECONDITION, "the bridge %s has the address %s, where %s is wanted",
				    bridge->name, prefix_text(&search.other, other), prefix_text(&wanted, wanted_text));
		code = link_delete_address(host, link->index, &search.other);
		if (code < 0 && code != -EADDRNOTAVAIL)
			return fail_errno(failure, code, "take the address %s from the bridge %s",
					  prefix_text(&search.other, other), bridge->name);
	}
	return fail(failure, CRI_EPRECONDITION, "the bridge %s has too many other addresses", bridge->name);
}

static int make_veth(struct pod *pod, struct netlink *host, struct making *making, struct failure *failure)
{
	const struct veth veth = {
		.name = making->host_name,
		.peer = making->interface,
		.mac = making->host_mac,
		.peer_mac = making->mac,
		.mtu = making->bridge.mtu,
		.bridge = making->link.index,
		.peer_fd = pod->nets->inside_fd,
	};
	struct link present;
	int code = -EEXIST;

	for (int i = 0; i < NAME_TRIES && code == -EEXIST; i++) {
		uint8_t bytes[4];

		if (random_bytes(bytes, sizeof(bytes)) < 0 || random_mac(making->host_mac) < 0 ||
		    random_mac(making->mac) < 0)
			return fail(failure, CRI_EINTERNAL, "the kernel gives no random bytes");
		snprintf(making->host_name, sizeof(making->host_name), "veth%02x%02x%02x%02x", bytes[0], bytes[1],
			 bytes[2], bytes[3]);
		code = link_make_veth(host, &veth);
		if (code == -EEXIST && link_find(&pod->nets->inside, making->interface, &present) == 0)
			return fail(failure, CRI_EEXIST, "the pod has an interface %s already", making->interface);
	}
	if (code < 0)
		return fail_errno(failure, code, "make the interface %s", making->interface);
	making->made = true;
	if (!making->bridge.hairpin)
		return 0;
	code = link_find(host, making->host_name, &present);
	if (code == 0)
		code = link_set_hairpin(host, present.index);
	return code < 0 ? fail_errno(failure, code, "set hairpin mode") : 0;
}

static int masquerade(struct pod *pod, const struct making *making, struct failure *failure)
{
	static struct rules rules;
	int code = rules_open(&rules, pod, making->interface, failure);

	for (size_t i = 0; i < making->host_local.n_sets && code == 0; i++)
		code = rules_masquerade(&rules, &making->allocations[i].prefix, failure);
	if (code == 0)
		code = rules_commit(&rules, failure);
	return code;
}

static int set_up_host(struct pod *pod, struct making *making, struct failure *failure)
{
	struct netlink *host, *inside;
	int code = nets_host(pod, &host, failure);

	for (size_t i = 0; i < making->host_local.n_sets && code == 0 && making->bridge.is_gateway; i++)
		code = enable_forwarding(making->allocations[i].gateway.family, failure);
	if (code == 0)
		code = ensure_bridge(host, &making->bridge, &making->link, failure);
	for (size_t i = 0; i < making->host_local.n_sets && code == 0 && making->bridge.is_gateway; i++)
		code = ensure_gateway(host, &making->bridge, &making->link, &making->allocations[i], failure);
	if (code == 0 && making->bridge.masquerade)
		code = masquerade(pod, making, failure);
	/* The pod's namespace last: it may still be in the making. */
	if (code == 0)
		code = nets_inside(pod, &inside, failure);
	return code < 0 ? code : make_veth(pod, host, making, failure);
}

static int add(struct pod *pod, const cJSON *configuration, struct making *making, cJSON **result,
	       struct failure *failure)
{
	int code = host_local_allocate(pod, making->interface, &making->host_local, making->allocations, failure);

	if (code == 0)
		code = set_up_host(pod, making, failure);
	if (code == 0)
		code = bridge_set_up_inside(pod, making, failure);
	if (code == 0)
		code = bridge_result(pod, configuration, making, result, failure);
	if (code < 0 && making->made) {
		struct link link;

		if (link_find(&pod->nets->host, making->host_name, &link) == 0)
			(void)link_delete(&pod->nets->host, link.index);
	}
	return code;
}

/*
 * The interface goes with the namespace, which the kernel destroys when nobody waits for it; deleting it here would
 * take tens of milliseconds. But its address is free at once, so it must be silent by then: the bridge forwards nothing
 * more for the host's end, known by ADD's result.
 */
static int silence(struct pod *pod, const cJSON *previous, struct failure *failure)
{
	const cJSON *interface = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(previous, "interfaces"), 1);
	const char *name = "", *mac = "", *sandbox = "";
	char its[MAC_TEXT];
	struct netlink *host;
	struct link link;
	int code;

	(void)json_string(interface, "name", &name);
	(void)json_string(interface, "mac", &mac);
	(void)json_string(interface, "sandbox", &sandbox);
	if (text_is_empty(name) || !text_is_empty(sandbox) || strlen(name) >= IFNAMSIZ)
		return 0;
	code = nets_host(pod, &host, failure);
	if (code < 0)
		return code;
	code = link_find(host, name, &link);
	/* Not another that was given the same name since. */
	if (code == 0 && !strcasecmp(mac_text(link.mac, its), mac))
		code = pod->undoing ? link_delete(host, link.index) : link_disable_port(host, link.index);
	/* It is gone, or somebody took it from its bridge. */
	if (code == -ENODEV || code == -EINVAL || code == -EOPNOTSUPP)
		return 0;
	return code < 0 ? fail_errno(failure, code, "silence %s", name) : 0;
}

/* Whatever fails, the rest is given back; but for an address that rules are left of, which the next pod would get. */
static int give_back(struct pod *pod, const struct attachment *attachment, const struct making *making,
		     const cJSON *previous, struct failure *failure)
{
	int code = 0;

	(void)silence(pod, previous, failure);
	if (making->bridge.masquerade)
		code = rules_forget(pod, making->interface, BRIDGE_SETS, failure);
	if (code == 0 && !attachment->keep_addresses)
		(void)host_local_release(pod, making->interface, &making->host_local, previous, failure);
	return failure->code;
}

int bridge_run(struct pod *pod, const struct attachment *attachment, const cJSON *configuration, const cJSON *previous,
	       cJSON **result, struct failure *failure)
{
	static struct making making;
	int code;

	memset(&making, 0, sizeof(making));
	making.interface = attachment->interface;
	code = read_configuration(configuration, &making.bridge, failure);
	if (code == 0)
		code = host_local_read(configuration, attachment->name, pod->command == COMMAND_ADD, &making.host_local,
				       failure);
	if (code < 0)
		return code;
	if (pod->command == COMMAND_DEL)
		return give_back(pod, attachment, &making, previous, failure);
	if (pod->command == COMMAND_GC)
		return host_local_collect(pod, &making.host_local,
					  cJSON_GetObjectItemCaseSensitive(configuration, VALID_KEY), failure);
	if (pod->command == COMMAND_CHECK)
		return bridge_check(pod, &making, previous, failure);
	return add(pod, configuration, &making, result, failure);
}

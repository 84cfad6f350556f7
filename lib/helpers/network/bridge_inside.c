/* SPDX-License-Identifier: Apache-2.0 */
/* The pod's side of an interface on a bridge. */
#include "base/fs.h"
#include "base/json.h"
#include "base/text.h"
#include "helpers/network/bridge.h"

#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>

/* The gateway of the first address of a family. */
static struct address gateway_of(const struct making *making, int family)
{
	for (size_t i = 0; i < making->host_local.n_sets; i++) {
		if (making->allocations[i].gateway.family == family)
			return making->allocations[i].gateway;
	}
	return (struct address){ 0 };
}

static int write_setting(const char *format, const char *interface, const char *value)
{
	char path[96];
	int code = fs_path(path, sizeof(path), format, interface);

	return code < 0 ? code : fs_write_text(AT_FDCWD, path, value);
}

/* A kernel without IPv6 says so when it is given the address. */
static int enable_ipv6(const char *interface)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	char path[96];
	int code = fs_path(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", interface);

	if (code < 0 || fs_read(AT_FDCWD, path, 16, &content) < 0 || !content.length || content.data[0] == '0')
		return code;
	return fs_write_text(AT_FDCWD, path, "0");
}

/* In the pod, as the program does it. The first two are worth having and no more: addresses are given without
 * duplicate address detection, and announced, all the same. */
static int write_settings(void *data)
{
	const struct making *making = data;
	int code = 0;

	(void)write_setting("/proc/sys/net/ipv6/conf/%s/accept_dad", making->interface, "0");
	(void)write_setting("/proc/sys/net/ipv4/conf/%s/arp_notify", making->interface, "1");
	for (size_t i = 0; i < making->host_local.n_sets; i++) {
		if (making->allocations[i].prefix.address.family != AF_INET6)
			continue;
		code = enable_ipv6("lo");
		return code < 0 ? code : enable_ipv6(making->interface);
	}
	return 0;
}

static int add_address(struct pod *pod, const struct making *making, const struct link *link,
		       const struct prefix *prefix, struct failure *failure)
{
	char text[PREFIX_TEXT];
	int code = link_add_address(&pod->nets->inside, link->index, prefix);

	return code < 0 ? fail_errno(failure, code, "give %s the address %s", making->interface,
				     prefix_text(prefix, text))
			: 0;
}

static int add_route(struct pod *pod, const struct making *making, const struct link *link,
		     const struct prefix *destination, struct address gateway, struct failure *failure)
{
	char text[PREFIX_TEXT];
	int code;

	if (!gateway.family)
		gateway = gateway_of(making, destination->address.family);
	code = link_add_route(&pod->nets->inside, link->index, destination, &gateway);
	return code < 0 && code != -EEXIST ? fail_errno(failure, code, "add the route to %s on %s",
							prefix_text(destination, text), making->interface)
					   : 0;
}

static bool read_route(const cJSON *json, struct prefix *destination, struct address *gateway)
{
	const char *text = "";

	*gateway = (struct address){ 0 };
	if (json_string(json, "dst", &text) < 0 || prefix_parse(text, destination) < 0)
		return false;
	text = "";
	(void)json_string(json, "gw", &text);
	return text_is_empty(text) || address_parse(text, gateway) == 0;
}

/* Whether a default route with a gateway of its own is among the configured ones. */
static bool has_default_route(const struct making *making, int family)
{
	struct prefix destination;
	struct address gateway;
	const cJSON *route;

	cJSON_ArrayForEach(route, making->host_local.routes)
	{
		if (read_route(route, &destination, &gateway) && destination.address.family == family &&
		    destination.length == 0 && gateway.family)
			return true;
	}
	return false;
}

/* Calls back for each route: the configured ones, then the default ones that isDefaultGateway adds. */
typedef int (*route_action)(struct pod *pod, const struct making *making, const struct prefix *destination,
			    const struct address *gateway, void *data, struct failure *failure);

static int for_each_route(struct pod *pod, const struct making *making, route_action action, void *data,
			  struct failure *failure)
{
	struct prefix destination;
	struct address gateway;
	bool done[2] = { false };
	const cJSON *route;
	int code = 0;

	cJSON_ArrayForEach(route, making->host_local.routes)
	{
		if (code == 0 && read_route(route, &destination, &gateway))
			code = action(pod, making, &destination, &gateway, data, failure);
	}
	/* In the order of the addresses; one for each family. */
	for (size_t i = 0; i < making->host_local.n_sets && code == 0 && making->bridge.is_default_gateway; i++) {
		const int family = making->allocations[i].gateway.family;

		if (done[family == AF_INET6] || has_default_route(making, family))
			continue;
		done[family == AF_INET6] = true;
		destination = (struct prefix){ .address.family = family };
		code = action(pod, making, &destination, &making->allocations[i].gateway, data, failure);
	}
	return code;
}

static int install_route(struct pod *pod, const struct making *making, const struct prefix *destination,
			 const struct address *gateway, void *data, struct failure *failure)
{
	return add_route(pod, making, data, destination, *gateway, failure);
}

struct announcement {
	const struct making *making;
	const struct link *link;
	const struct address *address;
};

/* A gratuitous ARP: whoever knew the address of a pod before learns the new interface. The socket stays open until the
 * program ends, since closing it waits for the kernel to let all its processors know. Best effort. */
static int announce(void *data)
{
	const struct announcement *announcement = data;
	struct {
		struct ethhdr ethernet;
		struct arphdr arp;
		uint8_t source_mac[6], source[4], target_mac[6], target[4];
	} __attribute__((packed)) frame = {
		.ethernet.h_proto = htons(ETH_P_ARP),
		.arp = { htons(ARPHRD_ETHER), htons(ETH_P_IP), 6, 4, htons(ARPOP_REQUEST) },
	};
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = announcement->link->index,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	memset(frame.ethernet.h_dest, 0xff, sizeof(frame.ethernet.h_dest));
	memcpy(frame.ethernet.h_source, announcement->making->mac, 6);
	memcpy(frame.source_mac, announcement->making->mac, 6);
	memset(frame.target_mac, 0xff, sizeof(frame.target_mac));
	memcpy(frame.source, announcement->address->bytes, 4);
	memcpy(frame.target, announcement->address->bytes, 4);
	(void)sendto(fd, &frame, sizeof(frame), MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
	return 0;
}

/*
 * A carrier that came up counts only when the kernel's link watch has run, up to a second later: until then the bridge
 * forwards nothing to its new port, and IPv6 keeps still. Asking for an interface runs it at once (rtnl_getlink, since
 * Linux 6.8); older kernels get there a little later.
 */
static int settle(struct pod *pod, struct making *making, struct link *inside)
{
	struct link host;
	int code = link_find(&pod->nets->host, making->host_name, &host);

	/* The bridge may have taken its first port's MAC address. */
	if (code == 0)
		code = link_find(&pod->nets->host, making->bridge.name, &making->link);
	return code < 0 ? code : link_find(&pod->nets->inside, making->interface, inside);
}

int bridge_set_up_inside(struct pod *pod, struct making *making, struct failure *failure)
{
	struct link link;
	int code = nets_enter(pod, write_settings, making, failure);

	if (code < 0)
		return fail_errno(failure, code, "switch IPv6 on for %s in the pod", making->interface);
	code = link_set_up(&pod->nets->inside, making->interface);
	if (code == 0)
		code = settle(pod, making, &link);
	if (code < 0)
		return fail_errno(failure, code, "bring %s up in the pod", making->interface);
	for (size_t i = 0; i < making->host_local.n_sets && code == 0; i++)
		code = add_address(pod, making, &link, &making->allocations[i].prefix, failure);
	if (code == 0)
		code = for_each_route(pod, making, install_route, &link, failure);
	for (size_t i = 0; i < making->host_local.n_sets && code == 0; i++) {
		struct announcement announcement = { making, &link, &making->allocations[i].prefix.address };

		if (announcement.address->family == AF_INET)
			code = nets_enter(pod, announce, &announcement, failure);
	}
	return code;
}

static int write_route(struct pod *pod, const struct making *making, const struct prefix *destination,
		       const struct address *gateway, void *data, struct failure *failure)
{
	(void)pod;
	(void)making;
	return result_add_route(data, destination, gateway) ? 0 : fail_memory(failure);
}

static bool add_dns(const cJSON *configuration, cJSON *result)
{
	const cJSON *dns = NULL;
	cJSON *copy;

	(void)json_object(configuration, "dns", &dns);
	copy = dns ? cJSON_Duplicate(dns, true) : cJSON_CreateObject();
	if (copy && cJSON_AddItemToObject(result, "dns", copy))
		return true;
	cJSON_Delete(copy);
	return false;
}

int bridge_result(struct pod *pod, const cJSON *configuration, const struct making *making, cJSON **result,
		  struct failure *failure)
{
	CLEANUP_JSON cJSON *made = result_new();
	char bridge_mac[MAC_TEXT], host_mac[MAC_TEXT], mac[MAC_TEXT];
	int code;

	if (!made || !result_add_interface(made, making->bridge.name, mac_text(making->link.mac, bridge_mac), NULL) ||
	    !result_add_interface(made, making->host_name, mac_text(making->host_mac, host_mac), NULL) ||
	    !result_add_interface(made, making->interface, mac_text(making->mac, mac), pod->namespace_path))
		return fail_memory(failure);
	for (size_t i = 0; i < making->host_local.n_sets; i++) {
		if (!result_add_address(made, &making->allocations[i].prefix, &making->allocations[i].gateway, 2))
			return fail_memory(failure);
	}
	code = for_each_route(pod, making, write_route, made, failure);
	if (code == 0 && !add_dns(configuration, made))
		code = fail_memory(failure);
	if (code == 0)
		*result = TAKE_POINTER(made);
	return code;
}

struct check {
	struct prefix wanted;
	bool found;
};

static void find_address(const struct prefix *present, void *data)
{
	struct check *check = data;

	check->found |=
		present->length == check->wanted.length && !address_compare(&present->address, &check->wanted.address);
}

int bridge_check(struct pod *pod, const struct making *making, const cJSON *previous, struct failure *failure)
{
	struct netlink *inside = NULL, *host = NULL;
	struct link link;
	char text[PREFIX_TEXT];
	struct check check = { .found = false };
	int code = nets_inside(pod, &inside, failure);

	if (code == 0)
		code = nets_host(pod, &host, failure);
	if (code < 0)
		return code;
	if (link_find(host, making->bridge.name, &link) < 0 || !link.is_bridge)
		return fail(failure, CRI_EPRECONDITION, "the bridge %s is gone", making->bridge.name);
	if (link_find(inside, making->interface, &link) < 0)
		return fail(failure, CRI_EPRECONDITION, "the pod's interface %s is gone", making->interface);
	for (unsigned i = 0; previous && result_pod_address(previous, i, &check.wanted); i++) {
		check.found = false;
		code = link_addresses(inside, link.index, find_address, &check);
		if (code < 0)
			return fail_errno(failure, code, "list the addresses of %s", making->interface);
		if (!check.found)
			return fail(failure, CRI_EPRECONDITION, "%s has lost the address %s", making->interface,
				    prefix_text(&check.wanted, text));
	}
	return 0;
}

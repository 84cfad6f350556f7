/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/link.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>

#define REQUEST_SIZE 1024

const char *mac_text(const uint8_t mac[6], char text[MAC_TEXT])
{
	snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return text;
}

/* Zeroed, as libmnl writes nothing between the end of an attribute and the next. */
static struct nlmsghdr *begin(char buffer[REQUEST_SIZE], uint16_t type, uint16_t flags)
{
	struct nlmsghdr *header;

	memset(buffer, 0, REQUEST_SIZE);
	header = mnl_nlmsg_put_header(buffer);
	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return header;
}

static struct ifinfomsg *begin_link(struct nlmsghdr *header, int index, bool up)
{
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(header, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = index;
	info->ifi_flags = up ? IFF_UP : 0;
	info->ifi_change = up ? IFF_UP : 0;
	return info;
}

static void read_kind(const struct nlattr *info, struct link *link)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, info)
	{
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
			link->is_bridge = !strcmp(mnl_attr_get_str(attribute), "bridge");
	}
}

static int read_link(const struct nlmsghdr *header, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct link *link = data;
	const struct nlattr *attribute;

	if (header->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	link->index = info->ifi_index;
	link->flags = info->ifi_flags;
	mnl_attr_for_each(attribute, header, sizeof(*info))
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_MTU:
			link->mtu = mnl_attr_get_u32(attribute);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attribute) == sizeof(link->mac))
				memcpy(link->mac, mnl_attr_get_payload(attribute), sizeof(link->mac));
			break;
		case IFLA_LINKINFO:
			read_kind(attribute, link);
			break;
		default:
			break;
		}
	}
	return MNL_CB_OK;
}

int link_find(struct netlink *netlink, const char *name, struct link *link)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_GETLINK, 0);

	memset(link, 0, sizeof(*link));
	begin_link(header, 0, false);
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	mnl_attr_put_u32(header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return netlink_talk(netlink, header, read_link, link);
}

int link_make_bridge(struct netlink *netlink, const char *name, unsigned mtu, const uint8_t mac[6])
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;

	begin_link(header, 0, true);
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	mnl_attr_put(header, IFLA_ADDRESS, 6, mac);
	if (mtu)
		mnl_attr_put_u32(header, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(header, info);
	return netlink_talk(netlink, header, NULL, NULL);
}

int link_make_veth(struct netlink *netlink, const struct veth *veth)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data, *peer;

	begin_link(header, 0, true);
	mnl_attr_put_strz(header, IFLA_IFNAME, veth->name);
	mnl_attr_put(header, IFLA_ADDRESS, 6, veth->mac);
	mnl_attr_put_u32(header, IFLA_MASTER, (uint32_t)veth->bridge);
	if (veth->mtu)
		mnl_attr_put_u32(header, IFLA_MTU, veth->mtu);
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(header, VETH_INFO_PEER);
	/* It cannot be up before it has a peer: ENOTCONN. */
	begin_link(header, 0, false);
	mnl_attr_put_strz(header, IFLA_IFNAME, veth->peer);
	mnl_attr_put(header, IFLA_ADDRESS, 6, veth->peer_mac);
	mnl_attr_put_u32(header, IFLA_NET_NS_FD, (uint32_t)veth->peer_fd);
	if (veth->mtu)
		mnl_attr_put_u32(header, IFLA_MTU, veth->mtu);
	mnl_attr_nest_end(header, peer);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, info);
	return netlink_talk(netlink, header, NULL, NULL);
}

static int set_port(struct netlink *netlink, int index, uint16_t attribute, uint8_t value)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_SETLINK, 0);
	struct ifinfomsg *info = begin_link(header, index, false);
	struct nlattr *port;

	info->ifi_family = AF_BRIDGE;
	port = mnl_attr_nest_start(header, IFLA_PROTINFO);
	mnl_attr_put_u8(header, attribute, value);
	mnl_attr_nest_end(header, port);
	return netlink_talk(netlink, header, NULL, NULL);
}

int link_set_hairpin(struct netlink *netlink, int index)
{
	return set_port(netlink, index, IFLA_BRPORT_MODE, 1);
}

int link_disable_port(struct netlink *netlink, int index)
{
	return set_port(netlink, index, IFLA_BRPORT_STATE, BR_STATE_DISABLED);
}

int link_set_up(struct netlink *netlink, const char *name)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_NEWLINK, 0);

	begin_link(header, 0, true);
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	return netlink_talk(netlink, header, NULL, NULL);
}

int link_delete(struct netlink *netlink, int index)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_DELLINK, 0);

	begin_link(header, index, false);
	return netlink_talk(netlink, header, NULL, NULL);
}

int link_set_mac(struct netlink *netlink, int index, const uint8_t mac[6])
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_NEWLINK, 0);

	begin_link(header, index, false);
	mnl_attr_put(header, IFLA_ADDRESS, 6, mac);
	return netlink_talk(netlink, header, NULL, NULL);
}

int link_add_address(struct netlink *netlink, int index, const struct prefix *prefix)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	const size_t size = address_size(&prefix->address);

	message->ifa_family = (uint8_t)prefix->address.family;
	message->ifa_prefixlen = (uint8_t)prefix->length;
	message->ifa_index = (uint32_t)index;
	mnl_attr_put(header, IFA_LOCAL, size, prefix->address.bytes);
	mnl_attr_put(header, IFA_ADDRESS, size, prefix->address.bytes);
	if (prefix->address.family == AF_INET6) {
		message->ifa_flags = IFA_F_NODAD;
	} else if (prefix->length < 31) {
		struct address broadcast = prefix_last(prefix);

		mnl_attr_put(header, IFA_BROADCAST, size, broadcast.bytes);
	}
	return netlink_talk(netlink, header, NULL, NULL);
}

int link_delete_address(struct netlink *netlink, int index, const struct prefix *prefix)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_DELADDR, 0);
	struct ifaddrmsg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));

	message->ifa_family = (uint8_t)prefix->address.family;
	message->ifa_prefixlen = (uint8_t)prefix->length;
	message->ifa_index = (uint32_t)index;
	mnl_attr_put(header, IFA_LOCAL, address_size(&prefix->address), prefix->address.bytes);
	return netlink_talk(netlink, header, NULL, NULL);
}

struct address_reader {
	int index;
	void (*callback)(const struct prefix *, void *);
	void *data;
};

static int read_address(const struct nlmsghdr *header, void *data)
{
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(header);
	const struct address_reader *reader = data;
	struct prefix prefix = { .address.family = message->ifa_family, .length = message->ifa_prefixlen };
	const struct nlattr *attribute;
	bool found = false;

	if (header->nlmsg_type != RTM_NEWADDR || (int)message->ifa_index != reader->index ||
	    (message->ifa_family != AF_INET && message->ifa_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, header, sizeof(*message))
	{
		const uint16_t type = mnl_attr_get_type(attribute);

		if ((type != IFA_LOCAL && (type != IFA_ADDRESS || found)) ||
		    mnl_attr_get_payload_len(attribute) != address_size(&prefix.address))
			continue;
		memcpy(prefix.address.bytes, mnl_attr_get_payload(attribute), address_size(&prefix.address));
		found = true;
	}
	if (found)
		reader->callback(&prefix, reader->data);
	return MNL_CB_OK;
}

int link_addresses(struct netlink *netlink, int index, void (*callback)(const struct prefix *, void *), void *data)
{
	struct address_reader reader = { index, callback, data };
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));

	message->ifa_family = AF_UNSPEC;
	return netlink_talk(netlink, header, read_address, &reader);
}

int link_add_route(struct netlink *netlink, int index, const struct prefix *destination, const struct address *gateway)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_NEWROUTE, NLM_F_CREATE);
	struct rtmsg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	const size_t size = address_size(&destination->address);

	message->rtm_family = (uint8_t)destination->address.family;
	message->rtm_dst_len = (uint8_t)destination->length;
	message->rtm_table = RT_TABLE_MAIN;
	message->rtm_protocol = RTPROT_BOOT;
	message->rtm_scope = RT_SCOPE_UNIVERSE;
	message->rtm_type = RTN_UNICAST;
	if (destination->length)
		mnl_attr_put(header, RTA_DST, size, destination->address.bytes);
	if (gateway->family)
		mnl_attr_put(header, RTA_GATEWAY, size, gateway->bytes);
	mnl_attr_put_u32(header, RTA_OIF, (uint32_t)index);
	return netlink_talk(netlink, header, NULL, NULL);
}

static int read_way(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;
	int *index = data;

	mnl_attr_for_each(attribute, header, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attribute) == RTA_OIF)
			*index = (int)mnl_attr_get_u32(attribute);
	}
	return MNL_CB_OK;
}

static int read_name(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, header, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
			snprintf(data, IFNAMSIZ, "%s", mnl_attr_get_str(attribute));
	}
	return MNL_CB_OK;
}

int link_towards(struct netlink *netlink, const struct address *address, char name[IFNAMSIZ])
{
	char buffer[REQUEST_SIZE];
	const size_t size = address_size(address);
	struct nlmsghdr *header = begin(buffer, RTM_GETROUTE, 0);
	struct rtmsg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	int index = 0, result;

	message->rtm_family = (uint8_t)address->family;
	message->rtm_dst_len = (uint8_t)(8 * size);
	mnl_attr_put(header, RTA_DST, size, address->bytes);
	result = netlink_talk(netlink, header, read_way, &index);
	if (result < 0 || !index)
		return result < 0 ? result : -ENETUNREACH;
	name[0] = '\0';
	header = begin(buffer, RTM_GETLINK, 0);
	begin_link(header, index, false);
	return netlink_talk(netlink, header, read_name, name);
}

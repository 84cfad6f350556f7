/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

/* More than these at once are not expected of one port; the rest expires by itself. */
#define FLOWS_MAX 512
#define TUPLE_MAX 128

struct flows {
	uint16_t port;
	size_t n;
	struct flow {
		uint8_t family;
		uint16_t length;
		uint8_t tuple[TUPLE_MAX]; /* the attribute CTA_TUPLE_ORIG */
	} flows[FLOWS_MAX];
};

static bool is_wanted(const struct nlattr *tuple, uint16_t port)
{
	const struct nlattr *part, *attribute;
	bool udp = false, same = false;

	mnl_attr_for_each_nested(part, tuple)
	{
		if (mnl_attr_get_type(part) != CTA_TUPLE_PROTO)
			continue;
		mnl_attr_for_each_nested(attribute, part)
		{
			if (mnl_attr_get_type(attribute) == CTA_PROTO_NUM)
				udp = mnl_attr_get_u8(attribute) == IPPROTO_UDP;
			else if (mnl_attr_get_type(attribute) == CTA_PROTO_DST_PORT)
				same = ntohs(mnl_attr_get_u16(attribute)) == port;
		}
	}
	return udp && same;
}

static int collect(const struct nlmsghdr *header, void *data)
{
	const struct nfgenmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;
	struct flows *flows = data;

	mnl_attr_for_each(attribute, header, sizeof(*message))
	{
		struct flow *flow = &flows->flows[flows->n];

		if (mnl_attr_get_type(attribute) != CTA_TUPLE_ORIG || attribute->nla_len > TUPLE_MAX ||
		    flows->n == FLOWS_MAX || !is_wanted(attribute, flows->port))
			continue;
		flow->family = message->nfgen_family;
		flow->length = attribute->nla_len;
		memcpy(flow->tuple, attribute, attribute->nla_len);
		flows->n++;
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *begin(char *buffer, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *message;

	header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->nfgen_family = family;
	message->version = NFNETLINK_V0;
	return header;
}

int conntrack_forget_udp(struct netlink *netlink, uint16_t port, struct failure *failure)
{
	static struct flows flows;
	char buffer[512];
	int result;

	flows.port = port;
	flows.n = 0;
	result = netlink_talk(netlink, begin(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC), collect, &flows);
	for (size_t i = 0; i < flows.n && result == 0; i++) {
		const struct flow *flow = &flows.flows[i];
		struct nlmsghdr *header = begin(buffer, IPCTNL_MSG_CT_DELETE, 0, flow->family);

		memcpy(mnl_nlmsg_get_payload_tail(header), flow->tuple, flow->length);
		header->nlmsg_len += MNL_ALIGN(flow->length);
		result = netlink_talk(netlink, header, NULL, NULL);
		/* It expired meanwhile. */
		result = result == -ENOENT ? 0 : result;
	}
	return result < 0 ? fail_errno(failure, result, "forget the UDP flows to port %u", port) : 0;
}

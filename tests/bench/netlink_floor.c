/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink_floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define REQUEST_SIZE 1024

static struct nlmsghdr *begin(char *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return header;
}

static struct ifinfomsg *put_link(struct nlmsghdr *header, int index, bool up)
{
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(header, sizeof(*info));

	info->ifi_index = index;
	info->ifi_flags = up ? IFF_UP : 0;
	info->ifi_change = up ? IFF_UP : 0;
	return info;
}

static int talk(struct mnl_socket *socket, struct nlmsghdr *header, const char *what)
{
	char answer[8192];
	ssize_t n;

	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ||
	    (n = mnl_socket_recvfrom(socket, answer, sizeof(answer))) < 0 ||
	    mnl_cb_run(answer, (size_t)n, 0, mnl_socket_get_portid(socket), NULL, NULL) < 0) {
		if (errno != EEXIST)
			perror(what);
		return -errno;
	}
	return 0;
}

static int make_bridge(struct mnl_socket *socket)
{
	char buffer[REQUEST_SIZE];
	struct nlmsghdr *header = begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;
	int result;

	put_link(header, 0, true);
	mnl_attr_put_strz(header, IFLA_IFNAME, "floor0");
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(header, info);
	result = talk(socket, header, "make a bridge");
	return result == -EEXIST ? 0 : result;
}

static int make_veth(struct mnl_socket *socket, int number, int namespace)
{
	char buffer[REQUEST_SIZE], name[IFNAMSIZ];
	struct nlmsghdr *header = begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data, *peer;

	snprintf(name, sizeof(name), "floor-%04x", (unsigned)number & 0xffff);
	put_link(header, 0, true);
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	mnl_attr_put_u32(header, IFLA_MASTER, if_nametoindex("floor0"));
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(header, VETH_INFO_PEER);
	put_link(header, 2, false);
	mnl_attr_put_strz(header, IFLA_IFNAME, "eth0");
	mnl_attr_put_u32(header, IFLA_NET_NS_FD, (uint32_t) namespace);
	mnl_attr_nest_end(header, peer);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, info);
	return talk(socket, header, "make a veth");
}

static int set_up(struct mnl_socket *socket)
{
	char buffer[REQUEST_SIZE];
	const in_addr_t address = htonl(0x0a690002), gateway = htonl(0x0a690001);
	struct nlmsghdr *header = begin(buffer, RTM_NEWLINK, 0);
	struct ifaddrmsg *ifa;
	struct rtmsg *route;

	put_link(header, 2, true);
	if (talk(socket, header, "bring eth0 up") < 0)
		return -1;
	header = begin(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	ifa = mnl_nlmsg_put_extra_header(header, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 16;
	ifa->ifa_index = 2;
	mnl_attr_put_u32(header, IFA_LOCAL, address);
	if (talk(socket, header, "add an address") < 0)
		return -1;
	header = begin(buffer, RTM_NEWROUTE, NLM_F_CREATE);
	route = mnl_nlmsg_put_extra_header(header, sizeof(*route));
	route->rtm_family = AF_INET;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_BOOT;
	route->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(header, RTA_GATEWAY, gateway);
	return talk(socket, header, "add a route");
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(socket);
		socket = NULL;
	}
	if (!socket)
		perror("a netlink socket");
	return socket;
}

int netlink_floor(int number, struct samples *samples)
{
	int host = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), inside = -1, result = -1;
	struct mnl_socket *host_socket = open_socket(), *inside_socket = NULL;
	double begun;

	if (host < 0 || !host_socket || make_bridge(host_socket) < 0 || unshare(CLONE_NEWNET) < 0) {
		perror("the floor's namespace");
		return -1;
	}
	inside = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	inside_socket = open_socket();
	if (inside >= 0 && inside_socket && setns(host, CLONE_NEWNET) == 0) {
		begun = now_milliseconds();
		result = make_veth(host_socket, number < 0 ? 0 : number + 1, inside);
		if (result == 0)
			result = set_up(inside_socket);
		if (result == 0 && samples)
			samples_add(samples, now_milliseconds() - begun);
	}
	mnl_socket_close(host_socket);
	if (inside_socket)
		mnl_socket_close(inside_socket);
	close(host);
	if (inside >= 0)
		close(inside);
	return result;
}

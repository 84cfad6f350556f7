/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/netlink.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>

#define RECEIVE_SIZE 32768

int netlink_open(struct netlink *netlink, int bus)
{
	netlink->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!netlink->socket)
		return -errno;
	if (mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int error = -errno;

		netlink_close(netlink);
		return error;
	}
	netlink->port = mnl_socket_get_portid(netlink->socket);
	return 0;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	netlink->socket = NULL;
}

int netlink_talk(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	char answer[RECEIVE_SIZE];
	int result = MNL_CB_OK;

	request->nlmsg_seq = ++netlink->sequence;
	if (mnl_socket_sendto(netlink->socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (result > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(netlink->socket, answer, sizeof(answer));

		if (n < 0)
			return -errno;
		result = mnl_cb_run(answer, (size_t)n, request->nlmsg_seq, netlink->port, callback, data);
		if (result < 0)
			return -errno;
	}
	return 0;
}

static struct nets *get(struct pod *pod, struct failure *failure)
{
	if (!pod->nets) {
		pod->nets = calloc(1, sizeof(*pod->nets));
		if (!pod->nets) {
			fail_memory(failure);
			return NULL;
		}
		pod->nets->host_fd = -1;
		pod->nets->inside_fd = -1;
	}
	return pod->nets;
}

int nets_host(struct pod *pod, struct netlink **netlink, struct failure *failure)
{
	struct nets *nets = get(pod, failure);
	int result = 0;

	if (!nets)
		return CRI_ENOMEM;
	if (!nets->host.socket)
		result = netlink_open(&nets->host, NETLINK_ROUTE);
	if (result < 0)
		return fail_errno(failure, result, "open a netlink socket");
	*netlink = &nets->host;
	return 0;
}

int nets_enter(struct pod *pod, int (*action)(void *), void *data, struct failure *failure)
{
	struct nets *nets = get(pod, failure);
	int result = pod_await_namespace(pod, failure);

	if (!nets || result < 0)
		return result < 0 ? result : CRI_ENOMEM;
	if (nets->host_fd < 0)
		nets->host_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (nets->host_fd < 0)
		return fail_errno(failure, errno, "open the host's network namespace");
	if (nets->inside_fd < 0)
		nets->inside_fd = open(pod->namespace_path, O_RDONLY | O_CLOEXEC);
	if (nets->inside_fd < 0)
		return fail_errno(failure, errno, "open the network namespace %s", pod->namespace_path);
	if (setns(nets->inside_fd, CLONE_NEWNET) < 0)
		return fail_errno(failure, errno, "enter the network namespace %s", pod->namespace_path);
	result = action(data);
	/* What came after would be done to the pod instead of the host. */
	if (setns(nets->host_fd, CLONE_NEWNET) < 0)
		abort();
	return result;
}

int nets_filter(struct pod *pod, struct netlink **netlink)
{
	struct failure ignored = { 0 };
	struct nets *nets = get(pod, &ignored);
	int result = 0;

	if (!nets)
		return -ENOMEM;
	if (!nets->filter.socket)
		result = netlink_open(&nets->filter, NETLINK_NETFILTER);
	*netlink = &nets->filter;
	return result;
}

static int open_here(void *data)
{
	return netlink_open(data, NETLINK_ROUTE);
}

int nets_inside(struct pod *pod, struct netlink **netlink, struct failure *failure)
{
	struct nets *nets = get(pod, failure);
	int result = 0;

	if (!nets)
		return CRI_ENOMEM;
	if (!nets->inside.socket)
		result = nets_enter(pod, open_here, &nets->inside, failure);
	if (result < 0)
		return fail_errno(failure, result, "open a netlink socket in the pod");
	*netlink = &nets->inside;
	return 0;
}

void nets_close(struct pod *pod)
{
	struct nets *nets = pod->nets;

	if (!nets)
		return;
	netlink_close(&nets->host);
	netlink_close(&nets->inside);
	netlink_close(&nets->filter);
	cleanup_close_fd(&nets->host_fd);
	cleanup_close_fd(&nets->inside_fd);
	free(nets);
	pod->nets = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/rules.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <string.h>

#define BATCH_SIZE 180000 /* below the socket's send buffer */

static int open_rules(struct rules *rules, struct pod *pod, const char *interface)
{
	memset(rules, 0, sizeof(*rules));
	snprintf(rules->owner, sizeof(rules->owner), "%s/%s", pod->id, interface);
	return nets_filter(pod, &rules->netlink);
}

/* The kernel was built without nftables. */
static bool is_missing(int result)
{
	return result == -EPROTONOSUPPORT || result == -EOPNOTSUPP;
}

int rules_open(struct rules *rules, struct pod *pod, const char *interface, struct failure *failure)
{
	int result = open_rules(rules, pod, interface);

	if (is_missing(result))
		return fail(failure, CRI_ENOTSUP, "nftables: the kernel has none");
	return result < 0 ? fail_errno(failure, result, "nftables: open a netfilter socket") : 0;
}

int rules_send(struct netlink *netlink, struct mnl_nlmsg_batch *batch, unsigned first_sequence, unsigned *index)
{
	char answer[32768];
	int result = 0;

	if (mnl_socket_sendto(netlink->socket, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch)) < 0)
		return -errno;
	/* The kernel is done by now, and has answered what failed: acknowledging each would overflow the socket. */
	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(netlink->socket), answer, sizeof(answer), MSG_DONTWAIT);
		int length = (int)n;

		if (n < 0)
			return errno == EAGAIN ? result : -errno;
		for (const struct nlmsghdr *at = (const struct nlmsghdr *)answer; mnl_nlmsg_ok(at, length);
		     at = mnl_nlmsg_next(at, &length)) {
			const struct nlmsgerr *error = mnl_nlmsg_get_payload(at);

			if (at->nlmsg_type != NLMSG_ERROR || !error->error || result)
				continue;
			result = error->error;
			*index = at->nlmsg_seq - first_sequence;
		}
	}
}

struct nftnl_set *rules_new_set(unsigned set)
{
	struct nftnl_set *made = nftnl_set_alloc();

	if (!made)
		return NULL;
	nftnl_set_set_str(made, NFTNL_SET_TABLE, RULES_TABLE);
	nftnl_set_set_str(made, NFTNL_SET_NAME, rules_shape(set)->name);
	return made;
}

static bool set_owner(struct nftnl_set_elem *element, const char *owner)
{
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(RULES_OWNER + 8);

	if (!data)
		return false;
	nftnl_udata_put_strz(data, NFTNL_UDATA_SET_ELEM_COMMENT, owner);
	nftnl_set_elem_set(element, NFTNL_SET_ELEM_USERDATA, nftnl_udata_buf_data(data), nftnl_udata_buf_len(data));
	nftnl_udata_buf_free(data);
	return true;
}

/* A message for one element at the end of the batch. */
static bool put_element(struct mnl_nlmsg_batch *batch, unsigned *sequence, uint16_t type, const char *owner,
			const struct rules_element *wanted)
{
	const struct rules_shape *shape = rules_shape(wanted->set);
	const uint32_t key_length = (uint32_t)rules_length(shape->key);
	struct nftnl_set *set = rules_new_set(wanted->set);
	struct nftnl_set_elem *element = nftnl_set_elem_alloc();
	struct nlmsghdr *header;
	bool ready = set && element && (!owner || set_owner(element, owner));

	if (ready) {
		nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, wanted->key, key_length);
		if (shape->interval)
			nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY_END, wanted->key_end, key_length);
		if (shape->data[0] && type == NFT_MSG_NEWSETELEM)
			nftnl_set_elem_set(element, NFTNL_SET_ELEM_DATA, wanted->data,
					   (uint32_t)rules_length(shape->data));
		nftnl_set_elem_add(set, element);
		element = NULL;
		header = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), type, NFPROTO_INET,
					       type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0, (*sequence)++);
		nftnl_set_elems_nlmsg_build_payload(header, set);
		ready = mnl_nlmsg_batch_next(batch);
	}
	if (element)
		nftnl_set_elem_free(element);
	if (set)
		nftnl_set_free(set);
	return ready;
}

/* One transaction of all elements. */
static int commit(struct rules *rules, uint16_t type, unsigned *index)
{
	static char buffer[2 * BATCH_SIZE];
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(buffer, BATCH_SIZE);
	unsigned sequence = rules->netlink->sequence + 1;
	unsigned first = sequence + 1; /* behind the batch's begin */
	bool ready = batch != NULL;
	int result = -ENOMEM;

	if (!batch)
		return -ENOMEM;
	nftnl_batch_begin(mnl_nlmsg_batch_current(batch), sequence++);
	mnl_nlmsg_batch_next(batch);
	for (size_t i = 0; i < rules->n && ready; i++)
		ready = put_element(batch, &sequence, type, type == NFT_MSG_NEWSETELEM ? rules->owner : NULL,
				    &rules->elements[i]);
	if (ready) {
		nftnl_batch_end(mnl_nlmsg_batch_current(batch), sequence++);
		mnl_nlmsg_batch_next(batch);
		rules->netlink->sequence = sequence;
		result = rules_send(rules->netlink, batch, first, index);
	}
	mnl_nlmsg_batch_stop(batch);
	return result;
}

static int describe(const struct rules *rules, int result, unsigned index, struct failure *failure)
{
	const struct rules_element *element = index < rules->n ? &rules->elements[index] : NULL;

	if (result == -EEXIST && element && element->port)
		return fail(failure, CRI_EEXIST, "host port %u/%s is taken by another pod", element->port,
			    element->what);
	if (is_missing(result) || result == -ENOENT)
		return fail(failure, CRI_ENOTSUP, "nftables: the kernel lacks what nat rules need: %s",
			    strerror(-result));
	return fail_errno(failure, result, "nftables: add %s", element ? element->what : "elements");
}

static int commit_all(struct rules *rules, struct failure *failure)
{
	unsigned index = UINT32_MAX;
	int result = commit(rules, NFT_MSG_NEWSETELEM, &index);

	/* The first pod since the machine came up, or somebody flushed the rules. */
	if (result == -ENOENT) {
		result = rules_make_table(rules->netlink);
		if (result == 0 || result == -EEXIST)
			result = commit(rules, NFT_MSG_NEWSETELEM, &index);
	}
	return result < 0 ? describe(rules, result, index, failure) : 0;
}

int rules_commit(struct rules *rules, struct failure *failure)
{
	unsigned index;
	int code;

	if (!rules->n)
		return 0;
	code = rules_refuse_shadows(rules, failure);
	if (code == 0) {
		code = commit_all(rules, failure);
		/* Of two that come at once, whoever looks last sees the other. */
		if (code == 0 && (code = rules_refuse_shadows(rules, failure)) < 0)
			(void)commit(rules, NFT_MSG_DELSETELEM, &index);
	}
	rules->n = 0;
	return code;
}

static struct rules_element *add(struct rules *rules, unsigned set, int family, const char *what,
				 struct failure *failure)
{
	struct rules_element *element = &rules->elements[rules->n];

	if (rules->n == sizeof(rules->elements) / sizeof(*rules->elements)) {
		fail(failure, CRI_EINVAL, "the pod has too many port mappings");
		return NULL;
	}
	rules->n++;
	memset(element, 0, sizeof(*element));
	element->set = set + (family == AF_INET6 ? RULES_SETS_PER_FAMILY : 0);
	element->what = what;
	return element;
}

/* An interval of first . second. */
static int add_pair(struct rules *rules, unsigned set, const char *what, const struct prefix *first,
		    const struct prefix *second, struct failure *failure)
{
	const size_t size = address_size(&first->address);
	struct rules_element *element = add(rules, set, first->address.family, what, failure);
	struct address bound;

	if (!element)
		return CRI_EINVAL;
	bound = prefix_first(first);
	memcpy(element->key, bound.bytes, size);
	bound = prefix_last(first);
	memcpy(element->key_end, bound.bytes, size);
	bound = prefix_first(second);
	memcpy(element->key + size, bound.bytes, size);
	bound = prefix_last(second);
	memcpy(element->key_end + size, bound.bytes, size);
	return 0;
}

static struct prefix whole(const struct prefix *pod)
{
	return (struct prefix){ pod->address, (unsigned)(8 * address_size(&pod->address)) };
}

int rules_masquerade(struct rules *rules, const struct prefix *pod, struct failure *failure)
{
	const struct prefix alone = whole(pod);
	struct rules_element *element;
	struct prefix multicast;
	int code = add_pair(rules, SET_LOCAL, "masquerading", &alone, pod, failure);

	(void)prefix_parse(pod->address.family == AF_INET ? "224.0.0.0/4" : "ff00::/8", &multicast);
	if (code == 0)
		code = add_pair(rules, SET_LOCAL, "masquerading", &alone, &multicast, failure);
	if (code < 0)
		return code;
	element = add(rules, SET_MASQUERADED, pod->address.family, "masquerading", failure);
	if (!element)
		return CRI_EINVAL;
	memcpy(element->key, pod->address.bytes, address_size(&pod->address));
	return 0;
}

static void put_port(uint8_t *at, uint16_t port)
{
	const uint16_t wire = htons(port);

	memcpy(at, &wire, sizeof(wire));
}

/* Once for each pod address, whatever the number of its ports. */
static int allow_local_clients(struct rules *rules, const struct prefix *pod, struct failure *failure)
{
	const struct prefix alone = whole(pod);
	struct prefix loopback;
	int code;

	for (size_t i = 0; i < rules->n; i++) {
		const struct rules_element *element = &rules->elements[i];
		const size_t size = address_size(&pod->address);

		if (element->set % RULES_SETS_PER_FAMILY == SET_SNAT &&
		    !memcmp(element->key + size, pod->address.bytes, size))
			return 0;
	}
	code = add_pair(rules, SET_SNAT, "port mappings", pod, &alone, failure);
	if (code < 0 || pod->address.family != AF_INET)
		return code;
	/* The kernel routes IPv6's ::1 nowhere else. */
	(void)prefix_parse("127.0.0.0/8", &loopback);
	return add_pair(rules, SET_SNAT, "port mappings", &loopback, &alone, failure);
}

int rules_map_port(struct rules *rules, uint8_t protocol, const struct address *host, uint16_t host_port,
		   const struct prefix *pod, uint16_t port, bool snat, struct failure *failure)
{
	const size_t size = address_size(&pod->address);
	const char *what = protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "sctp";
	struct rules_element *element =
		add(rules, host->family ? MAP_ADDRESS_PORTS : MAP_PORTS, pod->address.family, what, failure);
	uint8_t *key;

	if (!element)
		return CRI_EINVAL;
	key = element->key;
	if (host->family) {
		memcpy(key, host->bytes, size);
		key += size;
	}
	key[0] = protocol;
	put_port(key + 4, host_port);
	memcpy(element->data, pod->address.bytes, size);
	put_port(element->data + size, port);
	element->port = host_port;
	return snat ? allow_local_clients(rules, pod, failure) : 0;
}

struct collecting {
	struct rules *rules;
	unsigned set, count;
	bool full;
};

bool rules_is_owned(const struct nftnl_set_elem *element, const char *owner)
{
	uint32_t length = 0;
	const uint8_t *data = nftnl_set_elem_get((struct nftnl_set_elem *)element, NFTNL_SET_ELEM_USERDATA, &length);
	const size_t wanted = strlen(owner) + 1;

	/* Type, length, text with its NUL. */
	return data && length >= wanted + 2 && data[0] == NFTNL_UDATA_SET_ELEM_COMMENT && data[1] == wanted &&
	       !memcmp(data + 2, owner, wanted);
}

static int collect_element(struct nftnl_set_elem *element, void *data)
{
	struct collecting *collecting = data;
	struct rules *rules = collecting->rules;
	struct rules_element *kept = &rules->elements[rules->n];
	const void *key, *end;
	uint32_t length = 0, end_length = 0;

	if (!rules_is_owned(element, rules->owner))
		return 0;
	collecting->count++;
	if (rules->n == sizeof(rules->elements) / sizeof(*rules->elements)) {
		collecting->full = true;
		return 0;
	}
	key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &length);
	end = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY_END, &end_length);
	if (!key || length > sizeof(kept->key) || end_length > sizeof(kept->key_end))
		return 0;
	memset(kept, 0, sizeof(*kept));
	kept->set = collecting->set;
	kept->what = "elements";
	memcpy(kept->key, key, length);
	if (end)
		memcpy(kept->key_end, end, end_length);
	rules->n++;
	return 0;
}

static int collect_message(const struct nlmsghdr *header, void *data)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		return MNL_CB_ERROR;
	if (nftnl_set_elems_nlmsg_parse(header, set) == 0)
		nftnl_set_elem_foreach(set, collect_element, data);
	nftnl_set_free(set);
	return MNL_CB_OK;
}

int rules_dump(struct rules *rules, unsigned set, mnl_cb_t callback, void *data)
{
	char buffer[MNL_NLMSG_HDRLEN + 512] = "";
	struct nftnl_set *wanted = rules_new_set(set);
	struct nlmsghdr *header =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP | NLM_F_ACK, 0);
	int result;

	if (!wanted)
		return -ENOMEM;
	nftnl_set_elems_nlmsg_build_payload(header, wanted);
	nftnl_set_free(wanted);
	result = netlink_talk(rules->netlink, header, callback, data);
	if (result == -EINTR) {
		/* Its rest is in the socket. */
		netlink_close(rules->netlink);
		result = netlink_open(rules->netlink, NETLINK_NETFILTER);
		result = result < 0 ? result : -EINTR;
	}
	return result;
}

/* The owner's elements of one set, behind those that are collected already. */
static int collect(struct rules *rules, unsigned set, struct collecting *collecting)
{
	const struct collecting before = *collecting;
	const size_t n = rules->n;
	int result = -EINTR;

	for (int i = 0; i < RULES_TRIES && result == -EINTR; i++) {
		*collecting = before;
		collecting->set = set;
		rules->n = n;
		result = rules_dump(rules, set, collect_message, collecting);
	}
	return result;
}

static int collect_all(struct rules *rules, unsigned mask, struct collecting *collecting)
{
	int result = 0;

	*collecting = (struct collecting){ .rules = rules };
	rules->n = 0;
	for (unsigned set = 0; set < RULES_SETS && result == 0; set++) {
		if (mask & 1u << set % RULES_SETS_PER_FAMILY)
			result = collect(rules, set, collecting);
	}
	return result;
}

static int delete_all(struct rules *rules, unsigned mask)
{
	struct collecting collecting;
	unsigned index;
	int result, tries = 0;

	do {
		result = collect_all(rules, mask, &collecting);
		/* No table, or no set. */
		if (result < 0)
			return result == -ENOENT ? 0 : result;
		if (rules->n)
			result = commit(rules, NFT_MSG_DELSETELEM, &index);
		/* One that somebody deleted in between leaves all the others. */
	} while ((result == 0 && collecting.full) || (result == -ENOENT && ++tries < RULES_TRIES));
	return result;
}

int rules_forget(struct pod *pod, const char *interface, unsigned mask, struct failure *failure)
{
	static struct rules rules;
	int result = open_rules(&rules, pod, interface);

	if (result == 0)
		result = delete_all(&rules, mask);
	if (is_missing(result))
		return 0;
	return result < 0 ? fail_errno(failure, result, "nftables: delete the pod's elements") : 0;
}

int rules_count(struct rules *rules, unsigned mask, unsigned *count, struct failure *failure)
{
	struct collecting collecting;
	int result = collect_all(rules, mask, &collecting);

	*count = collecting.count;
	rules->n = 0;
	return result < 0 && result != -ENOENT ? fail_errno(failure, result, "nftables: list the pod's elements") : 0;
}

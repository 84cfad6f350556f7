/* SPDX-License-Identifier: Apache-2.0 */
/* The section "ipam" of type host-local. */
#include "helpers/network/host_local.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/text.h"
#include "helpers/network/native.h"
#include "helpers/network/result.h"

#include <string.h>

#define DEFAULT_DIRECTORY "/var/lib/cni/networks"

bool host_local_can(const cJSON *ipam)
{
	static const char *const known[] = { "type",   "subnet",  "rangeStart", "rangeEnd", "gateway",
					     "ranges", "dataDir", "routes",     NULL };
	static const char *const known_route[] = { "dst", "gw", NULL };
	const cJSON *route;
	const char *type = "";

	(void)json_string(ipam, "type", &type);
	if (strcmp(type, "host-local") != 0 || !native_only_known(ipam, known))
		return false;
	cJSON_ArrayForEach(route, cJSON_GetObjectItemCaseSensitive(ipam, "routes"))
	{
		if (!native_only_known(route, known_route))
			return false;
	}
	return true;
}

/* A member that is an address of the range's family, or `otherwise`. */
static int read_address(const cJSON *json, const char *key, const struct range *range, struct address otherwise,
			struct address *address, struct failure *failure)
{
	const char *text = "";

	*address = otherwise;
	if (json_string(json, key, &text) == -EINVAL || (!text_is_empty(text) && address_parse(text, address) < 0) ||
	    address->family != range->subnet.address.family)
		return fail(failure, CRI_EINVAL, "ipam: \"%s\" is no address of the subnet's family", key);
	return 0;
}

static int read_bound(const cJSON *json, const char *key, const struct range *range, struct address otherwise,
		      struct address *bound, struct failure *failure)
{
	char text[ADDRESS_TEXT], subnet[PREFIX_TEXT];
	int code = read_address(json, key, range, otherwise, bound, failure);

	if (code == 0 && !prefix_contains(&range->subnet, bound))
		return fail(failure, CRI_EINVAL, "ipam: %s %s is not in the subnet %s", key, address_text(bound, text),
			    prefix_text(&range->subnet, subnet));
	return code;
}

static int read_range(const cJSON *json, struct range *range, struct failure *failure)
{
	const char *text = "";
	struct address first, last;
	int code;

	if (json_string(json, "subnet", &text) < 0 || prefix_parse(text, &range->subnet) < 0)
		return fail(failure, CRI_EINVAL, "ipam: \"subnet\" is missing or no prefix");
	first = prefix_first(&range->subnet);
	if (address_compare(&first, &range->subnet.address))
		return fail(failure, CRI_EINVAL, "ipam: subnet %s has host bits set", text);
	if (range->subnet.length > 8 * address_size(&first) - 2)
		return fail(failure, CRI_EINVAL, "ipam: subnet %s is too small to allocate from", text);
	last = prefix_last(&range->subnet);
	/* The broadcast address of IPv4. */
	if (last.family == AF_INET)
		last.bytes[3]--;
	first = address_next(first);
	code = read_address(json, "gateway", range, first, &range->gateway, failure);
	if (code == 0)
		code = read_bound(json, "rangeStart", range, first, &range->start, failure);
	if (code == 0)
		code = read_bound(json, "rangeEnd", range, last, &range->end, failure);
	if (code == 0 && address_compare(&range->start, &range->end) > 0)
		code = fail(failure, CRI_EINVAL, "ipam: the range of subnet %s ends before it begins", text);
	return code;
}

static bool range_holds(const struct range *range, const struct address *address)
{
	return address_compare(address, &range->start) >= 0 && address_compare(address, &range->end) <= 0;
}

static bool overlap(const struct range *a, const struct range *b)
{
	return a->start.family == b->start.family && (range_holds(a, &b->start) || range_holds(b, &a->start));
}

/* An address must be found in one set only. */
static int check_overlaps(const struct host_local *host_local, const struct range *range, struct failure *failure)
{
	char start[ADDRESS_TEXT], end[ADDRESS_TEXT];

	for (size_t i = 0; i < host_local->n_sets; i++) {
		for (size_t j = 0; j < host_local->sets[i].n; j++) {
			const struct range *other = &host_local->sets[i].ranges[j];

			if (other != range && overlap(range, other))
				return fail(failure, CRI_EINVAL, "ipam: the range %s-%s overlaps with another",
					    address_text(&range->start, start), address_text(&range->end, end));
		}
	}
	return 0;
}

static int read_set(const cJSON *json, struct host_local *host_local, struct failure *failure)
{
	struct range_set *set = &host_local->sets[host_local->n_sets];
	const cJSON *range;

	if (host_local->n_sets == HOST_LOCAL_SETS || !cJSON_IsArray(json) || cJSON_GetArraySize(json) < 1 ||
	    cJSON_GetArraySize(json) > HOST_LOCAL_RANGES)
		return fail(failure, CRI_EINVAL, "ipam: \"ranges\" are not 1 to %d lists of 1 to %d ranges",
			    HOST_LOCAL_SETS, HOST_LOCAL_RANGES);
	host_local->n_sets++;
	cJSON_ArrayForEach(range, json)
	{
		int code = read_range(range, &set->ranges[set->n], failure);

		if (code == 0)
			code = check_overlaps(host_local, &set->ranges[set->n], failure);
		if (code < 0)
			return code;
		if (set->n && set->ranges[0].subnet.address.family != set->ranges[set->n].subnet.address.family)
			return fail(failure, CRI_EINVAL, "ipam: a list of ranges mixes IPv4 and IPv6");
		set->n++;
	}
	return 0;
}

static int read_ranges(const cJSON *ipam, struct host_local *host_local, struct failure *failure)
{
	const cJSON *ranges = NULL, *set;
	int code;

	/* The older form, one range in the section itself, comes first. */
	if (cJSON_GetObjectItemCaseSensitive(ipam, "subnet")) {
		code = read_range(ipam, &host_local->sets[0].ranges[0], failure);
		if (code < 0)
			return code;
		host_local->sets[0].n = 1;
		host_local->n_sets = 1;
	}
	if (json_array(ipam, "ranges", &ranges) == -EINVAL)
		return fail(failure, CRI_EINVAL, "ipam: \"ranges\" is no array");
	cJSON_ArrayForEach(set, ranges)
	{
		code = read_set(set, host_local, failure);
		if (code < 0)
			return code;
	}
	return host_local->n_sets ? 0 : fail(failure, CRI_EINVAL, "ipam: it has no ranges");
}

/* Results before 0.3.0 have room for one address of each family. */
static int check_version(const cJSON *configuration, const struct host_local *host_local, struct failure *failure)
{
	const char *version = "";
	size_t four = 0;

	(void)json_string(configuration, "cniVersion", &version);
	for (size_t i = 0; i < host_local->n_sets; i++)
		four += host_local->sets[i].ranges[0].subnet.address.family == AF_INET;
	if (result_is_old(version) && (four > 1 || host_local->n_sets - four > 1))
		return fail(failure, CRI_EINVAL, "ipam: version %s has no room for two addresses of a family", version);
	return 0;
}

static int read_routes(const cJSON *ipam, struct host_local *host_local, struct failure *failure)
{
	const cJSON *route;

	if (json_array(ipam, "routes", &host_local->routes) == -EINVAL)
		return fail(failure, CRI_EINVAL, "ipam: \"routes\" is no array");
	cJSON_ArrayForEach(route, host_local->routes)
	{
		const char *destination = "", *gateway = "";
		struct prefix prefix;
		struct address address;

		if (json_string(route, "dst", &destination) < 0 || prefix_parse(destination, &prefix) < 0 ||
		    json_string(route, "gw", &gateway) == -EINVAL ||
		    (!text_is_empty(gateway) && address_parse(gateway, &address) < 0))
			return fail(failure, CRI_EINVAL, "ipam: a route is malformed");
	}
	return 0;
}

/* Capability "ips": addresses, with or without the length of their prefix. */
static int read_requested(const cJSON *configuration, struct host_local *host_local, struct failure *failure)
{
	const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(configuration, "runtimeConfig");
	const cJSON *ip;

	cJSON_ArrayForEach(ip, cJSON_GetObjectItemCaseSensitive(arguments, "ips"))
	{
		struct prefix prefix;
		const char *text = cJSON_IsString(ip) ? ip->valuestring : "";
		bool twice = false;

		if (host_local->n_requested == HOST_LOCAL_SETS)
			return fail(failure, CRI_EINVAL, "more than %d addresses are asked for", HOST_LOCAL_SETS);
		if (prefix_parse(text, &prefix) < 0 && address_parse(text, &prefix.address) < 0)
			return fail(failure, CRI_EINVAL, "\"%s\", which is asked for, is no address", text);
		for (size_t i = 0; i < host_local->n_requested && !twice; i++)
			twice = !address_compare(&host_local->requested[i], &prefix.address);
		if (!twice)
			host_local->requested[host_local->n_requested++] = prefix.address;
	}
	return 0;
}

int host_local_read(const cJSON *configuration, const char *network, bool full, struct host_local *host_local,
		    struct failure *failure)
{
	const cJSON *ipam = cJSON_GetObjectItemCaseSensitive(configuration, "ipam");
	const char *directory = "";
	int code;

	memset(host_local, 0, sizeof(*host_local));
	(void)json_string(ipam, "dataDir", &directory);
	if (fs_path(host_local->directory, sizeof(host_local->directory), "%s/%s",
		    text_is_empty(directory) ? DEFAULT_DIRECTORY : directory, network) < 0)
		return fail(failure, CRI_EINVAL, "ipam: \"dataDir\" is too long");
	if (!full)
		return 0;
	code = read_ranges(ipam, host_local, failure);
	if (code == 0)
		code = check_version(configuration, host_local, failure);
	if (code == 0)
		code = read_routes(ipam, host_local, failure);
	return code < 0 ? code : read_requested(configuration, host_local, failure);
}

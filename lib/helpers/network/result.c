/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/result.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

static const char *const versions[] = { "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };

bool result_version_known(const char *version)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		if (!strcmp(version, versions[i]))
			return true;
	}
	return false;
}

bool result_is_old(const char *version)
{
	return text_starts(version, "0.1.") || text_starts(version, "0.2.");
}

/* 0.3.x and 0.4.0: the addresses tell their family. */
static bool has_families(const char *version)
{
	return text_starts(version, "0.3.") || text_starts(version, "0.4.");
}

cJSON *result_new(void)
{
	cJSON *result = cJSON_CreateObject();

	if (result && !cJSON_AddStringToObject(result, "cniVersion", RESULT_VERSION)) {
		cJSON_Delete(result);
		return NULL;
	}
	return result;
}

/* A new object at the end of an array that may not be there yet. */
static cJSON *add_element(cJSON *result, const char *array)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(result, array);
	cJSON *element = cJSON_CreateObject();

	if (!list)
		list = cJSON_AddArrayToObject(result, array);
	if (!list || !element || !cJSON_AddItemToArray(list, element)) {
		cJSON_Delete(element);
		return NULL;
	}
	return element;
}

bool result_add_interface(cJSON *result, const char *name, const char *mac, const char *sandbox)
{
	cJSON *interface = add_element(result, "interfaces");

	return interface && cJSON_AddStringToObject(interface, "name", name) &&
	       (text_is_empty(mac) || cJSON_AddStringToObject(interface, "mac", mac)) &&
	       (text_is_empty(sandbox) || cJSON_AddStringToObject(interface, "sandbox", sandbox));
}

bool result_add_address(cJSON *result, const struct prefix *prefix, const struct address *gateway, int interface)
{
	cJSON *ip = add_element(result, "ips");
	char text[PREFIX_TEXT];

	return ip && (interface < 0 || cJSON_AddNumberToObject(ip, "interface", interface)) &&
	       cJSON_AddStringToObject(ip, "address", prefix_text(prefix, text)) &&
	       (!gateway->family || cJSON_AddStringToObject(ip, "gateway", address_text(gateway, text)));
}

bool result_add_route(cJSON *result, const struct prefix *destination, const struct address *gateway)
{
	cJSON *route = add_element(result, "routes");
	char text[PREFIX_TEXT];

	return route && cJSON_AddStringToObject(route, "dst", prefix_text(destination, text)) &&
	       (!gateway->family || cJSON_AddStringToObject(route, "gw", address_text(gateway, text)));
}

static int bad(struct failure *failure, const char *what, int index)
{
	return fail(failure, CRI_EINVAL, "the result's %s %d is malformed", what, index);
}

/* Whether each of these members, a list that ends with NULL, is there once at most: of two, plugins take the last, and
 * cJSON the first. */
static bool once(const cJSON *object, const char *const *members)
{
	const cJSON *member;

	for (; *members; members++) {
		int n = 0;

		cJSON_ArrayForEach(member, object) n += member->string && !strcmp(member->string, *members);
		if (n > 1)
			return false;
	}
	return true;
}

/* An array of objects, or nothing. */
static int get_array(const cJSON *printed, const char *key, const cJSON **array, struct failure *failure)
{
	*array = NULL;
	if (json_array(printed, key, array) == -EINVAL || cJSON_GetArraySize(*array) > RESULT_MAX_ELEMENTS)
		return fail(failure, CRI_EINVAL, "the result's \"%s\" is no array of at most %d elements", key,
			    RESULT_MAX_ELEMENTS);
	return 0;
}

/* "" is none, as for Go. */
static bool optional_address(const cJSON *object, const char *key, struct address *address)
{
	const char *text = "";

	*address = (struct address){ 0 };
	if (json_string(object, key, &text) == -EINVAL)
		return false;
	return text_is_empty(text) || address_parse(text, address) == 0;
}

static int check_interfaces(const cJSON *interfaces, struct failure *failure)
{
	static const char *const members[] = { "name", "mac", "sandbox", NULL };
	const cJSON *interface;
	const char *text;
	int index = 0;

	cJSON_ArrayForEach(interface, interfaces)
	{
		if (!once(interface, members) || json_string(interface, "name", &text) < 0 ||
		    json_string(interface, "mac", &text) == -EINVAL ||
		    json_string(interface, "sandbox", &text) == -EINVAL)
			return bad(failure, "interface", index);
		index++;
	}
	return 0;
}

static int check_addresses(const cJSON *ips, int n_interfaces, struct failure *failure)
{
	static const char *const members[] = { "address", "gateway", "interface", "version", NULL };
	struct address gateway;
	const cJSON *ip;
	const char *text;
	struct prefix prefix;
	int index = 0;

	cJSON_ArrayForEach(ip, ips)
	{
		int64_t interface = -1;

		if (!once(ip, members) || json_string(ip, "address", &text) < 0 || prefix_parse(text, &prefix) < 0 ||
		    !optional_address(ip, "gateway", &gateway) || json_int64(ip, "interface", &interface) == -EINVAL ||
		    interface < -1 || interface >= n_interfaces)
			return bad(failure, "address", index);
		index++;
	}
	return 0;
}

static int check_routes(const cJSON *routes, struct failure *failure)
{
	static const char *const members[] = { "dst", "gw", NULL };
	struct address gateway;
	const cJSON *route;
	const char *text;
	struct prefix prefix;
	int index = 0;

	cJSON_ArrayForEach(route, routes)
	{
		if (!once(route, members) || json_string(route, "dst", &text) < 0 || prefix_parse(text, &prefix) < 0 ||
		    !optional_address(route, "gw", &gateway))
			return bad(failure, "route", index);
		index++;
	}
	return 0;
}

static int check(const cJSON *result, struct failure *failure)
{
	static const char *const members[] = { "cniVersion", "interfaces", "ips", "routes", "dns", NULL };
	const cJSON *interfaces, *ips, *routes, *dns = NULL;
	int code;

	if (!once(result, members))
		return fail(failure, CRI_EINVAL, "the result has a member twice");
	code = get_array(result, "interfaces", &interfaces, failure);
	if (code == 0)
		code = get_array(result, "ips", &ips, failure);
	if (code == 0)
		code = get_array(result, "routes", &routes, failure);
	if (code == 0 && json_object(result, "dns", &dns) == -EINVAL)
		code = fail(failure, CRI_EINVAL, "the result's \"dns\" is no object");
	if (code == 0)
		code = check_interfaces(interfaces, failure);
	if (code == 0)
		code = check_addresses(ips, cJSON_GetArraySize(interfaces), failure);
	return code ? code : check_routes(routes, failure);
}

/* One family of a 0.2.0 result. */
static int read_old_family(const cJSON *printed, const char *key, cJSON *result, struct failure *failure)
{
	const cJSON *family = NULL, *routes = NULL, *route;
	const char *text = "";
	struct prefix prefix;
	struct address gateway = { 0 };
	int found = json_object(printed, key, &family);

	if (found == -ENOENT)
		return 0;
	if (found < 0 || json_string(family, "ip", &text) < 0 || prefix_parse(text, &prefix) < 0)
		return fail(failure, CRI_EINVAL, "the result's \"%s\" is malformed", key);
	if (!optional_address(family, "gateway", &gateway))
		return fail(failure, CRI_EINVAL, "the result's \"%s\" has a malformed gateway", key);
	if (!result_add_address(result, &prefix, &gateway, -1))
		return fail_memory(failure);
	(void)json_array(family, "routes", &routes);
	cJSON_ArrayForEach(route, routes)
	{
		if (json_string(route, "dst", &text) < 0 || prefix_parse(text, &prefix) < 0)
			return fail(failure, CRI_EINVAL, "the result's \"%s\" has a malformed route", key);
		if (!optional_address(route, "gw", &gateway))
			return fail(failure, CRI_EINVAL, "the result's \"%s\" has a malformed route", key);
		if (!result_add_route(result, &prefix, &gateway))
			return fail_memory(failure);
	}
	return 0;
}

static int read_old(const cJSON *printed, cJSON *result, struct failure *failure)
{
	const cJSON *dns = NULL;
	cJSON *copy;
	int code = read_old_family(printed, "ip4", result, failure);

	if (code == 0)
		code = read_old_family(printed, "ip6", result, failure);
	if (code < 0 || json_object(printed, "dns", &dns) < 0)
		return code;
	copy = cJSON_Duplicate(dns, true);
	if (!copy || !cJSON_AddItemToObject(result, "dns", copy)) {
		cJSON_Delete(copy);
		return fail_memory(failure);
	}
	return 0;
}

int result_read(const cJSON *printed, cJSON **result, struct failure *failure)
{
	const char *version = "0.2.0";
	CLEANUP_JSON cJSON *read = NULL;
	cJSON *ip, *item;
	int code;

	if (!cJSON_IsObject(printed) || json_string(printed, "cniVersion", &version) == -EINVAL)
		return fail(failure, CRI_EINVAL, "the result is no object with a \"cniVersion\"");
	if (!result_version_known(version))
		return fail(failure, CRI_EINVAL, "the result's version \"%s\" is not known", version);
	read = result_is_old(version) ? result_new() : cJSON_Duplicate(printed, true);
	if (!read)
		return fail_memory(failure);
	if (result_is_old(version)) {
		code = read_old(printed, read, failure);
	} else {
		code = check(read, failure);
		item = cJSON_CreateString(RESULT_VERSION);
		if (!item || !cJSON_ReplaceItemInObjectCaseSensitive(read, "cniVersion", item))
			return fail_memory(failure);
		cJSON_ArrayForEach(ip, cJSON_GetObjectItemCaseSensitive(read, "ips"))
			cJSON_DeleteItemFromObjectCaseSensitive(ip, "version");
	}
	if (code == 0)
		*result = TAKE_POINTER(read);
	return code;
}

static bool add_families(cJSON *written)
{
	cJSON *ip;

	cJSON_ArrayForEach(ip, cJSON_GetObjectItemCaseSensitive(written, "ips"))
	{
		const cJSON *address = cJSON_GetObjectItemCaseSensitive(ip, "address");

		if (!cJSON_AddStringToObject(ip, "version", strchr(address->valuestring, ':') ? "6" : "4"))
			return false;
	}
	return true;
}

/* The first address of a family, with the routes of that family. */
static bool write_old_family(const cJSON *result, bool six, cJSON *written)
{
	const cJSON *ip, *route, *found = NULL;
	cJSON *family, *routes;

	cJSON_ArrayForEach(ip, cJSON_GetObjectItemCaseSensitive(result, "ips"))
	{
		const cJSON *address = cJSON_GetObjectItemCaseSensitive(ip, "address");

		if (!found && !strchr(address->valuestring, ':') == !six)
			found = ip;
	}
	if (!found)
		return true;
	family = cJSON_AddObjectToObject(written, six ? "ip6" : "ip4");
	routes = cJSON_CreateArray();
	if (!family || !routes || !cJSON_AddItemToObject(family, "routes", routes)) {
		cJSON_Delete(routes);
		return false;
	}
	ip = cJSON_GetObjectItemCaseSensitive(found, "gateway");
	if (!cJSON_AddStringToObject(family, "ip", cJSON_GetObjectItemCaseSensitive(found, "address")->valuestring) ||
	    (ip && !cJSON_AddStringToObject(family, "gateway", ip->valuestring)))
		return false;
	cJSON_ArrayForEach(route, cJSON_GetObjectItemCaseSensitive(result, "routes"))
	{
		cJSON *copy;

		if (!strchr(cJSON_GetObjectItemCaseSensitive(route, "dst")->valuestring, ':') == six)
			continue;
		copy = cJSON_Duplicate(route, true);
		if (!copy || !cJSON_AddItemToArray(routes, copy)) {
			cJSON_Delete(copy);
			return false;
		}
	}
	return true;
}

int result_write(const cJSON *result, const char *version, cJSON **written, struct failure *failure)
{
	CLEANUP_JSON cJSON *made = NULL;
	cJSON *item = NULL;
	bool done = true;

	if (!result_is_old(version)) {
		made = cJSON_Duplicate(result, true);
		item = cJSON_CreateString(version);
		if (!made || !item || !cJSON_ReplaceItemInObjectCaseSensitive(made, "cniVersion", item)) {
			if (!made)
				cJSON_Delete(item);
			return fail_memory(failure);
		}
		done = !has_families(version) || add_families(made);
	} else {
		made = cJSON_CreateObject();
		done = made && cJSON_AddStringToObject(made, "cniVersion", version) &&
		       write_old_family(result, false, made) && write_old_family(result, true, made);
	}
	if (!done)
		return fail_memory(failure);
	*written = TAKE_POINTER(made);
	return 0;
}

static bool is_on(const cJSON *result, const cJSON *ip, const char *pod_interface)
{
	const cJSON *interface;
	const char *name = "", *sandbox = "";
	int64_t index = -1;

	(void)json_int64(ip, "interface", &index);
	if (index < 0)
		return true;
	interface = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(result, "interfaces"), (int)index);
	(void)json_string(interface, "name", &name);
	(void)json_string(interface, "sandbox", &sandbox);
	return !text_is_empty(sandbox) && (!pod_interface || !strcmp(name, pod_interface));
}

bool result_address_of(const cJSON *result, const char *pod_interface, unsigned index, struct prefix *prefix)
{
	const cJSON *ip;

	cJSON_ArrayForEach(ip, cJSON_GetObjectItemCaseSensitive(result, "ips"))
	{
		const char *text = "";

		if (!is_on(result, ip, pod_interface) || json_string(ip, "address", &text) < 0 ||
		    prefix_parse(text, prefix) < 0)
			continue;
		if (index-- == 0)
			return true;
	}
	return false;
}

bool result_pod_address(const cJSON *result, unsigned index, struct prefix *prefix)
{
	return result_address_of(result, NULL, index, prefix);
}

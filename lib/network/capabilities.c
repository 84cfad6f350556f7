/* SPDX-License-Identifier: Apache-2.0 */
#include "network/capabilities.h"

#include "base/text.h"
#include "network/bandwidth.h"

#include <string.h>

static const char step[] = "read the pod's wishes for its network";

const char *capabilities_annotation(const cri_sandbox_config *config, const char *key)
{
	for (size_t i = 0; i < config->n_annotations; i++) {
		if (!strcmp(config->annotations[i]->key, key))
			return config->annotations[i]->value;
	}
	return NULL;
}

/* Gives `item` to the object, or frees it. */
static bool give(cJSON *object, const char *key, cJSON *item)
{
	if (item && cJSON_AddItemToObject(object, key, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static bool add_port(cJSON *mappings, const cri_port_mapping *port)
{
	static const char *const protocols[] = { [CRI_TCP] = "tcp", [CRI_UDP] = "udp", [CRI_SCTP] = "sctp" };
	cJSON *mapping = cJSON_CreateObject();

	if (mapping && cJSON_AddItemToArray(mappings, mapping))
		return cJSON_AddNumberToObject(mapping, "hostPort", port->host_port) &&
		       cJSON_AddNumberToObject(mapping, "containerPort", port->container_port) &&
		       cJSON_AddStringToObject(mapping, "protocol", protocols[port->protocol]) &&
		       cJSON_AddStringToObject(mapping, "hostIP", port->host_ip);
	cJSON_Delete(mapping);
	return false;
}

static bool add_ports(const cri_sandbox_config *config, cJSON *capabilities)
{
	cJSON *mappings = NULL;

	for (size_t i = 0; i < config->n_port_mappings; i++) {
		const cri_port_mapping *port = config->port_mappings[i];

		if (!port->host_port)
			continue;
		if (!mappings)
			mappings = cJSON_AddArrayToObject(capabilities, "portMappings");
		if (!mappings || !add_port(mappings, port))
			return false;
	}
	return true;
}

static int add_rate(const cri_sandbox_config *config, const char *annotation, const char *rate, const char *burst,
		    cJSON *bandwidth, cri_call *call)
{
	const char *text = capabilities_annotation(config, annotation);
	uint64_t bits = 0;
	int result;

	if (!text)
		return 0;
	result = bandwidth_parse(text, &bits);
	if (result < 0)
		return call_fail(call, CRI_EINVAL, step, "annotation %s: \"%s\" is %s", annotation, text,
				 result == -ERANGE ? "not between 1k and 1P" : "no quantity, such as \"10M\"");
	return cJSON_AddNumberToObject(bandwidth, rate, (double)bits) &&
			       cJSON_AddNumberToObject(bandwidth, burst, (double)bandwidth_burst(bits))
		       ? 0
		       : call_no_memory(call, step);
}

static int add_bandwidth(const cri_sandbox_config *config, cJSON *capabilities, cri_call *call)
{
	CLEANUP_JSON cJSON *bandwidth = cJSON_CreateObject();
	int result;

	if (!bandwidth)
		return call_no_memory(call, step);
	result = add_rate(config, "kubernetes.io/ingress-bandwidth", "ingressRate", "ingressBurst", bandwidth, call);
	if (result == 0)
		result = add_rate(config, "kubernetes.io/egress-bandwidth", "egressRate", "egressBurst", bandwidth,
				  call);
	if (result < 0 || !bandwidth->child)
		return result;
	return give(capabilities, "bandwidth", TAKE_POINTER(bandwidth)) ? 0 : call_no_memory(call, step);
}

static bool add_texts(cJSON *object, const char *key, const char *const *texts, size_t n)
{
	cJSON *array = cJSON_AddArrayToObject(object, key);

	for (size_t i = 0; i < n && array; i++) {
		cJSON *item = cJSON_CreateString(texts[i]);

		if (!item || !cJSON_AddItemToArray(array, item)) {
			cJSON_Delete(item);
			return false;
		}
	}
	return array != NULL;
}

static bool add_dns(const cri_sandbox_config *config, cJSON *capabilities)
{
	const cri_dns_config *dns = config->dns_config;
	cJSON *object;

	if (!dns)
		return true;
	object = cJSON_AddObjectToObject(capabilities, "dns");
	return object && add_texts(object, "servers", dns->servers, dns->n_servers) &&
	       add_texts(object, "searches", dns->searches, dns->n_searches) &&
	       add_texts(object, "options", dns->options, dns->n_options);
}

static bool add_annotations(const cri_sandbox_config *config, cJSON *capabilities)
{
	cJSON *object = cJSON_AddObjectToObject(capabilities, "io.kubernetes.cri.pod-annotations");

	for (size_t i = 0; i < config->n_annotations && object; i++) {
		if (!cJSON_AddStringToObject(object, config->annotations[i]->key, config->annotations[i]->value))
			return false;
	}
	return object != NULL;
}

static int add_wishes(const cJSON *entry, cJSON *capabilities, cri_call *call)
{
	const cJSON *ips = NULL, *ip;
	const char *mac = "";

	if (!entry)
		return 0;
	if (json_array(entry, "ips", &ips) == -EINVAL || json_string(entry, "mac", &mac) == -EINVAL)
		return call_fail(call, CRI_EINVAL, step, "the annotation's \"ips\" or \"mac\" is malformed");
	cJSON_ArrayForEach(ip, ips)
	{
		if (!cJSON_IsString(ip))
			return call_fail(call, CRI_EINVAL, step, "the annotation's \"ips\" are no texts");
	}
	if ((cJSON_GetArraySize(ips) && !give(capabilities, "ips", cJSON_Duplicate(ips, true))) ||
	    (!text_is_empty(mac) && !cJSON_AddStringToObject(capabilities, "mac", mac)))
		return call_no_memory(call, step);
	return 0;
}

int capabilities_make(const cri_sandbox_config *config, const cJSON *entry, bool is_default, cJSON **capabilities,
		      cri_call *call)
{
	CLEANUP_JSON cJSON *made = cJSON_CreateObject();
	int result;

	if (!made || !add_dns(config, made) || !add_annotations(config, made) ||
	    (is_default && !add_ports(config, made)))
		return call_no_memory(call, step);
	result = is_default ? add_bandwidth(config, made, call) : 0;
	if (result == 0)
		result = add_wishes(entry, made, call);
	if (result == 0)
		*capabilities = TAKE_POINTER(made);
	return result;
}

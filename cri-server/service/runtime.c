/* SPDX-License-Identifier: Apache-2.0 */
/* Version, Status, RuntimeConfig, UpdateRuntimeConfig. */
#include "service/methods.h"

#include <stdlib.h>
#include <string.h>

/* A kubelet refuses to start unless this is what it asks for, and no text may be empty. */
#define CRI_PROTOCOL_VERSION "0.1.0"

int serve_version(struct exchange *exchange, const void *request)
{
	static const char *const api_versions[] = {
		[RPC_V1] = "v1",
		[RPC_V1ALPHA2] = "v1alpha2",
		[RPC_2019] = "v1alpha1",
	};
	Cri__VersionResponse *response = message_new(&exchange->conversion, &cri__version_response__descriptor);

	(void)request;
	if (response) {
		response->version = text_to_wire(CRI_PROTOCOL_VERSION);
		response->runtime_name = text_to_wire("libcri");
		response->runtime_version = text_to_wire(cri_version());
		response->runtime_api_version = text_to_wire(api_versions[exchange->conversion.dialect]);
	}
	return exchange_send(exchange, response);
}

/* What the engine tells, and under "daemon" the configuration that this process runs with. */
static int add_info(struct exchange *exchange, Cri__StatusResponse *response)
{
	struct conversion *conversion = &exchange->conversion;
	const struct service_settings *settings = &exchange->service->settings;
	Cri__StringPair **engine = NULL, **info, *daemon;
	char *json = NULL, *configuration;
	size_t n;
	int result = cri_engine_info_json(exchange->engine, &json, exchange->call);

	if (result)
		return result;
	n = exchange_info(exchange, json, &engine);
	configuration = settings->configuration ? settings->configuration() : NULL;
	info = memory_array(&conversion->memory, n + 1, sizeof(*info));
	if (info && n)
		memcpy(info, engine, n * sizeof(*info));
	if (info && configuration) {
		daemon = message_new(conversion, &cri__string_pair__descriptor);
		if (daemon) {
			daemon->key = text_to_wire("daemon");
			daemon->value = memory_text(&conversion->memory, configuration, strlen(configuration));
			info[n++] = daemon;
		}
	}
	free(configuration);
	response->info = info;
	response->n_info = info ? n : 0;
	return 0;
}

int serve_status(struct exchange *exchange, const void *request)
{
	const Cri__StatusRequest *asked = request;
	OWN_LIST cri_list *status = NULL;
	Cri__StatusResponse *response;
	int result = cri_engine_status_get(exchange->engine, &status, exchange->call);

	if (result)
		return result;
	response = engine_status_to_wire(&exchange->conversion, cri_engine_status_at(status, 0));
	if (response && asked->verbose)
		result = add_info(exchange, response);
	return result ? result : exchange_send(exchange, response);
}

int serve_runtime_config(struct exchange *exchange, const void *request)
{
	struct conversion *conversion = &exchange->conversion;
	OWN_LIST cri_list *status = NULL;
	Cri__RuntimeConfigResponse *response;
	int result = cri_engine_status_get(exchange->engine, &status, exchange->call);

	(void)request;
	if (result)
		return result;
	response = message_new(conversion, &cri__runtime_config_response__descriptor);
	if (response) {
		response->linux = message_new(conversion, &cri__linux_runtime_configuration__descriptor);
		if (response->linux)
			response->linux->cgroup_driver =
				(Cri__CgroupDriver)cri_engine_status_at(status, 0)->cgroup_driver;
	}
	return exchange_send(exchange, response);
}

int serve_update_runtime_config(struct exchange *exchange, const void *request)
{
	const Cri__UpdateRuntimeConfigRequest *asked = request;
	const Cri__RuntimeConfig *config = asked->runtime_config;
	const char *cidr = config && config->network_config ? config->network_config->pod_cidr : "";
	int result = cri_engine_update_runtime_config(exchange->engine, cidr, exchange->call);

	if (result)
		return result;
	return exchange_send(exchange,
			     message_new(&exchange->conversion, &cri__update_runtime_config_response__descriptor));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The calls on pods. */
#include "service/methods.h"

int serve_run_pod_sandbox(struct exchange *exchange, const void *request)
{
	const Cri__RunPodSandboxRequest *asked = request;
	const cri_sandbox_config *config = sandbox_config_from_wire(&exchange->conversion, asked->config);
	OWN_TEXT char *id = NULL;
	Cri__RunPodSandboxResponse *response;
	int result = exchange_check(exchange);

	if (result)
		return result;
	exchange_object(exchange, "sandbox", config->name);
	result = cri_sandbox_run(exchange->engine, config, asked->runtime_handler, &id, exchange->call);
	if (result)
		return result;
	exchange_object(exchange, "sandbox", id);
	response = message_new(&exchange->conversion, &cri__run_pod_sandbox_response__descriptor);
	if (response)
		response->pod_sandbox_id = id;
	return exchange_send(exchange, response);
}

int serve_stop_pod_sandbox(struct exchange *exchange, const void *request)
{
	const Cri__StopPodSandboxRequest *asked = request;
	int result = cri_sandbox_stop(exchange->engine, asked->pod_sandbox_id, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange, message_new(&exchange->conversion, &cri__stop_pod_sandbox_response__descriptor));
}

int serve_remove_pod_sandbox(struct exchange *exchange, const void *request)
{
	const Cri__RemovePodSandboxRequest *asked = request;
	int result = cri_sandbox_remove(exchange->engine, asked->pod_sandbox_id, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange,
			     message_new(&exchange->conversion, &cri__remove_pod_sandbox_response__descriptor));
}

/* A kubelet that follows events takes these instead of asking for each container: only v1 has them. */
static int add_containers(struct exchange *exchange, const char *id, Cri__PodSandboxStatusResponse *response)
{
	if (exchange->conversion.dialect != RPC_V1)
		return 0;
	return container_statuses(exchange, id, &response->containers_statuses, &response->n_containers_statuses);
}

int serve_pod_sandbox_status(struct exchange *exchange, const void *request)
{
	const Cri__PodSandboxStatusRequest *asked = request;
	struct conversion *conversion = &exchange->conversion;
	const int64_t now = time_now();
	OWN_LIST cri_list *status = NULL;
	Cri__PodSandboxStatusResponse *response;
	const char *id;
	char *json = NULL;
	int result = cri_sandbox_status_get(exchange->engine, asked->pod_sandbox_id, &status, exchange->call);
	response = message_new(conversion, &cri__pod_sandbox_status_response__descriptor);
	if (result || !response)
		return result ? result : CRI_ENOMEM;
	id = cri_sandbox_status_at(status, 0)->info.id;
	response->status = sandbox_status_to_wire(conversion, cri_sandbox_status_at(status, 0));
	response->timestamp = now;
	result = add_containers(exchange, id, response);
	if (!result && asked->verbose) {
		result = cri_sandbox_info_json(exchange->engine, id, &json, exchange->call);
		if (!result)
			response->n_info = exchange_info(exchange, json, &response->info);
	}
	return result ? result : exchange_send(exchange, response);
}

static Cri__PodSandbox **sandboxes_to_wire(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	struct conversion *conversion = &exchange->conversion;
	Cri__PodSandbox **sandboxes = memory_array(&conversion->memory, end - first, sizeof(*sandboxes));

	for (size_t i = first; sandboxes && i < end; i++)
		sandboxes[i - first] = sandbox_to_wire(conversion, cri_sandbox_at(list, i));
	return sandboxes;
}

static int list_sandboxes(struct exchange *exchange, const Cri__PodSandboxFilter *message, cri_list **list)
{
	const cri_sandbox_filter *filter = sandbox_filter_from_wire(&exchange->conversion, message);
	int result = exchange_check(exchange);

	return result ? result : cri_sandbox_list(exchange->engine, filter, list, exchange->call);
}

int serve_list_pod_sandbox(struct exchange *exchange, const void *request)
{
	const Cri__ListPodSandboxRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	Cri__ListPodSandboxResponse *response;
	int result = list_sandboxes(exchange, asked->filter, &list);

	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__list_pod_sandbox_response__descriptor);
	if (response) {
		response->n_items = cri_list_count(list);
		response->items = sandboxes_to_wire(exchange, list, 0, response->n_items);
	}
	return exchange_send(exchange, response);
}

static void *sandbox_chunk(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	Cri__StreamPodSandboxesResponse *response =
		message_new(&exchange->conversion, &cri__stream_pod_sandboxes_response__descriptor);

	if (response) {
		response->n_pod_sandboxes = end - first;
		response->pod_sandboxes = sandboxes_to_wire(exchange, list, first, end);
	}
	return response;
}

int serve_stream_pod_sandboxes(struct exchange *exchange, const void *request)
{
	const Cri__StreamPodSandboxesRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	int result = list_sandboxes(exchange, asked->filter, &list);

	return result ? result : exchange_send_chunks(exchange, list, sandbox_chunk);
}

int serve_update_pod_sandbox_resources(struct exchange *exchange, const void *request)
{
	const Cri__UpdatePodSandboxResourcesRequest *asked = request;
	struct conversion *conversion = &exchange->conversion;
	const cri_resources *overhead = resources_from_wire(conversion, asked->overhead);
	const cri_resources *resources = resources_from_wire(conversion, asked->resources);
	int result = exchange_check(exchange);

	if (result)
		return result;
	result = cri_sandbox_update_resources(exchange->engine, asked->pod_sandbox_id, overhead, resources,
					      exchange->call);
	if (result)
		return result;
	return exchange_send(exchange,
			     message_new(conversion, &cri__update_pod_sandbox_resources_response__descriptor));
}

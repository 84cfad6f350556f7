/* SPDX-License-Identifier: Apache-2.0 */
/* The calls on containers. */
#include "service/methods.h"

/* sandbox_config is not looked at: what the pod was run with counts. */
int serve_create_container(struct exchange *exchange, const void *request)
{
	const Cri__CreateContainerRequest *asked = request;
	const cri_container_config *config = container_config_from_wire(&exchange->conversion, asked->config);
	OWN_TEXT char *id = NULL;
	Cri__CreateContainerResponse *response;
	int result = exchange_check(exchange);

	if (result)
		return result;
	result = cri_container_create(exchange->engine, asked->pod_sandbox_id, config, &id, exchange->call);
	if (result)
		return result;
	exchange_object(exchange, "container", id);
	response = message_new(&exchange->conversion, &cri__create_container_response__descriptor);
	if (response)
		response->container_id = id;
	return exchange_send(exchange, response);
}

int serve_start_container(struct exchange *exchange, const void *request)
{
	const Cri__StartContainerRequest *asked = request;
	int result = cri_container_start(exchange->engine, asked->container_id, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange, message_new(&exchange->conversion, &cri__start_container_response__descriptor));
}

int serve_stop_container(struct exchange *exchange, const void *request)
{
	const Cri__StopContainerRequest *asked = request;
	int result = cri_container_stop(exchange->engine, asked->container_id, asked->timeout, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange, message_new(&exchange->conversion, &cri__stop_container_response__descriptor));
}

int serve_remove_container(struct exchange *exchange, const void *request)
{
	const Cri__RemoveContainerRequest *asked = request;
	int result = cri_container_remove(exchange->engine, asked->container_id, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange, message_new(&exchange->conversion, &cri__remove_container_response__descriptor));
}

static Cri__Container **containers_to_wire(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	struct conversion *conversion = &exchange->conversion;
	Cri__Container **containers = memory_array(&conversion->memory, end - first, sizeof(*containers));

	for (size_t i = first; containers && i < end; i++)
		containers[i - first] = container_to_wire(conversion, cri_container_at(list, i));
	return containers;
}

static int list_containers(struct exchange *exchange, const Cri__ContainerFilter *message, cri_list **list)
{
	const cri_container_filter *filter = container_filter_from_wire(&exchange->conversion, message);
	int result = exchange_check(exchange);

	return result ? result : cri_container_list(exchange->engine, filter, list, exchange->call);
}

int serve_list_containers(struct exchange *exchange, const void *request)
{
	const Cri__ListContainersRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	Cri__ListContainersResponse *response;
	int result = list_containers(exchange, asked->filter, &list);

	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__list_containers_response__descriptor);
	if (response) {
		response->n_containers = cri_list_count(list);
		response->containers = containers_to_wire(exchange, list, 0, response->n_containers);
	}
	return exchange_send(exchange, response);
}

static void *container_chunk(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	Cri__StreamContainersResponse *response =
		message_new(&exchange->conversion, &cri__stream_containers_response__descriptor);

	if (response) {
		response->n_containers = end - first;
		response->containers = containers_to_wire(exchange, list, first, end);
	}
	return response;
}

int serve_stream_containers(struct exchange *exchange, const void *request)
{
	const Cri__StreamContainersRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	int result = list_containers(exchange, asked->filter, &list);

	return result ? result : exchange_send_chunks(exchange, list, container_chunk);
}

int container_statuses(struct exchange *exchange, const char *sandbox_id, Cri__ContainerStatus ***statuses, size_t *n)
{
	struct conversion *conversion = &exchange->conversion;
	const cri_container_filter filter = { CRI_CONTAINER_FILTER_INIT, .sandbox_id = sandbox_id };
	OWN_LIST cri_list *containers = NULL;
	size_t count, found = 0;
	int result = cri_container_list(exchange->engine, &filter, &containers, exchange->call);

	if (result)
		return result;
	count = cri_list_count(containers);
	*statuses = memory_array(&conversion->memory, count, sizeof(**statuses));
	for (size_t i = 0; *statuses && i < count; i++) {
		cri_list *status = NULL;

		result = cri_container_status_get(exchange->engine, cri_container_at(containers, i)->id, &status,
						  exchange->call);
		if (result == CRI_ENOTFOUND)
			continue; /* removed since it was listed */
		if (result)
			return result;
		exchange_keep(exchange, status);
		if (conversion->memory.failed)
			break;
		(*statuses)[found] = container_status_to_wire(conversion, cri_container_status_at(status, 0));
		found += (*statuses)[found] ? 1 : 0;
	}
	*n = found;
	return exchange_check(exchange);
}

int serve_container_status(struct exchange *exchange, const void *request)
{
	const Cri__ContainerStatusRequest *asked = request;
	OWN_LIST cri_list *status = NULL;
	Cri__ContainerStatusResponse *response;
	char *json = NULL;
	int result = cri_container_status_get(exchange->engine, asked->container_id, &status, exchange->call);
	response = message_new(&exchange->conversion, &cri__container_status_response__descriptor);
	if (result || !response)
		return result ? result : CRI_ENOMEM;
	response->status = container_status_to_wire(&exchange->conversion, cri_container_status_at(status, 0));
	if (asked->verbose) {
		result = cri_container_info_json(exchange->engine, cri_container_status_at(status, 0)->info.id, &json,
						 exchange->call);
		if (!result)
			response->n_info = exchange_info(exchange, json, &response->info);
	}
	return result ? result : exchange_send(exchange, response);
}

int serve_update_container_resources(struct exchange *exchange, const void *request)
{
	const Cri__UpdateContainerResourcesRequest *asked = request;
	const cri_resources *resources = update_from_wire(&exchange->conversion, asked);
	int result = exchange_check(exchange);

	if (result)
		return result;
	result = cri_container_update_resources(exchange->engine, asked->container_id, resources, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange,
			     message_new(&exchange->conversion, &cri__update_container_resources_response__descriptor));
}

int serve_reopen_container_log(struct exchange *exchange, const void *request)
{
	const Cri__ReopenContainerLogRequest *asked = request;
	int result = cri_container_reopen_log(exchange->engine, asked->container_id, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange,
			     message_new(&exchange->conversion, &cri__reopen_container_log_response__descriptor));
}

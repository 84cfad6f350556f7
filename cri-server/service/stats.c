/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that tell what containers and pods use. */
#include "service/methods.h"

int serve_container_stats(struct exchange *exchange, const void *request)
{
	const Cri__ContainerStatsRequest *asked = request;
	OWN_LIST cri_list *stats = NULL;
	Cri__ContainerStatsResponse *response;
	int result = cri_container_stats_get(exchange->engine, asked->container_id, &stats, exchange->call);
	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__container_stats_response__descriptor);
	if (response)
		response->stats = container_stats_to_wire(&exchange->conversion, cri_container_stats_at(stats, 0));
	return exchange_send(exchange, response);
}

static Cri__ContainerStats **container_stats(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	struct conversion *conversion = &exchange->conversion;
	Cri__ContainerStats **stats = memory_array(&conversion->memory, end - first, sizeof(*stats));

	for (size_t i = first; stats && i < end; i++)
		stats[i - first] = container_stats_to_wire(conversion, cri_container_stats_at(list, i));
	return stats;
}

static int list_container_stats(struct exchange *exchange, const Cri__ContainerStatsFilter *message, cri_list **list)
{
	const cri_container_filter *filter = container_stats_filter_from_wire(&exchange->conversion, message);
	int result = exchange_check(exchange);

	return result ? result : cri_container_stats_list(exchange->engine, filter, list, exchange->call);
}

int serve_list_container_stats(struct exchange *exchange, const void *request)
{
	const Cri__ListContainerStatsRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	Cri__ListContainerStatsResponse *response;
	int result = list_container_stats(exchange, asked->filter, &list);

	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__list_container_stats_response__descriptor);
	if (response) {
		response->n_stats = cri_list_count(list);
		response->stats = container_stats(exchange, list, 0, response->n_stats);
	}
	return exchange_send(exchange, response);
}

static void *container_stats_chunk(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	Cri__StreamContainerStatsResponse *response =
		message_new(&exchange->conversion, &cri__stream_container_stats_response__descriptor);

	if (response) {
		response->n_container_stats = end - first;
		response->container_stats = container_stats(exchange, list, first, end);
	}
	return response;
}

int serve_stream_container_stats(struct exchange *exchange, const void *request)
{
	const Cri__StreamContainerStatsRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	int result = list_container_stats(exchange, asked->filter, &list);

	return result ? result : exchange_send_chunks(exchange, list, container_stats_chunk);
}

int serve_pod_sandbox_stats(struct exchange *exchange, const void *request)
{
	const Cri__PodSandboxStatsRequest *asked = request;
	OWN_LIST cri_list *stats = NULL;
	Cri__PodSandboxStatsResponse *response;
	int result = cri_sandbox_stats_get(exchange->engine, asked->pod_sandbox_id, &stats, exchange->call);
	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__pod_sandbox_stats_response__descriptor);
	if (response)
		response->stats = sandbox_stats_to_wire(&exchange->conversion, cri_sandbox_stats_at(stats, 0));
	return exchange_send(exchange, response);
}

static Cri__PodSandboxStats **sandbox_stats(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	struct conversion *conversion = &exchange->conversion;
	Cri__PodSandboxStats **stats = memory_array(&conversion->memory, end - first, sizeof(*stats));

	for (size_t i = first; stats && i < end; i++)
		stats[i - first] = sandbox_stats_to_wire(conversion, cri_sandbox_stats_at(list, i));
	return stats;
}

static int list_sandbox_stats(struct exchange *exchange, const Cri__PodSandboxStatsFilter *message, cri_list **list)
{
	const cri_sandbox_filter *filter = sandbox_stats_filter_from_wire(&exchange->conversion, message);
	int result = exchange_check(exchange);

	return result ? result : cri_sandbox_stats_list(exchange->engine, filter, list, exchange->call);
}

int serve_list_pod_sandbox_stats(struct exchange *exchange, const void *request)
{
	const Cri__ListPodSandboxStatsRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	Cri__ListPodSandboxStatsResponse *response;
	int result = list_sandbox_stats(exchange, asked->filter, &list);

	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__list_pod_sandbox_stats_response__descriptor);
	if (response) {
		response->n_stats = cri_list_count(list);
		response->stats = sandbox_stats(exchange, list, 0, response->n_stats);
	}
	return exchange_send(exchange, response);
}

static void *sandbox_stats_chunk(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	Cri__StreamPodSandboxStatsResponse *response =
		message_new(&exchange->conversion, &cri__stream_pod_sandbox_stats_response__descriptor);

	if (response) {
		response->n_pod_sandbox_stats = end - first;
		response->pod_sandbox_stats = sandbox_stats(exchange, list, first, end);
	}
	return response;
}

int serve_stream_pod_sandbox_stats(struct exchange *exchange, const void *request)
{
	const Cri__StreamPodSandboxStatsRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	int result = list_sandbox_stats(exchange, asked->filter, &list);

	return result ? result : exchange_send_chunks(exchange, list, sandbox_stats_chunk);
}

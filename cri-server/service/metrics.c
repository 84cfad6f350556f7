/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that tell figures by name. */
#include "service/methods.h"

int serve_list_metric_descriptors(struct exchange *exchange, const void *request)
{
	struct conversion *conversion = &exchange->conversion;
	OWN_LIST cri_list *list = NULL;
	Cri__ListMetricDescriptorsResponse *response;
	size_t n;
	int result = cri_metric_descriptors(exchange->engine, &list, exchange->call);

	(void)request;
	if (result)
		return result;
	n = cri_list_count(list);
	response = message_new(conversion, &cri__list_metric_descriptors_response__descriptor);
	if (response) {
		response->descriptors = memory_array(&conversion->memory, n, sizeof(*response->descriptors));
		for (size_t i = 0; response->descriptors && i < n; i++)
			response->descriptors[i] =
				metric_descriptor_to_wire(conversion, cri_metric_descriptor_at(list, i));
		response->n_descriptors = n;
	}
	return exchange_send(exchange, response);
}

int serve_list_pod_sandbox_metrics(struct exchange *exchange, const void *request)
{
	struct conversion *conversion = &exchange->conversion;
	OWN_LIST cri_list *metrics = NULL;
	Cri__ListPodSandboxMetricsResponse *response;
	int result = cri_metrics(exchange->engine, &metrics, exchange->call);

	(void)request;
	if (result)
		return result;
	response = message_new(conversion, &cri__list_pod_sandbox_metrics_response__descriptor);
	if (response)
		response->pod_metrics = metrics_to_wire(conversion, metrics, &response->n_pod_metrics);
	return exchange_send(exchange, response);
}

/* One pod a message: it has hundreds of figures. */
int serve_stream_pod_sandbox_metrics(struct exchange *exchange, const void *request)
{
	struct conversion *conversion = &exchange->conversion;
	OWN_LIST cri_list *metrics = NULL;
	Cri__PodSandboxMetrics **pods;
	size_t n = 0;
	int result = cri_metrics(exchange->engine, &metrics, exchange->call);

	(void)request;
	if (result)
		return result;
	pods = metrics_to_wire(conversion, metrics, &n);
	result = exchange_check(exchange);
	for (size_t i = 0; i < n && !result; i++) {
		Cri__StreamPodSandboxMetricsResponse *response =
			message_new(conversion, &cri__stream_pod_sandbox_metrics_response__descriptor);

		if (response) {
			response->pod_sandbox_metrics = &pods[i];
			response->n_pod_sandbox_metrics = 1;
		}
		result = exchange_send(exchange, response);
	}
	return result;
}

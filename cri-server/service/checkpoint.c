/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoint and restore. */
#include "service/methods.h"

int serve_checkpoint_container(struct exchange *exchange, const void *request)
{
	const Cri__CheckpointContainerRequest *asked = request;
	int result;

	/* In seconds; a client's own deadline cancels the call all the same. */
	if (asked->timeout > 0 && asked->timeout < INT64_MAX / 1000)
		cri_call_set_timeout(exchange->call, asked->timeout * 1000);
	result = cri_container_checkpoint(exchange->engine, asked->container_id, asked->location, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange,
			     message_new(&exchange->conversion, &cri__checkpoint_container_response__descriptor));
}

int serve_checkpoint_pod(struct exchange *exchange, const void *request)
{
	const Cri__CheckpointPodRequest *asked = request;
	struct conversion *conversion = &exchange->conversion;
	const cri_key_values options = pairs_from_wire(conversion, asked->options, asked->n_options);
	int result = exchange_check(exchange);

	if (result)
		return result;
	result = cri_sandbox_checkpoint(exchange->engine, asked->pod_sandbox_id, asked->output_path,
					(const char *const *)asked->container_ids, asked->n_container_ids, options,
					asked->n_options, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange, message_new(conversion, &cri__checkpoint_pod_response__descriptor));
}

static int add_restored(struct exchange *exchange, Cri__RestorePodResponse *response)
{
	struct conversion *conversion = &exchange->conversion;
	const cri_container_filter filter = { CRI_CONTAINER_FILTER_INIT, .sandbox_id = response->pod_sandbox_id };
	cri_list *containers = NULL;
	size_t n;
	int result = cri_container_list(exchange->engine, &filter, &containers, exchange->call);

	if (result)
		return result;
	exchange_keep(exchange, containers);
	result = exchange_check(exchange);
	if (result)
		return result;
	n = cri_list_count(containers);
	response->restored_containers = memory_array(&conversion->memory, n, sizeof(*response->restored_containers));
	for (size_t i = 0; response->restored_containers && i < n; i++) {
		Cri__RestoredContainer *restored = message_new(conversion, &cri__restored_container__descriptor);

		if (!restored)
			break;
		restored->name = text_to_wire(cri_container_at(containers, i)->name);
		restored->container_id = text_to_wire(cri_container_at(containers, i)->id);
		response->restored_containers[i] = restored;
	}
	response->n_restored_containers = n;
	return 0;
}

int serve_restore_pod(struct exchange *exchange, const void *request)
{
	const Cri__RestorePodRequest *asked = request;
	struct conversion *conversion = &exchange->conversion;
	const cri_sandbox_config *config = asked->config ? sandbox_config_from_wire(conversion, asked->config) : NULL;
	const cri_key_values options = pairs_from_wire(conversion, asked->options, asked->n_options);
	const size_t n = asked->n_container_configs;
	const cri_container_config **containers = memory_array(&conversion->memory, n, sizeof(*containers));
	OWN_LIST cri_list *ids = NULL;
	Cri__RestorePodResponse *response;
	int result;

	for (size_t i = 0; containers && i < n; i++)
		containers[i] = container_config_from_wire(conversion, asked->container_configs[i]);
	result = exchange_check(exchange);
	if (result)
		return result;
	result = cri_sandbox_restore(exchange->engine, asked->checkpoint_path, config, asked->runtime_handler,
				     containers, n, options, asked->n_options, &ids, exchange->call);
	response = message_new(conversion, &cri__restore_pod_response__descriptor);
	if (result || !response)
		return result ? result : CRI_ENOMEM;
	response->pod_sandbox_id = text_to_wire(cri_sandbox_at(ids, 0)->id);
	exchange_object(exchange, "sandbox", response->pod_sandbox_id);
	result = add_restored(exchange, response);
	return result ? result : exchange_send(exchange, response);
}

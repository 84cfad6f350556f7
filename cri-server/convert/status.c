/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's status. */
#include "convert/convert.h"

static Cri__RuntimeCondition *condition_to_wire(struct conversion *conversion, const cri_condition *condition)
{
	Cri__RuntimeCondition *message = message_new(conversion, &cri__runtime_condition__descriptor);

	if (!message)
		return NULL;
	message->type = text_to_wire(condition->type);
	message->status = condition->status;
	message->reason = text_to_wire(condition->reason);
	message->message = text_to_wire(condition->message);
	return message;
}

static Cri__RuntimeHandler *handler_to_wire(struct conversion *conversion, const cri_handler_status *handler)
{
	Cri__RuntimeHandler *message = message_new(conversion, &cri__runtime_handler__descriptor);

	if (!message)
		return NULL;
	message->features = message_new(conversion, &cri__runtime_handler_features__descriptor);
	if (!message->features)
		return NULL;
	message->name = text_to_wire(handler->name);
	message->features->recursive_read_only_mounts = handler->recursive_read_only_mounts;
	message->features->user_namespaces = handler->user_namespaces;
	return message;
}

static Cri__RuntimeFeatures *features_to_wire(struct conversion *conversion, const cri_engine_status *status)
{
	Cri__RuntimeFeatures *message = message_new(conversion, &cri__runtime_features__descriptor);

	if (!message)
		return NULL;
	message->supplemental_groups_policy = status->supplemental_groups_policy;
	message->user_namespaces_host_network = status->user_namespaces_host_network;
	message->mount_options = status->mount_options;
	return message;
}

Cri__StatusResponse *engine_status_to_wire(struct conversion *conversion, const cri_engine_status *status)
{
	Cri__StatusResponse *message = message_new(conversion, &cri__status_response__descriptor);
	Cri__RuntimeStatus *conditions = message_new(conversion, &cri__runtime_status__descriptor);

	if (!message || !conditions)
		return NULL;
	conditions->conditions =
		memory_array(&conversion->memory, status->n_conditions, sizeof(*conditions->conditions));
	for (size_t i = 0; conditions->conditions && i < status->n_conditions; i++)
		conditions->conditions[i] = condition_to_wire(conversion, status->conditions[i]);
	conditions->n_conditions = status->n_conditions;
	message->status = conditions;
	message->runtime_handlers =
		memory_array(&conversion->memory, status->n_handlers, sizeof(*message->runtime_handlers));
	for (size_t i = 0; message->runtime_handlers && i < status->n_handlers; i++)
		message->runtime_handlers[i] = handler_to_wire(conversion, status->handlers[i]);
	message->n_runtime_handlers = status->n_handlers;
	message->features = features_to_wire(conversion, status);
	return message;
}

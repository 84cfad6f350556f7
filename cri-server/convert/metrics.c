/* SPDX-License-Identifier: Apache-2.0 */
/* Figures by name, of pods and of the containers in them. */
#include "convert/convert.h"

#include <string.h>

Cri__MetricDescriptor *metric_descriptor_to_wire(struct conversion *conversion, const cri_metric_descriptor *descriptor)
{
	Cri__MetricDescriptor *message = message_new(conversion, &cri__metric_descriptor__descriptor);

	if (!message)
		return NULL;
	message->name = text_to_wire(descriptor->name);
	message->help = text_to_wire(descriptor->help);
	message->label_keys = texts_to_wire(conversion, descriptor->label_keys, descriptor->n_label_keys);
	message->n_label_keys = descriptor->n_label_keys;
	return message;
}

static Cri__Metric *metric_to_wire(struct conversion *conversion, const cri_metric *metric)
{
	Cri__Metric *message = message_new(conversion, &cri__metric__descriptor);

	if (!message)
		return NULL;
	message->name = text_to_wire(metric->name);
	message->timestamp = metric->timestamp;
	message->metric_type = (Cri__MetricType)metric->type;
	message->label_values = texts_to_wire(conversion, metric->label_values, metric->n_label_values);
	message->n_label_values = metric->n_label_values;
	message->value = number_to_wire(conversion, metric->value);
	return message;
}

static bool same_pod(const cri_metric *one, const cri_metric *other)
{
	return strcmp(one->sandbox_id, other->sandbox_id) == 0;
}

static bool same_container(const cri_metric *one, const cri_metric *other)
{
	return same_pod(one, other) && strcmp(one->container_id, other->container_id) == 0;
}

/* The end of the run of metrics, from `first` to below `end`, that are the same as the first one. */
static size_t run_end(const cri_list *metrics, size_t first, size_t end,
		      bool (*same)(const cri_metric *, const cri_metric *))
{
	size_t next = first + 1;

	while (next < end && same(cri_metric_at(metrics, first), cri_metric_at(metrics, next)))
		next++;
	return next;
}

static Cri__Metric **run_to_wire(struct conversion *conversion, const cri_list *metrics, size_t first, size_t end)
{
	Cri__Metric **messages = memory_array(&conversion->memory, end - first, sizeof(*messages));

	for (size_t i = first; messages && i < end; i++)
		messages[i - first] = metric_to_wire(conversion, cri_metric_at(metrics, i));
	return messages;
}

static Cri__ContainerMetrics *container_to_messages(struct conversion *conversion, const cri_list *metrics,
						    size_t first, size_t end)
{
	Cri__ContainerMetrics *message = message_new(conversion, &cri__container_metrics__descriptor);

	if (!message)
		return NULL;
	message->container_id = text_to_wire(cri_metric_at(metrics, first)->container_id);
	message->metrics = run_to_wire(conversion, metrics, first, end);
	message->n_metrics = message->metrics ? end - first : 0;
	return message;
}

static Cri__PodSandboxMetrics *pod_to_wire(struct conversion *conversion, const cri_list *metrics, size_t first,
					   size_t end)
{
	Cri__PodSandboxMetrics *message = message_new(conversion, &cri__pod_sandbox_metrics__descriptor);

	if (!message)
		return NULL;
	message->pod_sandbox_id = text_to_wire(cri_metric_at(metrics, first)->sandbox_id);
	message->container_metrics =
		memory_array(&conversion->memory, end - first, sizeof(*message->container_metrics));
	for (size_t next; message->container_metrics && first < end; first = next) {
		next = run_end(metrics, first, end, same_container);
		if (!*cri_metric_at(metrics, first)->container_id) {
			message->metrics = run_to_wire(conversion, metrics, first, next);
			message->n_metrics = message->metrics ? next - first : 0;
			continue;
		}
		message->container_metrics[message->n_container_metrics] =
			container_to_messages(conversion, metrics, first, next);
		if (!message->container_metrics[message->n_container_metrics])
			return NULL;
		message->n_container_metrics++;
	}
	return message;
}

Cri__PodSandboxMetrics **metrics_to_wire(struct conversion *conversion, const cri_list *metrics, size_t *n)
{
	const size_t count = cri_list_count(metrics);
	Cri__PodSandboxMetrics **pods = memory_array(&conversion->memory, count, sizeof(*pods));

	*n = 0;
	for (size_t first = 0, next; pods && first < count; first = next) {
		next = run_end(metrics, first, count, same_pod);
		pods[*n] = pod_to_wire(conversion, metrics, first, next);
		if (!pods[*n])
			return pods;
		++*n;
	}
	return pods;
}

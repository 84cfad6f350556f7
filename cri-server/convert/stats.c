/* SPDX-License-Identifier: Apache-2.0 */
/* What containers and pods use. Figures that the kernel does not give are absent, not 0. */
#include "convert/convert.h"

static Cri__UInt64Value *counter_to_wire(struct conversion *conversion, cri_counter counter)
{
	return counter.known ? number_to_wire(conversion, counter.value) : NULL;
}

static Cri__PsiData *pressure_line_to_wire(struct conversion *conversion, const cri_pressure_line *line)
{
	Cri__PsiData *message = message_new(conversion, &cri__psi_data__descriptor);

	if (!message)
		return NULL;
	message->total = line->total;
	message->avg10 = line->avg10;
	message->avg60 = line->avg60;
	message->avg300 = line->avg300;
	return message;
}

static Cri__PsiStats *pressure_to_wire(struct conversion *conversion, const cri_pressure *pressure)
{
	Cri__PsiStats *message;

	if (!pressure->known)
		return NULL;
	message = message_new(conversion, &cri__psi_stats__descriptor);
	if (!message)
		return NULL;
	message->full = pressure_line_to_wire(conversion, &pressure->full);
	message->some = pressure_line_to_wire(conversion, &pressure->some);
	return message;
}

static Cri__CpuUsage *cpu_to_wire(struct conversion *conversion, const cri_cpu_usage *usage)
{
	Cri__CpuUsage *message = message_new(conversion, &cri__cpu_usage__descriptor);

	if (!message)
		return NULL;
	message->timestamp = usage->timestamp;
	message->usage_core_nano_seconds = counter_to_wire(conversion, usage->usage_core_nanoseconds);
	message->usage_nano_cores = counter_to_wire(conversion, usage->usage_nanocores);
	message->psi = pressure_to_wire(conversion, &usage->pressure);
	return message;
}

static Cri__MemoryUsage *memory_to_wire(struct conversion *conversion, const cri_memory_usage *usage)
{
	Cri__MemoryUsage *message = message_new(conversion, &cri__memory_usage__descriptor);

	if (!message)
		return NULL;
	message->timestamp = usage->timestamp;
	message->working_set_bytes = counter_to_wire(conversion, usage->working_set_bytes);
	message->available_bytes = counter_to_wire(conversion, usage->available_bytes);
	message->usage_bytes = counter_to_wire(conversion, usage->usage_bytes);
	message->rss_bytes = counter_to_wire(conversion, usage->rss_bytes);
	message->page_faults = counter_to_wire(conversion, usage->page_faults);
	message->major_page_faults = counter_to_wire(conversion, usage->major_page_faults);
	message->psi = pressure_to_wire(conversion, &usage->pressure);
	return message;
}

static Cri__SwapUsage *swap_to_wire(struct conversion *conversion, const cri_swap_usage *usage)
{
	Cri__SwapUsage *message;

	if (!usage->available_bytes.known && !usage->usage_bytes.known)
		return NULL;
	message = message_new(conversion, &cri__swap_usage__descriptor);
	if (!message)
		return NULL;
	message->timestamp = usage->timestamp;
	message->swap_available_bytes = counter_to_wire(conversion, usage->available_bytes);
	message->swap_usage_bytes = counter_to_wire(conversion, usage->usage_bytes);
	return message;
}

static Cri__IoUsage *io_to_wire(struct conversion *conversion, const cri_io_usage *usage)
{
	Cri__IoUsage *message;

	if (!usage->pressure.known)
		return NULL;
	message = message_new(conversion, &cri__io_usage__descriptor);
	if (!message)
		return NULL;
	message->timestamp = usage->timestamp;
	message->psi = pressure_to_wire(conversion, &usage->pressure);
	return message;
}

static Cri__ContainerAttributes *container_attributes_to_wire(struct conversion *conversion,
							      const cri_container_info *info)
{
	Cri__ContainerAttributes *message = message_new(conversion, &cri__container_attributes__descriptor);

	if (!message)
		return NULL;
	message->id = text_to_wire(info->id);
	message->metadata = container_metadata_to_wire(conversion, info);
	message->labels = pairs_to_wire(conversion, info->labels, info->n_labels);
	message->n_labels = info->n_labels;
	message->annotations = pairs_to_wire(conversion, info->annotations, info->n_annotations);
	message->n_annotations = info->n_annotations;
	return message;
}

Cri__ContainerStats *container_stats_to_wire(struct conversion *conversion, const cri_container_stats *stats)
{
	Cri__ContainerStats *message = message_new(conversion, &cri__container_stats__descriptor);

	if (!message)
		return NULL;
	message->attributes = container_attributes_to_wire(conversion, &stats->info);
	message->cpu = cpu_to_wire(conversion, &stats->cpu);
	message->memory = memory_to_wire(conversion, &stats->memory);
	message->writable_layer = filesystem_usage_to_wire(conversion, &stats->writable_layer);
	message->swap = swap_to_wire(conversion, &stats->swap);
	message->io = io_to_wire(conversion, &stats->io);
	return message;
}

static Cri__NetworkInterfaceUsage *interface_to_wire(struct conversion *conversion, const cri_interface_usage *usage)
{
	Cri__NetworkInterfaceUsage *message = message_new(conversion, &cri__network_interface_usage__descriptor);

	if (!message)
		return NULL;
	message->name = text_to_wire(usage->name);
	message->rx_bytes = number_to_wire(conversion, usage->rx_bytes);
	message->rx_errors = number_to_wire(conversion, usage->rx_errors);
	message->tx_bytes = number_to_wire(conversion, usage->tx_bytes);
	message->tx_errors = number_to_wire(conversion, usage->tx_errors);
	return message;
}

/* The first interface is the default one, which `interfaces` does not repeat. */
static Cri__NetworkUsage *network_to_wire(struct conversion *conversion, const cri_sandbox_stats *stats)
{
	const size_t n = stats->n_interfaces;
	Cri__NetworkUsage *message;

	if (!n)
		return NULL;
	message = message_new(conversion, &cri__network_usage__descriptor);
	if (!message)
		return NULL;
	message->timestamp = stats->network_timestamp;
	message->default_interface = interface_to_wire(conversion, stats->interfaces[0]);
	message->interfaces = memory_array(&conversion->memory, n - 1, sizeof(*message->interfaces));
	for (size_t i = 1; message->interfaces && i < n; i++)
		message->interfaces[i - 1] = interface_to_wire(conversion, stats->interfaces[i]);
	message->n_interfaces = message->interfaces ? n - 1 : 0;
	return message;
}

static Cri__ProcessUsage *process_to_wire(struct conversion *conversion, const cri_sandbox_stats *stats)
{
	Cri__ProcessUsage *message;

	if (!stats->process_count.known)
		return NULL;
	message = message_new(conversion, &cri__process_usage__descriptor);
	if (!message)
		return NULL;
	message->timestamp = stats->cpu.timestamp;
	message->process_count = counter_to_wire(conversion, stats->process_count);
	return message;
}

static Cri__PodSandboxAttributes *sandbox_attributes_to_wire(struct conversion *conversion,
							     const cri_sandbox_info *info)
{
	Cri__PodSandboxAttributes *message = message_new(conversion, &cri__pod_sandbox_attributes__descriptor);

	if (!message)
		return NULL;
	message->id = text_to_wire(info->id);
	message->metadata = sandbox_metadata_to_wire(conversion, info);
	message->labels = pairs_to_wire(conversion, info->labels, info->n_labels);
	message->n_labels = info->n_labels;
	message->annotations = pairs_to_wire(conversion, info->annotations, info->n_annotations);
	message->n_annotations = info->n_annotations;
	return message;
}

Cri__PodSandboxStats *sandbox_stats_to_wire(struct conversion *conversion, const cri_sandbox_stats *stats)
{
	Cri__PodSandboxStats *message = message_new(conversion, &cri__pod_sandbox_stats__descriptor);
	Cri__LinuxPodSandboxStats *figures = message_new(conversion, &cri__linux_pod_sandbox_stats__descriptor);
	const size_t n = stats->n_containers;

	if (!message || !figures)
		return NULL;
	message->attributes = sandbox_attributes_to_wire(conversion, &stats->info);
	message->linux = figures;
	figures->cpu = cpu_to_wire(conversion, &stats->cpu);
	figures->memory = memory_to_wire(conversion, &stats->memory);
	figures->network = network_to_wire(conversion, stats);
	figures->process = process_to_wire(conversion, stats);
	figures->containers = memory_array(&conversion->memory, n, sizeof(*figures->containers));
	for (size_t i = 0; figures->containers && i < n; i++)
		figures->containers[i] = container_stats_to_wire(conversion, stats->containers[i]);
	figures->n_containers = figures->containers ? n : 0;
	figures->io = io_to_wire(conversion, &stats->io);
	return message;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* LinuxContainerResources. */
#include "convert/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIDS_ANNOTATION "cgroup.pids.max"

static const cri_hugepage_limit *const *hugepages_from_wire(struct conversion *conversion,
							    Cri__HugepageLimit *const *messages, size_t n)
{
	const cri_hugepage_limit **limits = memory_array(&conversion->memory, n, sizeof(*limits));
	cri_hugepage_limit *all = memory_array(&conversion->memory, n, sizeof(*all));

	if (!limits || !all)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		all[i] = (cri_hugepage_limit){
			CRI_HUGEPAGE_LIMIT_INIT,
			.page_size = messages[i]->page_size,
			.limit = messages[i]->limit,
		};
		limits[i] = &all[i];
	}
	return limits;
}

static cri_resources *take_resources(struct conversion *conversion, const Cri__LinuxContainerResources *message)
{
	cri_resources *resources = memory_take(&conversion->memory, sizeof(*resources));

	if (!resources)
		return NULL;
	*resources = (cri_resources){ CRI_RESOURCES_INIT };
	if (!message)
		return resources;
	resources->cpu_period = message->cpu_period;
	resources->cpu_quota = message->cpu_quota;
	resources->cpu_shares = message->cpu_shares;
	resources->memory_limit_in_bytes = message->memory_limit_in_bytes;
	resources->memory_swap_limit_in_bytes = message->memory_swap_limit_in_bytes;
	resources->oom_score_adj = message->oom_score_adj;
	resources->cpuset_cpus = message->cpuset_cpus;
	resources->cpuset_mems = message->cpuset_mems;
	resources->hugepage_limits =
		hugepages_from_wire(conversion, message->hugepage_limits, message->n_hugepage_limits);
	resources->n_hugepage_limits = message->n_hugepage_limits;
	resources->unified = pairs_from_wire(conversion, message->unified, message->n_unified);
	resources->n_unified = message->n_unified;
	return resources;
}

const cri_resources *resources_from_wire(struct conversion *conversion, const Cri__LinuxContainerResources *message)
{
	return message ? take_resources(conversion, message) : NULL;
}

/* -1, or above 0; 0 when it is neither. */
static int64_t pids_limit(const char *text)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end || (*text != '-' && (*text < '0' || *text > '9')))
		return 0;
	return value > 0 || value == -1 ? value : 0;
}

const cri_resources *update_from_wire(struct conversion *conversion,
				      const Cri__UpdateContainerResourcesRequest *request)
{
	cri_resources *resources = take_resources(conversion, request->linux);

	if (!message_is_empty((const ProtobufCMessage *)request->windows))
		conversion_fail(conversion, STATUS_INVALID_ARGUMENT, "windows: this is Linux");
	for (size_t i = 0; resources && i < request->n_annotations; i++) {
		if (strcmp(request->annotations[i]->key, PIDS_ANNOTATION) != 0)
			continue;
		resources->pids_limit = pids_limit(request->annotations[i]->value);
		if (!resources->pids_limit)
			conversion_fail(conversion, STATUS_INVALID_ARGUMENT,
					"annotations: " PIDS_ANNOTATION " \"%.32s\" is neither -1 nor a number above 0",
					request->annotations[i]->value);
	}
	return resources;
}

static Cri__HugepageLimit **hugepages_to_wire(struct conversion *conversion, const cri_hugepage_limit *const *limits,
					      size_t n)
{
	Cri__HugepageLimit **messages = memory_array(&conversion->memory, n, sizeof(*messages));

	for (size_t i = 0; messages && i < n; i++) {
		messages[i] = message_new(conversion, &cri__hugepage_limit__descriptor);
		if (!messages[i])
			return NULL;
		messages[i]->page_size = text_to_wire(limits[i]->page_size);
		messages[i]->limit = limits[i]->limit;
	}
	return messages;
}

Cri__LinuxContainerResources *resources_to_wire(struct conversion *conversion, const cri_resources *resources)
{
	Cri__LinuxContainerResources *message;

	if (!resources)
		return NULL;
	message = message_new(conversion, &cri__linux_container_resources__descriptor);
	if (!message)
		return NULL;
	message->cpu_period = resources->cpu_period;
	message->cpu_quota = resources->cpu_quota;
	message->cpu_shares = resources->cpu_shares;
	message->memory_limit_in_bytes = resources->memory_limit_in_bytes;
	message->memory_swap_limit_in_bytes = resources->memory_swap_limit_in_bytes;
	message->oom_score_adj = resources->oom_score_adj;
	message->cpuset_cpus = text_to_wire(resources->cpuset_cpus);
	message->cpuset_mems = text_to_wire(resources->cpuset_mems);
	message->hugepage_limits =
		hugepages_to_wire(conversion, resources->hugepage_limits, resources->n_hugepage_limits);
	message->n_hugepage_limits = resources->n_hugepage_limits;
	message->unified = pairs_to_wire(conversion, resources->unified, resources->n_unified);
	message->n_unified = resources->n_unified;
	return message;
}

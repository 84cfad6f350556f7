/* SPDX-License-Identifier: Apache-2.0 */
/* PodSandboxConfig, and what is told about pods. */
#include "convert/convert.h"

static const cri_dns_config *dns_from_wire(struct conversion *conversion, const Cri__DNSConfig *message)
{
	cri_dns_config *dns;

	if (!message)
		return NULL;
	dns = memory_take(&conversion->memory, sizeof(*dns));
	if (!dns)
		return NULL;
	*dns = (cri_dns_config){
		CRI_DNS_CONFIG_INIT,
		.servers = (const char *const *)message->servers,
		.n_servers = message->n_servers,
		.searches = (const char *const *)message->searches,
		.n_searches = message->n_searches,
		.options = (const char *const *)message->options,
		.n_options = message->n_options,
	};
	return dns;
}

static const cri_port_mapping *const *ports_from_wire(struct conversion *conversion, Cri__PortMapping *const *messages,
						      size_t n)
{
	const cri_port_mapping **ports = memory_array(&conversion->memory, n, sizeof(*ports));
	cri_port_mapping *all = memory_array(&conversion->memory, n, sizeof(*all));

	if (!ports || !all)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		all[i] = (cri_port_mapping){
			CRI_PORT_MAPPING_INIT,
			.protocol = (cri_protocol)messages[i]->protocol,
			.container_port = messages[i]->container_port,
			.host_port = messages[i]->host_port,
			.host_ip = messages[i]->host_ip,
		};
		ports[i] = &all[i];
	}
	return ports;
}

static void take_security(struct conversion *conversion, cri_sandbox_config *config,
			  const Cri__LinuxSandboxSecurityContext *message)
{
	const struct namespaces namespaces =
		namespaces_from_wire(conversion, message ? message->namespace_options : NULL);

	config->network = namespaces.network;
	config->pid = namespaces.pid;
	config->ipc = namespaces.ipc;
	config->user_namespace = namespaces.user_namespace;
	if (*namespaces.target_id)
		conversion_fail(conversion, STATUS_INVALID_ARGUMENT,
				"linux.security_context.namespace_options.target_id: a pod has none");
	if (!message)
		return;
	config->selinux_options = selinux_from_wire(conversion, message->selinux_options);
	config->has_run_as_user = message->run_as_user != NULL;
	config->run_as_user = message->run_as_user ? message->run_as_user->value : 0;
	config->has_run_as_group = message->run_as_group != NULL;
	config->run_as_group = message->run_as_group ? message->run_as_group->value : 0;
	config->readonly_rootfs = message->readonly_rootfs;
	config->supplemental_groups = message->supplemental_groups;
	config->n_supplemental_groups = message->n_supplemental_groups;
	config->supplemental_groups_policy = (cri_groups_policy)message->supplemental_groups_policy;
	config->privileged = message->privileged;
	config->seccomp = profile_from_wire(conversion, message->seccomp);
	config->apparmor = profile_from_wire(conversion, message->apparmor);
	config->seccomp_profile_path = message->seccomp_profile_path;
}

static void take_linux(struct conversion *conversion, cri_sandbox_config *config,
		       const Cri__LinuxPodSandboxConfig *message)
{
	take_security(conversion, config, message ? message->security_context : NULL);
	if (!message)
		return;
	config->cgroup_parent = message->cgroup_parent;
	config->sysctls = pairs_from_wire(conversion, message->sysctls, message->n_sysctls);
	config->n_sysctls = message->n_sysctls;
	config->overhead = resources_from_wire(conversion, message->overhead);
	config->resources = resources_from_wire(conversion, message->resources);
}

const cri_sandbox_config *sandbox_config_from_wire(struct conversion *conversion, const Cri__PodSandboxConfig *message)
{
	const Cri__PodSandboxMetadata *metadata = message ? message->metadata : NULL;
	cri_sandbox_config *config;

	if (!metadata) {
		conversion_fail(conversion, STATUS_INVALID_ARGUMENT, "%s: it is required",
				message ? "config.metadata" : "config");
		return NULL;
	}
	if (!message_is_empty((const ProtobufCMessage *)message->windows))
		conversion_fail(conversion, STATUS_INVALID_ARGUMENT, "config.windows: this is Linux");
	config = memory_take(&conversion->memory, sizeof(*config));
	if (!config)
		return NULL;
	*config = (cri_sandbox_config){
		CRI_SANDBOX_CONFIG_INIT,
		.name = metadata->name,
		.uid = metadata->uid,
		.namespace_ = metadata->namespace_,
		.attempt = metadata->attempt,
		.hostname = message->hostname,
		.log_directory = message->log_directory,
		.dns_config = dns_from_wire(conversion, message->dns_config),
		.port_mappings = ports_from_wire(conversion, message->port_mappings, message->n_port_mappings),
		.n_port_mappings = message->n_port_mappings,
		.labels = pairs_from_wire(conversion, message->labels, message->n_labels),
		.n_labels = message->n_labels,
		.annotations = pairs_from_wire(conversion, message->annotations, message->n_annotations),
		.n_annotations = message->n_annotations,
	};
	take_linux(conversion, config, message->linux);
	return config;
}

static cri_sandbox_filter *take_filter(struct conversion *conversion, const char *id, Cri__StringPair *const *labels,
				       size_t n_labels)
{
	cri_sandbox_filter *filter = memory_take(&conversion->memory, sizeof(*filter));

	if (!filter)
		return NULL;
	*filter = (cri_sandbox_filter){
		CRI_SANDBOX_FILTER_INIT,
		.id = id,
		.label_selector = pairs_from_wire(conversion, labels, n_labels),
		.n_label_selector = n_labels,
	};
	return filter;
}

const cri_sandbox_filter *sandbox_filter_from_wire(struct conversion *conversion, const Cri__PodSandboxFilter *message)
{
	cri_sandbox_filter *filter =
		message ? take_filter(conversion, message->id, message->label_selector, message->n_label_selector)
			: NULL;

	if (filter && message->state) {
		filter->has_state = true;
		filter->state = (cri_sandbox_state)message->state->state;
	}
	return filter;
}

const cri_sandbox_filter *sandbox_stats_filter_from_wire(struct conversion *conversion,
							 const Cri__PodSandboxStatsFilter *message)
{
	return message ? take_filter(conversion, message->id, message->label_selector, message->n_label_selector)
		       : NULL;
}

Cri__PodSandboxMetadata *sandbox_metadata_to_wire(struct conversion *conversion, const cri_sandbox_info *info)
{
	Cri__PodSandboxMetadata *message = message_new(conversion, &cri__pod_sandbox_metadata__descriptor);

	if (!message)
		return NULL;
	message->name = text_to_wire(info->name);
	message->uid = text_to_wire(info->uid);
	message->namespace_ = text_to_wire(info->namespace_);
	message->attempt = info->attempt;
	return message;
}

Cri__PodSandbox *sandbox_to_wire(struct conversion *conversion, const cri_sandbox_info *info)
{
	Cri__PodSandbox *message = message_new(conversion, &cri__pod_sandbox__descriptor);

	if (!message)
		return NULL;
	message->id = text_to_wire(info->id);
	message->metadata = sandbox_metadata_to_wire(conversion, info);
	message->state = (Cri__PodSandboxState)info->state;
	message->created_at = info->created_at;
	message->labels = pairs_to_wire(conversion, info->labels, info->n_labels);
	message->n_labels = info->n_labels;
	message->annotations = pairs_to_wire(conversion, info->annotations, info->n_annotations);
	message->n_annotations = info->n_annotations;
	message->runtime_handler = text_to_wire(info->handler);
	return message;
}

/* The pod's addresses. */
static Cri__PodSandboxNetworkStatus *addresses_to_wire(struct conversion *conversion, const cri_sandbox_status *status)
{
	Cri__PodSandboxNetworkStatus *message = message_new(conversion, &cri__pod_sandbox_network_status__descriptor);
	const size_t n = status->n_additional_ips;

	if (!message)
		return NULL;
	message->ip = text_to_wire(status->ip);
	message->additional_ips = memory_array(&conversion->memory, n, sizeof(*message->additional_ips));
	for (size_t i = 0; message->additional_ips && i < n; i++) {
		Cri__PodIP *ip = message_new(conversion, &cri__pod_ip__descriptor);

		if (!ip)
			return NULL;
		ip->ip = text_to_wire(status->additional_ips[i]);
		message->additional_ips[i] = ip;
	}
	message->n_additional_ips = message->additional_ips ? n : 0;
	return message;
}

/* The pod's interfaces, as 2019 has them. */
static Cri__PodSandboxNetworkStatus2019 *interface_to_wire(struct conversion *conversion,
							   const cri_sandbox_network *network)
{
	Cri__PodSandboxNetworkStatus2019 *message =
		message_new(conversion, &cri__pod_sandbox_network_status2019__descriptor);

	if (!message)
		return NULL;
	message->ip = text_to_wire(network->n_ips ? network->ips[0] : NULL);
	message->name = text_to_wire(network->interface_name);
	message->network = text_to_wire(network->network);
	return message;
}

static void networks_to_wire(struct conversion *conversion, Cri__PodSandboxStatus *message,
			     const cri_sandbox_status *status)
{
	const bool interfaces = conversion->dialect == RPC_2019;
	const size_t n = interfaces ? status->n_networks : 1;

	message->network = memory_array(&conversion->memory, n, sizeof(*message->network));
	for (size_t i = 0; message->network && i < n; i++) {
		/* protobuf-c packs what a message says it is, not what the field says. */
		message->network[i] =
			interfaces ? (Cri__PodSandboxNetworkStatus *)interface_to_wire(conversion, status->networks[i])
				   : addresses_to_wire(conversion, status);
	}
	message->n_network = message->network ? n : 0;
}

Cri__PodSandboxStatus *sandbox_status_to_wire(struct conversion *conversion, const cri_sandbox_status *status)
{
	const cri_sandbox_info *info = &status->info;
	const struct namespaces namespaces = {
		.network = status->network,
		.pid = status->pid,
		.ipc = status->ipc,
		.user_namespace = status->user_namespace,
	};
	Cri__PodSandboxStatus *message = message_new(conversion, &cri__pod_sandbox_status__descriptor);

	if (!message)
		return NULL;
	message->linux = message_new(conversion, &cri__linux_pod_sandbox_status__descriptor);
	if (!message->linux)
		return NULL;
	message->linux->namespaces = message_new(conversion, &cri__namespace__descriptor);
	if (!message->linux->namespaces)
		return NULL;
	message->linux->namespaces->options = namespaces_to_wire(conversion, &namespaces);
	message->id = text_to_wire(info->id);
	message->metadata = sandbox_metadata_to_wire(conversion, info);
	message->state = (Cri__PodSandboxState)info->state;
	message->created_at = info->created_at;
	networks_to_wire(conversion, message, status);
	message->labels = pairs_to_wire(conversion, info->labels, info->n_labels);
	message->n_labels = info->n_labels;
	message->annotations = pairs_to_wire(conversion, info->annotations, info->n_annotations);
	message->n_annotations = info->n_annotations;
	message->runtime_handler = text_to_wire(info->handler);
	return message;
}

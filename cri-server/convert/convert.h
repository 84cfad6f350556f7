/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between messages of the CRI and the structs of libcri, field by field.
 *
 * What is converted borrows texts from where it came from: a config from the request, a message from the list. Without
 * memory NULL comes back, or arrays are cut short: look at conversion_succeeded before anything is used.
 */
#ifndef CRI_SERVER_CONVERT_CONVERT_H
#define CRI_SERVER_CONVERT_CONVERT_H

#include "convert/message.h"
#include "convert/proto.h"

/* common.c */
cri_key_values pairs_from_wire(struct conversion *conversion, Cri__StringPair *const *pairs, size_t n);
Cri__StringPair **pairs_to_wire(struct conversion *conversion, cri_key_values pairs, size_t n);
char **texts_to_wire(struct conversion *conversion, const char *const *texts, size_t n);
/* For messages, whose texts are not const. NULL is "". */
char *text_to_wire(const char *text);
/* A JSON object as a verbose map: a pair for each of its keys, values as JSON. 0 when it is no object. */
size_t json_to_wire(struct conversion *conversion, const char *json, Cri__StringPair ***pairs);
bool message_is_empty(const ProtobufCMessage *message); /* NULL is */
Cri__UInt64Value *number_to_wire(struct conversion *conversion, uint64_t value);
Cri__Int64Value *signed_number_to_wire(struct conversion *conversion, int64_t value);

/* signals.c: "" for SIGNAL_RUNTIME_DEFAULT; NULL for numbers that are no Signal. */
const char *signal_from_wire(Cri__Signal signal);
Cri__Signal signal_to_wire(const char *name);

/* resources.c: NULL stays NULL. */
const cri_resources *resources_from_wire(struct conversion *conversion, const Cri__LinuxContainerResources *message);
Cri__LinuxContainerResources *resources_to_wire(struct conversion *conversion, const cri_resources *resources);
/* With the annotation for which the CRI has no field: "cgroup.pids.max". */
const cri_resources *update_from_wire(struct conversion *conversion,
				      const Cri__UpdateContainerResourcesRequest *request);

/* security.c */
struct namespaces {
	cri_namespace_mode network;
	cri_namespace_mode pid;
	cri_namespace_mode ipc;
	const char *target_id;
	const cri_user_namespace *user_namespace;
};
struct namespaces namespaces_from_wire(struct conversion *conversion, const Cri__NamespaceOption *message);
Cri__NamespaceOption *namespaces_to_wire(struct conversion *conversion, const struct namespaces *namespaces);
const cri_id_mapping *const *id_mappings_from_wire(struct conversion *conversion, Cri__IDMapping *const *messages,
						   size_t n);
Cri__IDMapping **id_mappings_to_wire(struct conversion *conversion, const cri_id_mapping *const *mappings, size_t n);
const cri_selinux_option *selinux_from_wire(struct conversion *conversion, const Cri__SELinuxOption *message);
const cri_security_profile *profile_from_wire(struct conversion *conversion, const Cri__SecurityProfile *message);

/* sandbox.c */
const cri_sandbox_config *sandbox_config_from_wire(struct conversion *conversion, const Cri__PodSandboxConfig *message);
const cri_sandbox_filter *sandbox_filter_from_wire(struct conversion *conversion, const Cri__PodSandboxFilter *message);
const cri_sandbox_filter *sandbox_stats_filter_from_wire(struct conversion *conversion,
							 const Cri__PodSandboxStatsFilter *message);
Cri__PodSandboxMetadata *sandbox_metadata_to_wire(struct conversion *conversion, const cri_sandbox_info *info);
Cri__PodSandbox *sandbox_to_wire(struct conversion *conversion, const cri_sandbox_info *info);
Cri__PodSandboxStatus *sandbox_status_to_wire(struct conversion *conversion, const cri_sandbox_status *status);

/* container.c */
const cri_container_config *container_config_from_wire(struct conversion *conversion,
						       const Cri__ContainerConfig *message);

/* container_status.c */
const cri_container_filter *container_filter_from_wire(struct conversion *conversion,
						       const Cri__ContainerFilter *message);
const cri_container_filter *container_stats_filter_from_wire(struct conversion *conversion,
							     const Cri__ContainerStatsFilter *message);
Cri__ContainerMetadata *container_metadata_to_wire(struct conversion *conversion, const cri_container_info *info);
Cri__Container *container_to_wire(struct conversion *conversion, const cri_container_info *info);
Cri__ContainerStatus *container_status_to_wire(struct conversion *conversion, const cri_container_status *status);

/* image.c */
const cri_auth *auth_from_wire(struct conversion *conversion, const Cri__AuthConfig *message);
Cri__Image *image_to_wire(struct conversion *conversion, const cri_image_info *info);
Cri__FilesystemUsage *filesystem_usage_to_wire(struct conversion *conversion, const cri_filesystem_usage *usage);

/* stats.c */
Cri__ContainerStats *container_stats_to_wire(struct conversion *conversion, const cri_container_stats *stats);
Cri__PodSandboxStats *sandbox_stats_to_wire(struct conversion *conversion, const cri_sandbox_stats *stats);

/* metrics.c: a list that is grouped by pod and container becomes messages of pods with containers in them. */
Cri__MetricDescriptor *metric_descriptor_to_wire(struct conversion *conversion,
						 const cri_metric_descriptor *descriptor);
Cri__PodSandboxMetrics **metrics_to_wire(struct conversion *conversion, const cri_list *metrics, size_t *n);

/* status.c */
Cri__StatusResponse *engine_status_to_wire(struct conversion *conversion, const cri_engine_status *status);

#endif

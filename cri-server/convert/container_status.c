/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked and told about containers. */
#include "convert/convert.h"

static cri_container_filter *take_filter(struct conversion *conversion, const char *id, const char *sandbox_id,
					 Cri__StringPair *const *labels, size_t n_labels)
{
	cri_container_filter *filter = memory_take(&conversion->memory, sizeof(*filter));

	if (!filter)
		return NULL;
	*filter = (cri_container_filter){
		CRI_CONTAINER_FILTER_INIT,    .id = id,
		.sandbox_id = sandbox_id,     .label_selector = pairs_from_wire(conversion, labels, n_labels),
		.n_label_selector = n_labels,
	};
	return filter;
}

const cri_container_filter *container_filter_from_wire(struct conversion *conversion,
						       const Cri__ContainerFilter *message)
{
	cri_container_filter *filter = message ? take_filter(conversion, message->id, message->pod_sandbox_id,
							     message->label_selector, message->n_label_selector)
					       : NULL;

	if (filter && message->state) {
		filter->has_state = true;
		filter->state = (cri_container_state)message->state->state;
	}
	return filter;
}

const cri_container_filter *container_stats_filter_from_wire(struct conversion *conversion,
							     const Cri__ContainerStatsFilter *message)
{
	return message ? take_filter(conversion, message->id, message->pod_sandbox_id, message->label_selector,
				     message->n_label_selector)
		       : NULL;
}

Cri__ContainerMetadata *container_metadata_to_wire(struct conversion *conversion, const cri_container_info *info)
{
	Cri__ContainerMetadata *message = message_new(conversion, &cri__container_metadata__descriptor);

	if (!message)
		return NULL;
	message->name = text_to_wire(info->name);
	message->attempt = info->attempt;
	return message;
}

static Cri__ImageSpec *image_spec_to_wire(struct conversion *conversion, const char *image, const char *user_specified)
{
	Cri__ImageSpec *message = message_new(conversion, &cri__image_spec__descriptor);

	if (!message)
		return NULL;
	message->image = text_to_wire(image);
	message->user_specified_image = text_to_wire(user_specified);
	return message;
}

Cri__Container *container_to_wire(struct conversion *conversion, const cri_container_info *info)
{
	Cri__Container *message = message_new(conversion, &cri__container__descriptor);

	if (!message)
		return NULL;
	message->id = text_to_wire(info->id);
	message->pod_sandbox_id = text_to_wire(info->sandbox_id);
	message->metadata = container_metadata_to_wire(conversion, info);
	message->image = image_spec_to_wire(conversion, info->image, info->user_specified_image);
	message->image_ref = text_to_wire(info->image_id);
	message->state = (Cri__ContainerState)info->state;
	message->created_at = info->created_at;
	message->labels = pairs_to_wire(conversion, info->labels, info->n_labels);
	message->n_labels = info->n_labels;
	message->annotations = pairs_to_wire(conversion, info->annotations, info->n_annotations);
	message->n_annotations = info->n_annotations;
	message->image_id = text_to_wire(info->image_id);
	return message;
}

static Cri__Mount *mount_to_wire(struct conversion *conversion, const cri_mount *mount)
{
	Cri__Mount *message = message_new(conversion, &cri__mount__descriptor);

	if (!message)
		return NULL;
	message->container_path = text_to_wire(mount->container_path);
	message->host_path = text_to_wire(mount->host_path);
	message->readonly = mount->readonly;
	message->selinux_relabel = mount->selinux_relabel;
	message->propagation = (Cri__MountPropagation)mount->propagation;
	message->uidmappings = id_mappings_to_wire(conversion, mount->uid_mappings, mount->n_uid_mappings);
	message->n_uidmappings = mount->n_uid_mappings;
	message->gidmappings = id_mappings_to_wire(conversion, mount->gid_mappings, mount->n_gid_mappings);
	message->n_gidmappings = mount->n_gid_mappings;
	message->recursive_read_only = mount->recursive_read_only;
	if (mount->image && *mount->image)
		message->image = image_spec_to_wire(conversion, mount->image, NULL);
	message->image_sub_path = text_to_wire(mount->image_sub_path);
	message->mount_options = texts_to_wire(conversion, mount->mount_options, mount->n_mount_options);
	message->n_mount_options = mount->n_mount_options;
	return message;
}

static Cri__ContainerResources *status_resources_to_wire(struct conversion *conversion, const cri_resources *resources)
{
	Cri__ContainerResources *message;

	if (!resources)
		return NULL;
	message = message_new(conversion, &cri__container_resources__descriptor);
	if (message)
		message->linux = resources_to_wire(conversion, resources);
	return message;
}

static Cri__ContainerUser *user_to_wire(struct conversion *conversion, const cri_container_status *status)
{
	Cri__ContainerUser *message;
	Cri__LinuxContainerUser *user;
	const size_t n = status->n_supplemental_groups;

	if (!status->has_user)
		return NULL;
	message = message_new(conversion, &cri__container_user__descriptor);
	user = message_new(conversion, &cri__linux_container_user__descriptor);
	if (!message || !user)
		return NULL;
	user->uid = status->uid;
	user->gid = status->gid;
	/* Numbers are not mended: the array can be the list's. */
	user->supplemental_groups = (int64_t *)status->supplemental_groups;
	user->n_supplemental_groups = n;
	message->linux = user;
	return message;
}

Cri__ContainerStatus *container_status_to_wire(struct conversion *conversion, const cri_container_status *status)
{
	const cri_container_info *info = &status->info;
	Cri__ContainerStatus *message = message_new(conversion, &cri__container_status__descriptor);

	if (!message)
		return NULL;
	message->id = text_to_wire(info->id);
	message->metadata = container_metadata_to_wire(conversion, info);
	message->state = (Cri__ContainerState)info->state;
	message->created_at = info->created_at;
	message->started_at = status->started_at;
	message->finished_at = status->finished_at;
	message->exit_code = status->exit_code;
	message->image = image_spec_to_wire(conversion, info->image, info->user_specified_image);
	message->image_ref = text_to_wire(info->image_id);
	message->reason = text_to_wire(status->reason);
	message->message = text_to_wire(status->message);
	message->labels = pairs_to_wire(conversion, info->labels, info->n_labels);
	message->n_labels = info->n_labels;
	message->annotations = pairs_to_wire(conversion, info->annotations, info->n_annotations);
	message->n_annotations = info->n_annotations;
	message->mounts = memory_array(&conversion->memory, status->n_mounts, sizeof(*message->mounts));
	for (size_t i = 0; message->mounts && i < status->n_mounts; i++)
		message->mounts[i] = mount_to_wire(conversion, status->mounts[i]);
	message->n_mounts = status->n_mounts;
	message->log_path = text_to_wire(status->log_path);
	message->resources = status_resources_to_wire(conversion, status->resources);
	message->image_id = text_to_wire(info->image_id);
	message->user = user_to_wire(conversion, status);
	message->stop_signal = signal_to_wire(status->stop_signal);
	return message;
}

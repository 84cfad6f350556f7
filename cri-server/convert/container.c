/* SPDX-License-Identifier: Apache-2.0 */
/* ContainerConfig. */
#include "convert/convert.h"

#include <string.h>

static cri_key_values envs_from_wire(struct conversion *conversion, Cri__KeyValue *const *messages, size_t n)
{
	const cri_key_value **envs = memory_array(&conversion->memory, n, sizeof(*envs));
	cri_key_value *all = memory_array(&conversion->memory, n, sizeof(*all));

	if (!envs || !all)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const ProtobufCBinaryData *value = &messages[i]->value;

		if (value->len && memchr(value->data, 0, value->len))
			conversion_fail(conversion, STATUS_INVALID_ARGUMENT, "config.envs[%zu].value: it holds a NUL",
					i);
		all[i] = (cri_key_value){
			CRI_KEY_VALUE_INIT,
			.key = messages[i]->key,
			.value = memory_text(&conversion->memory, (const char *)value->data, value->len),
		};
		envs[i] = &all[i];
	}
	return envs;
}

static const cri_mount *const *mounts_from_wire(struct conversion *conversion, Cri__Mount *const *messages, size_t n)
{
	const cri_mount **mounts = memory_array(&conversion->memory, n, sizeof(*mounts));
	cri_mount *all = memory_array(&conversion->memory, n, sizeof(*all));

	if (!mounts || !all)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const Cri__Mount *message = messages[i];

		all[i] = (cri_mount){
			CRI_MOUNT_INIT,
			.container_path = message->container_path,
			.host_path = message->host_path,
			.readonly = message->readonly,
			.selinux_relabel = message->selinux_relabel,
			.propagation = (cri_mount_propagation)message->propagation,
			.uid_mappings = id_mappings_from_wire(conversion, message->uidmappings, message->n_uidmappings),
			.n_uid_mappings = message->n_uidmappings,
			.gid_mappings = id_mappings_from_wire(conversion, message->gidmappings, message->n_gidmappings),
			.n_gid_mappings = message->n_gidmappings,
			.recursive_read_only = message->recursive_read_only,
			.image = message->image ? message->image->image : "",
			.image_sub_path = message->image_sub_path,
			.mount_options = (const char *const *)message->mount_options,
			.n_mount_options = message->n_mount_options,
		};
		mounts[i] = &all[i];
	}
	return mounts;
}

static const cri_device *const *devices_from_wire(struct conversion *conversion, Cri__Device *const *messages, size_t n)
{
	const cri_device **devices = memory_array(&conversion->memory, n, sizeof(*devices));
	cri_device *all = memory_array(&conversion->memory, n, sizeof(*all));

	if (!devices || !all)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		all[i] = (cri_device){
			CRI_DEVICE_INIT,
			.container_path = messages[i]->container_path,
			.host_path = messages[i]->host_path,
			.permissions = messages[i]->permissions,
		};
		devices[i] = &all[i];
	}
	return devices;
}

static const char *const *cdi_from_wire(struct conversion *conversion, Cri__CDIDevice *const *messages, size_t n)
{
	const char **names = memory_array(&conversion->memory, n, sizeof(*names));

	for (size_t i = 0; names && i < n; i++)
		names[i] = messages[i]->name;
	return names;
}

static void take_capabilities(cri_container_config *config, const Cri__Capability *message)
{
	if (!message)
		return;
	config->add_capabilities = (const char *const *)message->add_capabilities;
	config->n_add_capabilities = message->n_add_capabilities;
	config->drop_capabilities = (const char *const *)message->drop_capabilities;
	config->n_drop_capabilities = message->n_drop_capabilities;
	config->add_ambient_capabilities = (const char *const *)message->add_ambient_capabilities;
	config->n_add_ambient_capabilities = message->n_add_ambient_capabilities;
}

/* An empty list of paths is meant where a client can give one: a kubelet sends the defaults itself, and none of them
 * for procMount Unmasked (containerd issue 5029). 2019 has no such fields: there the defaults apply. */
static void take_paths(const struct conversion *conversion, cri_container_config *config,
		       const Cri__LinuxContainerSecurityContext *message)
{
	config->has_masked_paths = conversion->dialect != RPC_2019;
	config->masked_paths = (const char *const *)message->masked_paths;
	config->n_masked_paths = message->n_masked_paths;
	config->has_readonly_paths = conversion->dialect != RPC_2019;
	config->readonly_paths = (const char *const *)message->readonly_paths;
	config->n_readonly_paths = message->n_readonly_paths;
}

static void take_security(struct conversion *conversion, cri_container_config *config,
			  const Cri__LinuxContainerSecurityContext *message)
{
	const struct namespaces namespaces =
		namespaces_from_wire(conversion, message ? message->namespace_options : NULL);

	config->network = namespaces.network;
	config->pid = namespaces.pid;
	config->ipc = namespaces.ipc;
	config->target_id = namespaces.target_id;
	config->user_namespace = namespaces.user_namespace;
	if (!message)
		return;
	take_capabilities(config, message->capabilities);
	config->privileged = message->privileged;
	config->selinux_options = selinux_from_wire(conversion, message->selinux_options);
	config->has_run_as_user = message->run_as_user != NULL;
	config->run_as_user = message->run_as_user ? message->run_as_user->value : 0;
	config->run_as_username = message->run_as_username;
	config->has_run_as_group = message->run_as_group != NULL;
	config->run_as_group = message->run_as_group ? message->run_as_group->value : 0;
	config->supplemental_groups = message->supplemental_groups;
	config->n_supplemental_groups = message->n_supplemental_groups;
	config->supplemental_groups_policy = (cri_groups_policy)message->supplemental_groups_policy;
	config->readonly_rootfs = message->readonly_rootfs;
	config->no_new_privs = message->no_new_privs;
	take_paths(conversion, config, message);
	config->seccomp = profile_from_wire(conversion, message->seccomp);
	config->apparmor = profile_from_wire(conversion, message->apparmor);
	config->seccomp_profile_path = message->seccomp_profile_path;
	config->apparmor_profile = message->apparmor_profile;
}

static void take_image(struct conversion *conversion, cri_container_config *config, const Cri__ImageSpec *message)
{
	if (!message)
		return;
	config->image = message->image;
	config->user_specified_image = message->user_specified_image;
	config->image_annotations = pairs_from_wire(conversion, message->annotations, message->n_annotations);
	config->n_image_annotations = message->n_annotations;
}

static void take_process(struct conversion *conversion, cri_container_config *config,
			 const Cri__ContainerConfig *message)
{
	config->command = (const char *const *)message->command;
	config->n_command = message->n_command;
	config->args = (const char *const *)message->args;
	config->n_args = message->n_args;
	config->working_dir = message->working_dir;
	config->envs = envs_from_wire(conversion, message->envs, message->n_envs);
	config->n_envs = message->n_envs;
	config->log_path = message->log_path;
	config->stdin_ = message->stdin;
	config->stdin_once = message->stdin_once;
	config->tty = message->tty;
	config->stop_signal = signal_from_wire(message->stop_signal);
	if (!config->stop_signal)
		conversion_fail(conversion, STATUS_INVALID_ARGUMENT, "config.stop_signal: %d is no signal",
				(int)message->stop_signal);
}

const cri_container_config *container_config_from_wire(struct conversion *conversion,
						       const Cri__ContainerConfig *message)
{
	cri_container_config *config;

	if (!message || !message->metadata) {
		conversion_fail(conversion, STATUS_INVALID_ARGUMENT, "%s: it is required",
				message ? "config.metadata" : "config");
		return NULL;
	}
	if (!message_is_empty((const ProtobufCMessage *)message->windows))
		conversion_fail(conversion, STATUS_INVALID_ARGUMENT, "config.windows: this is Linux");
	config = memory_take(&conversion->memory, sizeof(*config));
	if (!config)
		return NULL;
	*config = (cri_container_config){
		CRI_CONTAINER_CONFIG_INIT,
		.name = message->metadata->name,
		.attempt = message->metadata->attempt,
		.mounts = mounts_from_wire(conversion, message->mounts, message->n_mounts),
		.n_mounts = message->n_mounts,
		.devices = devices_from_wire(conversion, message->devices, message->n_devices),
		.n_devices = message->n_devices,
		.cdi_devices = cdi_from_wire(conversion, message->cdi_devices, message->n_cdi_devices),
		.n_cdi_devices = message->n_cdi_devices,
		.labels = pairs_from_wire(conversion, message->labels, message->n_labels),
		.n_labels = message->n_labels,
		.annotations = pairs_from_wire(conversion, message->annotations, message->n_annotations),
		.n_annotations = message->n_annotations,
	};
	take_image(conversion, config, message->image);
	take_process(conversion, config, message);
	config->resources = resources_from_wire(conversion, message->linux ? message->linux->resources : NULL);
	take_security(conversion, config, message->linux ? message->linux->security_context : NULL);
	return config;
}

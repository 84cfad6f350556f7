/* SPDX-License-Identifier: Apache-2.0 */
/* What a ContainerConfig must fulfil beyond its types, and in its pod. */
#include "config/check.h"

#include "base/signals.h"
#include "base/text.h"

#include <limits.h>
#include <string.h>

#define SECURITY "linux.security_context."
#define NAMESPACES SECURITY "namespace_options."
#define PIDS_ANNOTATION "cgroup.pids.max"

static int check_envs(const cri_container_config *config, cri_call *call)
{
	for (size_t i = 0; i < config->n_envs; i++) {
		const struct config_place at = CONFIG_PLACE_AT(NULL, "envs", i);
		const struct config_place key = CONFIG_PLACE(&at, "key");

		if (!*config->envs[i]->key || strchr(config->envs[i]->key, '='))
			return config_fail(call, CRI_EINVAL, &key, "it must be a name without '='");
	}
	return 0;
}

static bool is_mount_option(const char *option)
{
	return strcmp(option, "noexec") == 0 || strcmp(option, "nosuid") == 0 || strcmp(option, "nodev") == 0;
}

/* Where a mount comes from: a path of the host or an image, one of them. */
static int check_mount_source(const cri_mount *mount, const struct config_place *at, cri_call *call)
{
	const struct config_place host_path = CONFIG_PLACE(at, "host_path");
	const struct config_place image = CONFIG_PLACE(at, "image");
	const struct config_place sub_path = CONFIG_PLACE(at, "image_sub_path");

	if (*mount->image && *mount->host_path)
		return config_fail(call, CRI_EINVAL, &image, "a mount has either an image or a host_path");
	if (*mount->image)
		return config_fail(call, CRI_ENOTSUP, &image, "mounting images is not built yet");
	if (*mount->image_sub_path)
		return config_fail(call, CRI_EINVAL, &sub_path, "it needs an image");
	return config_check_path(mount->host_path, &host_path, CONFIG_PATH_ABSOLUTE, call);
}

/* Of an absolute path without "..": nothing but "/" and "/." */
static bool is_root(const char *path)
{
	while (*path == '/') {
		path += strspn(path, "/");
		if (path[0] == '.' && (path[1] == '/' || !path[1]))
			path++;
	}
	return !*path;
}

/* selinux_relabel is what kubelets set on every volume, SELinux or not. It asks for the container's label, and a
 * container cannot have one here (config_check_selinux), so that there is nothing to relabel to. */
static int check_mount(const cri_mount *mount, const struct config_place *at, cri_call *call)
{
	const struct config_place container_path = CONFIG_PLACE(at, "container_path");
	const struct config_place recursive = CONFIG_PLACE(at, "recursive_read_only");
	const struct config_place uids = CONFIG_PLACE(at, "uidMappings");
	const struct config_place gids = CONFIG_PLACE(at, "gidMappings");
	int result = config_check_path(mount->container_path, &container_path,
				       CONFIG_PATH_ABSOLUTE | CONFIG_PATH_NO_PARENT, call);

	if (result)
		return result;
	if (is_root(mount->container_path))
		return config_fail(call, CRI_EINVAL, &container_path, "nothing can be mounted on the root");
	result = check_mount_source(mount, at, call);
	if (result)
		return result;
	if (mount->recursive_read_only && (!mount->readonly || mount->propagation != CRI_PROPAGATION_PRIVATE))
		return config_fail(call, CRI_EINVAL, &recursive, "it needs readonly and propagation PRIVATE");
	if (mount->n_uid_mappings || mount->n_gid_mappings)
		return config_fail(call, CRI_ENOTSUP, mount->n_uid_mappings ? &uids : &gids,
				   "idmapped mounts are not built yet");
	for (size_t i = 0; i < mount->n_mount_options; i++) {
		const struct config_place option = CONFIG_PLACE_AT(at, "mount_options", i);

		if (!is_mount_option(mount->mount_options[i]))
			return config_fail(call, CRI_EINVAL, &option,
					   "\"%.64s\" is none of \"noexec\", \"nosuid\" and \"nodev\"",
					   mount->mount_options[i]);
	}
	return 0;
}

static int check_device(const cri_device *device, const struct config_place *at, cri_call *call)
{
	const struct config_place container_path = CONFIG_PLACE(at, "container_path");
	const struct config_place host_path = CONFIG_PLACE(at, "host_path");
	const struct config_place permissions = CONFIG_PLACE(at, "permissions");
	int result = config_check_path(device->container_path, &container_path,
				       CONFIG_PATH_ABSOLUTE | CONFIG_PATH_NO_PARENT, call);

	if (!result)
		result = config_check_path(device->host_path, &host_path, CONFIG_PATH_ABSOLUTE, call);
	if (!result && device->permissions[strspn(device->permissions, "rwm")])
		result = config_fail(call, CRI_EINVAL, &permissions, "\"%.16s\" has other letters than r, w and m",
				     device->permissions);
	return result;
}

static int check_mounts_and_devices(const cri_container_config *config, cri_call *call)
{
	const struct config_place cdi = CONFIG_PLACE(NULL, "CDI_devices");
	int result = 0;

	for (size_t i = 0; i < config->n_mounts && !result; i++) {
		const struct config_place at = CONFIG_PLACE_AT(NULL, "mounts", i);

		result = check_mount(config->mounts[i], &at, call);
	}
	for (size_t i = 0; i < config->n_devices && !result; i++) {
		const struct config_place at = CONFIG_PLACE_AT(NULL, "devices", i);

		result = check_device(config->devices[i], &at, call);
	}
	if (!result && config->n_cdi_devices)
		result = config_fail(call, CRI_ENOTSUP, &cdi, "CDI devices are not built yet");
	return result;
}

static int check_log_path(const char *log_path, const char *log_directory, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, "log_path");
	const char *slash = strrchr(log_path, '/');
	const char *name = slash ? slash + 1 : log_path;
	int result;

	if (!*log_path)
		return 0;
	result = config_check_path(log_path, &place, CONFIG_PATH_RELATIVE | CONFIG_PATH_NO_PARENT, call);
	if (result)
		return result;
	if (!*name || strcmp(name, ".") == 0)
		return config_fail(call, CRI_EINVAL, &place, "\"%.64s\" is a directory", log_path);
	if (strlen(log_directory) + strlen("/") + strlen(log_path) >= PATH_MAX)
		return config_fail(call, CRI_EINVAL, &place, "with log_directory it is longer than %d bytes",
				   PATH_MAX - 1);
	return 0;
}

/* The CRI has no field for it; resources.pids_limit is the same in our struct. */
static int check_pids_annotation(const cri_container_config *config, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, "annotations");
	int64_t annotated, limit = config->resources ? config->resources->pids_limit : 0;

	for (size_t i = 0; i < config->n_annotations; i++) {
		const cri_key_value *pair = config->annotations[i];

		if (strcmp(pair->key, PIDS_ANNOTATION) != 0)
			continue;
		if (text_to_int64(pair->value, &annotated) || (annotated != -1 && annotated <= 0))
			return config_fail(call, CRI_EINVAL, &place,
					   PIDS_ANNOTATION ": \"%.32s\" is neither -1 nor a number above 0",
					   pair->value);
		if (limit && limit != annotated)
			return config_fail(call, CRI_EINVAL, &place,
					   PIDS_ANNOTATION ": \"%.32s\" is not what linux.resources.pids_limit says",
					   pair->value);
	}
	return 0;
}

/* POD is the pod's namespace, whichever the pod has. */
static int check_shared_namespace(const char *field, cri_namespace_mode mode, cri_namespace_mode of_pod, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, field);

	if (mode != CRI_NAMESPACE_POD && mode != CRI_NAMESPACE_NODE)
		return config_fail(call, CRI_EINVAL, &place, "a container has the pod's: POD, or NODE as the pod");
	if (mode == CRI_NAMESPACE_NODE && of_pod != CRI_NAMESPACE_NODE)
		return config_fail(call, CRI_EINVAL, &place, "NODE needs a pod that has NODE");
	return 0;
}

static int check_namespaces(const cri_container_config *config, const cri_sandbox_config *sandbox, cri_call *call)
{
	const struct config_place target = CONFIG_PLACE(NULL, NAMESPACES "target_id");
	int result = check_shared_namespace(NAMESPACES "network", config->network, sandbox->network, call);

	/* Unlike the network, which is what makes a pod, message queues and shared memory can be one's own. */
	if (!result && config->ipc != CRI_NAMESPACE_CONTAINER)
		result = check_shared_namespace(NAMESPACES "ipc", config->ipc, sandbox->ipc, call);
	if (result)
		return result;
	if (config->pid == CRI_NAMESPACE_TARGET && !*config->target_id)
		return config_fail(call, CRI_EINVAL, &target, "pid TARGET needs it");
	if (config->pid != CRI_NAMESPACE_TARGET && *config->target_id)
		return config_fail(call, CRI_EINVAL, &target, "only pid TARGET takes it");
	return config_check_user_namespace(config->user_namespace, call);
}

static int check_paths(const char *name, const char *const *paths, size_t n_paths, cri_call *call)
{
	int result = 0;

	for (size_t i = 0; i < n_paths && !result; i++) {
		const struct config_place at = CONFIG_PLACE_AT(NULL, name, i);

		result = config_check_path(paths[i], &at, CONFIG_PATH_ABSOLUTE | CONFIG_PATH_NO_PARENT, call);
	}
	return result;
}

static int check_security(const cri_container_config *config, const cri_sandbox_config *sandbox, cri_call *call)
{
	const struct config_place privileged = CONFIG_PLACE(NULL, SECURITY "privileged");
	const struct config_identity identity = {
		.has_user = config->has_run_as_user,
		.user = config->run_as_user,
		.has_group = config->has_run_as_group,
		.group = config->run_as_group,
		.username = config->run_as_username,
		.groups = config->supplemental_groups,
		.n_groups = config->n_supplemental_groups,
	};
	int result;

	if (config->privileged && !sandbox->privileged)
		return config_fail(call, CRI_EINVAL, &privileged, "a privileged container needs a privileged pod");
	result = config_check_identity(&identity, call);
	if (!result)
		result = config_check_selinux(config->selinux_options, call);
	if (!result)
		result = config_check_seccomp(config->seccomp, config->seccomp_profile_path, call);
	if (!result)
		result = config_check_apparmor(config->apparmor, config->apparmor_profile, config->privileged, call);
	if (!result)
		result = check_paths(SECURITY "masked_paths", config->masked_paths, config->n_masked_paths, call);
	if (!result)
		result = check_paths(SECURITY "readonly_paths", config->readonly_paths, config->n_readonly_paths, call);
	return result;
}

static int check_process(const cri_container_config *config, cri_call *call)
{
	const struct config_place directory = CONFIG_PLACE(NULL, "working_dir");
	const struct config_place signal = CONFIG_PLACE(NULL, "stop_signal");
	int result = 0;

	if (*config->working_dir)
		result = config_check_path(config->working_dir, &directory, CONFIG_PATH_ABSOLUTE, call);
	if (!result && *config->stop_signal && signal_from_name(config->stop_signal) <= 0)
		result = config_fail(call, CRI_EINVAL, &signal, "\"%.32s\" is no signal", config->stop_signal);
	return result ? result : check_envs(config, call);
}

int config_check_container(const cri_container_config *config, const cri_sandbox_config *sandbox, cri_call *call)
{
	const struct config_place name = CONFIG_PLACE(NULL, "metadata.name");
	const struct config_place image = CONFIG_PLACE(NULL, "image.image");
	int result;

	if (!*config->name)
		return config_fail(call, CRI_EINVAL, &name, "it is required");
	if (!*config->image)
		return config_fail(call, CRI_EINVAL, &image, "it is required");
	result = check_process(config, call);
	if (!result)
		result = check_mounts_and_devices(config, call);
	if (!result)
		result = check_log_path(config->log_path, sandbox->log_directory, call);
	if (!result)
		result = config_check_resources(config->resources, "linux.resources", call);
	if (!result)
		result = check_pids_annotation(config, call);
	if (!result)
		result = check_namespaces(config, sandbox, call);
	return result ? result : check_security(config, sandbox, call);
}

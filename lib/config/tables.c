/* SPDX-License-Identifier: Apache-2.0 */
/* The structs of libcri/config.h and types.h, one line a member. */
#include "config/table_entries.h"

static const struct config_name namespace_modes[] = {
	{ "POD", CRI_NAMESPACE_POD },
	{ "CONTAINER", CRI_NAMESPACE_CONTAINER },
	{ "NODE", CRI_NAMESPACE_NODE },
	{ "TARGET", CRI_NAMESPACE_TARGET },
	{ NULL, 0 },
};

static const struct config_name propagations[] = {
	{ "PROPAGATION_PRIVATE", CRI_PROPAGATION_PRIVATE },
	{ "PROPAGATION_HOST_TO_CONTAINER", CRI_PROPAGATION_HOST_TO_CONTAINER },
	{ "PROPAGATION_BIDIRECTIONAL", CRI_PROPAGATION_BIDIRECTIONAL },
	{ NULL, 0 },
};

static const struct config_name protocols[] = {
	{ "TCP", CRI_TCP }, { "UDP", CRI_UDP }, { "SCTP", CRI_SCTP }, { NULL, 0 }
};

static const struct config_name profile_types[] = {
	{ "RuntimeDefault", CRI_PROFILE_RUNTIME_DEFAULT },
	{ "Unconfined", CRI_PROFILE_UNCONFINED },
	{ "Localhost", CRI_PROFILE_LOCALHOST },
	{ NULL, 0 },
};

static const struct config_name groups_policies[] = {
	{ "Merge", CRI_GROUPS_MERGE },
	{ "Strict", CRI_GROUPS_STRICT },
	{ NULL, 0 },
};

static const char windows_refusal[] = "there are no Windows containers here";
static const char image_handler_refusal[] = "an image has no runtime handler of its own here";
static const char image_ref_refusal[] = "name the image in image.image";

/* KeyValue.value is `bytes` in the newest schema but has always been written as plain text in JSON files, which is how
 * it is read: never as base64. */
static const struct config_field key_value_fields[] = {
	TEXT(cri_key_value, key, "key"),
	TEXT(cri_key_value, value, "value"),
};
static const cri_key_value key_value_defaults = { CRI_KEY_VALUE_INIT };
const struct config_table config_key_value = CONFIG_TABLE(cri_key_value, value, &key_value_defaults, key_value_fields);

static const struct config_field id_mapping_fields[] = {
	UINT32(cri_id_mapping, host_id, "host_id"),
	UINT32(cri_id_mapping, container_id, "container_id"),
	UINT32(cri_id_mapping, length, "length"),
};
static const cri_id_mapping id_mapping_defaults = { CRI_ID_MAPPING_INIT };
const struct config_table config_id_mapping =
	CONFIG_TABLE(cri_id_mapping, length, &id_mapping_defaults, id_mapping_fields);

static const struct config_field user_namespace_fields[] = {
	ENUM(cri_user_namespace, mode, cri_namespace_mode, namespace_modes, "mode"),
	STRUCTS(cri_user_namespace, uids, id_mapping, "uids"),
	STRUCTS(cri_user_namespace, gids, id_mapping, "gids"),
};
static const cri_user_namespace user_namespace_defaults = { CRI_USER_NAMESPACE_INIT };
const struct config_table config_user_namespace =
	CONFIG_TABLE(cri_user_namespace, n_gids, &user_namespace_defaults, user_namespace_fields);

static const struct config_field port_mapping_fields[] = {
	ENUM(cri_port_mapping, protocol, cri_protocol, protocols, "protocol"),
	INT32(cri_port_mapping, container_port, "container_port"),
	INT32(cri_port_mapping, host_port, "host_port"),
	TEXT(cri_port_mapping, host_ip, "host_ip"),
};
static const cri_port_mapping port_mapping_defaults = { CRI_PORT_MAPPING_INIT };
const struct config_table config_port_mapping =
	CONFIG_TABLE(cri_port_mapping, host_ip, &port_mapping_defaults, port_mapping_fields);

static const struct config_field dns_config_fields[] = {
	TEXTS(cri_dns_config, servers, "servers"),
	TEXTS(cri_dns_config, searches, "searches"),
	TEXTS(cri_dns_config, options, "options"),
};
static const cri_dns_config dns_config_defaults = { CRI_DNS_CONFIG_INIT };
const struct config_table config_dns_config =
	CONFIG_TABLE(cri_dns_config, n_options, &dns_config_defaults, dns_config_fields);

static const struct config_field selinux_option_fields[] = {
	TEXT(cri_selinux_option, user, "user"),
	TEXT(cri_selinux_option, role, "role"),
	TEXT(cri_selinux_option, type, "type"),
	TEXT(cri_selinux_option, level, "level"),
};
static const cri_selinux_option selinux_option_defaults = { CRI_SELINUX_OPTION_INIT };
const struct config_table config_selinux_option =
	CONFIG_TABLE(cri_selinux_option, level, &selinux_option_defaults, selinux_option_fields);

static const struct config_field security_profile_fields[] = {
	ENUM(cri_security_profile, profile_type, cri_profile_type, profile_types, "profile_type"),
	TEXT(cri_security_profile, localhost_ref, "localhost_ref"),
};
static const cri_security_profile security_profile_defaults = { CRI_SECURITY_PROFILE_INIT };
const struct config_table config_security_profile =
	CONFIG_TABLE(cri_security_profile, localhost_ref, &security_profile_defaults, security_profile_fields);

static const struct config_field hugepage_limit_fields[] = {
	TEXT(cri_hugepage_limit, page_size, "page_size"),
	UINT64(cri_hugepage_limit, limit, "limit"),
};
static const cri_hugepage_limit hugepage_limit_defaults = { CRI_HUGEPAGE_LIMIT_INIT };
const struct config_table config_hugepage_limit =
	CONFIG_TABLE(cri_hugepage_limit, limit, &hugepage_limit_defaults, hugepage_limit_fields);

/* Keys that the CRI lacks: has_oom_score_adj, has_memory_swap_limit, pids_limit. */
static const struct config_field resources_fields[] = {
	INT64(cri_resources, cpu_period, "cpu_period"),
	INT64(cri_resources, cpu_quota, "cpu_quota"),
	INT64(cri_resources, cpu_shares, "cpu_shares"),
	INT64(cri_resources, memory_limit_in_bytes, "memory_limit_in_bytes"),
	INT64(cri_resources, memory_swap_limit_in_bytes, "memory_swap_limit_in_bytes"),
	INT64(cri_resources, oom_score_adj, "oom_score_adj"),
	ZERO_IS_MEANT(cri_resources, has_oom_score_adj, oom_score_adj, "has_oom_score_adj"),
	ZERO_IS_MEANT(cri_resources, has_memory_swap_limit, memory_swap_limit_in_bytes, "has_memory_swap_limit"),
	TEXT(cri_resources, cpuset_cpus, "cpuset_cpus"),
	TEXT(cri_resources, cpuset_mems, "cpuset_mems"),
	STRUCTS(cri_resources, hugepage_limits, hugepage_limit, "hugepage_limits"),
	MAP(cri_resources, unified, "unified"),
	INT64(cri_resources, pids_limit, "pids_limit"),
};
static const cri_resources resources_defaults = { CRI_RESOURCES_INIT };
const struct config_table config_resources =
	CONFIG_TABLE(cri_resources, pids_limit, &resources_defaults, resources_fields);

#define SECURITY "linux.security_context."
#define NAMESPACES "linux.security_context.namespace_options."

static const struct config_field sandbox_fields[] = {
	TEXT(cri_sandbox_config, name, "metadata.name"),
	TEXT(cri_sandbox_config, uid, "metadata.uid"),
	TEXT(cri_sandbox_config, namespace_, "metadata.namespace"),
	UINT32(cri_sandbox_config, attempt, "metadata.attempt"),
	TEXT(cri_sandbox_config, hostname, "hostname"),
	TEXT(cri_sandbox_config, log_directory, "log_directory"),
	STRUCT(cri_sandbox_config, dns_config, dns_config, "dns_config"),
	STRUCTS(cri_sandbox_config, port_mappings, port_mapping, "port_mappings"),
	MAP(cri_sandbox_config, labels, "labels"),
	MAP(cri_sandbox_config, annotations, "annotations"),
	TEXT(cri_sandbox_config, cgroup_parent, "linux.cgroup_parent"),
	MAP(cri_sandbox_config, sysctls, "linux.sysctls"),
	STRUCT(cri_sandbox_config, overhead, resources, "linux.overhead"),
	STRUCT(cri_sandbox_config, resources, resources, "linux.resources"),
	ENUM(cri_sandbox_config, network, cri_namespace_mode, namespace_modes, NAMESPACES "network"),
	ENUM(cri_sandbox_config, pid, cri_namespace_mode, namespace_modes, NAMESPACES "pid"),
	ENUM(cri_sandbox_config, ipc, cri_namespace_mode, namespace_modes, NAMESPACES "ipc"),
	UNSUPPORTED(NAMESPACES "target_id", "a pod has no target; only a container has"),
	STRUCT(cri_sandbox_config, user_namespace, user_namespace, NAMESPACES "userns_options"),
	STRUCT(cri_sandbox_config, selinux_options, selinux_option, SECURITY "selinux_options"),
	OPTIONAL(cri_sandbox_config, run_as_user, SECURITY "run_as_user"),
	OPTIONAL(cri_sandbox_config, run_as_group, SECURITY "run_as_group"),
	BOOL(cri_sandbox_config, readonly_rootfs, SECURITY "readonly_rootfs"),
	INT64S(cri_sandbox_config, supplemental_groups, SECURITY "supplemental_groups"),
	ENUM(cri_sandbox_config, supplemental_groups_policy, cri_groups_policy, groups_policies,
	     SECURITY "supplemental_groups_policy"),
	BOOL(cri_sandbox_config, privileged, SECURITY "privileged"),
	STRUCT(cri_sandbox_config, seccomp, security_profile, SECURITY "seccomp"),
	STRUCT(cri_sandbox_config, apparmor, security_profile, SECURITY "apparmor"),
	TEXT(cri_sandbox_config, seccomp_profile_path, SECURITY "seccomp_profile_path"),
	UNSUPPORTED("windows", windows_refusal),
};
static const cri_sandbox_config sandbox_defaults = { CRI_SANDBOX_CONFIG_INIT };
const struct config_table config_sandbox =
	CONFIG_TABLE(cri_sandbox_config, seccomp_profile_path, &sandbox_defaults, sandbox_fields);

static const struct config_field mount_fields[] = {
	TEXT(cri_mount, container_path, "container_path"),
	TEXT(cri_mount, host_path, "host_path"),
	BOOL(cri_mount, readonly, "readonly"),
	BOOL(cri_mount, selinux_relabel, "selinux_relabel"),
	ENUM(cri_mount, propagation, cri_mount_propagation, propagations, "propagation"),
	STRUCTS(cri_mount, uid_mappings, id_mapping, "uidMappings"),
	STRUCTS(cri_mount, gid_mappings, id_mapping, "gidMappings"),
	BOOL(cri_mount, recursive_read_only, "recursive_read_only"),
	TEXT(cri_mount, image, "image.image"),
	UNSUPPORTED("image.annotations", "annotations of a mounted image are not used here"),
	UNSUPPORTED("image.user_specified_image", "only a container's own image has it here"),
	UNSUPPORTED("image.runtime_handler", image_handler_refusal),
	UNSUPPORTED("image.image_ref", image_ref_refusal),
	TEXT(cri_mount, image_sub_path, "image_sub_path"),
	TEXTS(cri_mount, mount_options, "mount_options"),
};
static const cri_mount mount_defaults = { CRI_MOUNT_INIT };
const struct config_table config_mount = CONFIG_TABLE(cri_mount, n_mount_options, &mount_defaults, mount_fields);

static const struct config_field device_fields[] = {
	TEXT(cri_device, container_path, "container_path"),
	TEXT(cri_device, host_path, "host_path"),
	TEXT(cri_device, permissions, "permissions"),
};
static const cri_device device_defaults = { CRI_DEVICE_INIT };
const struct config_table config_device = CONFIG_TABLE(cri_device, permissions, &device_defaults, device_fields);

static const struct config_field container_fields[] = {
	TEXT(cri_container_config, name, "metadata.name"),
	UINT32(cri_container_config, attempt, "metadata.attempt"),
	TEXT(cri_container_config, image, "image.image"),
	TEXT(cri_container_config, user_specified_image, "image.user_specified_image"),
	MAP(cri_container_config, image_annotations, "image.annotations"),
	UNSUPPORTED("image.runtime_handler", image_handler_refusal),
	UNSUPPORTED("image.image_ref", image_ref_refusal),
	TEXTS(cri_container_config, command, "command"),
	TEXTS(cri_container_config, args, "args"),
	TEXT(cri_container_config, working_dir, "working_dir"),
	STRUCTS(cri_container_config, envs, key_value, "envs"),
	STRUCTS(cri_container_config, mounts, mount, "mounts"),
	STRUCTS(cri_container_config, devices, device, "devices"),
	NAMED_TEXTS(cri_container_config, cdi_devices, "CDI_devices"),
	MAP(cri_container_config, labels, "labels"),
	MAP(cri_container_config, annotations, "annotations"),
	TEXT(cri_container_config, log_path, "log_path"),
	BOOL(cri_container_config, stdin_, "stdin"),
	BOOL(cri_container_config, stdin_once, "stdin_once"),
	BOOL(cri_container_config, tty, "tty"),
	SIGNAL(cri_container_config, stop_signal, "stop_signal"),
	STRUCT(cri_container_config, resources, resources, "linux.resources"),
	BOOL(cri_container_config, privileged, SECURITY "privileged"),
	TEXTS(cri_container_config, add_capabilities, SECURITY "capabilities.add_capabilities"),
	TEXTS(cri_container_config, drop_capabilities, SECURITY "capabilities.drop_capabilities"),
	TEXTS(cri_container_config, add_ambient_capabilities, SECURITY "capabilities.add_ambient_capabilities"),
	ENUM(cri_container_config, network, cri_namespace_mode, namespace_modes, NAMESPACES "network"),
	ENUM(cri_container_config, pid, cri_namespace_mode, namespace_modes, NAMESPACES "pid"),
	ENUM(cri_container_config, ipc, cri_namespace_mode, namespace_modes, NAMESPACES "ipc"),
	TEXT(cri_container_config, target_id, NAMESPACES "target_id"),
	STRUCT(cri_container_config, user_namespace, user_namespace, NAMESPACES "userns_options"),
	STRUCT(cri_container_config, selinux_options, selinux_option, SECURITY "selinux_options"),
	OPTIONAL(cri_container_config, run_as_user, SECURITY "run_as_user"),
	TEXT(cri_container_config, run_as_username, SECURITY "run_as_username"),
	OPTIONAL(cri_container_config, run_as_group, SECURITY "run_as_group"),
	INT64S(cri_container_config, supplemental_groups, SECURITY "supplemental_groups"),
	ENUM(cri_container_config, supplemental_groups_policy, cri_groups_policy, groups_policies,
	     SECURITY "supplemental_groups_policy"),
	BOOL(cri_container_config, readonly_rootfs, SECURITY "readonly_rootfs"),
	BOOL(cri_container_config, no_new_privs, SECURITY "no_new_privs"),
	NULLABLE_TEXTS(cri_container_config, masked_paths, SECURITY "masked_paths"),
	NULLABLE_TEXTS(cri_container_config, readonly_paths, SECURITY "readonly_paths"),
	STRUCT(cri_container_config, seccomp, security_profile, SECURITY "seccomp"),
	STRUCT(cri_container_config, apparmor, security_profile, SECURITY "apparmor"),
	TEXT(cri_container_config, seccomp_profile_path, SECURITY "seccomp_profile_path"),
	TEXT(cri_container_config, apparmor_profile, SECURITY "apparmor_profile"),
	UNSUPPORTED("windows", windows_refusal),
};
static const cri_container_config container_defaults = { CRI_CONTAINER_CONFIG_INIT };
const struct config_table config_container =
	CONFIG_TABLE(cri_container_config, apparmor_profile, &container_defaults, container_fields);

/* SPDX-License-Identifier: Apache-2.0 */
/* Options, filters and other inputs, one line a member. They are never JSON: a path is just the member's name. */
#include "config/table_entries.h"

static const struct config_name log_levels[] = {
	{ "error", CRI_LOG_ERROR },
	{ "warning", CRI_LOG_WARNING },
	{ "info", CRI_LOG_INFO },
	{ "debug", CRI_LOG_DEBUG },
	{ NULL, 0 },
};

static const struct config_name cgroup_drivers[] = {
	{ "SYSTEMD", CRI_CGROUP_SYSTEMD },
	{ "CGROUPFS", CRI_CGROUP_CGROUPFS },
	{ NULL, 0 },
};

static const struct config_name monitor_cgroups[] = {
	{ "shared", CRI_MONITOR_CGROUP_SHARED },
	{ "pod", CRI_MONITOR_CGROUP_POD },
	{ NULL, 0 },
};

static const struct config_name network_plugins[] = {
	{ "none", CRI_NETWORK_NONE },
	{ "cni", CRI_NETWORK_CNI },
	{ "native", CRI_NETWORK_NATIVE },
	{ NULL, 0 },
};

static const struct config_name sandbox_states[] = {
	{ "SANDBOX_READY", CRI_SANDBOX_READY },
	{ "SANDBOX_NOTREADY", CRI_SANDBOX_NOTREADY },
	{ NULL, 0 },
};

static const struct config_name container_states[] = {
	{ "CONTAINER_CREATED", CRI_CONTAINER_CREATED },
	{ "CONTAINER_RUNNING", CRI_CONTAINER_RUNNING },
	{ "CONTAINER_EXITED", CRI_CONTAINER_EXITED },
	{ "CONTAINER_UNKNOWN", CRI_CONTAINER_UNKNOWN },
	{ NULL, 0 },
};

static const struct config_name image_formats[] = {
	{ "oci-archive", CRI_IMAGE_OCI_ARCHIVE },
	{ "oci-layout", CRI_IMAGE_OCI_LAYOUT },
	{ NULL, 0 },
};

static const struct config_field registry_fields[] = {
	TEXT(cri_registry_options, host, "host"),
	TEXTS(cri_registry_options, mirrors, "mirrors"),
	BOOL(cri_registry_options, plain_http, "plain_http"),
	BOOL(cri_registry_options, skip_verify, "skip_verify"),
	TEXT(cri_registry_options, ca_file, "ca_file"),
	TEXT(cri_registry_options, certificate_file, "certificate_file"),
	TEXT(cri_registry_options, key_file, "key_file"),
};
static const cri_registry_options registry_defaults = { CRI_REGISTRY_OPTIONS_INIT };
const struct config_table config_registry_options =
	CONFIG_TABLE(cri_registry_options, key_file, &registry_defaults, registry_fields);

static const struct config_field handler_fields[] = {
	TEXT(cri_handler_options, name, "name"),
	TEXT(cri_handler_options, type, "type"),
	TEXT(cri_handler_options, path, "path"),
	TEXTS(cri_handler_options, args, "args"),
};
static const cri_handler_options handler_defaults = { CRI_HANDLER_OPTIONS_INIT };
const struct config_table config_handler_options =
	CONFIG_TABLE(cri_handler_options, n_args, &handler_defaults, handler_fields);

static const struct config_field engine_fields[] = {
	TEXT(cri_engine_options, root, "root"),
	TEXT(cri_engine_options, state, "state"),
	TEXT(cri_engine_options, helper_directory, "helper_directory"),
	OPAQUE(cri_engine_options, log, cri_log_function),
	OPAQUE(cri_engine_options, log_data, void *),
	ENUM(cri_engine_options, log_level, cri_log_level, log_levels, "log_level"),
	TEXT(cri_engine_options, cgroup_parent, "cgroup_parent"),
	ENUM(cri_engine_options, cgroup_driver, cri_cgroup_driver, cgroup_drivers, "cgroup_driver"),
	ENUM(cri_engine_options, monitor_cgroup, cri_monitor_cgroup, monitor_cgroups, "monitor_cgroup"),
	TEXT(cri_engine_options, pod_sandbox_image, "pod_sandbox_image"),
	TEXT(cri_engine_options, default_handler, "default_handler"),
	STRUCTS(cri_engine_options, handlers, handler_options, "handlers"),
	ENUM(cri_engine_options, network_plugin, cri_network_plugin, network_plugins, "network_plugin"),
	TEXTS(cri_engine_options, cni_plugin_directories, "cni_plugin_directories"),
	TEXT(cri_engine_options, cni_config_directory, "cni_config_directory"),
	BOOL(cri_engine_options, cni_exec_all, "cni_exec_all"),
	STRUCTS(cri_engine_options, registries, registry_options, "registries"),
	TEXTS(cri_engine_options, registry_mirrors, "registry_mirrors"),
	TEXTS(cri_engine_options, insecure_registries, "insecure_registries"),
	UINT32(cri_engine_options, max_parallel_layers, "max_parallel_layers"),
	UINT64(cri_engine_options, max_layer_bytes, "max_layer_bytes"),
	TEXT(cri_engine_options, image_policy_file, "image_policy_file"),
	BOOL(cri_engine_options, verify_embedded_at_mount, "verify_embedded_at_mount"),
	BOOL(cri_engine_options, sync_writable_layers, "sync_writable_layers"),
	UINT32(cri_engine_options, max_events, "max_events"),
};
static const cri_engine_options engine_defaults = { CRI_ENGINE_OPTIONS_INIT };
const struct config_table config_engine_options =
	CONFIG_TABLE(cri_engine_options, max_events, &engine_defaults, engine_fields);

static const struct config_field exec_fields[] = {
	TEXTS(cri_exec_options, command, "command"),
	INT64(cri_exec_options, timeout, "timeout"),
	STRUCTS(cri_exec_options, envs, key_value, "envs"),
	TEXT(cri_exec_options, working_dir, "working_dir"),
};
static const cri_exec_options exec_defaults = { CRI_EXEC_OPTIONS_INIT };
const struct config_table config_exec_options =
	CONFIG_TABLE(cri_exec_options, working_dir, &exec_defaults, exec_fields);

static const struct config_field auth_fields[] = {
	TEXT(cri_auth, username, "username"),
	TEXT(cri_auth, password, "password"),
	TEXT(cri_auth, auth, "auth"),
	TEXT(cri_auth, server_address, "server_address"),
	TEXT(cri_auth, identity_token, "identity_token"),
	TEXT(cri_auth, registry_token, "registry_token"),
};
static const cri_auth auth_defaults = { CRI_AUTH_INIT };
const struct config_table config_auth = CONFIG_TABLE(cri_auth, registry_token, &auth_defaults, auth_fields);

static const struct config_field pull_fields[] = {
	STRUCT(cri_pull_options, auth, auth, "auth"),
	{ CONFIG_VALUE(cri_pull_options, sandbox, const cri_sandbox_config *, CONFIG_STRUCT, "sandbox"),
	  .table = &config_sandbox },
	TEXT(cri_pull_options, platform, "platform"),
	OPAQUE(cri_pull_options, progress, cri_image_progress_function),
	OPAQUE(cri_pull_options, progress_data, void *),
	BOOL(cri_pull_options, pinned, "pinned"),
};
static const cri_pull_options pull_defaults = { CRI_PULL_OPTIONS_INIT };
const struct config_table config_pull_options = CONFIG_TABLE(cri_pull_options, pinned, &pull_defaults, pull_fields);

static const struct config_field import_fields[] = {
	TEXT(cri_import_options, reference, "reference"),
	TEXT(cri_import_options, platform, "platform"),
	OPAQUE(cri_import_options, progress, cri_image_progress_function),
	OPAQUE(cri_import_options, progress_data, void *),
	BOOL(cri_import_options, pinned, "pinned"),
};
static const cri_import_options import_defaults = { CRI_IMPORT_OPTIONS_INIT };
const struct config_table config_import_options =
	CONFIG_TABLE(cri_import_options, pinned, &import_defaults, import_fields);

static const struct config_field save_fields[] = {
	ENUM(cri_save_options, format, cri_image_format, image_formats, "format"),
};
static const cri_save_options save_defaults = { CRI_SAVE_OPTIONS_INIT };
const struct config_table config_save_options = CONFIG_TABLE(cri_save_options, format, &save_defaults, save_fields);

static const struct config_field sandbox_filter_fields[] = {
	TEXT(cri_sandbox_filter, id, "id"),
	OPTIONAL_ENUM(cri_sandbox_filter, state, cri_sandbox_state, sandbox_states, "state"),
	MAP(cri_sandbox_filter, label_selector, "label_selector"),
};
static const cri_sandbox_filter sandbox_filter_defaults = { CRI_SANDBOX_FILTER_INIT };
const struct config_table config_sandbox_filter =
	CONFIG_TABLE(cri_sandbox_filter, n_label_selector, &sandbox_filter_defaults, sandbox_filter_fields);

static const struct config_field container_filter_fields[] = {
	TEXT(cri_container_filter, id, "id"),
	OPTIONAL_ENUM(cri_container_filter, state, cri_container_state, container_states, "state"),
	TEXT(cri_container_filter, sandbox_id, "pod_sandbox_id"),
	MAP(cri_container_filter, label_selector, "label_selector"),
};
static const cri_container_filter container_filter_defaults = { CRI_CONTAINER_FILTER_INIT };
const struct config_table config_container_filter =
	CONFIG_TABLE(cri_container_filter, n_label_selector, &container_filter_defaults, container_filter_fields);

static const struct config_field stream_fields[] = {
	BOOL(cri_stream_options, in, "stdin"),     BOOL(cri_stream_options, out, "stdout"),
	BOOL(cri_stream_options, err, "stderr"),   BOOL(cri_stream_options, tty, "tty"),
	TEXTS(cri_stream_options, command, "cmd"),
};
static const cri_stream_options stream_defaults = { CRI_STREAM_OPTIONS_INIT };
const struct config_table config_stream_options =
	CONFIG_TABLE(cri_stream_options, n_command, &stream_defaults, stream_fields);

static const struct config_field stream_server_fields[] = {
	TEXT(cri_stream_server_options, address, "address"),
	UINT16(cri_stream_server_options, port, "port"),
	TEXT(cri_stream_server_options, certificate_file, "certificate_file"),
	TEXT(cri_stream_server_options, key_file, "key_file"),
	TEXT(cri_stream_server_options, ca_file, "ca_file"),
	INT64(cri_stream_server_options, idle_timeout, "idle_timeout"),
	TEXT(cri_stream_server_options, base_url, "base_url"),
};
static const cri_stream_server_options stream_server_defaults = { CRI_STREAM_SERVER_OPTIONS_INIT };
const struct config_table config_stream_server_options =
	CONFIG_TABLE(cri_stream_server_options, base_url, &stream_server_defaults, stream_server_fields);

/* SPDX-License-Identifier: Apache-2.0 */
/* The INIT macros as functions, for languages that cannot use them. */
#include "config/table.h"

#include <string.h>

/* A size that the caller's header knows and this library does not yet: the rest is zeroed, and config_copy will accept
 * it as long as it stays zero. */
static void initialise(const struct config_table *table, void *input, size_t size)
{
	if (!input || size < sizeof(size_t))
		return;
	memset(input, 0, size);
	memcpy(input, table->defaults, size < table->size ? size : table->size);
	memcpy(input, &size, sizeof(size));
}

#define INIT(type, table)                                                                                              \
	void type##_init(type *input, size_t size) /* NOLINT(bugprone-macro-parentheses) */                            \
	{                                                                                                              \
		initialise(&(table), input, size);                                                                     \
	}

INIT(cri_key_value, config_key_value)
INIT(cri_id_mapping, config_id_mapping)
INIT(cri_user_namespace, config_user_namespace)
INIT(cri_port_mapping, config_port_mapping)
INIT(cri_dns_config, config_dns_config)
INIT(cri_selinux_option, config_selinux_option)
INIT(cri_security_profile, config_security_profile)
INIT(cri_hugepage_limit, config_hugepage_limit)
INIT(cri_resources, config_resources)
INIT(cri_sandbox_config, config_sandbox)
INIT(cri_mount, config_mount)
INIT(cri_device, config_device)
INIT(cri_container_config, config_container)
INIT(cri_registry_options, config_registry_options)
INIT(cri_handler_options, config_handler_options)
INIT(cri_engine_options, config_engine_options)
INIT(cri_sandbox_filter, config_sandbox_filter)
INIT(cri_container_filter, config_container_filter)
INIT(cri_exec_options, config_exec_options)
INIT(cri_auth, config_auth)
INIT(cri_pull_options, config_pull_options)
INIT(cri_import_options, config_import_options)
INIT(cri_save_options, config_save_options)
INIT(cri_stream_options, config_stream_options)
INIT(cri_stream_server_options, config_stream_server_options)

/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments that plugins with capabilities get as "runtimeConfig". */
#ifndef LIBCRI_NETWORK_CAPABILITIES_H
#define LIBCRI_NETWORK_CAPABILITIES_H

#include "base/json.h"
#include "core/engine.h"

/* An annotation's value, or NULL. */
const char *capabilities_annotation(const cri_sandbox_config *config, const char *key);

/* portMappings and bandwidth of the default network; dns and io.kubernetes.cri.pod-annotations; ips and mac, if the
 * entry of the annotation, which may be NULL, asks for them. */
int capabilities_make(const cri_sandbox_config *config, const cJSON *entry, bool is_default, cJSON **capabilities,
		      cri_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod will be attached to, before anything is made. */
#ifndef LIBCRI_NETWORK_PLAN_H
#define LIBCRI_NETWORK_PLAN_H

#include "base/json.h"
#include "core/engine.h"

/* Names more networks of a pod, or its default one, and asks for addresses:
 * [{"name","interface","ips":["10.1.0.7"],"mac"}]. An entry for eth0 is the default network. */
#define PLAN_ANNOTATION "network.alpha.kubernetes.io/network"
#define PLAN_DEFAULT_INTERFACE "eth0"

/* The pod's record (network.h), without results. CRI_EPRECONDITION: there is no network; CRI_EINVAL: the annotation. */
int plan_make(cri_engine *engine, const cri_sandbox_config *config, const char *sandbox_id, cJSON **record,
	      cri_call *call);

/* "path": the directories with plugins; none for the native network. False: memory ran out. */
bool plan_add_path(cri_engine *engine, cJSON *record);
/* Plugins that were moved since the record was made are found where they are now. */
bool plan_widen_path(cri_engine *engine, cJSON *record);

#endif

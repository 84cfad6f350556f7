/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that pods can be attached to. */
#ifndef LIBCRI_NETWORK_NETWORKS_H
#define LIBCRI_NETWORK_NETWORKS_H

#include "base/json.h"
#include "core/engine.h"

/*
 * With CNI: what the directory holds, or, when that is missing or broken now, the last that was good, which the store
 * keeps. {"fingerprint","problem","stale","networks":[{"file","list"}]}; the first network is the default one;
 * "problem" says what is wrong with the present files, "" if nothing is; "stale": they are not those in force. Not yet
 * any network: an empty array.
 */
int networks_load(cri_engine *engine, cJSON **networks, cri_call *call);

/* The list of a network by name, NULL: the default one. NULL: there is none. */
const cJSON *networks_find(const cJSON *networks, const char *name);

/* The built-in network: a bridge cri0 with addresses of both families, masquerading and port mappings. */
#define NATIVE_BRIDGE "cri0"
int networks_native(cJSON **networks, cri_call *call);

#endif

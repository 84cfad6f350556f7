/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of CNI plugins. Inside they are JSON of version 1.0.0, checked: interfaces are objects with a name, addresses
 * and routes are well-formed, an address's interface exists.
 */
#ifndef LIBCRI_HELPERS_NETWORK_RESULT_H
#define LIBCRI_HELPERS_NETWORK_RESULT_H

#include "helpers/network/address.h"
#include "helpers/network/failure.h"

#include <cjson/cJSON.h>

#define RESULT_VERSION "1.0.0"
#define RESULT_MAX_ELEMENTS 256 /* of each array */

/* Versions that cri-network speaks. */
bool result_version_known(const char *version);
/* 0.1.0 and 0.2.0: one address a family, under "ip4" and "ip6". */
bool result_is_old(const char *version);

/* From what a plugin printed, in any known version. */
int result_read(const cJSON *printed, cJSON **result, struct failure *failure);

/* For a plugin or a cache: as `version` wants it. */
int result_write(const cJSON *result, const char *version, cJSON **written, struct failure *failure);

/* For building one. Each answers false when memory ran out. */
cJSON *result_new(void);
bool result_add_interface(cJSON *result, const char *name, const char *mac, const char *sandbox);
bool result_add_address(cJSON *result, const struct prefix *prefix, const struct address *gateway, int interface);
bool result_add_route(cJSON *result, const struct prefix *destination, const struct address *gateway);

/* The index-th address of the result that belongs to no interface of the host; false when there are no more. */
bool result_pod_address(const cJSON *result, unsigned index, struct prefix *prefix);
/* The same of one interface of the pod, and of addresses that are not said to be of one. */
bool result_address_of(const cJSON *result, const char *pod_interface, unsigned index, struct prefix *prefix);

#endif

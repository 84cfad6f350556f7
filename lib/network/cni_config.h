/* SPDX-License-Identifier: Apache-2.0 */
/* CNI configuration files. */
#ifndef LIBCRI_NETWORK_CNI_CONFIG_H
#define LIBCRI_NETWORK_CNI_CONFIG_H

#include "base/json.h"

#define CNI_CONFIG_MAX (256u << 10)
#define CNI_PLUGINS_MAX 16

/*
 * Reads a file: a list of plugins (`is_list`, *.conflist) or a single one. The list that comes out is
 * {"cniVersion","name","plugins"} with "disableCheck" and "disableGC" where they were given; the newest of
 * "cniVersions" that is known stands as its version. 0 or -EINVAL, -ENOMEM; *problem says what is wrong, static.
 */
int cni_config_read(const char *text, size_t length, bool is_list, cJSON **list, const char **problem);

#endif

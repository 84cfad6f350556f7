/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities by name, and the set a container gets. */
#ifndef LIBCRI_RUNTIME_CAPABILITY_H
#define LIBCRI_RUNTIME_CAPABILITY_H

#include "core/call.h"
#include "libcri/config.h"
#include "runtime/container.h"

/* "NET_ADMIN", "CAP_NET_ADMIN", "cap_net_admin": the number, or -1. */
int capability_from_name(const char *name);
const char *capability_name(int number); /* "CAP_CHOWN"; NULL */
int capability_last(void);               /* the kernel's highest, from /proc/sys/kernel/cap_last_cap */

/* The five sets from the config: the default 14 of Docker, minus drop, plus add ("ALL" in either), all of them when
 * privileged; ambient ones only when asked for. For a user other than root the caller's cri-init drops effective and
 * permitted itself on exec, as the kernel does. CRI_EINVAL names an unknown capability. */
int capability_sets(const cri_container_config *config, uint64_t sets[RUNTIME_CAPABILITY_SETS], cri_call *call);

#endif

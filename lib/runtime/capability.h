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

/* The five sets from the config: the default 14 of Docker, or all of them when privileged; "ALL" in add, then "ALL" in
 * drop, then the single ones of add, then those of drop: what is in both is dropped, as containerd and CRI-O do.
 * Ambient (and with them inheritable) ones only when asked for: they are added to all sets. Where a set is meant rather
 * than a name, what the machine's bounding set lacks is left out. For a user other than root the caller's cri-init
 * drops effective and permitted itself on exec, as the kernel does. CRI_EINVAL names an unknown capability, CRI_EPERM
 * one that was asked for and that the bounding set lacks. */
int capability_sets(const cri_container_config *config, uint64_t sets[RUNTIME_CAPABILITY_SETS], cri_call *call);

#endif

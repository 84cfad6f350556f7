/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_SANDBOX_STATS_H
#define LIBCRI_SANDBOX_STATS_H

#include "network/interfaces.h"
#include "sandbox/info.h"

/* Looks into the network namespaces of pods, one look a pod, in the arena; the pod's main interface comes first, and of
 * very many there are the first 64. None for a pod of the host's network, for one that is stopped, and, unless
 * `strict`, for one that cannot be looked into, of which the log tells. */
int sandbox_network_looks(cri_engine *engine, struct arena *arena, const struct sandbox_item *items, size_t n_items,
			  bool strict, struct network_look **looks, cri_call *call);

#endif

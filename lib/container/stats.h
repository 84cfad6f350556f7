/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_CONTAINER_STATS_H
#define LIBCRI_CONTAINER_STATS_H

#include "container/info.h"
#include "libcri/stats.h"

/* Figures of one container; zeros for one that does not run. Texts go into the arena. */
int container_stats_fill(cri_engine *engine, struct arena *arena, const struct container_item *item,
			 cri_container_stats *stats, cri_call *call);

#endif

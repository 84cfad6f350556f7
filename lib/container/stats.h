/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_CONTAINER_STATS_H
#define LIBCRI_CONTAINER_STATS_H

#include "container/info.h"
#include "image/tree_usage.h"
#include "libcri/stats.h"

/* Those of the running containers that match a filter, of which the state is not looked at. In the arena. */
int container_stats_running(cri_engine *engine, struct arena *arena, const cri_container_filter *filter,
			    cri_container_stats **stats, size_t *n_stats, cri_call *call);

/* What a container's writable layer occupies. Any thread. */
int container_writable_layer(cri_engine *engine, const struct container_row *row, struct tree_patience patience,
			     cri_filesystem_usage *layer, cri_call *call);

#endif

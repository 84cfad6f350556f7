/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup uses, as users see it. A figure that nobody knows is not known, never 0. */
#ifndef LIBCRI_RUNTIME_USAGE_H
#define LIBCRI_RUNTIME_USAGE_H

#include "cgroup/cgroup.h"
#include "core/engine.h"
#include "libcri/stats.h"

cri_cpu_usage usage_of_cpu(const struct cgroup_usage *usage);
cri_memory_usage usage_of_memory(const struct cgroup_usage *usage);
cri_swap_usage usage_of_swap(const struct cgroup_usage *usage);
cri_io_usage usage_of_io(const struct cgroup_usage *usage);

cri_counter usage_counter(bool known, uint64_t value);

/* Fills in what a cgroup uses a second, from the looks of this engine. Any thread. */
void usage_fill_rate(cri_engine *engine, const char *cgroup, cri_cpu_usage *cpu);

#endif

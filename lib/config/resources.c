/* SPDX-License-Identifier: Apache-2.0 */
/* Resources that are updated: what is not given stays as it was. */
#include "config/config.h"

#include "base/text.h"

void config_merge_resources(cri_resources *to, const cri_resources *from)
{
#define MERGE(field)                                                                                                   \
	if (from->field)                                                                                               \
	to->field = from->field
	MERGE(cpu_period);
	MERGE(cpu_quota);
	MERGE(cpu_shares);
	MERGE(memory_limit_in_bytes);
	MERGE(pids_limit);
#undef MERGE
	if (from->memory_swap_limit_in_bytes || from->has_memory_swap_limit) {
		to->memory_swap_limit_in_bytes = from->memory_swap_limit_in_bytes;
		to->has_memory_swap_limit = from->has_memory_swap_limit;
	}
	if (from->oom_score_adj || from->has_oom_score_adj) {
		to->oom_score_adj = from->oom_score_adj;
		to->has_oom_score_adj = from->has_oom_score_adj;
	}
	if (!text_is_empty(from->cpuset_cpus))
		to->cpuset_cpus = from->cpuset_cpus;
	if (!text_is_empty(from->cpuset_mems))
		to->cpuset_mems = from->cpuset_mems;
	if (from->n_hugepage_limits) {
		to->hugepage_limits = from->hugepage_limits;
		to->n_hugepage_limits = from->n_hugepage_limits;
	}
	if (from->n_unified) {
		to->unified = from->unified;
		to->n_unified = from->n_unified;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ContainerStats and ListContainerStats. */
#include "container/stats.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "container/exits.h"
#include "container/info.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"
#include "runtime/cgroup.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "read stats";

static cri_counter known(bool is_known, uint64_t value)
{
	return (cri_counter){ is_known, is_known ? value : 0 };
}

#define FILL_PRESSURE(to, from)                                                                                        \
	do {                                                                                                           \
		(to)->known = (from)->known;                                                                           \
		(to)->some = (cri_pressure_line){ (from)->some.total, (from)->some.avg10, (from)->some.avg60,          \
						  (from)->some.avg300 };                                               \
		(to)->full = (cri_pressure_line){ (from)->full.total, (from)->full.avg10, (from)->full.avg60,          \
						  (from)->full.avg300 };                                               \
	} while (0)

static void fill_usage(const struct cgroup_usage *usage, cri_container_stats *stats)
{
	uint64_t limit = usage->memory_limit;
	uint64_t used = usage->memory_working_set;

	stats->cpu.timestamp = usage->timestamp;
	stats->cpu.usage_core_nanoseconds = known(usage->has_cpu, usage->cpu_nanoseconds);
	FILL_PRESSURE(&stats->cpu.pressure, &usage->cpu_pressure);
	stats->memory.timestamp = usage->timestamp;
	stats->memory.working_set_bytes = known(usage->has_memory, used);
	stats->memory.usage_bytes = known(usage->has_memory, usage->memory_usage);
	stats->memory.rss_bytes = known(usage->has_memory, usage->memory_rss);
	stats->memory.page_faults = known(usage->has_memory, usage->page_faults);
	stats->memory.major_page_faults = known(usage->has_memory, usage->major_page_faults);
	stats->memory.available_bytes =
		known(usage->has_memory && limit != UINT64_MAX, limit > used ? limit - used : 0);
	FILL_PRESSURE(&stats->memory.pressure, &usage->memory_pressure);
	stats->swap.timestamp = usage->timestamp;
	stats->swap.usage_bytes = known(usage->has_swap, usage->swap_usage);
	stats->swap.available_bytes =
		known(usage->has_swap && usage->swap_limit != UINT64_MAX,
		      usage->swap_limit > usage->swap_usage ? usage->swap_limit - usage->swap_usage : 0);
	stats->io.timestamp = usage->timestamp;
	FILL_PRESSURE(&stats->io.pressure, &usage->io_pressure);
	stats->pids = known(usage->has_pids, usage->pids);
}

static int fill_writable_layer(cri_engine *engine, struct arena *arena, const struct container_row *row,
			       cri_container_stats *stats, cri_call *call)
{
	char path[PATH_MAX];
	char upper[PATH_MAX];
	int result = fs_path(upper, sizeof(upper), "%s/upper", path_container_root(engine, row->id, path));

	if (result == 0)
		result = fs_tree_usage(AT_FDCWD, upper, &stats->writable_layer.used_bytes,
				       &stats->writable_layer.inodes_used);
	/* Removed meanwhile. */
	if (result < 0 && result != -ENOENT)
		return call_fail_errno(call, result, step, "%s", upper);
	stats->writable_layer.timestamp = clock_wall();
	stats->writable_layer.mountpoint = arena_strdup(arena, path);
	stats->writable_layer.uuid = stats->writable_layer.mountpoint;
	return stats->writable_layer.mountpoint ? 0 : call_no_memory(call, step);
}

int container_stats_fill(cri_engine *engine, struct arena *arena, const struct container_item *item,
			 cri_container_stats *stats, cri_call *call)
{
	struct cgroup_usage usage = { .memory_limit = UINT64_MAX, .swap_limit = UINT64_MAX };
	int result = 0;

	stats->info = item->info;
	usage.timestamp = clock_wall();
	if (item->row.state == CONTAINER_RUNNING)
		result = cgroup_usage_read(engine->cgroups, item->row.cgroup, &usage, call);
	else
		usage.has_cpu = usage.has_memory = usage.has_pids = true;
	if (result == 0)
		result = fill_writable_layer(engine, arena, &item->row, stats, call);
	if (result == 0)
		fill_usage(&usage, stats);
	return result;
}

static int get(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_LIST cri_list *made = list_new(LIST_CONTAINER_STATS, sizeof(cri_container_stats));
	cri_container_stats *stats = made ? list_add(made) : NULL;
	struct container_item item;
	int result;

	if (!stats)
		return call_no_memory(call, step);
	call_object(call, "container %s", args->id);
	result = store_container_get(engine->store, &made->arena, args->id, false, &item.row, call);
	if (result == 0)
		result = container_overlay_exit(engine, &made->arena, &item.row, call);
	if (result == 0)
		result = container_info_fill(&made->arena, &item.row, &item.info, call);
	if (result == 0)
		result = container_stats_fill(engine, &made->arena, &item, stats, call);
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

static int list(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const cri_container_filter *const *asked = pointer;
	CLEANUP_LIST cri_list *made = list_new(LIST_CONTAINER_STATS, sizeof(cri_container_stats));
	struct container_item *items;
	size_t n_items;
	int result;

	if (!made)
		return call_no_memory(call, step);
	result = container_list_items(engine, &made->arena, *asked, true, &items, &n_items, call);
	for (size_t i = 0; i < n_items && result == 0; i++) {
		cri_container_stats *stats;

		if (items[i].row.state != CONTAINER_RUNNING)
			continue;
		stats = list_add(made);
		if (!stats)
			return call_no_memory(call, step);
		result = container_stats_fill(engine, &made->arena, &items[i], stats, call);
	}
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

int cri_container_stats_get(cri_engine *engine, const char *id, cri_list **stats, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call_output(engine, get, &args, stats, call);
}

int cri_container_stats_list(cri_engine *engine, const cri_container_filter *filter, cri_list **stats, cri_call *call)
{
	return api_call_output(engine, list, &filter, stats, call);
}

const cri_container_stats *cri_container_stats_at(const cri_list *stats, size_t index)
{
	return list_at(stats, LIST_CONTAINER_STATS, index);
}

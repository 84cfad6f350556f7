/* SPDX-License-Identifier: Apache-2.0 */
/* ContainerStats and ListContainerStats. */
#include "container/stats.h"

#include "base/clock.h"
#include "base/fs.h"
#include "container/exits.h"
#include "container/info.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"
#include "core/shares.h"
#include "runtime/usage.h"

static const char step[] = "read stats";

int container_writable_layer(cri_engine *engine, const struct container_row *row, struct tree_patience patience,
			     cri_filesystem_usage *layer, cri_call *call)
{
	char path[PATH_MAX];
	char upper[PATH_MAX];
	int error = fs_path(upper, sizeof(upper), "%s/upper", path_container_root(engine, row->id, path));

	return error ? call_fail_errno(call, error, step, "%s", path)
		     : tree_usage(engine, upper, patience, layer, call);
}

static int fill(cri_engine *engine, const struct container_item *item, struct tree_patience patience,
		cri_container_stats *stats, cri_call *call)
{
	const bool runs = item->row.state == CONTAINER_RUNNING;
	struct cgroup_usage usage = { .memory_limit = UINT64_MAX, .swap_limit = UINT64_MAX };
	int result = 0;

	*stats = (cri_container_stats){ .info = item->info };
	usage.timestamp = clock_wall();
	if (runs)
		result = cgroup_usage_read(engine->cgroups, item->row.cgroup, &usage, call);
	else
		usage.has_cpu = usage.has_memory = usage.has_pids = true;
	if (result == 0)
		result = container_writable_layer(engine, &item->row, patience, &stats->writable_layer, call);
	if (result < 0)
		return result;
	stats->cpu = usage_of_cpu(&usage);
	stats->memory = usage_of_memory(&usage);
	stats->swap = usage_of_swap(&usage);
	stats->io = usage_of_io(&usage);
	stats->pids = usage_counter(usage.has_pids, usage.pids);
	if (runs)
		usage_fill_rate(engine, item->row.cgroup, &stats->cpu);
	return 0;
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
	call_object_id(call, "container", args->id);
	result = store_container_get_status(engine->store, &made->arena, args->id, &item.row, call);
	if (result == 0)
		result = container_overlay_exit(engine, &made->arena, &item.row, NULL, call);
	if (result == 0)
		result = container_info_fill(&made->arena, &item.row, &item.info, call);
	if (result == 0)
		result = fill(engine, &item, TREE_OF_ONE, stats, call);
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

struct filling {
	const struct container_item *items;
	cri_container_stats *stats;
	struct tree_budget budget;
};

static const char *id_of(const void *context, size_t index)
{
	const struct filling *filling = context;

	return filling->items[index].row.id;
}

static int fill_one(cri_engine *engine, void *context, size_t index, cri_call *call)
{
	struct filling *filling = context;

	return fill(engine, &filling->items[index], TREE_OF_MANY(&filling->budget), &filling->stats[index], call);
}

static int fill_all(cri_engine *engine, struct arena *arena, const struct container_item *items, size_t n_items,
		    cri_container_stats **stats, size_t *n_stats, cri_call *call)
{
	static const struct shares shares = { "container", id_of, fill_one };
	struct filling filling = { items, arena_array(arena, n_items, sizeof(**stats)), { 0 } };
	bool *filled = arena_array(arena, n_items, sizeof(*filled));
	int result;

	if (!filling.stats || !filled)
		return call_no_memory(call, step);
	result = shares_look(engine, &shares, &filling, n_items, filled, call);
	if (result < 0)
		return result;
	*n_stats = 0;
	for (size_t i = 0; i < n_items; i++) {
		if (filled[i])
			filling.stats[(*n_stats)++] = filling.stats[i];
	}
	*stats = filling.stats;
	return 0;
}

int container_stats_running(cri_engine *engine, struct arena *arena, const cri_container_filter *filter,
			    cri_container_stats **stats, size_t *n_stats, cri_call *call)
{
	struct container_item *items;
	size_t n_items, n_running = 0;
	int result = container_list_items(engine, arena, filter, true, &items, &n_items, call);

	if (result < 0)
		return result;
	for (size_t i = 0; i < n_items; i++) {
		if (items[i].row.state == CONTAINER_RUNNING)
			items[n_running++] = items[i];
	}
	return fill_all(engine, arena, items, n_running, stats, n_stats, call);
}

static int list(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const cri_container_filter *const *asked = pointer;
	CLEANUP_LIST cri_list *made = list_new(LIST_CONTAINER_STATS, sizeof(cri_container_stats));
	cri_container_stats *stats = NULL;
	size_t n_stats = 0;
	int result;

	if (!made)
		return call_no_memory(call, step);
	result = container_stats_running(engine, &made->arena, *asked, &stats, &n_stats, call);
	if (result < 0)
		return result;
	for (size_t i = 0; i < n_stats; i++) {
		cri_container_stats *element = list_add(made);

		if (!element)
			return call_no_memory(call, step);
		*element = stats[i];
	}
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

/* SPDX-License-Identifier: Apache-2.0 */
/* PodSandboxStats and ListPodSandboxStats. */
#include "sandbox/stats.h"

#include "base/json.h"
#include "config/config.h"
#include "container/stats.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"
#include "core/shares.h"
#include "runtime/usage.h"

#include <string.h>

static const char step[] = "read the pod's statistics";

#define INTERFACES_MAX 64

/* The interface that was attached first, by the pod's record; most pods' is eth0. "": none is recorded. */
static int main_interface(struct arena *arena, const struct sandbox_row *row, const char **name)
{
	CLEANUP_JSON cJSON *json = NULL;
	const cJSON *interfaces = NULL, *first;

	*name = "";
	if (json_parse(row->network, strlen(row->network), 1u << 20, &json) < 0 ||
	    json_array(json, "interfaces", &interfaces) < 0)
		return 0;
	first = cJSON_GetArrayItem(interfaces, 0);
	if (first && json_string(first, "interface", name) == 0)
		*name = arena_strdup(arena, *name);
	return *name ? 0 : -ENOMEM;
}

static int put_first(struct arena *arena, const char *name, struct network_look *look)
{
	struct network_interface *sorted = arena_array(arena, look->n_interfaces, sizeof(*sorted));
	size_t n = 1;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < look->n_interfaces; i++) {
		if (!strcmp(look->interfaces[i].name, name))
			sorted[0] = look->interfaces[i];
		else if (n < look->n_interfaces)
			sorted[n++] = look->interfaces[i];
		else
			return 0;
	}
	look->interfaces = sorted;
	return 0;
}

/* A pod may make as many as it likes. */
static int put_in_order(struct arena *arena, const struct sandbox_row *row, struct network_look *look)
{
	const char *name;

	if (look->n_interfaces < 2)
		return 0;
	if (main_interface(arena, row, &name) < 0 || put_first(arena, name, look) < 0)
		return -ENOMEM;
	if (look->n_interfaces > INTERFACES_MAX)
		look->n_interfaces = INTERFACES_MAX;
	return 0;
}

/* A pod that cannot be looked into hides no other. */
static int forgive_look(cri_engine *engine, const struct sandbox_row *row, const struct network_look *look, bool strict,
			cri_call *call)
{
	int result = look->result < 0 ? network_look_fail(look, call) : 0;

	if (result == 0 || strict)
		return result;
	engine_log(engine, CRI_LOG_WARNING, "sandbox %s: interfaces are missing: %s", row->id, cri_call_message(call));
	call_clear(call);
	return 0;
}

int sandbox_network_looks(cri_engine *engine, struct arena *arena, const struct sandbox_item *items, size_t n_items,
			  bool strict, struct network_look **looks, cri_call *call)
{
	char path[PATH_MAX];
	int result;

	*looks = arena_array(arena, n_items, sizeof(**looks));
	if (!*looks)
		return call_no_memory(call, step);
	for (size_t i = 0; i < n_items; i++) {
		const bool ready = items[i].row.state == SANDBOX_READY;

		(*looks)[i].path = ready ? arena_strdup(arena, path_sandbox(engine, items[i].row.id, "net", path)) : "";
		if (!(*looks)[i].path)
			return call_no_memory(call, step);
	}
	result = network_look(*looks, n_items, arena, call);
	for (size_t i = 0; i < n_items && result == 0; i++) {
		result = forgive_look(engine, &items[i].row, &(*looks)[i], strict, call);
		if (result == 0 && put_in_order(arena, &items[i].row, &(*looks)[i]) < 0)
			return call_no_memory(call, step);
	}
	return result;
}

static int fill_interfaces(struct arena *arena, const struct network_look *look, cri_sandbox_stats *stats)
{
	const cri_interface_usage **pointers = arena_array(arena, look->n_interfaces, sizeof(*pointers));
	cri_interface_usage *usages = arena_array(arena, look->n_interfaces, sizeof(*usages));

	if (!pointers || !usages)
		return -ENOMEM;
	for (size_t i = 0; i < look->n_interfaces; i++) {
		const struct network_interface *from = &look->interfaces[i];

		usages[i] = (cri_interface_usage){ from->name, from->rx_bytes, from->rx_errors, from->tx_bytes,
						   from->tx_errors };
		pointers[i] = &usages[i];
	}
	stats->network_timestamp = look->timestamp;
	stats->interfaces = pointers;
	stats->n_interfaces = look->n_interfaces;
	return 0;
}

static int fill_containers(struct arena *arena, const cri_container_stats *containers, size_t n_containers,
			   cri_sandbox_stats *stats)
{
	const cri_container_stats **own = arena_array(arena, n_containers, sizeof(*own));

	if (!own)
		return -ENOMEM;
	for (size_t i = 0; i < n_containers; i++) {
		if (!strcmp(containers[i].info.sandbox_id, stats->info.id))
			own[stats->n_containers++] = &containers[i];
	}
	stats->containers = own;
	return 0;
}

/* What the pod's cgroup says: its containers, its pause container, and its monitors if they are charged to it. */
static int fill_cgroup(cri_engine *engine, const struct sandbox_item *item, cri_sandbox_stats *stats, cri_call *call)
{
	struct cgroup_usage usage;
	uint64_t n_processes = 0;
	bool known = false;
	int result = cgroup_usage_read(engine->cgroups, item->row.cgroup, &usage, call);

	if (result == 0)
		result = cgroup_count_processes(engine->cgroups, item->row.cgroup, &known, &n_processes, call);
	if (result < 0)
		return result;
	stats->cpu = usage_of_cpu(&usage);
	stats->memory = usage_of_memory(&usage);
	stats->io = usage_of_io(&usage);
	stats->process_count = usage_counter(known, n_processes);
	if (item->row.state == SANDBOX_READY)
		usage_fill_rate(engine, item->row.cgroup, &stats->cpu);
	return 0;
}

struct filling {
	const struct sandbox_item *items;
	cri_sandbox_stats *stats;
};

static const char *id_of(const void *context, size_t index)
{
	const struct filling *filling = context;

	return filling->items[index].row.id;
}

static int fill_one(cri_engine *engine, void *context, size_t index, cri_call *call)
{
	const struct filling *filling = context;

	return fill_cgroup(engine, &filling->items[index], &filling->stats[index], call);
}

/* `strict`: a pod that cannot be looked at is a failure. */
static int fill_cgroups(cri_engine *engine, struct filling *filling, size_t n_items, bool strict, bool *filled,
			cri_call *call)
{
	static const struct shares shares = { "sandbox", id_of, fill_one };
	int result = 0;

	if (!strict)
		return shares_look(engine, &shares, filling, n_items, filled, call);
	for (size_t i = 0; i < n_items && result == 0; i++) {
		result = fill_one(engine, filling, i, call);
		filled[i] = result == 0;
	}
	return result;
}

/* The containers of these pods; all there are, when there are many of them. */
static int read_containers(cri_engine *engine, struct arena *arena, const struct sandbox_item *items, size_t n_items,
			   cri_container_stats **containers, size_t *n_containers, cri_call *call)
{
	const cri_container_filter of_one = { CRI_CONTAINER_FILTER_INIT,
					      .sandbox_id = n_items == 1 ? items[0].row.id : "" };

	*n_containers = 0;
	*containers = NULL;
	return n_items ? container_stats_running(engine, arena, &of_one, containers, n_containers, call) : 0;
}

static int fill_list(cri_engine *engine, const struct sandbox_item *items, size_t n_items, bool strict, cri_list *made,
		     cri_call *call)
{
	struct arena *arena = &made->arena;
	struct filling filling = { items, arena_array(arena, n_items, sizeof(cri_sandbox_stats)) };
	bool *filled = arena_array(arena, n_items, sizeof(*filled));
	struct network_look *looks;
	cri_container_stats *containers;
	size_t n_containers;
	int result;

	if (!filling.stats || !filled)
		return call_no_memory(call, step);
	result = fill_cgroups(engine, &filling, n_items, strict, filled, call);
	if (result == 0)
		result = read_containers(engine, arena, items, n_items, &containers, &n_containers, call);
	if (result == 0)
		result = sandbox_network_looks(engine, arena, items, n_items, strict, &looks, call);
	for (size_t i = 0; i < n_items && result == 0; i++) {
		cri_sandbox_stats *stats = filled[i] ? list_add(made) : NULL;

		if (!filled[i])
			continue;
		if (!stats)
			return call_no_memory(call, step);
		*stats = filling.stats[i];
		stats->info = items[i].info;
		if (fill_interfaces(arena, &looks[i], stats) < 0 ||
		    fill_containers(arena, containers, n_containers, stats) < 0)
			return call_no_memory(call, step);
	}
	return result;
}

static int get(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_LIST cri_list *made = list_new(LIST_SANDBOX_STATS, sizeof(cri_sandbox_stats));
	struct sandbox_item item;
	int result;

	if (!made)
		return call_no_memory(call, step);
	call_object_id(call, "sandbox", args->id);
	result = store_sandbox_get(engine->store, &made->arena, args->id, false, &item.row, call);
	if (result == 0)
		result = sandbox_info_fill(&made->arena, &item.row, &item.info, call);
	if (result == 0)
		result = fill_list(engine, &item, 1, true, made, call);
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

static int list(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const cri_sandbox_filter *const *asked = pointer;
	CLEANUP_LIST cri_list *made = list_new(LIST_SANDBOX_STATS, sizeof(cri_sandbox_stats));
	struct sandbox_item *items;
	size_t n_items;
	int result;

	if (!made)
		return call_no_memory(call, step);
	result = sandbox_list_items(engine, &made->arena, *asked, true, &items, &n_items, call);
	if (result == 0)
		result = fill_list(engine, items, n_items, false, made, call);
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

int cri_sandbox_stats_get(cri_engine *engine, const char *id, cri_list **stats, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_call_output(engine, get, &args, stats, call);
}

int cri_sandbox_stats_get_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call)
{
	const struct api_id_args args = { id };

	return api_begin(engine, get, &args, sizeof(args), api_copy_id, API_LIST, op, call);
}

int cri_sandbox_stats_list(cri_engine *engine, const cri_sandbox_filter *filter, cri_list **stats, cri_call *call)
{
	return api_call_output(engine, list, &filter, stats, call);
}

static int copy_filter(struct arena *arena, void *pointer, cri_call *call)
{
	const cri_sandbox_filter **filter = pointer;
	const void *copy = NULL;
	int result = *filter ? config_copy(&config_sandbox_filter, arena, *filter, &copy, call) : 0;

	*filter = copy;
	return result;
}

int cri_sandbox_stats_list_begin(cri_engine *engine, const cri_sandbox_filter *filter, cri_op **op, cri_call *call)
{
	return api_begin(engine, list, &filter, sizeof(filter), copy_filter, API_LIST, op, call);
}

const cri_sandbox_stats *cri_sandbox_stats_at(const cri_list *list, size_t index)
{
	return list_at(list, LIST_SANDBOX_STATS, index);
}

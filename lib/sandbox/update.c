/* SPDX-License-Identifier: Apache-2.0 */
/* UpdatePodSandboxResources. */
#include "sandbox/sandbox.h"

#include "base/lock.h"
#include "cgroup/cgroup.h"
#include "config/config.h"
#include "core/api.h"

#include <string.h>

static const char step[] = "update the pod's resources";

#define DEFAULT_PERIOD 100000

struct update_args {
	const char *id;
	const cri_resources *overhead, *resources;
};

/* A limit of the pod: of its containers and, on top, of what it costs itself. Overhead alone limits nothing, and a
 * limit that this update does not name stays. */
static int64_t limit_of(int64_t resources, int64_t overhead, bool touched)
{
	if (!touched || resources <= 0)
		return touched ? resources : 0;
	return overhead > INT64_MAX - resources || overhead < 0 ? resources : resources + overhead;
}

static int64_t period_of(const cri_resources *resources)
{
	return resources->cpu_period ? resources->cpu_period : DEFAULT_PERIOD;
}

/* The quota of one in periods of the other's length; what is too large to be counted limits nothing. */
static int64_t quota_in(const cri_resources *of, int64_t period)
{
	return of->cpu_quota > 0 && of->cpu_quota < INT64_MAX / period ? of->cpu_quota * period / period_of(of) : 0;
}

/* `given`: what this update gives, of both. */
static void add_up(const cri_resources *resources, const cri_resources *overhead, const cri_resources *given,
		   cri_resources *limits)
{
	const bool swap = given->memory_swap_limit_in_bytes || given->has_memory_swap_limit;
	const bool cpu = given->cpu_quota || given->cpu_period;

	cri_resources_init(limits, sizeof(*limits));
#define LIMIT(field, touched) limits->field = limit_of(resources->field, overhead->field, (touched))
	LIMIT(memory_limit_in_bytes, given->memory_limit_in_bytes != 0);
	LIMIT(cpu_shares, given->cpu_shares != 0);
	LIMIT(pids_limit, given->pids_limit != 0);
#undef LIMIT
	/* Of memory and swap together: what the pod costs in memory is part of it, too. */
	limits->memory_swap_limit_in_bytes =
		limit_of(resources->memory_swap_limit_in_bytes,
			 overhead->memory_swap_limit_in_bytes ? overhead->memory_swap_limit_in_bytes
							      : overhead->memory_limit_in_bytes,
			 swap);
	limits->has_memory_swap_limit = swap && resources->has_memory_swap_limit;
	limits->cpu_period = cpu ? resources->cpu_period : 0;
	limits->cpu_quota = limit_of(resources->cpu_quota, quota_in(overhead, period_of(resources)), cpu);
	limits->cpuset_cpus = given->cpuset_cpus;
	limits->cpuset_mems = given->cpuset_mems;
	limits->hugepage_limits = given->hugepage_limits;
	limits->n_hugepage_limits = given->n_hugepage_limits;
	limits->unified = given->unified;
	limits->n_unified = given->n_unified;
}

static void merge(const cri_resources *stored, const cri_resources *given, cri_resources *merged)
{
	cri_resources_init(merged, sizeof(*merged));
	merged->cpuset_cpus = merged->cpuset_mems = "";
	if (stored)
		*merged = *stored;
	if (given)
		config_merge_resources(merged, given);
}

static int apply(cri_engine *engine, struct arena *arena, const struct sandbox_row *row, const struct update_args *args,
		 cri_call *call)
{
	cri_resources overhead, resources, given, limits;
	cri_sandbox_config config;
	CLEANUP_FREE char *json = NULL;
	const void *parsed;
	int result = config_from_json(&config_sandbox, arena, row->config, strlen(row->config), &parsed, call);

	if (result < 0)
		return result;
	config = *(const cri_sandbox_config *)parsed;
	merge(config.overhead, args->overhead, &overhead);
	merge(config.resources, args->resources, &resources);
	merge(args->overhead, args->resources, &given);
	/* Where they may run is said of the containers, not of what the pod costs. */
	given.cpuset_cpus = args->resources ? args->resources->cpuset_cpus : "";
	given.cpuset_mems = args->resources ? args->resources->cpuset_mems : "";
	add_up(&resources, &overhead, &given, &limits);
	if (args->overhead || config.overhead)
		config.overhead = &overhead;
	if (args->resources || config.resources)
		config.resources = &resources;
	result = config_check_sandbox(&config, call);
	if (result == 0)
		result = config_to_json(&config_sandbox, &config, &json, call);
	if (result == 0)
		result = cgroup_limit(engine->cgroups, row->cgroup, &limits, call);
	return result < 0 ? result : store_sandbox_set_config(engine->store, row->id, json, call);
}

static int copy(struct arena *arena, const cri_resources **resources, const char *field, cri_call *call)
{
	const void *copied;
	int result;

	if (!*resources)
		return 0;
	result = config_copy(&config_resources, arena, *resources, &copied, call);
	if (result == 0)
		result = config_check_resources(copied, field, call);
	if (result == 0)
		*resources = copied;
	return result;
}

static int copy_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct update_args *args = pointer;
	int result = api_copy_id(arena, &args->id, call);

	if (result == 0)
		result = copy(arena, &args->overhead, "overhead", call);
	return result < 0 ? result : copy(arena, &args->resources, "resources", call);
}

static int update(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	struct update_args args = *(const struct update_args *)pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct sandbox_row row = { .state = SANDBOX_NOTREADY };
	CLEANUP_LOCK int lock = -1;
	int result;

	(void)output;
	call_object_id(call, "sandbox", args.id);
	result = copy_args(&arena, &args, call);
	if (result == 0)
		result = store_sandbox_get(engine->store, &arena, args.id, false, &row, call);
	if (result == 0)
		result = engine_lock_object(engine, row.id, &lock, call);
	if (result == 0)
		result = store_sandbox_get(engine->store, &arena, row.id, false, &row, call);
	if (result < 0)
		return result;
	if (row.state != SANDBOX_READY)
		return call_fail(call, CRI_EPRECONDITION, step, "it is stopped");
	return apply(engine, &arena, &row, &args, call);
}

int cri_sandbox_update_resources(cri_engine *engine, const char *id, const cri_resources *overhead,
				 const cri_resources *resources, cri_call *call)
{
	const struct update_args args = { id, overhead, resources };

	return api_call(engine, update, &args, NULL, call);
}

int cri_sandbox_update_resources_begin(cri_engine *engine, const char *id, const cri_resources *overhead,
				       const cri_resources *resources, cri_op **op, cri_call *call)
{
	const struct update_args args = { id, overhead, resources };

	return api_begin(engine, update, &args, sizeof(args), copy_args, API_NO_OUTPUT, op, call);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/usage.h"

#include "base/clock.h"
#include "runtime/usage_rates.h"

cri_counter usage_counter(bool known, uint64_t value)
{
	return (cri_counter){ known, known ? value : 0 };
}

static cri_pressure_line pressure_line(const struct cgroup_pressure_line *line)
{
	return (cri_pressure_line){ line->total, line->avg10, line->avg60, line->avg300 };
}

static cri_pressure pressure(const struct cgroup_pressure *from)
{
	return (cri_pressure){ from->known, pressure_line(&from->some), pressure_line(&from->full) };
}

/* What is left of a limit; not known without one. */
static cri_counter available(bool known, uint64_t limit, uint64_t used)
{
	return usage_counter(known && limit != UINT64_MAX, limit > used ? limit - used : 0);
}

cri_cpu_usage usage_of_cpu(const struct cgroup_usage *usage)
{
	return (cri_cpu_usage){
		.timestamp = usage->timestamp,
		.usage_core_nanoseconds = usage_counter(usage->has_cpu, usage->cpu_nanoseconds),
		.pressure = pressure(&usage->cpu_pressure),
	};
}

cri_memory_usage usage_of_memory(const struct cgroup_usage *usage)
{
	const bool known = usage->has_memory;

	return (cri_memory_usage){
		.timestamp = usage->timestamp,
		.working_set_bytes = usage_counter(known, usage->memory_working_set),
		.available_bytes = available(known, usage->memory_limit, usage->memory_working_set),
		.usage_bytes = usage_counter(known, usage->memory_usage),
		.rss_bytes = usage_counter(known, usage->memory_rss),
		.page_faults = usage_counter(known, usage->page_faults),
		.major_page_faults = usage_counter(known, usage->major_page_faults),
		.pressure = pressure(&usage->memory_pressure),
	};
}

cri_swap_usage usage_of_swap(const struct cgroup_usage *usage)
{
	return (cri_swap_usage){
		.timestamp = usage->timestamp,
		.usage_bytes = usage_counter(usage->has_swap, usage->swap_usage),
		.available_bytes = available(usage->has_swap, usage->swap_limit, usage->swap_usage),
	};
}

cri_io_usage usage_of_io(const struct cgroup_usage *usage)
{
	return (cri_io_usage){ .timestamp = usage->timestamp, .pressure = pressure(&usage->io_pressure) };
}

void usage_fill_rate(cri_engine *engine, const char *cgroup, cri_cpu_usage *cpu)
{
	const uint64_t used = cpu->usage_core_nanoseconds.value;
	uint64_t rate = 0;
	bool known;

	if (!cpu->usage_core_nanoseconds.known)
		return;
	pthread_mutex_lock(&engine->settings);
	if (!engine->rates)
		engine->rates = usage_rates_new();
	known = engine->rates && usage_rates_look(engine->rates, cgroup, used, clock_boot(), &rate);
	pthread_mutex_unlock(&engine->settings);
	cpu->usage_nanocores = usage_counter(known, rate);
}

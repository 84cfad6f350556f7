/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup uses. Read for every container every few seconds. */
#include "cgroup/reader.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static const char step[] = "read what the cgroup uses";

struct reading {
	struct cgroup_reader reader;
	struct cgroup_usage *usage;
};

static void settle_working_set(struct cgroup_usage *usage, uint64_t inactive_file)
{
	usage->memory_working_set = usage->memory_usage > inactive_file ? usage->memory_usage - inactive_file : 0;
	usage->has_memory = true;
}

/* The limits come from memory.stat, where they are those of this cgroup or of one above, whichever is least: two files
 * less to open. */
static int read_memory_v1(struct reading *reading, const struct cgroup_hierarchy *memory)
{
	struct cgroup_usage *usage = reading->usage;
	uint64_t inactive_file = 0, with_swap = UINT64_MAX;
	const struct cgroup_figure figures[] = {
		{ "total_inactive_file", &inactive_file },  { "total_rss", &usage->memory_rss },
		{ "total_pgfault", &usage->page_faults },   { "total_pgmajfault", &usage->major_page_faults },
		{ "total_swap", &usage->swap_usage },       { "hierarchical_memory_limit", &usage->memory_limit },
		{ "hierarchical_memsw_limit", &with_swap },
	};
	int result = cgroup_reader_number(&reading->reader, memory, "memory.usage_in_bytes", &usage->memory_usage);

	if (result > 0)
		result = cgroup_reader_text(&reading->reader, memory, "memory.stat");
	if (result <= 0)
		return result;
	cgroup_pick_figures(reading->reader.text, figures, sizeof(figures) / sizeof(*figures));
	settle_working_set(usage, inactive_file);
	usage->has_swap = with_swap != UINT64_MAX;
	if (usage->memory_limit >= CGROUP_V1_NO_LIMIT)
		usage->memory_limit = UINT64_MAX;
	/* v1 limits memory and swap together. */
	if (with_swap < CGROUP_V1_NO_LIMIT && usage->memory_limit != UINT64_MAX)
		usage->swap_limit = with_swap - usage->memory_limit;
	return 1;
}

static int read_memory_v2(struct reading *reading, const struct cgroup_hierarchy *memory)
{
	struct cgroup_usage *usage = reading->usage;
	uint64_t inactive_file = 0;
	const struct cgroup_figure figures[] = {
		{ "inactive_file", &inactive_file },
		{ "anon", &usage->memory_rss },
		{ "pgfault", &usage->page_faults },
		{ "pgmajfault", &usage->major_page_faults },
	};
	int result = cgroup_reader_number(&reading->reader, memory, "memory.current", &usage->memory_usage);

	if (result <= 0)
		return result;
	result = cgroup_reader_number(&reading->reader, memory, "memory.max", &usage->memory_limit);
	if (result > 0)
		result = cgroup_reader_text(&reading->reader, memory, "memory.stat");
	if (result <= 0)
		return result;
	cgroup_pick_figures(reading->reader.text, figures, sizeof(figures) / sizeof(*figures));
	settle_working_set(usage, inactive_file);
	result = cgroup_reader_number(&reading->reader, memory, "memory.swap.current", &usage->swap_usage);
	if (result > 0)
		result = cgroup_reader_number(&reading->reader, memory, "memory.swap.max", &usage->swap_limit);
	usage->has_swap = result > 0;
	return result;
}

static int read_cpu(struct reading *reading, const struct cgroup_system *system)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_hierarchy_of(system, "cpuacct");
	struct cgroup_usage *usage = reading->usage;
	uint64_t microseconds = 0;
	const struct cgroup_figure figure = { "usage_usec", &microseconds };
	int result;

	if (hierarchy) {
		result = cgroup_reader_number(&reading->reader, hierarchy, "cpuacct.usage", &usage->cpu_nanoseconds);
		usage->has_cpu = result > 0;
		return result;
	}
	/* v2 counts time without its controller too. */
	hierarchy = cgroup_hierarchy_v2(system);
	result = hierarchy ? cgroup_reader_text(&reading->reader, hierarchy, "cpu.stat") : 0;
	if (result > 0) {
		cgroup_pick_figures(reading->reader.text, &figure, 1);
		usage->cpu_nanoseconds = microseconds * 1000;
		usage->has_cpu = true;
	}
	return result;
}

/* "0.25", without the C library's strtod, whose decimal point is the locale's. */
static double parse_percentage(const char *text)
{
	char *end;
	double value = (double)strtoull(text, &end, 10);

	if (*end != '.')
		return value;
	for (double scale = 0.1; *++end >= '0' && *end <= '9'; scale /= 10)
		value += scale * (*end - '0');
	return value;
}

/* The number after "name=" in the line that begins with `line`. */
static const char *pressure_value(const char *text, const char *line, const char *name)
{
	const char *at = strstr(text, line);
	const char *end = at ? at + strcspn(at, "\n") : NULL;

	at = at ? strstr(at, name) : NULL;
	return at && at < end ? at + strlen(name) : "0";
}

static void parse_line(const char *text, const char *name, struct cgroup_pressure_line *line)
{
	line->total = strtoull(pressure_value(text, name, "total="), NULL, 10);
	line->avg10 = parse_percentage(pressure_value(text, name, "avg10="));
	line->avg60 = parse_percentage(pressure_value(text, name, "avg60="));
	line->avg300 = parse_percentage(pressure_value(text, name, "avg300="));
}

static int read_pressure(struct reading *reading, const struct cgroup_hierarchy *hierarchy, const char *file,
			 struct cgroup_pressure *pressure)
{
	int result = cgroup_reader_text(&reading->reader, hierarchy, file);

	if (result <= 0)
		return result;
	pressure->known = true;
	parse_line(reading->reader.text, "some ", &pressure->some);
	parse_line(reading->reader.text, "full ", &pressure->full);
	return 1;
}

static int read_pressures(struct reading *reading, const struct cgroup_hierarchy *v2)
{
	struct cgroup_usage *usage = reading->usage;
	int result = read_pressure(reading, v2, "cpu.pressure", &usage->cpu_pressure);

	if (result >= 0)
		result = read_pressure(reading, v2, "memory.pressure", &usage->memory_pressure);
	return result < 0 ? result : read_pressure(reading, v2, "io.pressure", &usage->io_pressure);
}

static int read_all(struct reading *reading, const struct cgroup_system *system)
{
	const struct cgroup_hierarchy *memory = cgroup_hierarchy_of(system, "memory");
	const struct cgroup_hierarchy *pids = cgroup_hierarchy_of(system, "pids");
	int result = read_cpu(reading, system);

	if (result >= 0 && memory)
		result = memory->v2 ? read_memory_v2(reading, memory) : read_memory_v1(reading, memory);
	if (result >= 0 && pids) {
		result = cgroup_reader_number(&reading->reader, pids, "pids.current", &reading->usage->pids);
		reading->usage->has_pids = result > 0;
	}
	if (result >= 0 && system->unified)
		result = read_pressures(reading, &system->hierarchies[0]);
	return result < 0 ? result : 0;
}

int cgroup_usage_read(const struct cgroup_system *system, const char *path, struct cgroup_usage *usage, cri_call *call)
{
	struct reading reading;
	int result;

	*usage = (struct cgroup_usage){ .timestamp = clock_wall(),
					.memory_limit = UINT64_MAX,
					.swap_limit = UINT64_MAX };
	reading.usage = usage;
	result = cgroup_reader_open(&reading.reader, system, path);
	if (result > 0)
		result = read_all(&reading, system);
	cleanup_cgroup_reader(&reading.reader);
	return result < 0 ? call_fail_errno(call, result, step, "%s", path) : 0;
}

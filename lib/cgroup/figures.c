/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/figures.h"

#include "base/clock.h"
#include "cgroup/reader.h"

#include <stdlib.h>
#include <string.h>

static const char step[] = "read the cgroup's figures";

#define NANOSECONDS_PER_MICROSECOND 1000

struct reading {
	struct cgroup_reader reader;
	struct cgroup_figures *figures;
	int result; /* the first error */
};

static uint64_t *value(struct reading *reading, enum figure figure)
{
	return &reading->figures->values[figure];
}

/* True: `text` of the reader is the file. */
static bool read_file(struct reading *reading, const struct cgroup_hierarchy *hierarchy, const char *file)
{
	int result = reading->result < 0 ? 0 : cgroup_reader_text(&reading->reader, hierarchy, file);

	if (result < 0)
		reading->result = result;
	return result > 0;
}

static void read_value(struct reading *reading, const struct cgroup_hierarchy *hierarchy, const char *file,
		       enum figure figure)
{
	if (read_file(reading, hierarchy, file))
		*value(reading, figure) = strtoull(reading->reader.text, NULL, 10);
}

/* "max", -1 and v1's largest number mean that there is none. */
static void read_limit(struct reading *reading, const struct cgroup_hierarchy *hierarchy, const char *file,
		       enum figure figure)
{
	uint64_t limit;

	if (!read_file(reading, hierarchy, file))
		return;
	limit = strtoull(reading->reader.text, NULL, 10);
	*value(reading, figure) = limit >= CGROUP_V1_NO_LIMIT ? 0 : limit;
}

static void pick(struct reading *reading, const struct cgroup_figure *figures, size_t n)
{
	cgroup_pick_figures(reading->reader.text, figures, n);
}
#define PICK(reading, ...)                                                                                             \
	pick(reading, (const struct cgroup_figure[]){ __VA_ARGS__ },                                                   \
	     sizeof((const struct cgroup_figure[]){ __VA_ARGS__ }) / sizeof(struct cgroup_figure))

static void to_nanoseconds(struct reading *reading, enum figure first, enum figure last)
{
	for (enum figure figure = first; figure <= last; figure++) {
		if (*value(reading, figure) != FIGURE_UNKNOWN)
			*value(reading, figure) *= NANOSECONDS_PER_MICROSECOND;
	}
}

static void read_cpu_v1(struct reading *reading, const struct cgroup_hierarchy *accounting,
			const struct cgroup_hierarchy *cpu)
{
	if (accounting) {
		read_value(reading, accounting, "cpuacct.usage", FIGURE_CPU_USAGE);
		read_value(reading, accounting, "cpuacct.usage_user", FIGURE_CPU_USER);
		read_value(reading, accounting, "cpuacct.usage_sys", FIGURE_CPU_SYSTEM);
	}
	if (!cpu)
		return;
	if (read_file(reading, cpu, "cpu.stat"))
		PICK(reading, { "nr_periods", value(reading, FIGURE_CPU_PERIODS) },
		     { "nr_throttled", value(reading, FIGURE_CPU_THROTTLED_PERIODS) },
		     { "throttled_time", value(reading, FIGURE_CPU_THROTTLED_TIME) });
	read_value(reading, cpu, "cpu.shares", FIGURE_CPU_SHARES);
	read_limit(reading, cpu, "cpu.cfs_quota_us", FIGURE_CPU_QUOTA);
	read_value(reading, cpu, "cpu.cfs_period_us", FIGURE_CPU_PERIOD);
}

static void read_cpu_v2(struct reading *reading, const struct cgroup_hierarchy *v2)
{
	uint64_t weight;
	char *end;

	if (read_file(reading, v2, "cpu.stat")) {
		PICK(reading, { "usage_usec", value(reading, FIGURE_CPU_USAGE) },
		     { "user_usec", value(reading, FIGURE_CPU_USER) },
		     { "system_usec", value(reading, FIGURE_CPU_SYSTEM) },
		     { "nr_periods", value(reading, FIGURE_CPU_PERIODS) },
		     { "nr_throttled", value(reading, FIGURE_CPU_THROTTLED_PERIODS) },
		     { "throttled_usec", value(reading, FIGURE_CPU_THROTTLED_TIME) });
		to_nanoseconds(reading, FIGURE_CPU_USAGE, FIGURE_CPU_SYSTEM);
		to_nanoseconds(reading, FIGURE_CPU_THROTTLED_TIME, FIGURE_CPU_THROTTLED_TIME);
	}
	if (read_file(reading, v2, "cpu.weight")) {
		/* From [1, 10000] onto [2, 262144]; cgroup_limit.c has the way there. */
		weight = strtoull(reading->reader.text, NULL, 10);
		*value(reading, FIGURE_CPU_SHARES) = weight ? 2 + (weight - 1) * 262142 / 9999 : 0;
	}
	if (read_file(reading, v2, "cpu.max")) {
		*value(reading, FIGURE_CPU_QUOTA) = strtoull(reading->reader.text, &end, 10);
		end += strcspn(end, " ");
		*value(reading, FIGURE_CPU_PERIOD) = strtoull(end, NULL, 10);
	}
}

static void read_memory_v1(struct reading *reading, const struct cgroup_hierarchy *memory)
{
	read_value(reading, memory, "memory.usage_in_bytes", FIGURE_MEMORY_USAGE);
	if (read_file(reading, memory, "memory.stat"))
		PICK(reading, { "total_cache", value(reading, FIGURE_MEMORY_CACHE) },
		     { "total_rss", value(reading, FIGURE_MEMORY_RSS) },
		     { "total_mapped_file", value(reading, FIGURE_MEMORY_MAPPED_FILE) },
		     { "total_swap", value(reading, FIGURE_MEMORY_SWAP) },
		     { "total_active_file", value(reading, FIGURE_MEMORY_ACTIVE_FILE) },
		     { "total_inactive_file", value(reading, FIGURE_MEMORY_INACTIVE_FILE) },
		     { "pgfault", value(reading, FIGURE_PAGE_FAULTS) },
		     { "pgmajfault", value(reading, FIGURE_MAJOR_PAGE_FAULTS) },
		     { "total_pgfault", value(reading, FIGURE_PAGE_FAULTS_BELOW) },
		     { "total_pgmajfault", value(reading, FIGURE_MAJOR_PAGE_FAULTS_BELOW) });
	read_value(reading, memory, "memory.max_usage_in_bytes", FIGURE_MEMORY_MAX_USAGE);
	read_value(reading, memory, "memory.kmem.usage_in_bytes", FIGURE_MEMORY_KERNEL);
	read_value(reading, memory, "memory.failcnt", FIGURE_MEMORY_FAILURES);
	if (read_file(reading, memory, "memory.oom_control"))
		PICK(reading, { "oom_kill", value(reading, FIGURE_OOM_KILLS) });
	read_limit(reading, memory, "memory.limit_in_bytes", FIGURE_MEMORY_LIMIT);
	read_limit(reading, memory, "memory.memsw.limit_in_bytes", FIGURE_SWAP_LIMIT);
}

static void read_memory_v2(struct reading *reading, const struct cgroup_hierarchy *memory)
{
	read_value(reading, memory, "memory.current", FIGURE_MEMORY_USAGE);
	if (read_file(reading, memory, "memory.stat"))
		PICK(reading, { "file", value(reading, FIGURE_MEMORY_CACHE) },
		     { "anon", value(reading, FIGURE_MEMORY_RSS) },
		     { "file_mapped", value(reading, FIGURE_MEMORY_MAPPED_FILE) },
		     { "kernel", value(reading, FIGURE_MEMORY_KERNEL) },
		     { "active_file", value(reading, FIGURE_MEMORY_ACTIVE_FILE) },
		     { "inactive_file", value(reading, FIGURE_MEMORY_INACTIVE_FILE) },
		     { "pgfault", value(reading, FIGURE_PAGE_FAULTS) },
		     { "pgmajfault", value(reading, FIGURE_MAJOR_PAGE_FAULTS) });
	/* v2 counts nothing without what is below. */
	*value(reading, FIGURE_PAGE_FAULTS_BELOW) = *value(reading, FIGURE_PAGE_FAULTS);
	*value(reading, FIGURE_MAJOR_PAGE_FAULTS_BELOW) = *value(reading, FIGURE_MAJOR_PAGE_FAULTS);
	read_value(reading, memory, "memory.swap.current", FIGURE_MEMORY_SWAP);
	read_value(reading, memory, "memory.peak", FIGURE_MEMORY_MAX_USAGE);
	if (read_file(reading, memory, "memory.events"))
		PICK(reading, { "oom_kill", value(reading, FIGURE_OOM_KILLS) });
	read_limit(reading, memory, "memory.max", FIGURE_MEMORY_LIMIT);
	read_limit(reading, memory, "memory.swap.max", FIGURE_SWAP_LIMIT);
}

static void settle_working_set(struct reading *reading)
{
	const uint64_t usage = *value(reading, FIGURE_MEMORY_USAGE);
	const uint64_t inactive = *value(reading, FIGURE_MEMORY_INACTIVE_FILE);

	if (usage != FIGURE_UNKNOWN && inactive != FIGURE_UNKNOWN)
		*value(reading, FIGURE_MEMORY_WORKING_SET) = usage > inactive ? usage - inactive : 0;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=17", and a line that begins with "full". */
static void read_pressure(struct reading *reading, const struct cgroup_hierarchy *v2, const char *file,
			  enum figure waiting, enum figure stalled)
{
	const char *total;

	if (!read_file(reading, v2, file))
		return;
	total = strstr(reading->reader.text, "total=");
	if (total)
		*value(reading, waiting) = strtoull(total + strlen("total="), NULL, 10) * NANOSECONDS_PER_MICROSECOND;
	total = total ? strstr(total + 1, "total=") : NULL;
	if (total)
		*value(reading, stalled) = strtoull(total + strlen("total="), NULL, 10) * NANOSECONDS_PER_MICROSECOND;
}

/* --- devices --- */

/* The device that a line begins with, "8:16 ", new or known; NULL: the line is of none, or there is no more room. */
static struct cgroup_device *device_of(struct cgroup_figures *figures, const char *line, const char **rest)
{
	unsigned long major, minor;
	char *end;

	major = strtoul(line, &end, 10);
	if (end == line || *end != ':')
		return NULL;
	line = end + 1;
	minor = strtoul(line, &end, 10);
	if (end == line || *end != ' ')
		return NULL;
	*rest = end + 1;
	for (size_t i = 0; i < figures->n_devices; i++) {
		if (figures->devices[i].major == major && figures->devices[i].minor == minor)
			return &figures->devices[i];
	}
	if (figures->n_devices == CGROUP_MAX_DEVICES)
		return NULL;
	figures->devices[figures->n_devices] = (struct cgroup_device){ (unsigned)major, (unsigned)minor, 0, 0, 0, 0 };
	return &figures->devices[figures->n_devices++];
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* "8:16 Read 4096", also Write, Sync, Async, Discard, Total. */
static void read_devices_v1(struct reading *reading, const struct cgroup_hierarchy *blkio, const char *file, bool bytes)
{
	const char *rest;

	if (!read_file(reading, blkio, file))
		return;
	for (const char *line = reading->reader.text; *line; line = next_line(line)) {
		struct cgroup_device *device = device_of(reading->figures, line, &rest);

		if (device && strncmp(rest, "Read ", 5) == 0)
			*(bytes ? &device->read_bytes : &device->reads) = strtoull(rest + 5, NULL, 10);
		else if (device && strncmp(rest, "Write ", 6) == 0)
			*(bytes ? &device->written_bytes : &device->writes) = strtoull(rest + 6, NULL, 10);
	}
}

/* "8:16 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0" */
static void read_devices_v2(struct reading *reading, const struct cgroup_hierarchy *io)
{
	const char *rest;

	if (!read_file(reading, io, "io.stat"))
		return;
	for (const char *line = reading->reader.text; *line; line = next_line(line)) {
		struct cgroup_device *device = device_of(reading->figures, line, &rest);

		while (device && *rest && *rest != '\n') {
			const struct cgroup_figure keys[] = { { "rbytes=", &device->read_bytes },
							      { "wbytes=", &device->written_bytes },
							      { "rios=", &device->reads },
							      { "wios=", &device->writes } };

			for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
				if (strncmp(rest, keys[i].name, strlen(keys[i].name)) == 0)
					*keys[i].value = strtoull(rest + strlen(keys[i].name), NULL, 10);
			}
			rest += strcspn(rest, " \n");
			rest += *rest == ' ';
		}
	}
}

static void read_all(struct reading *reading, const struct cgroup_system *system)
{
	const struct cgroup_hierarchy *memory = cgroup_hierarchy_of(system, "memory");
	const struct cgroup_hierarchy *pids = cgroup_hierarchy_of(system, "pids");
	const struct cgroup_hierarchy *blkio = cgroup_hierarchy_of(system, "blkio");
	const struct cgroup_hierarchy *v2 = cgroup_hierarchy_v2(system);

	if (system->unified)
		read_cpu_v2(reading, v2);
	else
		read_cpu_v1(reading, cgroup_hierarchy_of(system, "cpuacct"), cgroup_hierarchy_of(system, "cpu"));
	if (memory)
		(memory->v2 ? read_memory_v2 : read_memory_v1)(reading, memory);
	settle_working_set(reading);
	if (pids) {
		read_value(reading, pids, "pids.current", FIGURE_THREADS);
		read_limit(reading, pids, "pids.max", FIGURE_THREADS_MAX);
	}
	if (blkio && !blkio->v2) {
		read_devices_v1(reading, blkio, "blkio.throttle.io_service_bytes_recursive", true);
		read_devices_v1(reading, blkio, "blkio.throttle.io_serviced_recursive", false);
	}
	if (system->unified) {
		read_devices_v2(reading, v2);
		read_pressure(reading, v2, "cpu.pressure", FIGURE_CPU_WAITING, FIGURE_CPU_STALLED);
		read_pressure(reading, v2, "memory.pressure", FIGURE_MEMORY_WAITING, FIGURE_MEMORY_STALLED);
		read_pressure(reading, v2, "io.pressure", FIGURE_IO_WAITING, FIGURE_IO_STALLED);
	}
}

int cgroup_figures_read(const struct cgroup_system *system, const char *path, struct cgroup_figures *figures,
			cri_call *call)
{
	struct reading reading = { .figures = figures };

	figures->timestamp = clock_wall();
	figures->n_devices = 0;
	for (size_t i = 0; i < N_FIGURES; i++)
		figures->values[i] = FIGURE_UNKNOWN;
	reading.result = cgroup_reader_open(&reading.reader, system, path);
	if (reading.result > 0)
		read_all(&reading, system);
	cleanup_cgroup_reader(&reading.reader);
	return reading.result < 0 ? call_fail_errno(call, reading.result, step, "%s", path) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup uses. Read for every container every few seconds: each file once, parsed where it was read. */
#include "runtime/cgroup_files.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const char step[] = "read what the cgroup uses";

/* memory.stat has about 70 lines; room for what kernels will add. */
#define TEXT_SIZE 8192

/* v1 says "no limit" with the largest number of whole pages. */
#define V1_NO_LIMIT (UINT64_C(1) << 62)

struct reader {
	const char *cgroup;
	int directory; /* on v2, where all files are in one; -1 on v1 */
	struct cgroup_usage *usage;
	char text[TEXT_SIZE];
};

/* 1: read; 0: it is not there; -errno. Opening costs most of it, and half of that is the way to the directory. */
static int read_text(struct reader *reader, const struct cgroup_hierarchy *hierarchy, const char *file)
{
	char path[PATH_MAX];
	ssize_t length = 0;

	if (reader->directory < 0)
		length = cgroup_path(path, hierarchy, reader->cgroup, file);
	if (length == 0)
		length = cgroup_file_read_at(reader->directory, reader->directory < 0 ? path : file, reader->text,
					     sizeof(reader->text));
	if (length == -ENOENT || length == -ENODEV || length == -EOPNOTSUPP)
		return 0;
	return length < 0 ? (int)length : 1;
}

/* A file with one number; "max" is UINT64_MAX. */
static int read_number(struct reader *reader, const struct cgroup_hierarchy *hierarchy, const char *file,
		       uint64_t *number)
{
	int result = read_text(reader, hierarchy, file);

	if (result > 0)
		*number = strncmp(reader->text, "max", 3) == 0 ? UINT64_MAX : strtoull(reader->text, NULL, 10);
	return result;
}

struct figure {
	const char *name;
	uint64_t *value;
};

/* Lines of "name value". */
static void pick_figures(const char *text, const struct figure *figures, size_t n)
{
	while (*text) {
		size_t length = strcspn(text, " \n");

		for (size_t i = 0; i < n; i++) {
			if (strlen(figures[i].name) == length && !memcmp(figures[i].name, text, length))
				*figures[i].value = strtoull(text + length, NULL, 10);
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

static void settle_working_set(struct cgroup_usage *usage, uint64_t inactive_file)
{
	usage->memory_working_set = usage->memory_usage > inactive_file ? usage->memory_usage - inactive_file : 0;
	usage->has_memory = true;
}

/* The limits come from memory.stat, where they are those of this cgroup or of one above, whichever is least: two files
 * less to open. */
static int read_memory_v1(struct reader *reader, const struct cgroup_hierarchy *memory)
{
	struct cgroup_usage *usage = reader->usage;
	uint64_t inactive_file = 0, with_swap = UINT64_MAX;
	const struct figure figures[] = {
		{ "total_inactive_file", &inactive_file },  { "total_rss", &usage->memory_rss },
		{ "total_pgfault", &usage->page_faults },   { "total_pgmajfault", &usage->major_page_faults },
		{ "total_swap", &usage->swap_usage },       { "hierarchical_memory_limit", &usage->memory_limit },
		{ "hierarchical_memsw_limit", &with_swap },
	};
	int result = read_number(reader, memory, "memory.usage_in_bytes", &usage->memory_usage);

	if (result > 0)
		result = read_text(reader, memory, "memory.stat");
	if (result <= 0)
		return result;
	pick_figures(reader->text, figures, sizeof(figures) / sizeof(*figures));
	settle_working_set(usage, inactive_file);
	usage->has_swap = with_swap != UINT64_MAX;
	if (usage->memory_limit >= V1_NO_LIMIT)
		usage->memory_limit = UINT64_MAX;
	/* v1 limits memory and swap together. */
	if (with_swap < V1_NO_LIMIT && usage->memory_limit != UINT64_MAX)
		usage->swap_limit = with_swap - usage->memory_limit;
	return 1;
}

static int read_memory_v2(struct reader *reader, const struct cgroup_hierarchy *memory)
{
	struct cgroup_usage *usage = reader->usage;
	uint64_t inactive_file = 0;
	const struct figure figures[] = {
		{ "inactive_file", &inactive_file },
		{ "anon", &usage->memory_rss },
		{ "pgfault", &usage->page_faults },
		{ "pgmajfault", &usage->major_page_faults },
	};
	int result = read_number(reader, memory, "memory.current", &usage->memory_usage);

	if (result <= 0)
		return result;
	result = read_number(reader, memory, "memory.max", &usage->memory_limit);
	if (result > 0)
		result = read_text(reader, memory, "memory.stat");
	if (result <= 0)
		return result;
	pick_figures(reader->text, figures, sizeof(figures) / sizeof(*figures));
	settle_working_set(usage, inactive_file);
	result = read_number(reader, memory, "memory.swap.current", &usage->swap_usage);
	if (result > 0)
		result = read_number(reader, memory, "memory.swap.max", &usage->swap_limit);
	usage->has_swap = result > 0;
	return result;
}

static int read_cpu(struct reader *reader, const struct cgroup_system *system)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_hierarchy_of(system, "cpuacct");
	struct cgroup_usage *usage = reader->usage;
	uint64_t microseconds = 0;
	const struct figure figure = { "usage_usec", &microseconds };
	int result;

	if (hierarchy) {
		result = read_number(reader, hierarchy, "cpuacct.usage", &usage->cpu_nanoseconds);
		usage->has_cpu = result > 0;
		return result;
	}
	/* v2 counts time without its controller too. */
	hierarchy = cgroup_hierarchy_v2(system);
	result = hierarchy ? read_text(reader, hierarchy, "cpu.stat") : 0;
	if (result > 0) {
		pick_figures(reader->text, &figure, 1);
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

static int read_pressure(struct reader *reader, const struct cgroup_hierarchy *hierarchy, const char *file,
			 __typeof__(((struct cgroup_usage *)NULL)->cpu_pressure) *pressure)
{
	int result = read_text(reader, hierarchy, file);
	const char *text = reader->text;

	if (result <= 0)
		return result;
	pressure->known = true;
	pressure->some.total = strtoull(pressure_value(text, "some ", "total="), NULL, 10);
	pressure->some.avg10 = parse_percentage(pressure_value(text, "some ", "avg10="));
	pressure->some.avg60 = parse_percentage(pressure_value(text, "some ", "avg60="));
	pressure->some.avg300 = parse_percentage(pressure_value(text, "some ", "avg300="));
	pressure->full.total = strtoull(pressure_value(text, "full ", "total="), NULL, 10);
	pressure->full.avg10 = parse_percentage(pressure_value(text, "full ", "avg10="));
	pressure->full.avg60 = parse_percentage(pressure_value(text, "full ", "avg60="));
	pressure->full.avg300 = parse_percentage(pressure_value(text, "full ", "avg300="));
	return 1;
}

static int read_pressures(struct reader *reader, const struct cgroup_hierarchy *v2)
{
	struct cgroup_usage *usage = reader->usage;
	int result = read_pressure(reader, v2, "cpu.pressure", &usage->cpu_pressure);

	if (result >= 0)
		result = read_pressure(reader, v2, "memory.pressure", &usage->memory_pressure);
	return result < 0 ? result : read_pressure(reader, v2, "io.pressure", &usage->io_pressure);
}

static int read_all(struct reader *reader, const struct cgroup_system *system)
{
	const struct cgroup_hierarchy *memory = cgroup_hierarchy_of(system, "memory");
	const struct cgroup_hierarchy *pids = cgroup_hierarchy_of(system, "pids");
	int result = read_cpu(reader, system);

	if (result >= 0 && memory)
		result = memory->v2 ? read_memory_v2(reader, memory) : read_memory_v1(reader, memory);
	if (result >= 0 && pids) {
		result = read_number(reader, pids, "pids.current", &reader->usage->pids);
		reader->usage->has_pids = result > 0;
	}
	if (result >= 0 && system->unified)
		result = read_pressures(reader, &system->hierarchies[0]);
	return result < 0 ? result : 0;
}

int cgroup_usage_read(const struct cgroup_system *system, const char *path, struct cgroup_usage *usage, cri_call *call)
{
	CLEANUP_CLOSE int directory = -1;
	char name[PATH_MAX];
	struct reader reader;
	int result = 0;

	*usage = (struct cgroup_usage){ .timestamp = clock_wall(),
					.memory_limit = UINT64_MAX,
					.swap_limit = UINT64_MAX };
	if (system->unified) {
		result = cgroup_path(name, &system->hierarchies[0], path, NULL);
		if (result == 0)
			directory = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (result == 0 && directory < 0) {
			if (errno == ENOENT)
				return 0;
			result = -errno;
		}
	}
	reader.cgroup = path;
	reader.directory = directory;
	reader.usage = usage;
	reader.text[0] = '\0';
	if (result == 0)
		result = read_all(&reader, system);
	return result < 0 ? call_fail_errno(call, result, step, "%s", path) : 0;
}

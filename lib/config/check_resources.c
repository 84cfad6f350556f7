/* SPDX-License-Identifier: Apache-2.0 */
/* LinuxContainerResources: ranges that the kernel's cgroup files have, so that a mistake is named before anything is
 * written. */
#include "config/check.h"

#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static int check_range(const struct config_place *parent, const char *name, int64_t value, bool valid, const char *what,
		       cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(parent, name);

	return valid ? 0 : config_fail(call, CRI_EINVAL, &place, "%" PRId64 " is not %s", value, what);
}

static int check_cpu(const cri_resources *resources, const struct config_place *place, cri_call *call)
{
	int64_t period = resources->cpu_period, quota = resources->cpu_quota, shares = resources->cpu_shares;
	int result = check_range(place, "cpu_period", period, !period || (period >= 1000 && period <= 1000000),
				 "0 or 1000 to 1000000 microseconds", call);

	if (!result)
		result = check_range(place, "cpu_quota", quota, !quota || quota == -1 || quota >= 1000,
				     "0, -1 or at least 1000 microseconds", call);
	if (!result)
		result = check_range(place, "cpu_shares", shares, !shares || (shares >= 2 && shares <= 262144),
				     "0 or 2 to 262144", call);
	return result;
}

static int check_memory(const cri_resources *resources, const struct config_place *place, cri_call *call)
{
	const struct config_place swap_place = CONFIG_PLACE(place, "memory_swap_limit_in_bytes");
	int64_t memory = resources->memory_limit_in_bytes, swap = resources->memory_swap_limit_in_bytes;
	int result = check_range(place, "memory_limit_in_bytes", memory, memory >= -1, "-1 or more", call);

	if (!result)
		result = check_range(place, "memory_swap_limit_in_bytes", swap, swap >= -1, "-1 or more", call);
	if (result || swap == -1 || (!swap && !resources->has_memory_swap_limit))
		return result;
	if (memory == -1 || swap < memory)
		return config_fail(call, CRI_EINVAL, &swap_place,
				   "%" PRId64 " is less than memory_limit_in_bytes, which it includes", swap);
	return 0;
}

/* cpuset(7)'s list format without strides: "0-2,7". */
static bool is_cpu_list(const char *text)
{
	while (*text) {
		long bounds[2];
		int n = 0;

		do {
			size_t digits = strspn(text, "0123456789");

			if (digits < 1 || digits > 5)
				return false;
			bounds[n++] = strtol(text, NULL, 10);
			text += digits;
		} while (n < 2 && *text == '-' && text++);
		if (n == 2 && bounds[0] > bounds[1])
			return false;
		if (!*text)
			return true;
		if (*text++ != ',' || !*text)
			return false;
	}
	return true;
}

static int check_cpuset(const struct config_place *parent, const char *name, const char *list, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(parent, name);

	/* NULL: of a struct that was merged from others rather than copied. */
	if (text_is_empty(list) || is_cpu_list(list))
		return 0;
	return config_fail(call, CRI_EINVAL, &place, "\"%.64s\" is no list such as \"0-2,7\"", list);
}

/* "64KB", "2MB", "1GB": a power of two, as the kernel names its hugetlb files. */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	unsigned long number;

	if (digits < 1 || digits > 4)
		return false;
	number = strtoul(text, NULL, 10);
	if (*text == '0' || (number & (number - 1)) != 0)
		return false;
	return strcmp(unit, "KB") == 0 || strcmp(unit, "MB") == 0 || strcmp(unit, "GB") == 0;
}

/* The name of one file of a controller in a cgroup v2 directory. Files of the core, which move and kill processes, are
 * the engine's, but for the two limits among them. */
static bool is_unified_file(const char *name)
{
	const char *dot = strchr(name, '.');

	if (!dot || dot == name || !dot[1] || strlen(name) > 128)
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '_' && *c != '-')
			return false;
	return !text_starts(name, "cgroup.") || text_starts(name, "cgroup.max.");
}

static int check_lists(const cri_resources *resources, const struct config_place *place, cri_call *call)
{
	for (size_t i = 0; i < resources->n_hugepage_limits; i++) {
		const struct config_place limit = CONFIG_PLACE_AT(place, "hugepage_limits", i);
		const struct config_place size = CONFIG_PLACE(&limit, "page_size");
		const char *text = resources->hugepage_limits[i]->page_size;

		if (!is_page_size(text))
			return config_fail(call, CRI_EINVAL, &size, "\"%.64s\" is no page size such as \"2MB\"", text);
	}
	for (size_t i = 0; i < resources->n_unified; i++) {
		const struct config_place unified = CONFIG_PLACE(place, "unified");
		const char *key = resources->unified[i]->key;

		if (!is_unified_file(key))
			return config_fail(call, CRI_EINVAL, &unified,
					   "\"%.64s\" is no file of a controller, such as \"memory.high\"", key);
	}
	return 0;
}

int config_check_resources(const cri_resources *resources, const char *field, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, field);
	int result;

	if (!resources)
		return 0;
	result = check_cpu(resources, &place, call);
	if (!result)
		result = check_memory(resources, &place, call);
	if (!result)
		result = check_range(&place, "oom_score_adj", resources->oom_score_adj,
				     resources->oom_score_adj >= -1000 && resources->oom_score_adj <= 1000,
				     "-1000 to 1000", call);
	if (!result)
		result = check_range(&place, "pids_limit", resources->pids_limit, resources->pids_limit >= -1,
				     "0, -1 or more", call);
	if (!result)
		result = check_cpuset(&place, "cpuset_cpus", resources->cpuset_cpus, call);
	if (!result)
		result = check_cpuset(&place, "cpuset_mems", resources->cpuset_mems, call);
	return result ? result : check_lists(resources, &place, call);
}

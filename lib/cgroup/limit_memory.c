/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory limits. v1 limits memory and "memory and swap together", of which the second may at no time be below the
 * first; v2 limits memory, and swap alone. The CRI gives v1's pair.
 */
#include "cgroup/limit.h"

#include "base/text.h"
#include "cgroup/reader.h"

#include <stdio.h>

static const char memory_field[] = "linux.resources.memory_limit_in_bytes";
static const char swap_field[] = "linux.resources.memory_swap_limit_in_bytes";

static const char v1_memory[] = "memory.limit_in_bytes";
static const char v1_together[] = "memory.memsw.limit_in_bytes";
static const char v2_memory[] = "memory.max";
static const char v2_swap[] = "memory.swap.max";

static bool wants_memory(const struct limiter *limiter)
{
	return limiter->resources->memory_limit_in_bytes != 0;
}

static bool wants_swap(const struct limiter *limiter)
{
	return limiter->resources->memory_swap_limit_in_bytes != 0 || limiter->resources->has_memory_swap_limit;
}

static bool is_v2(const struct limiter *limiter)
{
	return limit_hierarchy(limiter, "memory")->v2;
}

/* The memory limit that will count: the new one, or that which is. */
static int settled_memory(const struct limiter *limiter, int64_t *memory)
{
	*memory = limiter->resources->memory_limit_in_bytes;
	if (*memory)
		return 0;
	return limit_read_number(limiter, "memory", is_v2(limiter) ? v2_memory : v1_memory, memory);
}

int limit_check_memory(const struct limiter *limiter)
{
	int64_t together = limiter->resources->memory_swap_limit_in_bytes, memory;
	int result;

	if (!wants_memory(limiter) && !wants_swap(limiter))
		return 0;
	if (!limit_hierarchy(limiter, "memory"))
		return call_fail(limiter->call, CRI_ENOTSUP, cgroup_limit_step,
				 "%s: this machine has no cgroup controller \"memory\"",
				 wants_memory(limiter) ? memory_field : swap_field);
	if (!wants_swap(limiter))
		return 0;
	result = limit_has_file(limiter, "memory", is_v2(limiter) ? v2_swap : v1_together);
	if (result == 0)
		return call_fail(limiter->call, CRI_ENOTSUP, cgroup_limit_step,
				 "%s: this machine's kernel does not limit swap", swap_field);
	if (result < 0)
		return limit_fail(limiter, result, swap_field, v2_swap, "");
	result = settled_memory(limiter, &memory);
	if (result < 0)
		return limit_fail(limiter, result, memory_field, v2_memory, "");
	if (together >= 0 && memory < 0)
		return call_fail(limiter->call, CRI_EINVAL, cgroup_limit_step,
				 "%s: it needs a memory_limit_in_bytes, which is part of it", swap_field);
	if (together >= 0 && together < memory)
		return call_fail(limiter->call, CRI_EINVAL, cgroup_limit_step,
				 "%s: %lld is less than memory_limit_in_bytes, %lld, which is part of it", swap_field,
				 (long long)together, (long long)memory);
	return 0;
}

static int write_or_fail(const struct limiter *limiter, const char *file, int64_t value, const char *unlimited,
			 const char *field)
{
	char text[32];
	int result = limit_write_number(limiter, "memory", file, value, unlimited);

	if (result == 0)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)value);
	return limit_fail(limiter, result, field, file, text);
}

static int limit_v1(const struct limiter *limiter)
{
	int64_t memory = limiter->resources->memory_limit_in_bytes;
	int64_t together = limiter->resources->memory_swap_limit_in_bytes, current = -1;
	bool swap = wants_swap(limiter), raises = false;
	int result;

	if (swap || memory == -1) {
		result = limit_read_number(limiter, "memory", v1_together, &current);
		if (result < 0 && (swap || result != -ENOENT))
			return limit_fail(limiter, result, swap_field, v1_together, "");
		/* No memory limit leaves none to memory and swap together. */
		if (result == 0 && !swap && current >= 0) {
			swap = true;
			together = -1;
		}
		raises = current >= 0 && (together < 0 || together > current);
	}
	result = 0;
	if (swap && raises)
		result = write_or_fail(limiter, v1_together, together, "-1", swap_field);
	if (result == 0 && memory)
		result = write_or_fail(limiter, v1_memory, memory, "-1", memory_field);
	if (result == 0 && swap && !raises)
		result = write_or_fail(limiter, v1_together, together, "-1", swap_field);
	return result;
}

/* What of the memory in use is file pages, which writing a limit drops; 0 when that cannot be said. */
static int64_t file_pages(const struct limiter *limiter)
{
	CLEANUP_CGROUP_READER struct cgroup_reader reader = { .directory = -1 };
	uint64_t pages = 0;
	const struct cgroup_figure figure = { "file", &pages };

	if (cgroup_reader_open(&reader, limiter->system, limiter->cgroup) > 0 &&
	    cgroup_reader_text(&reader, limit_hierarchy(limiter, "memory"), "memory.stat") > 0)
		cgroup_pick_figures(reader.text, &figure, 1);
	return pages > INT64_MAX ? 0 : (int64_t)pages;
}

/* Where v1 refuses a limit below what is in use, v2 kills processes until it is kept. So what can be reclaimed is, and
 * what is left counts. */
static int make_room(const struct limiter *limiter, int64_t memory)
{
	int64_t used, unused;
	char text[32];
	int result = limit_read_number(limiter, "memory", "memory.current", &used);

	/* Who cannot be looked at is told when the limit is written. */
	if (result < 0 || memory < 0 || used <= memory)
		return 0;
	/* EAGAIN: less was reclaimed. ENOENT: the kernel is older than 5.19. */
	result = limit_write_number(limiter, "memory", "memory.reclaim", used - memory, "0");
	unused = result == -ENOENT ? file_pages(limiter) : 0;
	result = limit_read_number(limiter, "memory", "memory.current", &used);
	if (result < 0 || used - unused <= memory)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)memory);
	return limit_fail(limiter, -EBUSY, memory_field, v2_memory, text);
}

static int limit_v2(const struct limiter *limiter)
{
	int64_t together = limiter->resources->memory_swap_limit_in_bytes, memory;
	int result = settled_memory(limiter, &memory);

	if (result < 0)
		return limit_fail(limiter, result, memory_field, v2_memory, "");
	if (wants_memory(limiter))
		result = make_room(limiter, memory);
	if (result == 0 && wants_swap(limiter))
		result = write_or_fail(limiter, v2_swap, together < 0 ? -1 : together - memory, "max", swap_field);
	if (result == 0 && wants_memory(limiter))
		result = write_or_fail(limiter, v2_memory, memory, "max", memory_field);
	return result;
}

int limit_memory(const struct limiter *limiter)
{
	if (!wants_memory(limiter) && !wants_swap(limiter))
		return 0;
	return is_v2(limiter) ? limit_v2(limiter) : limit_v1(limiter);
}

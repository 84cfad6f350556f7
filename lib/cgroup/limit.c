/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of a cgroup: LinuxContainerResources of the CRI as files of cgroup v1 and v2. */
#include "cgroup/limit.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

const char cgroup_limit_step[] = "limit the cgroup";

#define SHARES_MIN 2
#define SHARES_MAX 262144

const struct cgroup_hierarchy *limit_hierarchy(const struct limiter *limiter, const char *controller)
{
	return cgroup_hierarchy_of(limiter->system, controller);
}

int limit_has_file(const struct limiter *limiter, const char *controller, const char *file)
{
	char path[PATH_MAX];
	int result = cgroup_path(path, limit_hierarchy(limiter, controller), limiter->cgroup, file);

	if (result < 0)
		return result;
	if (access(path, F_OK) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

int limit_fail(const struct limiter *limiter, int error, const char *field, const char *file, const char *value)
{
	cri_call *call = limiter->call;

	switch (error) {
	case -EINVAL:
	case -ERANGE:
	case -EOVERFLOW:
		return call_fail(call, CRI_EINVAL, cgroup_limit_step, "%s: the kernel refuses \"%s\" for %s", field,
				 value, file);
	case -ENOENT:
		return call_fail(call, CRI_EPRECONDITION, cgroup_limit_step,
				 "%s: %s has no file %s: the cgroup is gone, or its controller could not be enabled "
				 "because a cgroup above it holds processes",
				 field, limiter->cgroup, file);
	case -EBUSY:
		return call_fail(call, CRI_EPRECONDITION, cgroup_limit_step,
				 "%s: \"%s\" is less than what is in use and cannot be reclaimed", field, value);
	default:
		return call_fail_errno(call, error, cgroup_limit_step, "%s: \"%s\" to %s of %s", field, value, file,
				       limiter->cgroup);
	}
}

int limit_write(const struct limiter *limiter, const char *controller, const char *file, const char *value)
{
	char path[PATH_MAX];
	int result = cgroup_path(path, limit_hierarchy(limiter, controller), limiter->cgroup, file);

	return result < 0 ? result : fs_write_text(AT_FDCWD, path, value);
}

int limit_write_number(const struct limiter *limiter, const char *controller, const char *file, int64_t value,
		       const char *unlimited)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return limit_write(limiter, controller, file, value == -1 ? unlimited : text);
}

int limit_read_number(const struct limiter *limiter, const char *controller, const char *file, int64_t *value)
{
	char path[PATH_MAX], text[64];
	ssize_t length = cgroup_path(path, limit_hierarchy(limiter, controller), limiter->cgroup, file);
	unsigned long long number;

	if (length == 0)
		length = cgroup_file_read(path, text, sizeof(text));
	if (length < 0)
		return (int)length;
	number = strtoull(text, NULL, 10);
	/* v1 says "no limit" with the largest number of whole pages. */
	*value = text_starts(text, "max") || number >= UINT64_C(1) << 62 ? -1 : (int64_t)number;
	return 0;
}

/* Writes a text of a field, if it is given. */
static int limit_text(const struct limiter *limiter, const char *controller, const char *file, const char *value,
		      const char *field)
{
	int result = limit_write(limiter, controller, file, value);

	return result < 0 ? limit_fail(limiter, result, field, file, value) : 0;
}

static int limit_shares(const struct limiter *limiter)
{
	int64_t shares = limiter->resources->cpu_shares;
	char text[32];

	if (!shares)
		return 0;
	if (shares < SHARES_MIN)
		shares = SHARES_MIN;
	if (shares > SHARES_MAX)
		shares = SHARES_MAX;
	if (!limit_hierarchy(limiter, "cpu")->v2) {
		snprintf(text, sizeof(text), "%lld", (long long)shares);
		return limit_text(limiter, "cpu", "cpu.shares", text, "linux.resources.cpu_shares");
	}
	/* From [2, 262144] onto [1, 10000], as all OCI runtimes do it. */
	shares = 1 + (shares - SHARES_MIN) * 9999 / (SHARES_MAX - SHARES_MIN);
	snprintf(text, sizeof(text), "%lld", (long long)shares);
	return limit_text(limiter, "cpu", "cpu.weight", text, "linux.resources.cpu_shares");
}

static int limit_period_v2(const struct limiter *limiter, int64_t period, int64_t quota)
{
	char path[PATH_MAX], old[64], text[96], quota_text[32];
	ssize_t length = cgroup_path(path, limit_hierarchy(limiter, "cpu"), limiter->cgroup, "cpu.max");

	if (length == 0)
		length = cgroup_file_read(path, old, sizeof(old));
	if (length < 0)
		return limit_fail(limiter, (int)length, "linux.resources.cpu_quota", "cpu.max", "");
	old[strcspn(old, " \n")] = '\0';
	snprintf(quota_text, sizeof(quota_text), "%lld", (long long)quota);
	snprintf(text, sizeof(text), "%s", quota < 0 ? "max" : quota > 0 ? quota_text : old);
	if (period)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %lld", (long long)period);
	return limit_text(limiter, "cpu", "cpu.max", text, "linux.resources.cpu_quota");
}

/* quota/period may not exceed the parent's ratio at any time, so that either order can be the wrong one. */
static int limit_period_v1(const struct limiter *limiter, int64_t period, int64_t quota)
{
	static const char period_file[] = "cpu.cfs_period_us", quota_file[] = "cpu.cfs_quota_us";
	bool period_last = false;
	char text[32];
	int result = 0;

	snprintf(text, sizeof(text), "%lld", (long long)period);
	if (period)
		result = limit_write(limiter, "cpu", period_file, text);
	if (result == -EINVAL && quota) {
		period_last = true;
		result = 0;
	}
	if (result < 0)
		return limit_fail(limiter, result, "linux.resources.cpu_period", period_file, text);
	if (quota) {
		result = limit_write_number(limiter, "cpu", quota_file, quota, "-1");
		if (result < 0) {
			snprintf(text, sizeof(text), "%lld", (long long)quota);
			return limit_fail(limiter, result, "linux.resources.cpu_quota", quota_file, text);
		}
	}
	return period_last ? limit_text(limiter, "cpu", period_file, text, "linux.resources.cpu_period") : 0;
}

static int limit_period(const struct limiter *limiter)
{
	int64_t period = limiter->resources->cpu_period, quota = limiter->resources->cpu_quota;

	if (!period && !quota)
		return 0;
	return limit_hierarchy(limiter, "cpu")->v2 ? limit_period_v2(limiter, period, quota)
						   : limit_period_v1(limiter, period, quota);
}

static int limit_cpuset_file(const struct limiter *limiter, const char *file, const char *value, const char *field)
{
	return text_is_empty(value) ? 0 : limit_text(limiter, "cpuset", file, value, field);
}

static int limit_cpuset(const struct limiter *limiter)
{
	int result = limit_cpuset_file(limiter, "cpuset.cpus", limiter->resources->cpuset_cpus,
				       "linux.resources.cpuset_cpus");

	return result < 0 ? result
			  : limit_cpuset_file(limiter, "cpuset.mems", limiter->resources->cpuset_mems,
					      "linux.resources.cpuset_mems");
}

static int limit_pids(const struct limiter *limiter)
{
	int64_t limit = limiter->resources->pids_limit;
	char text[32];
	int result;

	if (!limit)
		return 0;
	result = limit_write_number(limiter, "pids", "pids.max", limit, "max");
	/* The kernel takes no number above the largest process id that it can give, which nothing can exceed. */
	if (result == -EINVAL && limit > 0)
		result = limit_write_number(limiter, "pids", "pids.max", -1, "max");
	snprintf(text, sizeof(text), "%lld", (long long)limit);
	return result < 0 ? limit_fail(limiter, result, "linux.resources.pids_limit", "pids.max", text) : 0;
}

static int hugepage_file(const struct limiter *limiter, const char *page_size, char *file, size_t size)
{
	/* "2MB": it becomes part of a file's name. */
	size_t digits = strspn(page_size, "0123456789");

	if (!digits || digits > 10 ||
	    (strcmp(page_size + digits, "KB") != 0 && strcmp(page_size + digits, "MB") != 0 &&
	     strcmp(page_size + digits, "GB") != 0))
		return call_fail(limiter->call, CRI_EINVAL, cgroup_limit_step,
				 "linux.resources.hugepage_limits: \"%s\" is no page size", page_size);
	return fs_path(file, size, "hugetlb.%s.%s", page_size,
		       limit_hierarchy(limiter, "hugetlb")->v2 ? "max" : "limit_in_bytes");
}

static int limit_hugepages(const struct limiter *limiter)
{
	char file[64], value[32];

	/* Without the controller only limits of 0 come here. */
	for (size_t i = 0; limit_hierarchy(limiter, "hugetlb") && i < limiter->resources->n_hugepage_limits; i++) {
		const cri_hugepage_limit *limit = limiter->resources->hugepage_limits[i];
		int result = hugepage_file(limiter, limit->page_size, file, sizeof(file));

		snprintf(value, sizeof(value), "%llu", (unsigned long long)limit->limit);
		if (result == 0)
			result = limit_text(limiter, "hugetlb", file, value, "linux.resources.hugepage_limits");
		if (result < 0)
			return result;
	}
	return 0;
}

static int limit_unified(const struct limiter *limiter)
{
	const struct cgroup_hierarchy *v2 = cgroup_hierarchy_v2(limiter->system);
	char path[PATH_MAX];

	for (size_t i = 0; i < limiter->resources->n_unified; i++) {
		const cri_key_value *pair = limiter->resources->unified[i];
		int result = cgroup_path(path, v2, limiter->cgroup, pair->key);

		if (result == 0)
			result = fs_write_text(AT_FDCWD, path, pair->value);
		if (result < 0)
			return limit_fail(limiter, result, "linux.resources.unified", pair->key, pair->value);
	}
	return 0;
}

static int check_controller(const struct limiter *limiter, bool wanted, const char *controller, const char *field)
{
	if (!wanted || limit_hierarchy(limiter, controller))
		return 0;
	return call_fail(limiter->call, CRI_ENOTSUP, cgroup_limit_step,
			 "linux.resources.%s: this machine has no cgroup controller \"%s\"", field, controller);
}

/* Whoever knows no page size of a machine sends a limit of 0 for those it guesses: without huge pages there is nothing
 * to forbid. */
static int check_hugepages(const struct limiter *limiter)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < limiter->resources->n_hugepage_limits; i++)
		result = check_controller(limiter, limiter->resources->hugepage_limits[i]->limit != 0, "hugetlb",
					  "hugepage_limits");
	return result;
}

static int check_unified(const struct limiter *limiter)
{
	const struct cgroup_hierarchy *v2 = cgroup_hierarchy_v2(limiter->system);
	char path[PATH_MAX];

	if (limiter->resources->n_unified && !limiter->system->unified)
		return call_fail(limiter->call, CRI_ENOTSUP, cgroup_limit_step,
				 "linux.resources.unified: this machine uses cgroup v1");
	for (size_t i = 0; i < limiter->resources->n_unified; i++) {
		const char *key = limiter->resources->unified[i]->key;

		/* cgroup.procs, cgroup.kill and their like are no resources. */
		if (!strchr(key, '.') ||
		    key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-")] ||
		    key[0] == '.' || text_starts(key, "cgroup."))
			return call_fail(limiter->call, CRI_EINVAL, cgroup_limit_step,
					 "linux.resources.unified: \"%s\" is no file of a controller", key);
		if (cgroup_path(path, v2, limiter->cgroup, key) < 0 || access(path, W_OK) < 0)
			return call_fail(limiter->call, CRI_ENOTSUP, cgroup_limit_step,
					 "linux.resources.unified: this machine's cgroups have no \"%s\"", key);
	}
	return 0;
}

static int check(const struct limiter *limiter)
{
	const cri_resources *resources = limiter->resources;
	int result = check_controller(limiter, resources->cpu_shares != 0, "cpu", "cpu_shares");

	if (result == 0)
		result = check_controller(limiter, resources->cpu_quota != 0, "cpu", "cpu_quota");
	if (result == 0)
		result = check_controller(limiter, resources->cpu_period != 0, "cpu", "cpu_period");
	if (result == 0)
		result = check_controller(limiter, !text_is_empty(resources->cpuset_cpus), "cpuset", "cpuset_cpus");
	if (result == 0)
		result = check_controller(limiter, !text_is_empty(resources->cpuset_mems), "cpuset", "cpuset_mems");
	if (result == 0)
		result = check_controller(limiter, resources->pids_limit != 0, "pids", "pids_limit");
	if (result == 0)
		result = check_hugepages(limiter);
	if (result == 0)
		result = check_unified(limiter);
	return result < 0 ? result : limit_check_memory(limiter);
}

int cgroup_limit(const struct cgroup_system *system, const char *path, const cri_resources *resources, cri_call *call)
{
	const struct limiter limiter = { system, path, resources, call };
	static int (*const limits[])(const struct limiter *) = {
		limit_shares, limit_period, limit_cpuset, limit_memory, limit_pids, limit_hugepages, limit_unified,
	};
	int result = check(&limiter);

	for (size_t i = 0; result == 0 && i < sizeof(limits) / sizeof(*limits); i++)
		result = limits[i](&limiter);
	return result;
}

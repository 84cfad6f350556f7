/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/helper.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* <linux/ioprio.h> and <linux/mempolicy.h> are not in every libc's kernel headers. */
#define IO_PRIORITY_OF_PROCESS 1
#define MEMORY_POLICY_DEFAULT 0

/* The kernel's for every task that nobody changed (include/linux/init_task.h). */
#define TIMER_SLACK_NANOSECONDS 50000UL

/* Stands for half of kernel.threads-max, which is what the kernel gives to its first process (fork_init). */
#define HALF_OF_THREADS_MAX (RLIM_INFINITY - 1)

#define MEBIBYTE (UINT64_C(1) << 20)

/*
 * What a service under systemd on an untouched machine has: the kernel's limits (include/asm-generic/resource.h),
 * except for open files, which systemd raises to 1024:524288 (the soft one stays 1024 for programs that use select).
 * Core files are off and can be switched on.
 */
static const struct {
	int resource;
	struct rlimit value;
} usual_limits[] = {
	{ RLIMIT_CPU, { RLIM_INFINITY, RLIM_INFINITY } },
	{ RLIMIT_FSIZE, { RLIM_INFINITY, RLIM_INFINITY } },
	{ RLIMIT_DATA, { RLIM_INFINITY, RLIM_INFINITY } },
	{ RLIMIT_STACK, { 8 * MEBIBYTE, RLIM_INFINITY } },
	{ RLIMIT_CORE, { 0, RLIM_INFINITY } },
	{ RLIMIT_RSS, { RLIM_INFINITY, RLIM_INFINITY } },
	{ RLIMIT_NPROC, { HALF_OF_THREADS_MAX, HALF_OF_THREADS_MAX } },
	{ RLIMIT_NOFILE, { 1024, 524288 } },
	{ RLIMIT_MEMLOCK, { 8 * MEBIBYTE, 8 * MEBIBYTE } },
	{ RLIMIT_AS, { RLIM_INFINITY, RLIM_INFINITY } },
	{ RLIMIT_LOCKS, { RLIM_INFINITY, RLIM_INFINITY } },
	{ RLIMIT_SIGPENDING, { HALF_OF_THREADS_MAX, HALF_OF_THREADS_MAX } },
	{ RLIMIT_MSGQUEUE, { 819200, 819200 } },
	{ RLIMIT_NICE, { 0, 0 } },
	{ RLIMIT_RTPRIO, { 0, 0 } },
	{ RLIMIT_RTTIME, { RLIM_INFINITY, RLIM_INFINITY } },
};

int helper_set_limit(int resource, const struct rlimit *wanted)
{
	struct rlimit limit = *wanted;
	struct rlimit present;

	if (setrlimit((__rlimit_resource_t)resource, wanted) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	if (getrlimit((__rlimit_resource_t)resource, &present) < 0)
		return -errno;
	if (limit.rlim_max > present.rlim_max)
		limit.rlim_max = present.rlim_max;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	return setrlimit((__rlimit_resource_t)resource, &limit) < 0 ? -errno : 1;
}

int helper_set_oom_score(int64_t score)
{
	char text[24];
	int result;

	snprintf(text, sizeof(text), "%" PRId64, score);
	result = fs_write_text(AT_FDCWD, "/proc/self/oom_score_adj", text);
	return result == -EACCES || result == -EPERM ? 1 : result;
}

static int read_threads_max(rlim_t *half)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	unsigned long long threads;
	char *end;
	int result = fs_read(AT_FDCWD, "/proc/sys/kernel/threads-max", 64, &content);

	if (result < 0)
		return result;
	errno = 0;
	threads = strtoull(content.data, &end, 10);
	if (errno || end == content.data)
		return -EINVAL;
	*half = threads / 2;
	return 0;
}

static int reset_limits(void)
{
	rlim_t half;
	int result = read_threads_max(&half);

	if (result < 0)
		return result;
	for (size_t i = 0; i < sizeof(usual_limits) / sizeof(usual_limits[0]); i++) {
		struct rlimit limit = usual_limits[i].value;

		if (limit.rlim_cur == HALF_OF_THREADS_MAX)
			limit = (struct rlimit){ half, half };
		result = helper_set_limit(usual_limits[i].resource, &limit);
		if (result < 0)
			return result;
	}
	return 0;
}

/* A failure here leaves the helper slower or less fair, never wrong: kernels are built without some of these calls,
 * and sandboxes around the host forbid others. */
static void reset_scheduling(void)
{
	const struct sched_param normal = { .sched_priority = 0 };
	unsigned char all_cpus[1024];

	(void)sched_setscheduler(0, SCHED_OTHER, &normal);
	(void)setpriority(PRIO_PROCESS, 0, 0);
	(void)syscall(SYS_ioprio_set, IO_PRIORITY_OF_PROCESS, 0, 0);
	/* The kernel cuts the mask to what the cpuset allows. */
	memset(all_cpus, 0xff, sizeof(all_cpus));
	(void)syscall(SYS_sched_setaffinity, 0, sizeof(all_cpus), all_cpus);
	(void)syscall(SYS_set_mempolicy, MEMORY_POLICY_DEFAULT, NULL, 0);
	(void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NANOSECONDS, 0, 0, 0);
	(void)prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	(void)personality(PER_LINUX);
}

int helper_start(void)
{
	int result;

	umask(022);
	reset_scheduling();
	result = reset_limits();
	if (result < 0)
		return result;
	result = helper_set_oom_score(0);
	return result < 0 ? result : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a cgroup's files say of it, for metrics. */
#ifndef LIBCRI_CGROUP_FIGURES_H
#define LIBCRI_CGROUP_FIGURES_H

#include "cgroup/cgroup.h"

/* Times in nanoseconds, sizes in bytes; of limits 0 is none. */
enum figure {
	FIGURE_CPU_USAGE,
	FIGURE_CPU_USER,
	FIGURE_CPU_SYSTEM,
	FIGURE_CPU_PERIODS,
	FIGURE_CPU_THROTTLED_PERIODS,
	FIGURE_CPU_THROTTLED_TIME,
	FIGURE_MEMORY_USAGE,
	FIGURE_MEMORY_WORKING_SET,
	FIGURE_MEMORY_MAX_USAGE,
	FIGURE_MEMORY_CACHE,
	FIGURE_MEMORY_RSS,
	FIGURE_MEMORY_MAPPED_FILE,
	FIGURE_MEMORY_KERNEL,
	FIGURE_MEMORY_SWAP,
	FIGURE_MEMORY_FAILURES,
	FIGURE_MEMORY_ACTIVE_FILE,
	FIGURE_MEMORY_INACTIVE_FILE,
	FIGURE_PAGE_FAULTS, /* of its own processes; on v2 of those below it too */
	FIGURE_MAJOR_PAGE_FAULTS,
	FIGURE_PAGE_FAULTS_BELOW, /* with those of cgroups below it */
	FIGURE_MAJOR_PAGE_FAULTS_BELOW,
	FIGURE_OOM_KILLS,
	FIGURE_THREADS,
	FIGURE_THREADS_MAX,
	FIGURE_CPU_SHARES,
	FIGURE_CPU_QUOTA,  /* microseconds */
	FIGURE_CPU_PERIOD, /* microseconds */
	FIGURE_MEMORY_LIMIT,
	FIGURE_SWAP_LIMIT,
	FIGURE_CPU_WAITING, /* pressure: some, and full */
	FIGURE_CPU_STALLED,
	FIGURE_MEMORY_WAITING,
	FIGURE_MEMORY_STALLED,
	FIGURE_IO_WAITING,
	FIGURE_IO_STALLED,
	N_FIGURES,
};

#define FIGURE_UNKNOWN UINT64_MAX

struct cgroup_device {
	unsigned major, minor;
	uint64_t read_bytes, written_bytes, reads, writes;
};

#define CGROUP_MAX_DEVICES 128

struct cgroup_figures {
	int64_t timestamp; /* wall clock, nanoseconds */
	uint64_t values[N_FIGURES];
	struct cgroup_device devices[CGROUP_MAX_DEVICES]; /* those that come first, if there are more */
	size_t n_devices;
};

/* A figure that is not there is FIGURE_UNKNOWN. */
int cgroup_figures_read(const struct cgroup_system *system, const char *path, struct cgroup_figures *figures,
			cri_call *call);

#endif

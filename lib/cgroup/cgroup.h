/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroups, v1, v1 hybrid and v2, by the file system.
 *
 * A cgroup is named by its path below the roots of all hierarchies, "/libcri/<sandbox>/<container>". That of a
 * container holds its processes and is the root of what it sees. liblxc is kept from cgroups (shim_protocol.h).
 */
#ifndef LIBCRI_CGROUP_CGROUP_H
#define LIBCRI_CGROUP_CGROUP_H

#include "core/call.h"
#include "libcri/config.h"

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_MAX_HIERARCHIES 24

struct cgroup_hierarchy {
	char *mountpoint;  /* "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified", "/sys/fs/cgroup" */
	char *controllers; /* ",cpu,cpuacct," ; ",name=systemd," ; for v2 those of cgroup.controllers */
	bool v2;
	int directory; /* O_PATH of the mount point, for files that are read often; 0: none is open */
};

struct cgroup_system {
	struct cgroup_hierarchy hierarchies[CGROUP_MAX_HIERARCHIES];
	size_t n_hierarchies;
	bool unified; /* v2 alone: controllers are there */
};

/* Reads /proc/self/mountinfo. CRI_EPRECONDITION: no cgroup file system is mounted. */
int cgroup_detect(struct cgroup_system **system, cri_call *call);
void cgroup_system_free(struct cgroup_system *system);

/* The hierarchy that has a controller ("memory"), or NULL. On v2 alone it is the one hierarchy if it has it. */
const struct cgroup_hierarchy *cgroup_hierarchy_of(const struct cgroup_system *system, const char *controller);

/* Checks a cgroup_parent: absolute, no "..", components under 256 bytes, whole under 2048. CRI_EINVAL names `field`. */
int cgroup_check_path(const char *path, const char *field, cri_call *call);

/* Makes it with its parents in every hierarchy; fills cpuset on v1, subtree_control on v2 (of all parents: the new
 * cgroup may hold processes). An existing one is a success. */
int cgroup_create(const struct cgroup_system *system, const char *path, cri_call *call);

/* Sets limits; what is not given stays untouched. Order-safe (memory and memory+swap, quota and period).
 * A controller that the machine lacks is CRI_ENOTSUP that names the field, before anything is written; so is
 * `unified` where cgroup v2 is not alone. CRI_EINVAL: the kernel refuses a value. CRI_EPRECONDITION: a controller is
 * not enabled for this cgroup, or a memory limit lies below what is in use and cannot be reclaimed. */
int cgroup_limit(const struct cgroup_system *system, const char *path, const cri_resources *resources, cri_call *call);

/* SIGKILL to every process at and below it, until none is left; frozen ones are thawed to die. A missing cgroup is
 * empty. CRI_ETIMEDOUT also when processes are left after half a minute. */
int cgroup_kill(const struct cgroup_system *system, const char *path, cri_call *call);

/* Whether no process is at or below it: 1, 0, or a described failure. */
int cgroup_is_empty(const struct cgroup_system *system, const char *path, cri_call *call);

/* Removes it with everything below; one that is gone is a success. Waits briefly for dying processes (EBUSY). */
int cgroup_remove(const struct cgroup_system *system, const char *path, cri_call *call);

/* What devices its processes may use: these, and all else is denied. Before anything is made below it. CRI_ENOTSUP: the
 * kernel can limit devices neither by the v1 controller nor by BPF. A rule { 'a', -1, -1, "rwm" } needs neither. */
struct cgroup_device_rule {
	char type;            /* 'c', 'b', 'a' */
	int64_t major, minor; /* -1: all */
	const char *access;   /* letters of "rwm" */
};
int cgroup_allow_devices(const struct cgroup_system *system, const char *path, const struct cgroup_device_rule *rules,
			 size_t n_rules, cri_call *call);

/*
 * How one single-threaded process gets into a cgroup.
 *
 * v1: it writes "0" to `tasks`, which unlike cgroup.procs costs no RCU wait for the caller itself. v2 has only
 * cgroup.procs, and that waits for RCU with the lock of all cgroups held; so there processes are born (base/clone.h),
 * and write only where that cannot be. A v2 hierarchy beside v1 that has no controller is left out.
 */
struct arena;
struct cgroup_entry {
	const char *const *files; /* absolute paths; in the arena, as all here */
	size_t n_files;
	const struct cgroup_hierarchy *v2; /* NULL: no v2 is to be entered */
	const char *v2_directory;          /* of the cgroup in it */
};
int cgroup_entry_files(const struct cgroup_system *system, const char *path, struct arena *arena,
		       struct cgroup_entry *entry, cri_call *call);

/* The same for a program that this process starts and that must not end with this process's service unit: with v2
 * beside v1 if this process is in any but its root cgroup, since there systemd keeps its units. */
int cgroup_escape_files(const struct cgroup_system *system, const char *path, struct arena *arena,
			struct cgroup_entry *entry, cri_call *call);

/* Pressure stall information; totals in microseconds. */
struct cgroup_pressure_line {
	uint64_t total;
	double avg10, avg60, avg300;
};
struct cgroup_pressure {
	bool known;
	struct cgroup_pressure_line some, full;
};

/* What a cgroup and all below it use. A figure that is not there is not known. */
struct cgroup_usage {
	int64_t timestamp; /* wall clock, nanoseconds */
	uint64_t cpu_nanoseconds;
	uint64_t memory_usage, memory_working_set, memory_rss,
		memory_limit; /* UINT64_MAX: none. On v1 the least at or above it, on v2 its own */
	uint64_t page_faults, major_page_faults;
	uint64_t swap_usage, swap_limit;
	uint64_t pids;
	bool has_cpu, has_memory, has_swap, has_pids;
	struct cgroup_pressure cpu_pressure, memory_pressure, io_pressure;
};
/* How many processes (not threads) are at and below it. *known false: that cannot be said, as where it is gone. */
int cgroup_count_processes(const struct cgroup_system *system, const char *path, bool *known, uint64_t *n,
			   cri_call *call);

int cgroup_usage_read(const struct cgroup_system *system, const char *path, struct cgroup_usage *usage, cri_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cgroup_limit*.c. */
#ifndef LIBCRI_CGROUP_LIMIT_H
#define LIBCRI_CGROUP_LIMIT_H

#include "cgroup/files.h"

struct limiter {
	const struct cgroup_system *system;
	const char *cgroup;
	const cri_resources *resources;
	cri_call *call;
};

extern const char cgroup_limit_step[];

/* The hierarchy of a controller of which it was checked that it is there. */
const struct cgroup_hierarchy *limit_hierarchy(const struct limiter *limiter, const char *controller);

/* 1: the cgroup has such a file, 0, or -errno. */
int limit_has_file(const struct limiter *limiter, const char *controller, const char *file);

/* Describes why a value was refused. `field`: of LinuxContainerResources. */
int limit_fail(const struct limiter *limiter, int error, const char *field, const char *file, const char *value);

/* Writes a value, -1 as `unlimited`. 0 or -errno. */
int limit_write(const struct limiter *limiter, const char *controller, const char *file, const char *value);
int limit_write_number(const struct limiter *limiter, const char *controller, const char *file, int64_t value,
		       const char *unlimited);

/* Reads a number; "max" and v1's largest are -1. 0 or -errno. */
int limit_read_number(const struct limiter *limiter, const char *controller, const char *file, int64_t *value);

/* Memory and swap (cgroup_limit_memory.c). 0 or a described failure. The check writes nothing. */
int limit_check_memory(const struct limiter *limiter);
int limit_memory(const struct limiter *limiter);

#endif

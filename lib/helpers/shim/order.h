/* SPDX-License-Identifier: Apache-2.0 */
/* shim.json (runtime/shim_protocol.h), read and checked. */
#ifndef LIBCRI_HELPERS_SHIM_ORDER_H
#define LIBCRI_HELPERS_SHIM_ORDER_H

#include "failure.h"

#include "base/arena.h"
#include "base/json.h"

#include <stdbool.h>

struct texts {
	const char **items;
	size_t n;
};

struct order {
	const char *directory; /* the container's state directory, absolute */
	int directory_fd;
	int exits_fd; /* of `exits`. By descriptors the two are on one mount also for the monitor, which has its own
			 mounts */

	/* Kept as long as the shim lives, in `arena`. */
	struct arena arena;
	const char *id, *exits, *log;
	bool terminal, stdin_open, stdin_once;
	struct texts cgroup_entry;
	struct order_cgroup {
		const char *mountpoint, *path;
	} cgroup_v2;                 /* NULL: none */
	const char *oom_v1, *oom_v2; /* "": none */

	/* Needed to create the container only: borrowed from `json`, gone after order_forget. */
	cJSON *json;
	const char *lxc_config, *lxc_path, *state, *monitor_namespace, *monitor_mounts;
	const cJSON *mounts;   /* an array, or NULL */
	const char *seccomp;   /* "": none */
	uint64_t capabilities; /* that the container has */
	struct texts monitor_cgroup_entry;
};

/* Reads it from the directory, which stays the caller's text. */
int order_read(const char *directory, struct order *order, struct failure *failure);

/* Frees what only creating needs. */
void order_forget(struct order *order);

/* Writes "0" into each file, which moves the calling process into their cgroups. 0 or -errno; *failed is the file. */
int order_enter(const struct texts *files, const char **failed);

/* The container's cgroup in v2, O_PATH. -ENODATA: there is none; -errno. */
int order_open_cgroup(const struct order *order);

#endif

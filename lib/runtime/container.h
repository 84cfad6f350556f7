/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one internal description of a container. lib/container makes it from the CRI config, the image and the pod;
 * handlers render it: lxc_config.c for liblxc, later an OCI config.json. Everything is settled here: no defaults are
 * left, paths are absolute, names are numbers where the host can know them.
 */
#ifndef LIBCRI_RUNTIME_CONTAINER_H
#define LIBCRI_RUNTIME_CONTAINER_H

#include "libcri/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

enum runtime_mount_type {
	RUNTIME_MOUNT_BIND,     /* of a host path */
	RUNTIME_MOUNT_LAYER,    /* of a directory in the monitors' mount namespace, as it is mounted there */
	RUNTIME_MOUNT_FRESH,    /* a new file system */
	RUNTIME_MOUNT_MASK,     /* hide */
	RUNTIME_MOUNT_READONLY, /* make read-only in place */
};

struct runtime_mount {
	enum runtime_mount_type type;
	const char *source; /* BIND: host path; LAYER: path in that namespace; FRESH: file system type */
	const char *target;
	const char *data;         /* FRESH */
	const char *const *flags; /* "nosuid", "nodev", "noexec", "ro" … */
	size_t n_flags;
	bool recursive, readonly, recursive_readonly;
	cri_mount_propagation propagation;
};

struct runtime_limit {
	int resource; /* RLIMIT_… */
	struct rlimit value;
};

#define RUNTIME_CAPABILITY_SETS 5 /* effective, permitted, inheritable, bounding, ambient */

struct runtime_process {
	const char *const *arguments;
	size_t n_arguments;
	const char *const *environment; /* "NAME=value" */
	size_t n_environment;
	const char *directory;
	const char *user; /* "", "1000", "name", "name:group", "1:2": looked up in the container */
	bool has_group;
	int64_t group;
	const int64_t *groups;
	size_t n_groups;
	bool groups_strict;
	uint64_t capabilities[RUNTIME_CAPABILITY_SETS];
	bool no_new_privs;
	bool terminal;
	bool has_oom_score_adj;
	int64_t oom_score_adj;
	const struct runtime_limit *limits;
	size_t n_limits;
	bool pause; /* the built-in pause instead of a command */
	bool exec;  /* an exec, not a container's first process */
};

/* Where a namespace comes from: "" makes an own one, "host" is the host's, else a path to join. */
#define RUNTIME_NAMESPACE_HOST "host"

struct runtime_container {
	const char *id;
	const char *sandbox_id;
	const char *handler;       /* canonical name: the pod's */
	const char *const *layers; /* directories, lowest first; none: an empty, read-only root */
	size_t n_layers;
	const char *writable; /* the directory with upper/ and work/; "" without layers */
	bool readonly_rootfs;
	const char *hostname; /* for an own UTS namespace */
	const char *network_namespace, *ipc_namespace, *uts_namespace, *pid_namespace;
	const char *cgroup;                 /* made and limited before */
	bool privileged;                    /* /sys and cgroups writable, all devices allowed */
	const struct runtime_mount *mounts; /* in the order in which they are done */
	size_t n_mounts;
	const struct cgroup_device_rule *device_rules;
	size_t n_device_rules;
	struct runtime_process process;
	const char *seccomp; /* runtime/seccomp.h; NULL: none */
	const char *log;     /* absolute, or "" */
	bool stdin_open, stdin_once;
};

#endif

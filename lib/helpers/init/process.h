/* SPDX-License-Identifier: Apache-2.0 */
/* The process record (runtime/init_protocol.h), decoded. */
#ifndef LIBCRI_HELPERS_INIT_PROCESS_H
#define LIBCRI_HELPERS_INIT_PROCESS_H

#include "failure.h"

#include <stdbool.h>
#include <sys/resource.h>

#define PROCESS_RECORD_MAX (4U << 20)
#define PROCESS_LIMITS_MAX 32
#define PROCESS_GROUPS_MAX 1024

enum capability_set { EFFECTIVE, PERMITTED, INHERITABLE, BOUNDING, AMBIENT, CAPABILITY_SETS };

struct process_limit {
	int resource;
	struct rlimit value;
};

struct process {
	char **arguments, **environment; /* each ends with NULL */
	size_t n_arguments, n_environment;
	const char *directory; /* "/" when the record has none */
	const char *user;
	bool has_group, groups_strict;
	uint32_t group;
	uint32_t groups[PROCESS_GROUPS_MAX]; /* those given; passwd.h adds to them */
	size_t n_groups;
	bool has_capabilities;
	uint64_t capabilities[CAPABILITY_SETS];
	bool no_new_privs, terminal, exec, pause, cgroup_files;
	bool has_oom_score, has_umask;
	int64_t oom_score;
	uint32_t umask;
	struct process_limit limits[PROCESS_LIMITS_MAX];
	size_t n_limits;
	const void *seccomp; /* struct sock_filter, unaligned */
	size_t n_seccomp;
	const char *label;    /* NULL: none */
	const char *hostname; /* NULL: none */
};

/* Room that process_decode needs for the pointers of each of the two arrays; the last ones are for what the process
 * gets beside its record: PATH, TERM, HOME and the NULL. */
#define PROCESS_POINTERS(length) ((length) / 8 + 4)

/* Decodes in place: `record` holds `length` bytes and is written to, up to record[length], so that texts end with NUL.
 * `process` points into it. 0 or a failure: EINVAL for anything that is not exactly as described, and for a tag that is
 * not known. */
int process_decode(char *record, size_t length, char **arguments, char **environment, struct process *process,
		   struct failure *failure);

/* The value of NAME in the environment; NULL. */
const char *process_variable(const struct process *process, const char *name);

/* Adds "NAME=value", which must stay, to the environment when NAME is not in it. */
void process_add_variable(struct process *process, const char *name, char *text);

#endif

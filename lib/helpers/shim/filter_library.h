/* SPDX-License-Identifier: Apache-2.0 */
/* libseccomp, loaded when it is needed; and the two kinds of profiles, which add their rules through it. */
#ifndef LIBCRI_HELPERS_SHIM_FILTER_LIBRARY_H
#define LIBCRI_HELPERS_SHIM_FILTER_LIBRARY_H

#include "failure.h"

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>

struct filter_library {
	void *handle;
	__typeof__(seccomp_version) *version;
	__typeof__(seccomp_init) *init;
	__typeof__(seccomp_attr_set) *attr_set;
	__typeof__(seccomp_arch_native) *arch_native;
	__typeof__(seccomp_arch_exist) *arch_exist;
	__typeof__(seccomp_arch_add) *arch_add;
	__typeof__(seccomp_arch_resolve_name) *arch_resolve_name;
	__typeof__(seccomp_rule_add_array) *rule_add_array;
	__typeof__(seccomp_syscall_resolve_name) *resolve_name;
	__typeof__(seccomp_syscall_resolve_num_arch) *resolve_number;
	__typeof__(seccomp_export_bpf) *export_bpf;
};

/* One filter in the making. */
struct filter {
	const struct filter_library *library;
	scmp_filter_ctx context;
	uint64_t capabilities; /* of the process that is to get it */
	struct failure *failure;
};

extern const char filter_step[];

int filter_library_load(struct filter_library *library, struct failure *failure);

/* Adds an architecture, unless it is there or is unknown to this machine's library. */
int filter_add_architecture(struct filter *filter, uint32_t architecture);
/* Adds a rule; `number` may be libseccomp's stand-in for a call that this machine's architecture lacks. */
int filter_add_rule(const struct filter *filter, uint32_t action, int number, const struct scmp_arg_cmp *arguments,
		    unsigned int n_arguments);

/* Both make filter->context. */
int filter_fill_default(struct filter *filter);
int filter_fill_profile(struct filter *filter, const char *json, size_t length);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables that describe the public input structs, and what is done with them: checking sizes, copying, reading and
 * writing JSON. A struct's fields are listed once (tables.c); a new field is one line there.
 */
#ifndef LIBCRI_CONFIG_CONFIG_H
#define LIBCRI_CONFIG_CONFIG_H

#include "base/arena.h"
#include "core/call.h"
#include "libcri/libcri.h"

#include <cjson/cJSON.h>

struct config_table; /* one per struct */

extern const struct config_table config_sandbox, config_container, config_resources, config_engine_options,
	config_exec_options, config_pull_options, config_import_options, config_save_options, config_sandbox_filter,
	config_container_filter, config_stream_options, config_stream_server_options;

/*
 * Copies a struct of the caller's, whatever version of the header it was compiled against, into one of this library's
 * size, with everything it points to, in the arena: missing members get the defaults of the INIT macro, texts NULL
 * become "". CRI_EINVAL names the field: size 0 or too small, nonzero bytes beyond what we know, a count without an
 * array, a NULL element, an enum or bool out of range, a text that is no UTF-8, more than 4096 elements, a struct
 * over 1 MiB in all; a value whose has_ flag is not set, where one is needed (run_as_user). `input` NULL: all defaults.
 *
 * Copies are settled: what is a map in the CRI (labels, annotations, sysctls …) is sorted by key, a key given twice is
 * CRI_EINVAL; has_masked_paths and the like are true when there are elements, has_oom_score_adj and
 * has_memory_swap_limit when the value is not 0. So config_to_json and config_from_json give back an equal struct.
 */
int config_copy(const struct config_table *table, struct arena *arena, const void *input, const void **copy,
		cri_call *call);

/* The path of the first member in which two copies differ, or NULL: they are equal. Opaque members are compared as
 * they are. (compare.c) */
const char *config_difference(const struct config_table *table, const void *one, const void *other);

/*
 * JSON in CRI's names and nesting (metadata, linux.security_context …). Read: what _from_json promises; sections of the
 * CRI that a Linux engine cannot honour (windows) are CRI_ENOTSUP unless empty. Keys beyond the CRI's, so that every
 * member survives: pids_limit, has_oom_score_adj and has_memory_swap_limit of resources. Presence of the key is
 * has_masked_paths and has_readonly_paths. `config` is one that config_copy or config_from_json made.
 */
int config_from_json(const struct config_table *table, struct arena *arena, const char *json, size_t length,
		     const void **config, cri_call *call);
int config_to_json(const struct config_table *table, const void *config, char **json, cri_call *call);
/* The same in an arena. */
int config_to_text(const struct config_table *table, struct arena *arena, const void *config, const char **json,
		   cri_call *call);

/* Labels and such as a JSON object, and back; sorted by key when read. */
int config_pairs_to_json(cri_key_values pairs, size_t n_pairs, char **json, cri_call *call);
int config_pairs_to_text(struct arena *arena, cri_key_values pairs, size_t n_pairs, const char **json, cri_call *call);
int config_pairs_from_json(struct arena *arena, const char *json, cri_key_values *pairs, size_t *n_pairs,
			   cri_call *call);
/* Every pair of `selector` is among `pairs`. */
bool config_pairs_match(cri_key_values pairs, size_t n_pairs, cri_key_values selector, size_t n_selector);

/* What the CRI and the kernel demand beyond types; CRI_EINVAL names the field. For copies made above. */
int config_check_sandbox(const cri_sandbox_config *config, cri_call *call);
int config_check_container(const cri_container_config *config, const cri_sandbox_config *sandbox, cri_call *call);
int config_check_resources(const cri_resources *resources, const char *field, cri_call *call);

/* What `from` gives replaces what `to` has; arrays and texts are borrowed. (resources.c) */
void config_merge_resources(cri_resources *to, const cri_resources *from);

/* The file below /proc/sys of a sysctl, "net/ipv4/conf/eth0.1/forwarding", from either of the ways sysctl(8) takes:
 * "net.ipv4.conf.eth0/1.forwarding" and "net/ipv4/conf/eth0.1/forwarding". 0; -EINVAL: it would leave /proc/sys, or it
 * is malformed; -ENAMETOOLONG. */
int config_sysctl_path(const char *name, char *path, size_t size);

#endif

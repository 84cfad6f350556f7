/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/types.h
 * What every other header needs: the handles, the key/value pair, cri_free.
 *
 * Inputs are plain structs whose first member is `size`. Fill them with an INIT macro and designated initialisers,
 *
 *     cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "web", .uid = "1", .namespace_ = "default" };
 *
 * or, from languages without them, with cri_<type>_init(&config, sizeof(config)). A size of 0, or one smaller than the
 * first version of the struct, is CRI_EINVAL; so are nonzero bytes beyond the size that this library knows, because
 * they would be a request that it cannot honour. Inputs are borrowed until the function returns, `_begin` twins
 * included.
 *
 * Text is UTF-8 and NUL-terminated. NULL and "" mean the same in every optional string.
 */
#ifndef LIBCRI_TYPES_H
#define LIBCRI_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef CRI_API
#define CRI_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cri_engine cri_engine;               /**< an opened root; one serves many threads */
typedef struct cri_call cri_call;                   /**< deadline, cancellation and error text of calls; one thread */
typedef struct cri_list cri_list;                   /**< results; one thread */
typedef struct cri_op cri_op;                       /**< a call in progress, for event loops; one thread */
typedef struct cri_events cri_events;               /**< an event subscription; one thread */
typedef struct cri_stream cri_stream;               /**< an exec, attach or port-forward session; one thread */
typedef struct cri_stream_server cri_stream_server; /**< the HTTP streaming server; one serves many threads */

/** A pair of strings: a label, an annotation, an environment variable, a sysctl. The value may be "". */
typedef struct cri_key_value {
	size_t size;
	const char *key;
	const char *value;
} cri_key_value;
#define CRI_KEY_VALUE_INIT .size = sizeof(cri_key_value)

/** An array of pairs, as the configs take them: `.labels = pairs, .n_labels = 2`. */
typedef const cri_key_value *const *cri_key_values;

CRI_API void cri_key_value_init(cri_key_value *pair, size_t size);

/** Frees a string or a block that a libcri function returned. NULL is allowed. Any thread. */
CRI_API void cri_free(void *pointer);

/** How many elements a list holds. NULL counts 0. */
CRI_API size_t cri_list_count(const cri_list *list);

/** Frees a list with everything that was borrowed from it. NULL is allowed. */
CRI_API void cri_list_free(cri_list *list);

#ifdef __cplusplus
}
#endif
#endif

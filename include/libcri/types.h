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
 * A function that can fail returns 0 or a negative cri_code. Its last argument is an optional cri_call, which carries a
 * deadline and a cancellation and receives the text of a failure; its output comes just before that, is written only
 * when 0 is returned, and belongs to the caller. Beside what its comment lists, any function may answer CRI_EINVAL (the
 * text names the argument or the field; nothing was changed), CRI_ECANCELED and CRI_ETIMEDOUT (by the cri_call),
 * CRI_EFORKED, CRI_ENOMEM, CRI_EEXHAUSTED (the disk, descriptors), CRI_ECORRUPT (the store) and CRI_EINTERNAL.
 *
 * Results come as a cri_list of const structs, read with the _at function of their kind, which answers NULL for another
 * kind and beyond the end. The list owns them, and outlives the engine. They have no `size`: they are as the headers of
 * the linked library's SONAME say.
 *
 * A function that takes an engine may be called by any thread at any time; other objects are used by one thread at a
 * time, except where a comment says otherwise. No function may be called by a signal handler, except cri_call_cancel.
 *
 * Text is UTF-8 and NUL-terminated. NULL and "" mean the same in every optional string that is handed in; strings that
 * come out are never NULL. Times are nanoseconds since 1970, sizes are bytes, where a comment does not say otherwise.
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

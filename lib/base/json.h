/* SPDX-License-Identifier: Apache-2.0 */
/* The one reader of JSON: cJSON with bounds on size and depth, and typed access that can tell "absent" from "wrong". */
#ifndef LIBCRI_BASE_JSON_H
#define LIBCRI_BASE_JSON_H

#include "cleanup.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 32

/* Parses `length` bytes: -EFBIG above `limit` bytes, -ELOOP above JSON_MAX_DEPTH levels, -EINVAL when malformed, when
 * bytes follow the value, when a text is no UTF-8 or holds \u0000, -ENOMEM. Free with cJSON_Delete. */
int json_parse(const char *text, size_t length, size_t limit, cJSON **value);

/* Members of an object. 0: found; -ENOENT: absent or null; -EINVAL: of another type (numbers: not whole, or out of
 * range). Duplicate keys: the first counts. The outputs are untouched unless 0 is returned. */
int json_string(const cJSON *object, const char *key, const char **value);
int json_int64(const cJSON *object, const char *key, int64_t *value); /* whole doubles up to 2^53, or quoted digits */
int json_uint64(const cJSON *object, const char *key, uint64_t *value);
int json_bool(const cJSON *object, const char *key, bool *value);
int json_object(const cJSON *object, const char *key, const cJSON **value);
int json_array(const cJSON *object, const char *key, const cJSON **value);

/* Adds a number that a double may not hold: as a number up to 2^53, as quoted digits above. 0 or -ENOMEM. */
int json_add_int64(cJSON *object, const char *key, int64_t value);

static inline void cleanup_json(cJSON **value)
{
	cJSON_Delete(*value);
}
#define CLEANUP_JSON CLEANUP(cleanup_json)

#endif

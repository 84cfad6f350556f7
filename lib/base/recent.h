/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of many objects lately: a record for each, found by a number (lock_byte of a name). Bounded: records
 * that nobody asked for in the last ten minutes make room for others, and if that is not enough, all do. */
#ifndef LIBCRI_BASE_RECENT_H
#define LIBCRI_BASE_RECENT_H

#include <stddef.h>
#include <stdint.h>

struct recent;

/* Records of `size` bytes. NULL: memory ran out. */
struct recent *recent_new(size_t size);
void recent_free(struct recent *recent);

/* The record of `key`, all zero when it is new, valid until the next call. `now` is clock_boot(). NULL: memory ran out.
 * One thread at a time. */
void *recent_find(struct recent *recent, uint64_t key, int64_t now);

#endif

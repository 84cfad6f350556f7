/* SPDX-License-Identifier: Apache-2.0 */
/* Inflates zstd, frame by frame. */
#ifndef LIBCRI_HELPERS_FETCH_ZSTD_H
#define LIBCRI_HELPERS_FETCH_ZSTD_H

#include "fetch.h"

/* Whether a file that begins with these bytes is one: by a frame's magic number, or a skippable frame's. */
bool zstd_begins(const void *first, size_t length);

struct zstd;
/* NULL: memory ran out. */
struct zstd *zstd_new(void);
int zstd_add(struct zstd *zstd, const void *bytes, size_t length, const struct inflater_client *client,
	     struct failure *failure);
/* No more will come. */
int zstd_end(struct zstd *zstd, const struct inflater_client *client, struct failure *failure);
void zstd_free(struct zstd *zstd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* gzip data, inflated as it comes: any number of members, and nothing behind the last. */
#ifndef LIBCRI_HELPERS_FETCH_GZIP_H
#define LIBCRI_HELPERS_FETCH_GZIP_H

#include "fetch.h"

/* NULL: memory ran out. */
struct gzip *gzip_new(void);
void gzip_free(struct gzip *gzip);

/* 0 or -1, described. */
int gzip_add(struct gzip *gzip, const void *bytes, size_t length, take_bytes output, void *context,
	     struct failure *failure);

/* Whether the data may end here. */
bool gzip_is_whole(const struct gzip *gzip);

#endif

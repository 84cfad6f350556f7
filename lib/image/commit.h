/* SPDX-License-Identifier: Apache-2.0 */
/* The last step: layers and image become visible, together. */
#ifndef LIBCRI_IMAGE_COMMIT_H
#define LIBCRI_IMAGE_COMMIT_H

#include "image/incoming.h"

/* Unpacks what is missing and stores the image. Another call that stores the same image is waited for, and what it
 * made is used. *stored, which may be NULL, is what was stored, in the arena: who looks later may find it removed. */
int image_make(struct layer_set *set, const struct incoming *image, bool pinned, struct arena *arena,
	       struct image_row *stored, cri_call *call);

/* An image's names as the tags and digests of its row. */
int commit_names(struct arena *arena, const struct incoming *image, struct image_row *row, cri_call *call);

/* Before layers are made ready in the database: all that was written to the root is on the disk. */
int commit_sync(const cri_engine *engine, cri_call *call);

#endif

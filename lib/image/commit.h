/* SPDX-License-Identifier: Apache-2.0 */
/* The last step: layers and image become visible, together. */
#ifndef LIBCRI_IMAGE_COMMIT_H
#define LIBCRI_IMAGE_COMMIT_H

#include "image/archive.h"

/* Unpacks what is missing and stores the image. Another call that stores the same image is waited for, and what it
 * made is used. */
int image_make(struct layer_set *set, const struct incoming *image, bool pinned, cri_call *call);

#endif

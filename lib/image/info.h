/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as the public API shows them. */
#ifndef LIBCRI_IMAGE_INFO_H
#define LIBCRI_IMAGE_INFO_H

#include "image/image.h"

/* A list for cri_image_at; NULL: memory ran out, described. */
cri_list *image_info_list(cri_call *call);
/* Adds an image whose texts are in the list's arena. */
int image_info_add(cri_list *list, const struct image_row *row, cri_call *call);

#endif

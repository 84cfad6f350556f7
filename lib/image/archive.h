/* SPDX-License-Identifier: Apache-2.0 */
/* What an OCI image layout or a docker-archive holds. */
#ifndef LIBCRI_IMAGE_ARCHIVE_H
#define LIBCRI_IMAGE_ARCHIVE_H

#include "image/fetch.h"
#include "image/image.h"
#include "image/incoming.h"
#include "image/layer.h"

struct archive_reader {
	cri_engine *engine;
	struct arena *arena;
	struct fetch *fetch;
	int layout; /* the directory */
	struct platform wanted;
};

/* Reads the images of a directory, those for the wanted platform. CRI_ENOTFOUND: none is; CRI_ECORRUPT: it is neither
 * layout nor archive, or something in it is not what its digest says. */
int archive_read(struct archive_reader *reader, struct incoming **images, size_t *n_images, cri_call *call);

#endif

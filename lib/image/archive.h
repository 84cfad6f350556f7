/* SPDX-License-Identifier: Apache-2.0 */
/* What an OCI image layout or a docker-archive holds. */
#ifndef LIBCRI_IMAGE_ARCHIVE_H
#define LIBCRI_IMAGE_ARCHIVE_H

#include "image/document.h"
#include "image/fetch.h"
#include "image/image.h"
#include "image/layer.h"

/* An image that is about to be stored; every document of it is verified. */
struct incoming {
	const char **names; /* normalised: tags, and name@digest */
	size_t n_names;
	const char *digest;          /* of what the archive lists: a manifest or an index; "": a docker-archive */
	const char *manifest_digest; /* "": a docker-archive */
	const char *manifest;
	const char *id; /* digest of the config */
	const char *config;
	struct image_config parsed;
	struct layer *layers; /* lowest first */
	size_t n_layers;
};

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

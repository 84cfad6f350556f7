/* SPDX-License-Identifier: Apache-2.0 */
/* An image on its way into the store, wherever it comes from. */
#ifndef LIBCRI_IMAGE_INCOMING_H
#define LIBCRI_IMAGE_INCOMING_H

#include "image/document.h"
#include "image/image.h"
#include "image/layer.h"

/* Every document of it is verified. */
struct incoming {
	const char **names; /* normalised: tags, and name@digest */
	size_t n_names;
	const char *digest; /* of what was asked for or is listed: a manifest or an index; "": a docker-archive */
	const char *manifest_digest; /* "": a docker-archive */
	const char *manifest;
	const char *id; /* digest of the config */
	const char *config;
	struct image_config parsed;
	struct layer *layers; /* lowest first */
	size_t n_layers;
};

/* Once `parsed` is set: its layers, one for each diff id. CRI_ECORRUPT: they are not as many; CRI_EPRECONDITION: it is
 * for another platform. */
int incoming_layers(const cri_engine *engine, struct arena *arena, const struct platform *wanted,
		    struct incoming *image, size_t n_layers, cri_call *call);

#endif

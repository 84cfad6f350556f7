/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of a saved image. Texts to be freed with cJSON_free; NULL outputs stay untouched on failure. */
#ifndef LIBCRI_IMAGE_SAVE_DOCUMENTS_H
#define LIBCRI_IMAGE_SAVE_DOCUMENTS_H

#include "image/fetch_protocol.h"
#include "image/image.h"

struct saved_blob {
	char digest[DIGEST_SIZE];
	uint64_t size;
	char diff_id[DIGEST_SIZE]; /* of a layer */
};

/* The image's config with the diff ids that its layers have now. */
int save_config(const struct image_row *row, const struct saved_blob *layers, char **text, cri_call *call);
int save_manifest(const struct image_row *row, const struct saved_blob *config, const struct saved_blob *layers,
		  char **text, cri_call *call);
/* Lists the manifest once for each name, and without one if there is none. */
int save_index(struct arena *arena, const struct image_row *row, const struct saved_blob *manifest,
	       const char *const *names, size_t n_names, char **text, cri_call *call);

#endif

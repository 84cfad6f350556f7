/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of a saved image. Texts to be freed with cJSON_free; NULL outputs stay untouched on failure. */
#ifndef LIBCRI_IMAGE_SAVE_DOCUMENTS_H
#define LIBCRI_IMAGE_SAVE_DOCUMENTS_H

#include "image/fetch.h"
#include "image/image.h"

struct saved_blob {
	char digest[DIGEST_SIZE];
	uint64_t size;
	char diff_id[DIGEST_SIZE]; /* of a layer */
};

/* Which of the layers that the image's config tells of it has no more, since a higher one is the same. NULL: that
 * cannot be told. (save_history.c) */
struct saving_source {
	cri_engine *engine;
	struct arena *arena;
	struct fetch *fetch;
};
int save_find_hidden(struct saving_source *source, const struct image_row *row, const bool **hidden, cri_call *call);
/* Makes a config's history say that these layers are empty. One that does not tell of n_layers is deleted. */
int save_history(cJSON *config, size_t n_layers, const bool *hidden, cri_call *call);

/* The image's config with the diff ids that its layers have now. */
int save_config(const struct image_row *row, const struct saved_blob *layers, const bool *hidden, char **text,
		cri_call *call);
int save_manifest(const struct image_row *row, const struct saved_blob *config, const struct saved_blob *layers,
		  char **text, cri_call *call);
/* Lists the manifest once for each name, and without one if there is none. */
int save_index(struct arena *arena, const struct image_row *row, const struct saved_blob *manifest,
	       const char *const *names, size_t n_names, char **text, cri_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a caller how far a pull or an import is. */
#ifndef LIBCRI_IMAGE_PROGRESS_H
#define LIBCRI_IMAGE_PROGRESS_H

#include "image/layer.h"

struct progress {
	cri_image_progress_function function; /* NULL: nobody asks */
	void *data;
	int64_t told;
	cri_image_progress value;
};

/* Tells of a new step. */
void progress_step(struct progress *progress, const char *step);
/* Tells how far it is, ten times a second at most. */
void progress_bytes(struct progress *progress, uint64_t done);
/* For layer_set.progress with the struct as its data: sums the layers up and tells, ten times a second at most. */
void progress_layers(struct layer_set *set, void *progress);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An image's layers as containers get them. Those of embedded images (image/embedded.h) are mounted for it. */
#ifndef LIBCRI_IMAGE_MOUNTED_H
#define LIBCRI_IMAGE_MOUNTED_H

#include "image/image.h"

struct image_mount {
	const char *source; /* a directory in the monitors' mount namespace */
	const char *target; /* absolute, in the container */
};

struct image_root {
	const char **layers; /* directories of the root, lowest first */
	size_t n_layers;
	struct image_mount *mounts; /* of further layers, read-only, in this order */
	size_t n_mounts;
};

/* Where an image's layers are, once they are mounted. (root.c) */
int image_root(cri_engine *engine, struct arena *arena, const struct image_row *image, struct image_root *root,
	       cri_call *call);

/* Mounts those of a container's layers that are embedded ones, unless they are. The container's row refers to them
 * already. CRI_EPRECONDITION: what the image was loaded from is gone or changed. (embedded_mount.c) */
int image_mount_layers(cri_engine *engine, const int64_t *layers, size_t n_layers, cri_call *call);

/* Unmounts the embedded layers that no container refers to any more. What fails is logged, and tried again. */
void image_unmount_idle(cri_engine *engine, cri_call *call);

#endif

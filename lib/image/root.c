/* SPDX-License-Identifier: Apache-2.0 */
#include "core/paths.h"
#include "image/embedded.h"
#include "image/mounted.h"

#include <string.h>

static const char step[] = "find the image's layers";

static const char *directory(cri_engine *engine, struct arena *arena, int64_t row)
{
	char path[PATH_MAX];

	return arena_strdup(arena, path_layer_fs(engine, row, path));
}

/* The rows are in the manifest's order, and as many (embedded_import.c). */
static int split(cri_engine *engine, struct arena *arena, const struct image_row *image, struct image_root *root,
		 cri_call *call)
{
	struct embedded_manifest manifest;
	int result = embedded_manifest_parse(arena, image->manifest, strlen(image->manifest), &manifest, call);

	if (result < 0)
		return result;
	if (manifest.n_layers != image->n_layers)
		return call_fail(call, CRI_ECORRUPT, step, "image %s has %zu layers and its manifest %zu", image->id,
				 image->n_layers, manifest.n_layers);
	root->mounts = arena_array(arena, image->n_layers, sizeof(*root->mounts));
	if (!root->mounts)
		return call_no_memory(call, step);
	for (size_t i = 0; i < image->n_layers; i++) {
		const char *path = directory(engine, arena, image->layers[i]);

		if (!path)
			return call_no_memory(call, step);
		if (strcmp(manifest.layers[i].path_in_container, "/") == 0)
			root->layers[root->n_layers++] = path;
		else
			root->mounts[root->n_mounts++] =
				(struct image_mount){ path, manifest.layers[i].path_in_container };
	}
	return 0;
}

int image_root(cri_engine *engine, struct arena *arena, const struct image_row *image, struct image_root *root,
	       cri_call *call)
{
	*root = (struct image_root){ .layers = arena_array(arena, image->n_layers + 1, sizeof(*root->layers)) };
	if (!root->layers)
		return call_no_memory(call, step);
	if (image->embedded)
		return split(engine, arena, image, root, call);
	for (; root->n_layers < image->n_layers; root->n_layers++) {
		root->layers[root->n_layers] = directory(engine, arena, image->layers[root->n_layers]);
		if (!root->layers[root->n_layers])
			return call_no_memory(call, step);
	}
	return 0;
}

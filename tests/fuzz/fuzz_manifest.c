/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, OCI's and that of a docker-archive: what is accepted has all that its reader relies on. */
#include "image/document.h"
#include "image/reference.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_descriptor(const struct descriptor *descriptor)
{
	if (!descriptor->media_type || !descriptor->name || !digest_is_valid(descriptor->digest))
		abort();
}

static void check_manifest(const char *json, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct manifest manifest = { .n_layers = 0 };
	cri_call call;

	call_init(&call);
	if (manifest_parse(&arena, json, size, &manifest, &call) < 0)
		return;
	check_descriptor(&manifest.config);
	if (manifest.n_layers > IMAGE_MAX_LAYERS)
		abort();
	for (size_t i = 0; i < manifest.n_layers; i++)
		check_descriptor(&manifest.layers[i]);
}

static void check_docker_manifest(const char *json, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct docker_image *images = NULL;
	size_t n_images = 0;
	cri_call call;

	call_init(&call);
	if (docker_manifest_parse(&arena, json, size, &images, &n_images, &call) < 0)
		return;
	for (size_t i = 0; i < n_images; i++) {
		if (!images[i].config || !*images[i].config || images[i].n_layers > IMAGE_MAX_LAYERS)
			abort();
		for (size_t j = 0; j < images[i].n_layers; j++)
			if (!images[i].layers[j])
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_manifest((const char *)data, size);
	check_docker_manifest((const char *)data, size);
	return 0;
}

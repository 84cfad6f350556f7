/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests of embedded images, and the texts that stand for their layers in the store: what is accepted has all that
 * its reader relies on, and no path of it leads out of the manifest's directory. */
#include "image/embedded.h"
#include "image/reference.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_layer(const struct embedded_layer *layer, size_t n)
{
	const char *host = layer->path_in_host, *container = layer->path_in_container;

	if (!*host || *container != '/' || (n > 0 && *host == '/') || (n == 0 && strcmp(container, "/") != 0))
		abort();
	if (!strcmp(host, "..") || !strncmp(host, "../", 3) || strstr(host, "/../"))
		abort();
	if (*layer->digest && !digest_is_valid(layer->digest))
		abort();
}

static void check_manifest(const char *json, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct embedded_manifest manifest = { .n_layers = 0 };
	struct image_config config;
	cri_call call;

	call_init(&call);
	if (embedded_manifest_parse(&arena, json, size, &manifest, &call) < 0)
		return;
	if (!*manifest.name || !manifest.n_layers || manifest.n_layers > IMAGE_MAX_LAYERS)
		abort();
	for (size_t i = 0; i < manifest.n_layers; i++)
		check_layer(&manifest.layers[i], i);
	(void)image_config_parse(&arena, manifest.config, strlen(manifest.config), &config, &call);
}

/* What is read is written as it was. */
static void check_source(const char *bytes, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *text = arena_printf(&arena, LAYER_EMBEDDED_PREFIX "%.*s", (int)size, bytes);
	struct embedded_source source, again;

	if (!text || !embedded_source_parse(&arena, text, &source))
		return;
	text = embedded_source_text(&arena, &source);
	if (!text || !embedded_source_parse(&arena, text, &again))
		abort();
	if (source.kind != again.kind || source.size != again.size || strcmp(source.path, again.path) != 0 ||
	    strcmp(source.digest, again.digest) != 0 || strcmp(source.filesystem, again.filesystem) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_manifest((const char *)data, size);
	check_source((const char *)data, size);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "image/incoming.h"

static const char step[] = "read the image";

static int check_platform(const struct platform *wanted, const struct image_config *config, cri_call *call)
{
	const struct platform offered = { config->os, config->architecture, config->variant };

	if (!*config->architecture || platform_rank(wanted, &offered) > 0)
		return 0;
	return call_fail(call, CRI_EPRECONDITION, step,
			 "the image is for %s/%s, wanted is %s/%s: name its platform to have it all the same",
			 offered.os, offered.architecture, wanted->os, wanted->architecture);
}

int incoming_layers(const cri_engine *engine, struct arena *arena, const struct platform *wanted,
		    struct incoming *image, size_t n_layers, cri_call *call)
{
	if (image->parsed.n_diff_ids != n_layers)
		return call_fail(call, CRI_ECORRUPT, step, "it has %zu layers and its config %zu diff ids", n_layers,
				 image->parsed.n_diff_ids);
	image->layers = arena_array(arena, n_layers + 1, sizeof(*image->layers));
	if (!image->layers)
		return call_no_memory(call, step);
	image->n_layers = n_layers;
	for (size_t i = 0; i < n_layers; i++) {
		layer_init(&image->layers[i]);
		image->layers[i].diff_id = image->parsed.diff_ids[i];
		image->layers[i].expected.limit = engine->options.max_layer_bytes;
	}
	return check_platform(wanted, &image->parsed, call);
}

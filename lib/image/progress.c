/* SPDX-License-Identifier: Apache-2.0 */
#include "image/progress.h"

#include "base/clock.h"

#define INTERVAL (100 * NANOSECONDS_PER_MILLISECOND)

static void tell(struct progress *progress, bool always)
{
	const int64_t now = clock_boot();

	if (!progress->function || (!always && now - progress->told < INTERVAL))
		return;
	progress->told = now;
	progress->function(&progress->value, progress->data);
}

void progress_step(struct progress *progress, const char *step)
{
	progress->value.step = step;
	tell(progress, true);
}

void progress_bytes(struct progress *progress, uint64_t done)
{
	progress->value.bytes_done = done;
	tell(progress, false);
}

void progress_layers(struct layer_set *set, void *data)
{
	struct progress *progress = data;
	cri_image_progress *value = &progress->value;

	*value = (cri_image_progress){ .layers_total = (uint32_t)set->n_layers, .step = "unpack" };
	for (size_t i = 0; i < set->n_layers; i++) {
		const struct layer *layer = &set->layers[i];
		const bool running = layer->state == LAYER_WAITING || layer->state == LAYER_RUNNING;

		value->bytes_total += layer->expected.size;
		value->bytes_done += running ? layer->bytes_done : layer->expected.size;
		value->layers_done += !running;
	}
	tell(progress, false);
}

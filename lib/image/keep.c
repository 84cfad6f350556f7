/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"
#include "image/commit.h"
#include "store/store.h"

static bool is_whole(const struct layer *layer)
{
	return layer->state == LAYER_UNPACKED && !layer_is_bound(layer) && !layer->recount;
}

static int keep(struct layer_set *set, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	int result = 0;

	/* What is kept, nobody changes any more. */
	for (size_t i = 0; i < set->n_layers && result == 0; i++)
		if (is_whole(&set->layers[i]))
			result = unpacker_stop(&set->layers[i].unpacker, call);
	if (result == 0)
		result = commit_sync(set->engine, call);
	if (result == 0)
		result = engine_lock_object(set->engine, LAYERS_LOCK, &lock, call);
	for (size_t i = 0; i < set->n_layers && result == 0; i++) {
		struct layer *layer = &set->layers[i];
		int64_t row = layer->row;

		if (!is_whole(layer))
			continue;
		result = store_layer_commit(set->engine->store, &row, layer->diff_id, "", layer->bytes, layer->inodes,
					    call);
		if (result == 0)
			layer->state = LAYER_PRESENT;
		/* Another call was quicker: this one's directory goes. */
		if (result == CRI_EEXIST)
			result = 0;
	}
	return result;
}

void layer_set_keep(struct layer_set *set, cri_call *call)
{
	cri_call quiet;
	size_t n_whole = 0;

	for (size_t i = 0; i < set->n_layers; i++)
		n_whole += is_whole(&set->layers[i]);
	if (!n_whole)
		return;
	call_init_child(&quiet, call);
	call_shield(&quiet);
	if (keep(set, &quiet) < 0)
		engine_log(set->engine, CRI_LOG_WARNING, "%s", cri_call_message(&quiet));
	call_unshield(&quiet);
}

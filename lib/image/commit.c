/* SPDX-License-Identifier: Apache-2.0 */
#include "image/commit.h"

#include "base/lock.h"
#include "base/text.h"
#include "image/reference.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static const char step[] = "store the image";

/* A layer may be collected between its being found and the commit, when its last image goes. */
#define ATTEMPTS 10

int commit_sync(const cri_engine *engine, cri_call *call)
{
	CLEANUP_CLOSE int fd = open(engine->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd))
		return call_fail_errno(call, errno, step, "sync %s", engine->root);
	return 0;
}

/* The row that stands for a layer, ready in the store. `taken`: CRI_EAGAIN, not described, when it is gone. */
static int commit_layer(struct layer_set *set, const struct layer *layer, int64_t *row, cri_call *call)
{
	struct layer_row found;
	int result;

	*row = layer->row;
	if (layer->state == LAYER_PRESENT) {
		result =
			store_layer_find(set->engine->store, set->arena, layer->diff_id, layer->chain_id, &found, call);
		if (result == CRI_ENOTFOUND)
			return CRI_EAGAIN;
		if (result == 0)
			*row = found.id;
		return result;
	}
	result = store_layer_commit(set->engine->store, row, layer->diff_id,
				    layer_is_bound(layer) ? layer->chain_id : "", layer->bytes, layer->inodes, call);
	return result == CRI_EEXIST ? 0 : result;
}

/* overlayfs takes a directory once. What a layer brings higher up hides all that it brings further down. */
static size_t drop_repeated(int64_t *rows, size_t n_rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < n_rows; i++) {
		bool again = false;

		for (size_t j = i + 1; j < n_rows && !again; j++)
			again = rows[j] == rows[i];
		if (!again)
			rows[kept++] = rows[i];
	}
	return kept;
}

static int commit_layers(struct layer_set *set, int64_t *rows, uint64_t *bytes, cri_call *call)
{
	for (size_t i = 0; i < set->n_layers; i++) {
		struct layer *layer = &set->layers[i];
		int result;

		if (layer->state == LAYER_REPEATED) {
			rows[i] = rows[layer->same];
			continue;
		}
		result = commit_layer(set, layer, &rows[i], call);
		if (result < 0)
			return result;
		*bytes += layer->bytes;
		/* Another process was quicker: this one's directory stays garbage, for layer_set_undo. */
		if (rows[i] == layer->row)
			layer->state = LAYER_PRESENT;
	}
	return 0;
}

int commit_names(struct arena *arena, const struct incoming *image, struct image_row *row, cri_call *call)
{
	const char **tags = arena_array(arena, image->n_names + 1, sizeof(*tags));
	const char **digests = arena_array(arena, 2 * image->n_names + 1, sizeof(*digests));
	struct reference reference;
	int result;

	if (!tags || !digests)
		return call_no_memory(call, step);
	for (size_t i = 0; i < image->n_names; i++) {
		result = reference_parse(arena, image->names[i], &reference, call);
		if (result < 0)
			return result;
		if (*reference.tag)
			tags[row->n_tags++] = image->names[i];
		if (!*image->digest)
			continue;
		digests[row->n_digests] = arena_printf(arena, "%s@%s", reference.repository, image->digest);
		if (!digests[row->n_digests++])
			return call_no_memory(call, step);
	}
	row->tags = tags;
	row->digests = digests;
	return 0;
}

static int commit(struct layer_set *set, const struct incoming *image, bool pinned, struct arena *arena,
		  struct image_row *stored, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	struct image_row row = { .id = image->id,
				 .config = image->config,
				 .manifest_digest = image->manifest_digest,
				 .manifest = image->manifest,
				 .pinned = pinned };
	int64_t *rows = arena_array(set->arena, set->n_layers + 1, sizeof(*rows));
	int result;

	if (!rows)
		return call_no_memory(call, step);
	result = commit_names(set->arena, image, &row, call);
	if (result == 0)
		result = commit_sync(set->engine, call);
	/* Nobody collects between the layers' commit and the image's. */
	if (result == 0)
		result = engine_lock_object(set->engine, LAYERS_LOCK, &lock, call);
	if (result == 0)
		result = commit_layers(set, rows, &row.bytes, call);
	if (result < 0)
		return result;
	row.n_layers = drop_repeated(rows, set->n_layers);
	row.layers = rows;
	if (!row.bytes)
		row.bytes = strlen(image->config);
	return store_image_commit(set->engine->store, &row, arena, stored, call);
}

/* Whether a layer that was found ready has gone since, and so may be the reason for a failure. */
static bool lost_layer(struct layer_set *set, cri_call *call)
{
	struct layer_row found;
	cri_call look;

	call_init_child(&look, call);
	for (size_t i = 0; i < set->n_layers; i++) {
		const struct layer *layer = &set->layers[i];

		if (layer->state == LAYER_PRESENT && store_layer_find(set->engine->store, set->arena, layer->diff_id,
								      layer->chain_id, &found, &look) == CRI_ENOTFOUND)
			return true;
	}
	return false;
}

/* CRI_EAGAIN, not described: begin again. */
static int attempt(struct layer_set *set, const struct incoming *image, bool pinned, struct arena *arena,
		   struct image_row *stored, cri_call *call)
{
	int result = layer_set_make(set, call);

	if (result == 0)
		result = commit(set, image, pinned, arena, stored, call);
	if (result == 0 || result == CRI_EAGAIN || result == CRI_ECANCELED || result == CRI_ETIMEDOUT ||
	    !lost_layer(set, call))
		return result;
	call_clear(call);
	return CRI_EAGAIN;
}

int image_make(struct layer_set *set, const struct incoming *image, bool pinned, struct arena *arena,
	       struct image_row *stored, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	const char *const *chain_ids = NULL;
	int result = 0;

	set->layers = image->layers;
	set->n_layers = image->n_layers;
	if (set->n_layers > 0)
		result = fetch_chain(set->fetch, set->arena, image->parsed.diff_ids, image->n_layers, &chain_ids, call);
	for (size_t i = 0; result == 0 && i < set->n_layers; i++)
		set->layers[i].chain_id = chain_ids[i];
	if (result == 0)
		result = engine_lock_object(set->engine, image->id, &lock, call);
	if (result < 0)
		return result;
	for (int i = 0; i < ATTEMPTS; i++) {
		result = attempt(set, image, pinned, arena, stored, call);
		/* What came over a network is not fetched again. */
		if (result < 0 && result != CRI_EAGAIN && set->layout < 0)
			layer_set_keep(set, call);
		layer_set_undo(set, call);
		if (result != CRI_EAGAIN)
			return result;
	}
	return call_fail(call, CRI_EUNAVAILABLE, step, "its layers are being removed all the time");
}

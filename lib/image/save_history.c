/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the history of a saved image's config may go on saying: it tells of the layers one by one, and some of those may
 * be gone. Of a layer that an image has several times the highest is kept (commit.c), since it hides the others.
 */
#include "base/json.h"
#include "image/save_documents.h"
#include "store/store.h"

#include <string.h>

static const char step[] = "find the image's layers";

/* The row of each layer that the config tells of; 0: unknown. */
static int find_rows(struct saving_source *source, const struct image_config *config, int64_t *rows, cri_call *call)
{
	const char *const *chain_ids = NULL;
	struct layer_row found;
	int result = fetch_chain(source->fetch, source->arena, config->diff_ids, config->n_diff_ids, &chain_ids, call);

	for (size_t i = 0; i < config->n_diff_ids && result == 0; i++) {
		result = store_layer_find(source->engine->store, source->arena, config->diff_ids[i], chain_ids[i],
					  &found, call);
		rows[i] = result == 0 ? found.id : 0;
		/* The image was removed meanwhile, which whoever reads the layers will notice. */
		if (result == CRI_ENOTFOUND)
			result = 0;
	}
	return result;
}

static bool is_hidden(const int64_t *rows, size_t n_rows, size_t index)
{
	for (size_t i = index + 1; i < n_rows; i++)
		if (rows[i] == rows[index])
			return true;
	return false;
}

int save_find_hidden(struct saving_source *source, const struct image_row *row, const bool **hidden, cri_call *call)
{
	struct image_config config;
	int64_t *rows;
	bool *made;
	size_t n_kept = 0;
	int result = image_config_parse(source->arena, row->config, strlen(row->config), &config, call);

	if (result < 0)
		return result;
	rows = arena_array(source->arena, config.n_diff_ids + 1, sizeof(*rows));
	made = arena_array(source->arena, config.n_diff_ids + 1, sizeof(*made));
	if (!rows || !made)
		return call_no_memory(call, step);
	*hidden = made;
	if (config.n_diff_ids == row->n_layers)
		return 0;
	result = find_rows(source, &config, rows, call);
	for (size_t i = 0; i < config.n_diff_ids && result == 0; i++) {
		made[i] = is_hidden(rows, config.n_diff_ids, i);
		if (made[i])
			continue;
		if (n_kept == row->n_layers || rows[i] != row->layers[n_kept])
			*hidden = NULL;
		n_kept += n_kept < row->n_layers;
	}
	if (n_kept != row->n_layers)
		*hidden = NULL;
	return result;
}

static bool is_empty_layer(const cJSON *entry)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "empty_layer"));
}

static bool tells_of(const cJSON *history, size_t n_layers)
{
	const cJSON *entry;
	size_t n = 0;

	cJSON_ArrayForEach(entry, history)
	{
		if (!cJSON_IsObject(entry))
			return false;
		n += !is_empty_layer(entry);
	}
	return n == n_layers;
}

int save_history(cJSON *config, size_t n_layers, const bool *hidden, cri_call *call)
{
	const cJSON *history;
	cJSON *entry;
	size_t layer = 0;

	if (json_array(config, "history", &history) || !hidden || !tells_of(history, n_layers)) {
		cJSON_DeleteItemFromObjectCaseSensitive(config, "history");
		return 0;
	}
	cJSON_ArrayForEach(entry, history)
	{
		if (is_empty_layer(entry) || !hidden[layer++])
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(entry, "empty_layer");
		if (!cJSON_AddTrueToObject(entry, "empty_layer"))
			return call_no_memory(call, step);
	}
	return 0;
}

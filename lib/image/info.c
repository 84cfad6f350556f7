/* SPDX-License-Identifier: Apache-2.0 */
/* cri_image_list, _status, _info_json, _remove. */
#include "image/info.h"

#include "base/json.h"
#include "base/text.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"
#include "image/embedded.h"

#include <string.h>

static const char step[] = "read the image";

cri_list *image_info_list(cri_call *call)
{
	cri_list *list = list_new(LIST_IMAGE, sizeof(cri_image_info));

	if (!list)
		call_no_memory(call, "list images");
	return list;
}

/* "1000", "1000:1000", "name", "name:group": what CRI calls uid and username. */
static int set_user(struct arena *arena, const char *user, cri_image_info *info)
{
	size_t length = strcspn(user, ":");
	char *name = arena_printf(arena, "%.*s", (int)length, user);

	if (!name)
		return CRI_ENOMEM;
	info->username = "";
	/* Digits alone, as it is read in the container: "+5" is a name there. */
	info->has_uid = *name && !name[strspn(name, "0123456789")] && text_to_int64(name, &info->uid) == 0 &&
			info->uid <= UINT32_MAX;
	if (!info->has_uid) {
		info->uid = 0;
		info->username = name;
	}
	return 0;
}

int image_info_add(cri_list *list, const struct image_row *row, cri_call *call)
{
	struct image_config config;
	cri_image_info *info;
	int result = image_config_parse(&list->arena, row->config, strlen(row->config), &config, call);

	if (result < 0)
		return result;
	info = list_add(list);
	if (!info || set_user(&list->arena, config.user, info))
		return call_no_memory(call, step);
	info->id = row->id;
	info->repo_tags = row->tags;
	info->n_repo_tags = row->n_tags;
	info->repo_digests = row->digests;
	info->n_repo_digests = row->n_digests;
	info->bytes = row->bytes;
	info->pinned = row->pinned;
	info->embedded = row->embedded;
	info->created_at = row->created_at;
	info->architecture = config.architecture;
	info->os = config.os;
	info->variant = config.variant;
	return 0;
}

const cri_image_info *cri_image_at(const cri_list *list, size_t index)
{
	return list_at(list, LIST_IMAGE, index);
}

static int list_all(cri_engine *engine, cri_list *list, cri_call *call)
{
	struct image_row *rows = NULL;
	size_t n_rows = 0;
	int result = store_image_list(engine->store, &list->arena, &rows, &n_rows, call);

	for (size_t i = 0; i < n_rows && result == 0; i++)
		result = image_info_add(list, &rows[i], call);
	return result;
}

static int get(cri_engine *engine, const char *reference, cri_list *list, cri_call *call)
{
	struct image_row row;
	int result;

	call_object(call, "image %s", reference ? reference : "");
	result = image_find(engine, &list->arena, reference, &row, call);
	return result < 0 ? result : image_info_add(list, &row, call);
}

static int list_images(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_LIST cri_list *list = image_info_list(call);
	int result;

	if (!list)
		return CRI_ENOMEM;
	result = text_is_empty(args->id) ? list_all(engine, list, call) : get(engine, args->id, list, call);
	/* A filter that nothing matches is no failure. */
	if (result < 0 && result != CRI_ENOTFOUND)
		return result;
	*(cri_list **)output = TAKE_POINTER(list);
	return 0;
}

int cri_image_list(cri_engine *engine, const char *reference, cri_list **images, cri_call *call)
{
	const struct api_id_args args = { reference };

	return api_call_output(engine, list_images, &args, images, call);
}

static int get_status(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_LIST cri_list *list = image_info_list(call);
	int result = list ? get(engine, args->id, list, call) : CRI_ENOMEM;

	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(list);
	return 0;
}

int cri_image_status(cri_engine *engine, const char *reference, cri_list **image, cri_call *call)
{
	const struct api_id_args args = { reference };

	return api_call_output(engine, get_status, &args, image, call);
}

/* Where a layer is: below the root, or an embedded one in its place on the host. NULL: memory ran out. */
static const char *layer_path(cri_engine *engine, struct arena *arena, const struct layer_row *embedded,
			      size_t n_embedded, int64_t layer)
{
	struct embedded_source source;
	char path[PATH_MAX];

	for (size_t i = 0; i < n_embedded; i++)
		if (embedded[i].id == layer)
			return embedded_source_parse(arena, embedded[i].diff_id, &source) ? source.path : NULL;
	return arena_strdup(arena, path_layer_fs(engine, layer, path));
}

static bool add_layers(cri_engine *engine, struct arena *arena, const struct layer_row *embedded, size_t n_embedded,
		       const struct image_row *row, cJSON *info)
{
	cJSON *layers = cJSON_AddArrayToObject(info, "layers");

	for (size_t i = 0; layers && i < row->n_layers; i++) {
		const char *path = layer_path(engine, arena, embedded, n_embedded, row->layers[i]);
		cJSON *text = path ? cJSON_CreateString(path) : NULL;

		if (!text || !cJSON_AddItemToArray(layers, text)) {
			cJSON_Delete(text);
			return false;
		}
	}
	return layers != NULL;
}

static int info_json(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *info = cJSON_CreateObject();
	struct layer_row *embedded = NULL;
	size_t n_embedded = 0;
	struct image_row row;
	char *text;
	int result;

	call_object(call, "image %s", args->id ? args->id : "");
	result = image_find(engine, &arena, args->id, &row, call);
	if (result == 0 && row.embedded)
		result = store_layer_embedded(engine->store, &arena, false, &embedded, &n_embedded, call);
	if (result < 0)
		return result;
	if (!info || !cJSON_AddRawToObject(info, "imageSpec", row.config) ||
	    (*row.manifest && !cJSON_AddRawToObject(info, "manifest", row.manifest)) ||
	    !cJSON_AddStringToObject(info, "manifestDigest", row.manifest_digest) ||
	    !add_layers(engine, &arena, embedded, n_embedded, &row, info))
		return call_no_memory(call, step);
	text = cJSON_PrintUnformatted(info);
	if (!text)
		return call_no_memory(call, step);
	*(char **)output = text;
	return 0;
}

int cri_image_info_json(cri_engine *engine, const char *reference, char **json, cri_call *call)
{
	const struct api_id_args args = { reference };

	return api_call_output(engine, info_json, &args, json, call);
}

static int remove_image(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct api_id_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct image_row row;
	int result;

	(void)output;
	call_object(call, "image %s", args->id ? args->id : "");
	result = image_find(engine, &arena, args->id, &row, call);
	if (result == CRI_ENOTFOUND) {
		call_clear(call);
		return 0;
	}
	if (result == 0)
		result = store_image_delete(engine->store, row.id, call);
	return result < 0 ? result : image_collect_layers(engine, call);
}

int cri_image_remove(cri_engine *engine, const char *reference, cri_call *call)
{
	const struct api_id_args args = { reference };

	return api_call(engine, remove_image, &args, NULL, call);
}

int cri_image_remove_begin(cri_engine *engine, const char *reference, cri_op **op, cri_call *call)
{
	const struct api_id_args args = { reference };

	return api_begin(engine, remove_image, &args, sizeof(args), api_copy_id, API_NO_OUTPUT, op, call);
}

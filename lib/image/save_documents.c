/* SPDX-License-Identifier: Apache-2.0 */
#include "image/save_documents.h"

#include "base/json.h"
#include "image/document.h"
#include "image/reference.h"

#include <string.h>

static const char step[] = "describe the image";

#define TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define TYPE_LAYER "application/vnd.oci.image.layer.v1.tar+gzip"

static int print(cJSON *document, char **text, cri_call *call)
{
	char *printed = cJSON_PrintUnformatted(document);

	if (!printed)
		return call_no_memory(call, step);
	*text = printed;
	return 0;
}

/* Takes `item`, which may be NULL for want of memory. */
static bool append(cJSON *array, cJSON *item)
{
	if (item && cJSON_AddItemToArray(array, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static cJSON *descriptor(const char *media_type, const struct saved_blob *blob)
{
	cJSON *object = cJSON_CreateObject();

	if (object && cJSON_AddStringToObject(object, "mediaType", media_type) &&
	    cJSON_AddStringToObject(object, "digest", blob->digest) &&
	    json_add_int64(object, "size", (int64_t)blob->size) == 0)
		return object;
	cJSON_Delete(object);
	return NULL;
}

int save_config(const struct image_row *row, const struct saved_blob *layers, const bool *hidden, char **text,
		cri_call *call)
{
	CLEANUP_JSON cJSON *config = NULL;
	cJSON *rootfs, *diff_ids;
	const cJSON *old, *old_diff_ids;
	size_t n_layers = 0;
	int result = document_parse(row->config, strlen(row->config), &config, step, call);

	if (result < 0)
		return result;
	if (json_object(config, "rootfs", &old) == 0 && json_array(old, "diff_ids", &old_diff_ids) == 0)
		n_layers = (size_t)cJSON_GetArraySize(old_diff_ids);
	result = save_history(config, n_layers, hidden, call);
	if (result < 0)
		return result;
	cJSON_DeleteItemFromObjectCaseSensitive(config, "rootfs");
	rootfs = cJSON_AddObjectToObject(config, "rootfs");
	if (!rootfs || !cJSON_AddStringToObject(rootfs, "type", "layers") ||
	    !(diff_ids = cJSON_AddArrayToObject(rootfs, "diff_ids")))
		return call_no_memory(call, step);
	for (size_t i = 0; i < row->n_layers; i++)
		if (!append(diff_ids, cJSON_CreateString(layers[i].diff_id)))
			return call_no_memory(call, step);
	return print(config, text, call);
}

/* What its maker said of the image stays. */
static int add_annotations(cJSON *manifest, const struct image_row *row, cri_call *call)
{
	CLEANUP_JSON cJSON *old = NULL;
	const cJSON *annotations;
	cJSON *copy;
	int result;

	if (!*row->manifest)
		return 0;
	result = document_parse(row->manifest, strlen(row->manifest), &old, step, call);
	if (result < 0)
		return result;
	if (json_object(old, "annotations", &annotations))
		return 0;
	copy = cJSON_Duplicate(annotations, true);
	if (copy && cJSON_AddItemToObject(manifest, "annotations", copy))
		return 0;
	cJSON_Delete(copy);
	return call_no_memory(call, step);
}

int save_manifest(const struct image_row *row, const struct saved_blob *config, const struct saved_blob *layers,
		  char **text, cri_call *call)
{
	CLEANUP_JSON cJSON *manifest = cJSON_CreateObject();
	cJSON *made = descriptor(TYPE_CONFIG, config), *array;
	int result;

	if (!manifest || !made || !cJSON_AddNumberToObject(manifest, "schemaVersion", 2) ||
	    !cJSON_AddStringToObject(manifest, "mediaType", TYPE_MANIFEST) ||
	    !cJSON_AddItemToObject(manifest, "config", made)) {
		cJSON_Delete(made);
		return call_no_memory(call, step);
	}
	array = cJSON_AddArrayToObject(manifest, "layers");
	if (!array)
		return call_no_memory(call, step);
	for (size_t i = 0; i < row->n_layers; i++)
		if (!append(array, descriptor(TYPE_LAYER, &layers[i])))
			return call_no_memory(call, step);
	result = add_annotations(manifest, row, call);
	return result < 0 ? result : print(manifest, text, call);
}

static bool add_platform(cJSON *object, const struct image_config *config)
{
	cJSON *platform;

	if (!*config->architecture)
		return true;
	platform = cJSON_AddObjectToObject(object, "platform");
	return platform && cJSON_AddStringToObject(platform, "architecture", config->architecture) &&
	       cJSON_AddStringToObject(platform, "os", config->os) &&
	       (!*config->variant || cJSON_AddStringToObject(platform, "variant", config->variant));
}

/* As containerd has them: the whole name, and by the specification's key the tag. */
static bool add_name(cJSON *object, const char *name, const char *tag)
{
	cJSON *annotations = cJSON_AddObjectToObject(object, "annotations");

	return annotations && cJSON_AddStringToObject(annotations, "io.containerd.image.name", name) &&
	       cJSON_AddStringToObject(annotations, "org.opencontainers.image.ref.name", tag);
}

int save_index(struct arena *arena, const struct image_row *row, const struct saved_blob *manifest,
	       const char *const *names, size_t n_names, char **text, cri_call *call)
{
	CLEANUP_JSON cJSON *index = cJSON_CreateObject();
	struct image_config config;
	struct reference reference = { .tag = "" };
	cJSON *array;
	int result = image_config_parse(arena, row->config, strlen(row->config), &config, call);

	if (result < 0)
		return result;
	if (!index || !cJSON_AddNumberToObject(index, "schemaVersion", 2) ||
	    !cJSON_AddStringToObject(index, "mediaType", TYPE_INDEX) ||
	    !(array = cJSON_AddArrayToObject(index, "manifests")))
		return call_no_memory(call, step);
	for (size_t i = 0; i < n_names || i == 0; i++) {
		cJSON *object = descriptor(TYPE_MANIFEST, manifest);

		if (!append(array, object) || !add_platform(object, &config))
			return call_no_memory(call, step);
		if (i == n_names)
			break;
		result = reference_parse(arena, names[i], &reference, call);
		if (result < 0)
			return result;
		if (!add_name(object, names[i], reference.tag))
			return call_no_memory(call, step);
	}
	return print(index, text, call);
}

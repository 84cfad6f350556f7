/* SPDX-License-Identifier: Apache-2.0 */
/* The image config of the OCI image specification, as far as running it needs. */
#include "base/json.h"
#include "image/document.h"
#include "image/image.h"
#include "image/reference.h"

#include <string.h>

static const char step[] = "read the image's config";

int document_texts(struct arena *arena, const cJSON *object, const char *key, const char *const **texts,
		   size_t *n_texts, const char *doing, cri_call *call)
{
	const cJSON *array, *item;
	const char **made;
	size_t n = 0;
	int error = json_array(object, key, &array);

	*texts = NULL;
	*n_texts = 0;
	if (error == -ENOENT)
		return 0;
	if (error)
		return call_fail(call, CRI_ECORRUPT, doing, "%s is no list", key);
	made = arena_array(arena, (size_t)cJSON_GetArraySize(array) + 1, sizeof(*made));
	if (!made)
		return call_no_memory(call, doing);
	cJSON_ArrayForEach(item, array)
	{
		if (!cJSON_IsString(item))
			return call_fail(call, CRI_ECORRUPT, doing, "%s holds something that is no text", key);
		made[n] = arena_strdup(arena, item->valuestring);
		if (!made[n++])
			return call_no_memory(call, doing);
	}
	*texts = made;
	*n_texts = n;
	return 0;
}

int document_text(struct arena *arena, const cJSON *object, const char *key, const char **text, const char *doing,
		  cri_call *call)
{
	const char *value = "";
	int error = json_string(object, key, &value);

	if (error && error != -ENOENT)
		return call_fail(call, CRI_ECORRUPT, doing, "%s is no text", key);
	*text = arena_strdup(arena, value);
	return *text ? 0 : call_no_memory(call, doing);
}

int document_parse(const char *json, size_t length, cJSON **document, const char *doing, cri_call *call)
{
	int error = json_parse(json, length, DOCUMENT_LIMIT, document);

	switch (error) {
	case 0:
		if (cJSON_IsObject(*document) || cJSON_IsArray(*document))
			return 0;
		cJSON_Delete(*document);
		*document = NULL;
		return call_fail(call, CRI_ECORRUPT, doing, "it is no JSON object");
	case -ENOMEM:
		return call_no_memory(call, doing);
	case -EFBIG:
		return call_fail(call, CRI_ECORRUPT, doing, "it is larger than %zu bytes", DOCUMENT_LIMIT);
	case -ELOOP:
		return call_fail(call, CRI_ECORRUPT, doing, "it is nested deeper than %d levels", JSON_MAX_DEPTH);
	default:
		return call_fail(call, CRI_ECORRUPT, doing, "it is no well-formed JSON");
	}
}

static int read_process(struct arena *arena, const cJSON *object, struct image_config *config, cri_call *call)
{
	int result =
		document_texts(arena, object, "Entrypoint", &config->entrypoint, &config->n_entrypoint, step, call);

	if (result == 0)
		result = document_texts(arena, object, "Cmd", &config->command, &config->n_command, step, call);
	if (result == 0)
		result = document_texts(arena, object, "Env", &config->environment, &config->n_environment, step, call);
	if (result == 0)
		result = document_text(arena, object, "WorkingDir", &config->working_dir, step, call);
	if (result == 0)
		result = document_text(arena, object, "User", &config->user, step, call);
	if (result == 0)
		result = document_text(arena, object, "StopSignal", &config->stop_signal, step, call);
	return result;
}

static int read_layers(struct arena *arena, const cJSON *document, struct image_config *config, cri_call *call)
{
	const cJSON *rootfs;
	int error = json_object(document, "rootfs", &rootfs);
	int result;

	if (error == -ENOENT)
		return 0;
	if (error)
		return call_fail(call, CRI_ECORRUPT, step, "rootfs is no object");
	result = document_texts(arena, rootfs, "diff_ids", &config->diff_ids, &config->n_diff_ids, step, call);
	for (size_t i = 0; result == 0 && i < config->n_diff_ids; i++)
		if (!digest_is_valid(config->diff_ids[i]))
			result = call_fail(call, CRI_ECORRUPT, step, "diff id \"%.80s\" is no sha256 digest",
					   config->diff_ids[i]);
	return result;
}

int image_config_parse(struct arena *arena, const char *json, size_t length, struct image_config *config,
		       cri_call *call)
{
	CLEANUP_JSON cJSON *document = NULL;
	const cJSON *process = NULL;
	struct image_config made = { .working_dir = "", .user = "", .stop_signal = "" };
	int result = document_parse(json, length, &document, step, call);
	int error;

	if (result < 0)
		return result;
	error = json_object(document, "config", &process);
	if (error && error != -ENOENT)
		return call_fail(call, CRI_ECORRUPT, step, "config is no object");
	if (process)
		result = read_process(arena, process, &made, call);
	if (result == 0)
		result = document_text(arena, document, "architecture", &made.architecture, step, call);
	if (result == 0)
		result = document_text(arena, document, "os", &made.os, step, call);
	if (result == 0)
		result = document_text(arena, document, "variant", &made.variant, step, call);
	if (result == 0)
		result = read_layers(arena, document, &made, call);
	if (result == 0)
		*config = made;
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "image/embedded.h"

#include "base/json.h"
#include "base/text.h"
#include "image/reference.h"

#include <string.h>

static const char step[] = "read the embedded manifest";

#define MANIFEST_TYPE "application/embedded.manifest+json"
#define CHECKSUM_SUFFIX ".sgn"

static const struct {
	const char *media_type, *filesystem;
} types[] = {
	{ "application/squashfs.image.rootfs.diff.img", "squashfs" },
	{ "application/erofs.image.rootfs.diff.img", "erofs" },
	{ "application/bind.image.rootfs.diff.dir", "" },
};

/* iSulad's schema writes the first spelling, its documents the second, as OCI does. */
static const struct {
	const char *name, *other;
} config_keys[] = {
	{ "Env", "ENV" },   { "Entrypoint", "ENTRYPOINT" }, { "Cmd", "CMD" }, { "WorkingDir", "WORKDIR" },
	{ "User", "USER" }, { "StopSignal", "STOPSIGNAL" },
};

const char *embedded_checksum_path(struct arena *arena, const char *manifest_path)
{
	const char *slash = strrchr(manifest_path, '/');
	const char *name = slash ? slash + 1 : manifest_path;
	const char *dot = strrchr(name, '.');
	size_t length = dot ? (size_t)(dot - manifest_path) : strlen(manifest_path);

	return arena_printf(arena, "%.*s" CHECKSUM_SUFFIX, (int)length, manifest_path);
}

/* --- config --- */

static int copy_config(const cJSON *from, cJSON *to, cri_call *call)
{
	for (size_t i = 0; i < sizeof(config_keys) / sizeof(config_keys[0]); i++) {
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(from, config_keys[i].name);
		cJSON *copy;

		if (!value)
			value = cJSON_GetObjectItemCaseSensitive(from, config_keys[i].other);
		if (!value)
			continue;
		copy = cJSON_Duplicate(value, true);
		if (!copy || !cJSON_AddItemToObject(to, config_keys[i].name, copy)) {
			cJSON_Delete(copy);
			return call_no_memory(call, step);
		}
	}
	return 0;
}

/* Its types are checked by who reads it as an image config. */
static int read_config(struct arena *arena, const cJSON *document, const char **config, cri_call *call)
{
	CLEANUP_JSON cJSON *made = cJSON_CreateObject();
	CLEANUP_FREE char *text = NULL;
	const cJSON *from = NULL;
	cJSON *to = cJSON_AddObjectToObject(made, "config");
	int result = 0;
	int error = json_object(document, "config", &from);

	if (error == -EINVAL)
		return call_fail(call, CRI_ECORRUPT, step, "config is no object");
	if (!to || !cJSON_AddStringToObject(made, "os", "linux"))
		return call_no_memory(call, step);
	if (from)
		result = copy_config(from, to, call);
	if (result < 0)
		return result;
	text = cJSON_PrintUnformatted(made);
	*config = text ? arena_strdup(arena, text) : NULL;
	return *config ? 0 : call_no_memory(call, step);
}

/* --- layers --- */

static int read_type(struct embedded_layer *layer, const char *media_type, size_t n, cri_call *call)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].media_type, media_type) != 0)
			continue;
		layer->filesystem = types[i].filesystem;
		return 0;
	}
	return call_fail(call, CRI_ENOTSUP, step, "layer %zu is of an unknown kind: \"%.100s\"", n, media_type);
}

static int read_size(struct embedded_layer *layer, const cJSON *object, size_t n, cri_call *call)
{
	uint64_t size = 0;
	int error = json_uint64(object, "size", &size);

	if (error && error != -ENOENT)
		return call_fail(call, CRI_ECORRUPT, step, "layer %zu: its size is no number of bytes", n);
	layer->size = size ? size : UINT64_MAX;
	return 0;
}

static int read_digest(struct arena *arena, struct embedded_layer *layer, const cJSON *object, size_t n, cri_call *call)
{
	int result = document_text(arena, object, "digest", &layer->digest, step, call);

	if (result < 0)
		return result;
	if (*layer->digest && !digest_is_valid(layer->digest))
		return call_fail(call, CRI_ECORRUPT, step, "layer %zu: \"%.80s\" is no sha256 digest", n,
				 layer->digest);
	if (*layer->digest && !*layer->filesystem)
		return call_fail(call, CRI_ECORRUPT, step, "layer %zu is a directory and cannot have a digest", n);
	return 0;
}

static bool has_dots(const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");

		if ((length == 2 && !memcmp(path, "..", 2)) || (length == 1 && *path == '.'))
			return true;
		path += length;
		path += strspn(path, "/");
	}
	return false;
}

static int check_paths(struct embedded_layer *layer, size_t n, cri_call *call)
{
	const char *host = layer->path_in_host;

	if (!*host)
		return call_fail(call, CRI_ECORRUPT, step, "layer %zu has no pathInHost", n);
	if (*host == '/' && n > 0)
		return call_fail(call, CRI_ECORRUPT, step,
				 "layer %zu: pathInHost \"%.200s\" is not relative to the manifest", n, host);
	if (*host == '/' && !*layer->filesystem && strspn(host, "/") != strlen(host))
		return call_fail(call, CRI_ECORRUPT, step, "layer 0: the directory \"%.200s\" is not \"/\"", host);
	if (has_dots(host))
		return call_fail(call, CRI_ECORRUPT, step,
				 "layer %zu: pathInHost \"%.200s\" leads out of the manifest's directory", n, host);
	if (!*layer->path_in_container && n == 0)
		layer->path_in_container = "/";
	if (*layer->path_in_container != '/' || has_dots(layer->path_in_container))
		return call_fail(call, CRI_ECORRUPT, step,
				 "layer %zu: pathInContainer \"%.200s\" is not absolute and plain", n,
				 layer->path_in_container);
	if (strspn(layer->path_in_container, "/") == strlen(layer->path_in_container))
		layer->path_in_container = "/";
	else if (n == 0)
		return call_fail(call, CRI_ECORRUPT, step, "layer 0 is the root, and its pathInContainer is \"%.200s\"",
				 layer->path_in_container);
	if (strlen(host) >= PATH_MAX || strlen(layer->path_in_container) >= PATH_MAX)
		return call_fail(call, CRI_ECORRUPT, step, "layer %zu: a path is longer than %d bytes", n,
				 PATH_MAX - 1);
	return 0;
}

static int read_layer(struct arena *arena, const cJSON *object, struct embedded_layer *layer, size_t n, cri_call *call)
{
	const char *media_type = "";
	int result;

	if (!cJSON_IsObject(object))
		return call_fail(call, CRI_ECORRUPT, step, "layer %zu is no object", n);
	result = document_text(arena, object, "mediaType", &media_type, step, call);
	if (result == 0)
		result = read_type(layer, media_type, n, call);
	if (result == 0)
		result = read_size(layer, object, n, call);
	if (result == 0)
		result = read_digest(arena, layer, object, n, call);
	if (result == 0)
		result = document_text(arena, object, "pathInHost", &layer->path_in_host, step, call);
	if (result == 0)
		result = document_text(arena, object, "pathInContainer", &layer->path_in_container, step, call);
	return result < 0 ? result : check_paths(layer, n, call);
}

/* overlayfs takes a directory once. */
static int check_repeated(const struct embedded_manifest *manifest, cri_call *call)
{
	for (size_t i = 0; i < manifest->n_layers; i++)
		for (size_t j = 0; j < i; j++) {
			const struct embedded_layer *a = &manifest->layers[i], *b = &manifest->layers[j];

			if (strcmp(a->path_in_host, b->path_in_host) == 0 &&
			    strcmp(a->path_in_container, b->path_in_container) == 0)
				return call_fail(call, CRI_ECORRUPT, step, "layers %zu and %zu are the same", j, i);
		}
	return 0;
}

static int read_layers(struct arena *arena, const cJSON *document, struct embedded_manifest *manifest, cri_call *call)
{
	const cJSON *array, *item;
	int n, result = 0;

	if (json_array(document, "layers", &array) || (n = cJSON_GetArraySize(array)) < 1)
		return call_fail(call, CRI_ECORRUPT, step, "it has no layers");
	if (n > IMAGE_MAX_LAYERS)
		return call_fail(call, CRI_ENOTSUP, step, "it has %d layers, more than %d", n, IMAGE_MAX_LAYERS);
	manifest->layers = arena_array(arena, (size_t)n, sizeof(*manifest->layers));
	if (!manifest->layers)
		return call_no_memory(call, step);
	cJSON_ArrayForEach(item, array)
	{
		result = read_layer(arena, item, &manifest->layers[manifest->n_layers], manifest->n_layers, call);
		if (result < 0)
			return result;
		manifest->n_layers++;
	}
	return check_repeated(manifest, call);
}

int embedded_manifest_parse(struct arena *arena, const char *json, size_t length, struct embedded_manifest *manifest,
			    cri_call *call)
{
	CLEANUP_JSON cJSON *document = NULL;
	const char *media_type = "";
	int64_t version = 0;
	int result = document_parse(json, length, &document, step, call);

	if (result < 0)
		return result;
	if (!cJSON_IsObject(document))
		return call_fail(call, CRI_ECORRUPT, step, "it is no object");
	result = document_text(arena, document, "mediaType", &media_type, step, call);
	if (result < 0)
		return result;
	if (strcmp(media_type, MANIFEST_TYPE) != 0)
		return call_fail(call, CRI_ENOTSUP, step, "its mediaType is \"%.100s\" and not \"" MANIFEST_TYPE "\"",
				 media_type);
	if (json_int64(document, "schemaVersion", &version) || version != 1)
		return call_fail(call, CRI_ENOTSUP, step, "its schemaVersion is not 1");
	*manifest = (struct embedded_manifest){ .name = "" };
	result = document_text(arena, document, "imageName", &manifest->name, step, call);
	if (result == 0 && !*manifest->name)
		result = call_fail(call, CRI_ECORRUPT, step, "it has no imageName");
	if (result == 0)
		result = read_config(arena, document, &manifest->config, call);
	return result < 0 ? result : read_layers(arena, document, manifest, call);
}

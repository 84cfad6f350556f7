/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes and manifests: OCI's, and Docker's schema 2, which OCI's were made from. */
#include "base/json.h"
#include "base/text.h"
#include "image/document.h"
#include "image/reference.h"

#include <string.h>

/* Far beyond what any index or manifest has; choosing among them compares each with each. */
#define DESCRIPTORS_MAX 1024

static const struct {
	const char *media_type;
	enum content content;
} contents[] = {
	{ "application/vnd.oci.image.index.v1+json", CONTENT_INDEX },
	{ "application/vnd.docker.distribution.manifest.list.v2+json", CONTENT_INDEX },
	{ "application/vnd.oci.image.manifest.v1+json", CONTENT_MANIFEST },
	{ "application/vnd.docker.distribution.manifest.v2+json", CONTENT_MANIFEST },
	{ "application/vnd.oci.image.config.v1+json", CONTENT_CONFIG },
	{ "application/vnd.docker.container.image.v1+json", CONTENT_CONFIG },
	{ "application/vnd.oci.image.layer.v1.tar", CONTENT_LAYER },
	{ "application/vnd.oci.image.layer.v1.tar+gzip", CONTENT_LAYER },
	{ "application/vnd.oci.image.layer.v1.tar+zstd", CONTENT_LAYER },
	{ "application/vnd.docker.image.rootfs.diff.tar", CONTENT_LAYER },
	{ "application/vnd.docker.image.rootfs.diff.tar.gzip", CONTENT_LAYER },
	{ "application/vnd.docker.image.rootfs.diff.tar.zstd", CONTENT_LAYER },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar", CONTENT_FOREIGN_LAYER },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", CONTENT_FOREIGN_LAYER },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", CONTENT_FOREIGN_LAYER },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar", CONTENT_FOREIGN_LAYER },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", CONTENT_FOREIGN_LAYER },
};

enum content document_content(const char *media_type)
{
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
		if (strcmp(contents[i].media_type, media_type) == 0)
			return contents[i].content;
	return CONTENT_UNKNOWN;
}

static int read_platform(struct arena *arena, const cJSON *object, struct descriptor *descriptor, const char *step,
			 cri_call *call)
{
	const cJSON *platform;
	int error = json_object(object, "platform", &platform);
	int result;

	if (error == -ENOENT)
		return 0;
	if (error)
		return call_fail(call, CRI_ECORRUPT, step, "a platform is no object");
	descriptor->has_platform = true;
	result = document_text(arena, platform, "os", &descriptor->platform.os, step, call);
	if (result == 0)
		result = document_text(arena, platform, "architecture", &descriptor->platform.architecture, step, call);
	if (result == 0)
		result = document_text(arena, platform, "variant", &descriptor->platform.variant, step, call);
	return result;
}

/* containerd's annotation holds the whole name where the standard one may hold just a tag. */
static int read_name(struct arena *arena, const cJSON *object, struct descriptor *descriptor, const char *step,
		     cri_call *call)
{
	const cJSON *annotations;
	int result;

	descriptor->name = "";
	if (json_object(object, "annotations", &annotations))
		return 0;
	result = document_text(arena, annotations, "io.containerd.image.name", &descriptor->name, step, call);
	if (result == 0 && !*descriptor->name)
		result = document_text(arena, annotations, "org.opencontainers.image.ref.name", &descriptor->name, step,
				       call);
	return result;
}

static int read_descriptor(struct arena *arena, const cJSON *object, struct descriptor *descriptor, const char *step,
			   cri_call *call)
{
	int result;

	*descriptor = (struct descriptor){ .name = "" };
	if (!cJSON_IsObject(object))
		return call_fail(call, CRI_ECORRUPT, step, "a descriptor is no object");
	result = document_text(arena, object, "mediaType", &descriptor->media_type, step, call);
	if (result == 0)
		result = document_text(arena, object, "digest", &descriptor->digest, step, call);
	if (result < 0)
		return result;
	descriptor->content = document_content(descriptor->media_type);
	if (!digest_is_valid(descriptor->digest))
		return call_fail(call, text_starts(descriptor->digest, "sha512:") ? CRI_ENOTSUP : CRI_ECORRUPT, step,
				 "\"%.80s\" is no sha256 digest", descriptor->digest);
	if (json_uint64(object, "size", &descriptor->size))
		return call_fail(call, CRI_ECORRUPT, step, "the descriptor of %s has no size", descriptor->digest);
	result = read_platform(arena, object, descriptor, step, call);
	return result < 0 ? result : read_name(arena, object, descriptor, step, call);
}

static int read_descriptors(struct arena *arena, const cJSON *array, struct descriptor **descriptors, size_t *n,
			    const char *step, cri_call *call)
{
	const cJSON *item;
	int result = 0;

	if (cJSON_GetArraySize(array) > DESCRIPTORS_MAX)
		return call_fail(call, CRI_ECORRUPT, step, "it lists more than %d things", DESCRIPTORS_MAX);
	*n = 0;
	*descriptors = arena_array(arena, (size_t)cJSON_GetArraySize(array) + 1, sizeof(**descriptors));
	if (!*descriptors)
		return call_no_memory(call, step);
	cJSON_ArrayForEach(item, array)
	{
		result = read_descriptor(arena, item, &(*descriptors)[*n], step, call);
		if (result < 0)
			break;
		++*n;
	}
	return result;
}

/* 2 in all documents in use; a missing one is forgiven, as everybody does. */
static int check_schema(const cJSON *document, const char *step, cri_call *call)
{
	int64_t version = 2;

	if (!cJSON_IsObject(document))
		return call_fail(call, CRI_ECORRUPT, step, "it is no object");
	if (json_int64(document, "schemaVersion", &version) == -EINVAL || version != 2)
		return call_fail(call, CRI_ENOTSUP, step, "its schemaVersion is not 2");
	return 0;
}

/* A document has one meaning (CVE-2021-41190): neither what belongs to the other kind, nor another name for itself than
 * what it is read as. */
static int check_kind(const cJSON *document, enum content content, const char *step, cri_call *call)
{
	static const char *const of_index[] = { "manifests" };
	static const char *const of_manifest[] = { "config", "layers", "fsLayers" };
	const bool index = content == CONTENT_INDEX;
	const char *const *others = index ? of_manifest : of_index;
	const size_t n_others = index ? sizeof(of_manifest) / sizeof(*of_manifest) : 1;
	const char *media_type = "";

	for (size_t i = 0; i < n_others; i++) {
		/* Other readers may not look at the case. */
		const cJSON *other = cJSON_GetObjectItem(document, others[i]);

		if (other && !cJSON_IsNull(other))
			return call_fail(call, CRI_ECORRUPT, step, "it is both an index and a manifest");
	}
	if (json_string(document, "mediaType", &media_type) == -EINVAL ||
	    (*media_type && document_content(media_type) != content))
		return call_fail(call, CRI_ECORRUPT, step, "it is read as %s and calls itself \"%.100s\"",
				 index ? "an index" : "a manifest", media_type);
	return 0;
}

int index_parse(struct arena *arena, const char *json, size_t length, struct index *index, cri_call *call)
{
	static const char step[] = "read the index";
	CLEANUP_JSON cJSON *document = NULL;
	const cJSON *manifests;
	int result = document_parse(json, length, &document, step, call);

	if (result == 0)
		result = check_schema(document, step, call);
	if (result < 0)
		return result;
	if (json_array(document, "manifests", &manifests))
		return call_fail(call, CRI_ECORRUPT, step, "it has no manifests");
	result = check_kind(document, CONTENT_INDEX, step, call);
	return result < 0 ? result
			  : read_descriptors(arena, manifests, &index->manifests, &index->n_manifests, step, call);
}

const struct descriptor *index_choose(const struct index *index, const struct platform *wanted)
{
	const struct descriptor *chosen = NULL;
	int best = 0;

	for (size_t i = 0; i < index->n_manifests; i++) {
		const struct descriptor *offered = &index->manifests[i];
		const int rank = offered->has_platform ? platform_rank(wanted, &offered->platform) : 0;

		if ((offered->content != CONTENT_MANIFEST && offered->content != CONTENT_INDEX) ||
		    (offered->has_platform && !rank) || (chosen && rank <= best))
			continue;
		best = rank;
		chosen = offered;
	}
	return chosen;
}

static int check_manifest(const struct manifest *manifest, const char *step, cri_call *call)
{
	if (manifest->config.content != CONTENT_CONFIG)
		return call_fail(call, CRI_ENOTSUP, step, "it is an artifact and no image: its config is \"%.100s\"",
				 manifest->config.media_type);
	if (manifest->n_layers > IMAGE_MAX_LAYERS)
		return call_fail(call, CRI_ENOTSUP, step, "it has %zu layers, more than %d", manifest->n_layers,
				 IMAGE_MAX_LAYERS);
	for (size_t i = 0; i < manifest->n_layers; i++) {
		const struct descriptor *layer = &manifest->layers[i];

		if (layer->content == CONTENT_FOREIGN_LAYER)
			return call_fail(call, CRI_ENOTSUP, step, "layer %zu is foreign: \"%.100s\"", i,
					 layer->media_type);
		if (layer->content != CONTENT_LAYER)
			return call_fail(call, CRI_ENOTSUP, step, "layer %zu is no layer: \"%.100s\"", i,
					 layer->media_type);
	}
	return 0;
}

int manifest_parse(struct arena *arena, const char *json, size_t length, struct manifest *manifest, cri_call *call)
{
	static const char step[] = "read the manifest";
	CLEANUP_JSON cJSON *document = NULL;
	const cJSON *config, *layers;
	int result = document_parse(json, length, &document, step, call);

	if (result == 0)
		result = check_schema(document, step, call);
	if (result < 0)
		return result;
	if (json_object(document, "config", &config) || json_array(document, "layers", &layers))
		return call_fail(call, CRI_ECORRUPT, step, "it has no config or no layers");
	result = check_kind(document, CONTENT_MANIFEST, step, call);
	if (result == 0)
		result = read_descriptor(arena, config, &manifest->config, step, call);
	if (result == 0)
		result = read_descriptors(arena, layers, &manifest->layers, &manifest->n_layers, step, call);
	return result < 0 ? result : check_manifest(manifest, step, call);
}

static int read_docker_image(struct arena *arena, const cJSON *object, struct docker_image *image, const char *step,
			     cri_call *call)
{
	int result = document_text(arena, object, "Config", &image->config, step, call);

	if (result == 0)
		result = document_texts(arena, object, "RepoTags", &image->names, &image->n_names, step, call);
	if (result == 0)
		result = document_texts(arena, object, "Layers", &image->layers, &image->n_layers, step, call);
	if (result == 0 && !*image->config)
		result = call_fail(call, CRI_ECORRUPT, step, "an image has no Config");
	if (result == 0 && image->n_layers > IMAGE_MAX_LAYERS)
		result = call_fail(call, CRI_ENOTSUP, step, "an image has %zu layers, more than %d", image->n_layers,
				   IMAGE_MAX_LAYERS);
	return result;
}

int docker_manifest_parse(struct arena *arena, const char *json, size_t length, struct docker_image **images,
			  size_t *n_images, cri_call *call)
{
	static const char step[] = "read manifest.json";
	CLEANUP_JSON cJSON *document = NULL;
	const cJSON *item;
	int result = document_parse(json, length, &document, step, call);

	if (result < 0)
		return result;
	if (!cJSON_IsArray(document))
		return call_fail(call, CRI_ECORRUPT, step, "it is no list");
	*n_images = 0;
	*images = arena_array(arena, (size_t)cJSON_GetArraySize(document) + 1, sizeof(**images));
	if (!*images)
		return call_no_memory(call, step);
	cJSON_ArrayForEach(item, document)
	{
		result = read_docker_image(arena, item, &(*images)[*n_images], step, call);
		if (result < 0)
			return result;
		++*n_images;
	}
	return 0;
}

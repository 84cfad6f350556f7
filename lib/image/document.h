/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON documents of an image: index, manifest, config. All come from strangers: bounded, typed, verified. */
#ifndef LIBCRI_IMAGE_DOCUMENT_H
#define LIBCRI_IMAGE_DOCUMENT_H

#include "base/arena.h"
#include "core/call.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#define DOCUMENT_LIMIT ((size_t)4 << 20)
/* So many lower directories fit one page of mount options (DESIGN.md, State). */
#define IMAGE_MAX_LAYERS 127

/* Helpers for readers of a document; `doing` is the step for the failure. An absent text is "", an absent list empty;
 * another type is CRI_ECORRUPT. */
int document_parse(const char *json, size_t length, cJSON **document, const char *doing, cri_call *call);
int document_text(struct arena *arena, const cJSON *object, const char *key, const char **text, const char *doing,
		  cri_call *call);
int document_texts(struct arena *arena, const cJSON *object, const char *key, const char *const **texts,
		   size_t *n_texts, const char *doing, cri_call *call);

struct platform {
	const char *os, *architecture, *variant; /* "" when unknown */
};
/* "linux/arm64/v8"; "" is this machine's. CRI_EINVAL. (platform.c) */
int platform_parse(struct arena *arena, const char *text, struct platform *platform, cri_call *call);
/* How well what is offered runs where `wanted` is: 0 not at all, higher is better, PLATFORM_SAME best. */
#define PLATFORM_SAME 1000
int platform_rank(const struct platform *wanted, const struct platform *offered);

/* What a descriptor points to, by its media type. */
enum content { CONTENT_UNKNOWN, CONTENT_INDEX, CONTENT_MANIFEST, CONTENT_CONFIG, CONTENT_LAYER, CONTENT_FOREIGN_LAYER };

enum content document_content(const char *media_type);

struct descriptor {
	enum content content;
	const char *media_type;
	const char *digest;
	uint64_t size;
	bool has_platform;
	struct platform platform;
	const char *name; /* from the annotations that archives carry, as they stand there; "" */
};

struct index {
	struct descriptor *manifests;
	size_t n_manifests;
};
/* CRI_ECORRUPT also for what is a manifest as well, or calls itself one: whoever vouched for the bytes may have read
 * them in the other way. So in manifest_parse. */
int index_parse(struct arena *arena, const char *json, size_t length, struct index *index, cri_call *call);
/* The manifest, or the index within, that is best for a platform; one of which none is told is the last choice. NULL:
 * there is none. */
const struct descriptor *index_choose(const struct index *index, const struct platform *wanted);
/* So many indexes may be within each other. */
#define INDEX_MAX_DEPTH 4

struct manifest {
	struct descriptor config;
	struct descriptor *layers; /* lowest first */
	size_t n_layers;
};
/* CRI_ENOTSUP: an artifact that is no image, foreign layers, too many layers, an unknown schema. */
int manifest_parse(struct arena *arena, const char *json, size_t length, struct manifest *manifest, cri_call *call);

/* manifest.json of a docker-archive. */
struct docker_image {
	const char *config; /* path in the archive */
	const char *const *names;
	size_t n_names;
	const char *const *layers; /* paths in the archive, lowest first */
	size_t n_layers;
};
int docker_manifest_parse(struct arena *arena, const char *json, size_t length, struct docker_image **images,
			  size_t *n_images, cri_call *call);

#endif

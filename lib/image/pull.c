/* SPDX-License-Identifier: Apache-2.0 */
/* cri_image_pull. */
#include "image/pull.h"

#include "base/json.h"
#include "base/lock.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "config/config.h"
#include "core/api.h"
#include "image/commit.h"
#include "image/policy.h"
#include "image/progress.h"

#include <string.h>

static const char step[] = "pull";

struct pull_args {
	const char *reference;
	const cri_pull_options *options;
};

struct pull {
	cri_engine *engine;
	struct arena *arena;
	const cri_pull_options *options;
	const char *name; /* normalised */
	struct reference reference;
	struct platform wanted;
	struct fetch fetch;
	struct charge charge;
	struct progress progress;
	cri_call *call;
};

/* What the registry is asked for. */
static const char *asked(const struct pull *pull)
{
	return *pull->reference.digest ? pull->reference.digest : pull->reference.tag;
}

/* --- an image that is there --- */

static bool has_digest(const struct pull *pull, const struct image_row *row, const char *digest)
{
	const char *name = arena_printf(pull->arena, "%s@%s", pull->reference.repository, digest);

	for (size_t i = 0; name && i < row->n_digests; i++)
		if (strcmp(row->digests[i], name) == 0)
			return true;
	return false;
}

static int admit(struct pull *pull, const char *digest, const char *manifest_digest)
{
	const char *const digests[] = { digest, manifest_digest };
	const struct policy_subject subject = {
		.transport = "docker",
		.scope = pull->name,
		.names = &pull->name,
		.n_names = 1,
		.digests = digests,
		.n_digests = 2,
		.fetch = &pull->fetch,
		.registry = true,
	};

	return policy_admit(pull->engine, pull->arena, &subject, NULL, pull->call);
}

/* Whether the registry could have nothing better for the platform: it is of just this one, or was all that the name
 * stood for. */
static int is_best(const struct pull *pull, const struct image_row *row, const char *digest)
{
	struct image_config config;
	struct platform offered;
	int result = image_config_parse(pull->arena, row->config, strlen(row->config), &config, pull->call);

	if (result < 0)
		return result;
	offered = (struct platform){ config.os, config.architecture, config.variant };
	if (platform_rank(&pull->wanted, &offered) == PLATFORM_SAME)
		return 1;
	return !*config.architecture && strcmp(row->manifest_digest, digest) == 0;
}

/* 1: the image that is there is the registry's, which took one request. */
static int is_current(struct pull *pull, const char **id)
{
	struct fetch_manifest manifest;
	struct image_row row;
	cri_call quiet;
	int result;

	call_init_child(&quiet, pull->call);
	result = store_image_get(pull->engine->store, pull->arena, pull->name, &row, &quiet);
	if (result == CRI_ENOTFOUND)
		return 0;
	if (result < 0) {
		call_copy_failure(pull->call, &quiet);
		return result;
	}
	if (pull->options->pinned && !row.pinned)
		return 0;
	result = fetch_manifest(&pull->fetch, pull->arena, asked(pull), true, &manifest, pull->call);
	if (result < 0)
		return result;
	*id = row.id;
	if (!*manifest.digest || !has_digest(pull, &row, manifest.digest))
		return 0;
	result = is_best(pull, &row, manifest.digest);
	if (result != 1)
		return result;
	/* It may have come when another policy held. */
	result = admit(pull, manifest.digest, row.manifest_digest);
	return result < 0 ? result : 1;
}

/* --- documents --- */

static int read_manifest(struct pull *pull, const char *reference, struct fetch_manifest *manifest)
{
	int result = fetch_manifest(&pull->fetch, pull->arena, reference, false, manifest, pull->call);

	if (result < 0)
		return result;
	if (digest_is_valid(reference) && strcmp(manifest->digest, reference) != 0)
		return call_fail(pull->call, CRI_ECORRUPT, step, "the manifest's digest is %s and should be %s",
				 manifest->digest, reference);
	return 0;
}

/* By the header, else by what the document says of itself, else by what it has. */
static int content_of(struct pull *pull, const struct fetch_manifest *manifest, enum content *content)
{
	CLEANUP_JSON cJSON *document = NULL;
	const char *media_type = "";
	int result;

	*content = document_content(manifest->media_type);
	if (*content == CONTENT_INDEX || *content == CONTENT_MANIFEST)
		return 0;
	result = document_parse(manifest->bytes, manifest->length, &document, step, pull->call);
	if (result < 0)
		return result;
	(void)json_string(document, "mediaType", &media_type);
	*content = document_content(media_type);
	if (*content == CONTENT_INDEX || *content == CONTENT_MANIFEST)
		return 0;
	if (!*media_type && cJSON_HasObjectItem(document, "manifests"))
		*content = CONTENT_INDEX;
	else if (!*media_type && cJSON_HasObjectItem(document, "config"))
		*content = CONTENT_MANIFEST;
	else
		return call_fail(pull->call, CRI_ENOTSUP, step,
				 "it is neither an image nor an index of images: \"%.100s\"",
				 *media_type ? media_type : manifest->media_type);
	return 0;
}

/* What an index lists that is best for the platform. */
static int read_chosen(struct pull *pull, struct fetch_manifest *manifest)
{
	const struct descriptor *chosen;
	struct index index;
	int result = index_parse(pull->arena, manifest->bytes, manifest->length, &index, pull->call);

	if (result < 0)
		return result;
	chosen = index_choose(&index, &pull->wanted);
	if (!chosen)
		return call_fail(pull->call, CRI_ENOTFOUND, step, "among its %zu images is none for %s/%s%s%s",
				 index.n_manifests, pull->wanted.os, pull->wanted.architecture,
				 *pull->wanted.variant ? "/" : "", pull->wanted.variant);
	result = read_manifest(pull, chosen->digest, manifest);
	if (result == 0 && manifest->length != chosen->size)
		result = call_fail(pull->call, CRI_ECORRUPT, step, "%s has %zu bytes and the index says %llu",
				   chosen->digest, manifest->length, (unsigned long long)chosen->size);
	return result;
}

/* The image's manifest, whichever of an index it is. */
static int resolve(struct pull *pull, struct incoming *image, struct fetch_manifest *manifest)
{
	enum content content = CONTENT_UNKNOWN;
	int result = read_manifest(pull, asked(pull), manifest);

	if (result == 0)
		result = content_of(pull, manifest, &content);
	image->digest = manifest->digest;
	for (int depth = 0; result == 0 && content == CONTENT_INDEX; depth++) {
		if (depth == INDEX_MAX_DEPTH)
			return call_fail(pull->call, CRI_ENOTSUP, step, "more than %d indexes are within each other",
					 INDEX_MAX_DEPTH);
		result = read_chosen(pull, manifest);
		if (result == 0)
			result = content_of(pull, manifest, &content);
	}
	image->manifest_digest = manifest->digest;
	image->manifest = manifest->bytes;
	return result;
}

static int read_image(struct pull *pull, struct incoming *image)
{
	struct fetch_manifest document = { .bytes = "" };
	struct manifest manifest = { .n_layers = 0 };
	struct fetch_expected expected = { .limit = DOCUMENT_LIMIT };
	size_t length = 0;
	int result = resolve(pull, image, &document);

	if (result == 0)
		result = admit(pull, image->digest, image->manifest_digest);
	if (result == 0)
		result = manifest_parse(pull->arena, document.bytes, document.length, &manifest, pull->call);
	if (result < 0)
		return result;
	expected.digest = manifest.config.digest;
	expected.size = manifest.config.size;
	result = fetch_blob(&pull->fetch, pull->arena, -1, &expected, &image->config, &length, &image->id, pull->call);
	if (result == 0)
		result = image_config_parse(pull->arena, image->config, length, &image->parsed, pull->call);
	if (result == 0)
		result =
			incoming_layers(pull->engine, pull->arena, &pull->wanted, image, manifest.n_layers, pull->call);
	for (size_t i = 0; i < manifest.n_layers && result == 0; i++) {
		struct layer *layer = &image->layers[i];

		layer->expected.digest = manifest.layers[i].digest;
		layer->expected.size = manifest.layers[i].size;
		layer->path = manifest.layers[i].digest;
	}
	return result;
}

/* --- the whole --- */

static int make(struct pull *pull, const char **id)
{
	struct layer_set set = { .engine = pull->engine,
				 .arena = pull->arena,
				 .fetch = &pull->fetch,
				 .charge = &pull->charge,
				 .layout = -1,
				 .progress = progress_layers,
				 .progress_data = &pull->progress };
	struct incoming image = { .names = &pull->name, .n_names = 1 };
	int result = read_image(pull, &image);

	if (result == 0)
		result = image_make(&set, &image, pull->options->pinned, NULL, NULL, pull->call);
	if (result < 0)
		return result;
	progress_step(&pull->progress, "commit");
	*id = image.id;
	return 0;
}

/* NULL, "": to nobody in particular. */
static const char *charged_to(const struct pull *pull)
{
	return pull->options->sandbox ? pull->options->sandbox->cgroup_parent : "";
}

/* To ask whether the image is the registry's takes no work worth charging, so that is done with a warm connection; what
 * follows has helpers of its own. */
static int connect_and_look(struct pull *pull, const cJSON *registry, const char **id)
{
	const bool charged = !text_is_empty(charged_to(pull));
	struct image_row row;
	cri_call quiet;
	cJSON *copy;
	int result = 0;

	call_init_child(&quiet, pull->call);
	if (!charged || store_image_get(pull->engine->store, pull->arena, pull->name, &row, &quiet) == 0) {
		copy = cJSON_Duplicate(registry, true);
		if (!copy)
			return call_no_memory(pull->call, step);
		result = fetch_start_network(pull->engine, &pull->fetch, copy, pull->call);
		if (result == 0)
			result = is_current(pull, id);
	}
	if (result != 0 || !charged)
		return result;
	fetch_stop(&pull->fetch);
	result = charge_begin(pull->engine, pull->arena, charged_to(pull), &pull->charge, pull->call);
	if (result < 0)
		return result;
	copy = cJSON_Duplicate(registry, true);
	if (!copy)
		return call_no_memory(pull->call, step);
	return fetch_start_charged(pull->engine, &pull->fetch, &pull->charge, copy, pull->call);
}

static int run(struct pull *pull, const char **id)
{
	CLEANUP_LOCK int lock = -1;
	CLEANUP_JSON cJSON *registry = NULL;
	const char *lock_name = arena_printf(pull->arena, "pull-%s", pull->name);
	int result;

	if (!lock_name)
		return call_no_memory(pull->call, step);
	result = pull_registry(pull->engine, &pull->reference, pull->options->auth, &registry, pull->call);
	/* Who comes second finds the image. */
	if (result == 0)
		result = engine_lock_object(pull->engine, lock_name, &lock, pull->call);
	if (result < 0)
		return result;
	progress_step(&pull->progress, "resolve");
	result = connect_and_look(pull, registry, id);
	return result == 0 ? make(pull, id) : result;
}

static int read_args(struct pull *pull, const struct pull_args *args)
{
	const void *options;
	int result = config_copy(&config_pull_options, pull->arena, args->options, &options, pull->call);

	if (result < 0)
		return result;
	pull->options = options;
	pull->progress.function = pull->options->progress;
	pull->progress.data = pull->options->progress_data;
	result = platform_parse(pull->arena, pull->options->platform, &pull->wanted, pull->call);
	if (result == 0 && !text_is_empty(charged_to(pull)))
		result = cgroup_check_path(charged_to(pull), "sandbox.linux.cgroup_parent", pull->call);
	if (result == 0)
		result = image_normalise(pull->arena, args->reference, &pull->name, pull->call);
	if (result < 0)
		return result;
	if (digest_is_valid(pull->name))
		return call_fail(pull->call, CRI_EINVAL, step, "an image is pulled by its name, not by an id");
	return reference_parse(pull->arena, pull->name, &pull->reference, pull->call);
}

/* Whom it was for, however it ended. */
static void log_pod(const struct pull *pull, int result)
{
	const cri_sandbox_config *pod = pull->options ? pull->options->sandbox : NULL;

	if (!pod)
		return;
	if (result >= 0)
		engine_log(pull->engine, CRI_LOG_INFO, "pulled %s for pod %s/%s (uid %s, attempt %u)", pull->name,
			   pod->namespace_, pod->name, pod->uid, pod->attempt);
	else
		engine_log(pull->engine, CRI_LOG_WARNING, "not pulled for pod %s/%s (uid %s, attempt %u): %s",
			   pod->namespace_, pod->name, pod->uid, pod->attempt, cri_call_message(pull->call));
}

static int pull_image(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct pull_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct pull pull = {
		.engine = engine, .arena = &arena, .fetch = FETCH_CLOSED, .charge = CHARGE_NONE, .call = call
	};
	const char *id = "";
	char *copy;
	int result;

	call_object(call, "image %s", args->reference ? args->reference : "");
	result = read_args(&pull, args);
	if (result == 0)
		result = run(&pull, &id);
	fetch_stop(&pull.fetch);
	charge_end(engine, &pull.charge, call);
	log_pod(&pull, result);
	if (result < 0)
		return result;
	copy = strdup(id);
	if (!copy)
		return call_no_memory(call, step);
	*(char **)output = copy;
	return 0;
}

int image_ensure_pinned(cri_engine *engine, struct arena *arena, const char *reference, struct image_row *row,
			cri_call *call)
{
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .pinned = true };
	const struct pull_args args = { reference, &options };
	CLEANUP_FREE char *id = NULL;
	int result = image_find(engine, arena, reference, row, call);

	if (result == CRI_ENOTFOUND) {
		call_clear(call);
		result = pull_image(engine, &args, &id, call);
		if (result == 0)
			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup attributes are unknown to it */
			result = image_find(engine, arena, id, row, call);
	}
	if (result == 0 && !row->pinned)
		result = store_image_pin(engine->store, row->id, call);
	return result;
}

static int copy_pull_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct pull_args *args = pointer;
	const void *options;
	int result = config_copy(&config_pull_options, arena, args->options, &options, call);

	if (result < 0)
		return result;
	args->options = options;
	if (args->reference && !(args->reference = arena_strdup(arena, args->reference)))
		return call_no_memory(call, step);
	return 0;
}

int cri_image_pull(cri_engine *engine, const char *reference, const cri_pull_options *options, char **id,
		   cri_call *call)
{
	const struct pull_args args = { reference, options };

	return api_call_output(engine, pull_image, &args, id, call);
}

int cri_image_pull_begin(cri_engine *engine, const char *reference, const cri_pull_options *options, cri_op **op,
			 cri_call *call)
{
	const struct pull_args args = { reference, options };

	return api_begin(engine, pull_image, &args, sizeof(args), copy_pull_args, API_STRING, op, call);
}

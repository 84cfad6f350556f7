/* SPDX-License-Identifier: Apache-2.0 */
#include "image/embedded.h"

#include "base/buffer.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/text.h"
#include "core/test_point.h"
#include "image/commit.h"
#include "image/policy.h"
#include "image/reference.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "import the embedded image";

#define CHECKSUM_LIMIT 4096

/* --- the manifest, by its checksum --- */

static int read_checksum(struct embedded_import *import, const char **digest, cri_call *call)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	const char *path = embedded_checksum_path(import->arena, import->path);
	int error;
	char *text;

	if (!path)
		return call_no_memory(call, step);
	error = fs_read(AT_FDCWD, path, CHECKSUM_LIMIT, &content);
	if (error == -ENOENT)
		return call_fail(call, CRI_ECORRUPT, step, "its checksum file %s is missing", path);
	if (error && error != -EFBIG)
		return call_fail_errno(call, error, step, "read the checksum file %s", path);
	text = arena_strdup(import->arena, content.data ? content.data : "");
	if (!text)
		return call_no_memory(call, step);
	for (size_t length = strlen(text); length && strchr(" \t\r\n", text[length - 1]); length--)
		text[length - 1] = '\0';
	/* A NUL within would cut something off. */
	if (error || strlen(content.data ? content.data : "") != content.length || !digest_is_valid(text))
		return call_fail(call, CRI_ECORRUPT, step,
				 "the checksum file %s does not hold \"sha256:\" and 64 digits", path);
	*digest = text;
	return 0;
}

static int read_manifest(struct embedded_import *import, size_t *length, cri_call *call)
{
	struct incoming *image = &import->image;
	struct fetch_expected expected = { "", UINT64_MAX, DOCUMENT_LIMIT };
	CLEANUP_CLOSE int fd = open(import->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char path[PATH_MAX];
	int error, result;

	if (fd < 0)
		return call_fail_errno(call, errno, step, "open %s", import->path);
	/* The policy's scope is what is read here, and its checksum and layers are those beside it, whatever links and
	 * ".." led to it. */
	error = fs_real_path(fd, path, sizeof(path));
	if (error)
		return call_fail_errno(call, error, step, "find the real path of %s", import->path);
	import->path = arena_strdup(import->arena, path);
	if (!import->path)
		return call_no_memory(call, step);
	result = read_checksum(import, &expected.digest, call);
	if (result < 0)
		return result;
	return fetch_blob(import->fetch, import->arena, fd, &expected, &image->manifest, length, &image->id, call);
}

static int open_directory(const struct embedded_import *import, int *directory, cri_call *call)
{
	char path[PATH_MAX];
	int error =
		fs_path(path, sizeof(path), "%.*s/.", (int)(strrchr(import->path, '/') - import->path), import->path);

	*directory = error ? error : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*directory >= 0)
		return 0;
	return call_fail_errno(call, error ? error : errno, step, "open the directory of %s", import->path);
}

/* --- layers --- */

struct summing {
	struct progress *progress;
	uint64_t before;
};

static void sum_progress(uint64_t bytes, void *data)
{
	struct summing *summing = data;

	progress_bytes(summing->progress, summing->before + bytes);
}

/* A file's digest is known from here on, also where the manifest gives none: it tells whether it is still the same. A
 * device's, which may be large, is only read when the manifest gives one. */
static int verify(struct embedded_import *import, const struct embedded_layer *layer, struct embedded_source *source,
		  int fd, cri_call *call)
{
	const struct fetch_expected expected = { layer->digest, source->size, UINT64_MAX };
	struct summing summing = { import->progress, import->bytes };
	char digest[DIGEST_SIZE];
	int result;

	if (source->kind == EMBEDDED_DIRECTORY || (source->kind == EMBEDDED_DEVICE && !*layer->digest))
		return 0;
	result = fetch_digest(import->fetch, fd, &expected, digest, sum_progress, &summing, call);
	if (result < 0)
		return result;
	source->digest = arena_strdup(import->arena, digest);
	return source->digest ? 0 : call_no_memory(call, step);
}

static int read_layer(struct embedded_import *import, int directory, const struct embedded_layer *layer, size_t n,
		      cri_call *call)
{
	CLEANUP_CLOSE int fd = -1;
	struct embedded_source *source = &import->sources[n];
	int result = embedded_source_find(import->arena, directory, layer, n == 0, source, &fd, call);

	if (result < 0)
		return result;
	/* What follows is about this one. */
	call_object(call, "%s: layer %s", import->path, layer->path_in_host);
	result = verify(import, layer, source, fd, call);
	if (result == 0 && source->kind != EMBEDDED_DIRECTORY)
		result = embedded_check(import->engine, source, fd, call);
	if (result < 0)
		return result;
	call_object(call, "embedded image %s", import->path);
	import->bytes += source->size;
	import->progress->value.layers_done++;
	progress_bytes(import->progress, import->bytes);
	return 0;
}

/* By their paths they may be different ones; overlayfs takes a directory once. */
static int check_root(const struct embedded_import *import, cri_call *call)
{
	const struct embedded_manifest *manifest = &import->manifest;

	for (size_t i = 0; i < import->n_sources; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(manifest->layers[i].path_in_container, "/") == 0 &&
			    strcmp(manifest->layers[k].path_in_container, "/") == 0 &&
			    strcmp(import->sources[i].path, import->sources[k].path) == 0)
				return call_fail(call, CRI_ECORRUPT, step, "layers %zu and %zu are both %s", k, i,
						 import->sources[i].path);
	return 0;
}

int embedded_read_layers(struct embedded_import *import, cri_call *call)
{
	CLEANUP_CLOSE int directory = -1;
	const struct embedded_manifest *manifest = &import->manifest;
	int result;

	import->sources = arena_array(import->arena, manifest->n_layers, sizeof(*import->sources));
	if (!import->sources)
		return call_no_memory(call, step);
	result = open_directory(import, &directory, call);
	import->progress->value.layers_total = (uint32_t)manifest->n_layers;
	progress_step(import->progress, "fetch");
	for (; result == 0 && import->n_sources < manifest->n_layers; import->n_sources++)
		result = read_layer(import, directory, &manifest->layers[import->n_sources], import->n_sources, call);
	return result < 0 ? result : check_root(import, call);
}

int embedded_read(struct embedded_import *import, cri_call *call)
{
	struct incoming *image = &import->image;
	struct embedded_manifest *manifest = &import->manifest;
	const char **names = arena_array(import->arena, 1, sizeof(*names));
	size_t length = 0;
	int result;

	if (!names)
		return call_no_memory(call, step);
	call_object(call, "embedded image %s", import->path);
	result = read_manifest(import, &length, call);
	if (result == 0)
		result = embedded_manifest_parse(import->arena, image->manifest, length, manifest, call);
	if (result == 0)
		result = image_config_parse(import->arena, manifest->config, strlen(manifest->config), &image->parsed,
					    call);
	if (result == 0)
		result = image_normalise(import->arena, manifest->name, &names[0], call);
	if (result == 0 && digest_is_valid(names[0]))
		result = call_fail(call, CRI_ECORRUPT, step, "imageName: \"%s\" is an id and no name", manifest->name);
	if (result)
		return result;
	image->names = names;
	image->n_names = 1;
	image->digest = image->manifest_digest = image->id;
	image->config = manifest->config;
	for (size_t i = 0; i < manifest->n_layers; i++)
		if (!*manifest->layers[i].digest)
			import->unvouched = manifest->layers[i].path_in_host;
	return 0;
}

int embedded_admit(struct embedded_import *import, cri_call *call)
{
	const struct policy_subject subject = {
		.transport = "embedded",
		.scope = import->path,
		.names = import->image.names,
		.n_names = import->image.n_names,
		.digests = &import->image.manifest_digest,
		.n_digests = 1,
		.fetch = import->fetch,
	};
	bool by_digest = false;
	int result = policy_admit(import->engine, import->arena, &subject, &by_digest, call);

	if (result == 0 && by_digest && import->unvouched)
		return call_fail(call, CRI_ESIGNATURE, step,
				 "its manifest gives no digest of layer %s, so that nobody vouches for it",
				 import->unvouched);
	return result;
}

/* --- the store --- */

static int store_layer(struct embedded_import *import, const struct embedded_source *source, int64_t *row,
		       cri_call *call)
{
	struct store *store = import->engine->store;
	const char *text = embedded_source_text(import->arena, source);
	struct layer_row found = { .id = 0 };
	int result;

	if (!text)
		return call_no_memory(call, step);
	result = store_layer_find(store, import->arena, text, "", &found, call);
	*row = found.id;
	if (result != CRI_ENOTFOUND)
		return result;
	result = store_layer_begin(store, text, row, call);
	/* It takes nothing of the store's space. */
	return result < 0 ? result : store_layer_commit(store, row, text, "", 0, 0, call);
}

int embedded_store(struct embedded_import *import, bool pinned, struct arena *arena, struct image_row *stored,
		   cri_call *call)
{
	CLEANUP_LOCK int image_lock = -1;
	CLEANUP_LOCK int layers_lock = -1;
	const struct incoming *image = &import->image;
	int64_t *rows = arena_array(import->arena, import->n_sources, sizeof(*rows));
	struct image_row row = { .id = image->id,
				 .config = image->config,
				 .manifest_digest = image->manifest_digest,
				 .manifest = image->manifest,
				 .bytes = import->bytes ? import->bytes : strlen(image->manifest),
				 .pinned = pinned,
				 .embedded = true,
				 .layers = rows,
				 .n_layers = import->n_sources };
	int result;

	if (!rows)
		return call_no_memory(call, step);
	result = commit_names(import->arena, image, &row, call);
	if (result == 0)
		result = engine_lock_object(import->engine, image->id, &image_lock, call);
	/* Nobody collects between the layers' commit and the image's. */
	if (result == 0)
		result = engine_lock_object(import->engine, LAYERS_LOCK, &layers_lock, call);
	for (size_t i = 0; i < import->n_sources && result == 0; i++)
		result = store_layer(import, &import->sources[i], &rows[i], call);
	test_point("embedded layer stored");
	return result < 0 ? result : store_image_commit(import->engine->store, &row, arena, stored, call);
}

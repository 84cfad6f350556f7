/* SPDX-License-Identifier: Apache-2.0 */
#include "image/archive.h"

#include "base/fs.h"
#include "base/text.h"
#include "image/reference.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "read the archive";

/* --- documents --- */

static int open_member(const struct archive_reader *reader, const char *path, int *fd, uint64_t *size, cri_call *call)
{
	struct stat status;
	int opened = fs_open_in_root(reader->layout, path, O_RDONLY | O_NONBLOCK, 0);

	if (opened == -ENOENT)
		return CRI_ENOTFOUND;
	if (opened < 0)
		return call_fail_errno(call, opened, step, "open %s", path);
	if (fstat(opened, &status) || !S_ISREG(status.st_mode)) {
		close(opened);
		return call_fail(call, CRI_ECORRUPT, step, "%s is no file", path);
	}
	*fd = opened;
	*size = (uint64_t)status.st_size;
	return 0;
}

/* CRI_ENOTFOUND is not described. */
static int read_document(const struct archive_reader *reader, const char *path, const char *expected_digest,
			 uint64_t expected_size, const char **text, size_t *length, const char **digest, cri_call *call)
{
	const struct fetch_expected expected = { expected_digest, expected_size, DOCUMENT_LIMIT };
	CLEANUP_CLOSE int fd = -1;
	uint64_t size = 0;
	int result = open_member(reader, path, &fd, &size, call);

	return result < 0 ? result
			  : fetch_blob(reader->fetch, reader->arena, fd, &expected, text, length, digest, call);
}

static const char *blob_path(struct arena *arena, const char *digest)
{
	return arena_printf(arena, "blobs/sha256/%s", digest + strlen(DIGEST_PREFIX));
}

static int read_blob(const struct archive_reader *reader, const struct descriptor *descriptor, const char **text,
		     size_t *length, cri_call *call)
{
	const char *path = blob_path(reader->arena, descriptor->digest);
	const char *digest;
	int result;

	if (!path)
		return call_no_memory(call, step);
	result = read_document(reader, path, descriptor->digest, descriptor->size, text, length, &digest, call);
	if (result == CRI_ENOTFOUND)
		return call_fail(call, CRI_ECORRUPT, step, "%s is missing", path);
	return result;
}

/* --- an image --- */

static int add_name(const struct archive_reader *reader, struct incoming *image, const char *name, cri_call *call)
{
	const char **names;
	const char *normalised;
	cri_call quiet;
	int result;

	call_init_child(&quiet, call);
	result = image_normalise(reader->arena, name, &normalised, &quiet);
	if (result == CRI_ENOMEM)
		return call_no_memory(call, step);
	if (result < 0 || digest_is_valid(normalised)) {
		engine_log(reader->engine, CRI_LOG_WARNING, "import: the archive's name \"%.200s\" is no image name",
			   name);
		return 0;
	}
	for (size_t i = 0; i < image->n_names; i++)
		if (strcmp(image->names[i], normalised) == 0)
			return 0;
	names = arena_array(reader->arena, image->n_names + 1, sizeof(*names));
	if (!names)
		return call_no_memory(call, step);
	if (image->n_names)
		memcpy(names, image->names, image->n_names * sizeof(*names));
	names[image->n_names++] = normalised;
	image->names = names;
	return 0;
}

static int read_manifest(const struct archive_reader *reader, const struct descriptor *descriptor,
			 struct incoming *image, cri_call *call)
{
	struct manifest manifest = { .n_layers = 0 };
	size_t length = 0;
	int result = read_blob(reader, descriptor, &image->manifest, &length, call);

	if (result == 0)
		result = manifest_parse(reader->arena, image->manifest, length, &manifest, call);
	if (result == 0)
		result = read_blob(reader, &manifest.config, &image->config, &length, call);
	if (result == 0)
		result = image_config_parse(reader->arena, image->config, length, &image->parsed, call);
	if (result == 0)
		result =
			incoming_layers(reader->engine, reader->arena, &reader->wanted, image, manifest.n_layers, call);
	if (result < 0)
		return result;
	image->manifest_digest = descriptor->digest;
	image->id = manifest.config.digest;
	for (size_t i = 0; i < manifest.n_layers; i++) {
		struct layer *layer = &image->layers[i];

		layer->expected.digest = manifest.layers[i].digest;
		layer->expected.size = manifest.layers[i].size;
		layer->path = blob_path(reader->arena, layer->expected.digest);
		if (!layer->path)
			return call_no_memory(call, step);
	}
	return 0;
}

/* --- OCI --- */

static bool is_candidate(const struct archive_reader *reader, const struct descriptor *descriptor)
{
	return (descriptor->content == CONTENT_MANIFEST || descriptor->content == CONTENT_INDEX) &&
	       (!descriptor->has_platform || platform_rank(&reader->wanted, &descriptor->platform) > 0);
}

/* Whether another descriptor of the same name is meant rather: one for a platform that is nearer to the wanted one, or
 * the first of several equal ones that have a name. */
static bool is_outdone(const struct archive_reader *reader, const struct index *index, size_t n)
{
	const struct descriptor *descriptor = &index->manifests[n];
	int rank = descriptor->has_platform ? platform_rank(&reader->wanted, &descriptor->platform) : 0;

	for (size_t i = 0; i < index->n_manifests; i++) {
		const struct descriptor *other = &index->manifests[i];
		int other_rank = other->has_platform ? platform_rank(&reader->wanted, &other->platform) : 0;

		if (i == n || !is_candidate(reader, other) || strcmp(other->name, descriptor->name) != 0)
			continue;
		if (other_rank > rank && descriptor->has_platform)
			return true;
		if (other_rank == rank && i < n && *descriptor->name)
			return true;
	}
	return false;
}

static int no_image(const struct archive_reader *reader, cri_call *call)
{
	return call_fail(call, CRI_ENOTFOUND, step, "it holds no image for %s/%s%s%s", reader->wanted.os,
			 reader->wanted.architecture, *reader->wanted.variant ? "/" : "", reader->wanted.variant);
}

/* The manifest that is listed, or of an index that lists one image for several platforms the best. */
static int choose(const struct archive_reader *reader, const struct descriptor *listed, struct descriptor *chosen,
		  cri_call *call)
{
	*chosen = *listed;
	for (int depth = 0; chosen->content == CONTENT_INDEX; depth++) {
		struct index index = { .n_manifests = 0 };
		const struct descriptor *best;
		const char *text = NULL;
		size_t length = 0;
		int result;

		if (depth == INDEX_MAX_DEPTH)
			return call_fail(call, CRI_ENOTSUP, step, "more than %d indexes are within each other",
					 INDEX_MAX_DEPTH);
		result = read_blob(reader, chosen, &text, &length, call);
		if (result == 0)
			result = index_parse(reader->arena, text, length, &index, call);
		if (result < 0)
			return result;
		best = index_choose(&index, &reader->wanted);
		if (!best)
			return no_image(reader, call);
		*chosen = *best;
	}
	return 0;
}

static struct incoming *find_incoming(struct incoming *images, size_t n_images, const char *manifest_digest)
{
	for (size_t i = 0; i < n_images; i++)
		if (strcmp(images[i].manifest_digest, manifest_digest) == 0)
			return &images[i];
	return NULL;
}

static int read_listed(const struct archive_reader *reader, const struct descriptor *listed, struct incoming *images,
		       size_t *n_images, cri_call *call)
{
	struct descriptor chosen = { .digest = "" };
	struct incoming *image;
	int result = choose(reader, listed, &chosen, call);

	if (result < 0)
		return result;
	image = find_incoming(images, *n_images, chosen.digest);
	if (!image) {
		image = &images[*n_images];
		image->digest = listed->digest;
		result = read_manifest(reader, &chosen, image, call);
		if (result < 0)
			return result;
		++*n_images;
	}
	return *listed->name ? add_name(reader, image, listed->name, call) : 0;
}

static int read_layout(const struct archive_reader *reader, const char *text, size_t length, struct incoming **images,
		       size_t *n_images, cri_call *call)
{
	struct index index = { .n_manifests = 0 };
	int result = index_parse(reader->arena, text, length, &index, call);

	if (result < 0)
		return result;
	*images = arena_array(reader->arena, index.n_manifests + 1, sizeof(**images));
	if (!*images)
		return call_no_memory(call, step);
	for (size_t i = 0; i < index.n_manifests && result == 0; i++)
		if (is_candidate(reader, &index.manifests[i]) && !is_outdone(reader, &index, i))
			result = read_listed(reader, &index.manifests[i], *images, n_images, call);
	return result;
}

/* --- docker-archive --- */

/* A config's file name says its digest: "<hex>.json", or "blobs/sha256/<hex>". */
static int config_digest(struct arena *arena, const char *path, const char **digest)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t length = strcspn(name, ".");
	const char *made = arena_printf(arena, DIGEST_PREFIX "%.*s", (int)(length > 64 ? 64 : length), name);

	*digest = made && length == 64 && digest_is_valid(made) ? made : "";
	return made ? 0 : -ENOMEM;
}

static int read_docker_image(const struct archive_reader *reader, const struct docker_image *listed,
			     struct incoming *image, cri_call *call)
{
	const char *expected;
	size_t length = 0;
	int result;

	image->digest = image->manifest_digest = image->manifest = "";
	if (config_digest(reader->arena, listed->config, &expected))
		return call_no_memory(call, step);
	result = read_document(reader, listed->config, expected, UINT64_MAX, &image->config, &length, &image->id, call);
	if (result == CRI_ENOTFOUND)
		result = call_fail(call, CRI_ECORRUPT, step, "%s is missing", listed->config);
	if (result == 0)
		result = image_config_parse(reader->arena, image->config, length, &image->parsed, call);
	if (result == 0)
		result = incoming_layers(reader->engine, reader->arena, &reader->wanted, image, listed->n_layers, call);
	for (size_t i = 0; i < listed->n_layers && result == 0; i++) {
		struct layer *layer = &image->layers[i];
		int fd = -1;

		layer->path = listed->layers[i];
		layer->expected.digest = "";
		result = open_member(reader, layer->path, &fd, &layer->expected.size, call);
		if (result == 0)
			close(fd);
		if (result == CRI_ENOTFOUND)
			result = call_fail(call, CRI_ECORRUPT, step, "%s is missing", layer->path);
	}
	for (size_t i = 0; i < listed->n_names && result == 0; i++)
		result = add_name(reader, image, listed->names[i], call);
	return result;
}

static int read_docker_archive(const struct archive_reader *reader, const char *text, size_t length,
			       struct incoming **images, size_t *n_images, cri_call *call)
{
	struct docker_image *listed = NULL;
	size_t n_listed = 0;
	int result = docker_manifest_parse(reader->arena, text, length, &listed, &n_listed, call);

	if (result < 0)
		return result;
	*images = arena_array(reader->arena, n_listed + 1, sizeof(**images));
	if (!*images)
		return call_no_memory(call, step);
	for (size_t i = 0; i < n_listed && result == 0; i++) {
		result = read_docker_image(reader, &listed[i], &(*images)[i], call);
		if (result == 0)
			++*n_images;
	}
	return result;
}

int archive_read(struct archive_reader *reader, struct incoming **images, size_t *n_images, cri_call *call)
{
	const char *text = NULL, *digest = NULL;
	size_t length = 0;
	int result;

	*n_images = 0;
	/* What docker save writes today is both; the layout has digests for everything. */
	result = read_document(reader, "index.json", "", UINT64_MAX, &text, &length, &digest, call);
	if (result == 0) {
		result = read_layout(reader, text, length, images, n_images, call);
	} else if (result == CRI_ENOTFOUND && !call->code) {
		result = read_document(reader, "manifest.json", "", UINT64_MAX, &text, &length, &digest, call);
		if (result == CRI_ENOTFOUND && !call->code)
			return call_fail(call, CRI_ECORRUPT, step,
					 "it has neither index.json (OCI image layout) nor manifest.json "
					 "(docker-archive)");
		if (result == 0)
			result = read_docker_archive(reader, text, length, images, n_images, call);
	}
	if (result == 0 && *n_images == 0)
		result = no_image(reader, call);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cri_image_import. */
#include "base/fs.h"
#include "base/lock.h"
#include "base/random.h"
#include "base/text.h"
#include "config/config.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"
#include "image/archive.h"
#include "image/commit.h"
#include "image/embedded.h"
#include "image/info.h"
#include "image/policy.h"
#include "image/progress.h"
#include "image/reference.h"
#include "image/temporary.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "import";

/* An archive holds several layers, and images. */
#define ARCHIVE_SIZE_FACTOR 16

/* So many bytes are looked at for the beginning of a JSON document. */
#define EMBEDDED_FIRST 64

struct import_args {
	const char *path;
	const cri_import_options *options;
};

struct import {
	cri_engine *engine;
	struct arena *arena;
	const char *path;
	/* What was opened by it, without links: the policy's scope. */
	char real_path[PATH_MAX];
	const cri_import_options *options;
	struct fetch fetch;
	int layout; /* -1: it is an embedded image's manifest */
	/* Where an archive is unpacked meanwhile; none for a layout. */
	struct temporary temporary;
	struct progress progress;
};

/* --- the archive --- */

static int make_temporary(struct import *import, int *directory, cri_call *call)
{
	int result = temporary_make(import->engine, &import->temporary, call);

	if (result < 0)
		return result;
	*directory = open(import->temporary.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *directory < 0 ? call_fail_errno(call, errno, step, "open %s", import->temporary.path) : 0;
}

static int unpack_archive(struct import *import, int source, cri_call *call)
{
	const uint64_t limit = import->engine->options.max_layer_bytes;
	const uint64_t bytes = limit > INT64_MAX / ARCHIVE_SIZE_FACTOR ? INT64_MAX : limit * ARCHIVE_SIZE_FACTOR;
	struct layer archive = { .diff_id = NULL };
	struct layer_set set = { .engine = import->engine,
				 .arena = import->arena,
				 .fetch = &import->fetch,
				 .layers = &archive,
				 .n_layers = 1 };
	int result = make_temporary(import, &import->layout, call);

	if (result < 0)
		return result;
	layer_init(&archive);
	archive.path = import->path;
	archive.expected = (struct fetch_expected){ "", UINT64_MAX, bytes };
	progress_step(&import->progress, "fetch");
	result = layer_unpack_archive(&set, source, import->layout, bytes, call);
	layer_set_undo(&set, call);
	return result;
}

/* JSON, which no archive begins with. */
static bool begins_document(const char *first, size_t n_first)
{
	size_t i = 0;

	while (i < n_first && strchr(" \t\r\n", first[i]) && first[i])
		i++;
	return i < n_first && first[i] == '{';
}

static int open_source(struct import *import, cri_call *call)
{
	CLEANUP_CLOSE int fd = open(import->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	char first[EMBEDDED_FIRST];
	ssize_t n_first;
	int error;

	if (fd < 0 || fstat(fd, &status))
		return call_fail_errno(call, errno, step, "open %s", import->path);
	error = fs_real_path(fd, import->real_path, sizeof(import->real_path));
	if (error)
		return call_fail_errno(call, error, step, "find the real path of %s", import->path);
	if (S_ISDIR(status.st_mode)) {
		import->layout = take_fd(&fd);
		return 0;
	}
	if (!S_ISREG(status.st_mode))
		return call_fail(call, CRI_EINVAL, step, "path: %s is neither a file nor a directory", import->path);
	n_first = pread(fd, first, sizeof(first), 0);
	if (n_first < 0)
		return call_fail_errno(call, errno, step, "read %s", import->path);
	return begins_document(first, (size_t)n_first) ? 0 : unpack_archive(import, fd, call);
}

static void import_end(struct import *import, cri_call *call)
{
	fetch_stop(&import->fetch);
	cleanup_close_fd(&import->layout);
	temporary_remove(import->engine, &import->temporary);
	/* Layers of an image that failed in the end, or lost its last tag's layers to another. */
	if (call->code) {
		cri_call undo;

		call_init_child(&undo, call);
		call_shield(&undo);
		(void)image_collect_layers(import->engine, &undo);
		call_unshield(&undo);
	}
}

/* --- images --- */

/* The user's name for the one image, instead of the archive's. */
static int rename_image(struct import *import, struct incoming *images, size_t n_images, cri_call *call)
{
	const char **names = arena_array(import->arena, 1, sizeof(*names));
	struct reference reference = { .digest = "" };
	int result;

	if (!names)
		return call_no_memory(call, step);
	result = image_normalise(import->arena, import->options->reference, &names[0], call);
	if (result == 0)
		result = reference_parse(import->arena, names[0], &reference, call);
	if (result < 0)
		return result;
	if (n_images != 1)
		return call_fail(call, CRI_EINVAL, step, "reference: %s holds %zu images and they cannot share a name",
				 import->path, n_images);
	if (*reference.digest && strcmp(reference.digest, images->digest) != 0 &&
	    strcmp(reference.digest, images->manifest_digest) != 0)
		return call_fail(call, CRI_EINVAL, step, "reference: the image's digest is %s", images->digest);
	images->names = names;
	images->n_names = 1;
	return 0;
}

/* The digest of a docker-archive's config stands for it all; the other archives have manifests. */
static int admit(struct import *import, const struct incoming *image, cri_call *call)
{
	const bool has_manifest = *image->manifest_digest;
	const char *const digests[] = { has_manifest ? image->digest : image->id, image->manifest_digest };
	const struct policy_subject subject = {
		.transport = !*import->temporary.path ? "oci"
			     : has_manifest           ? "oci-archive"
						      : "docker-archive",
		.scope = import->real_path,
		.names = image->names,
		.n_names = image->n_names,
		.digests = digests,
		.n_digests = 2,
		.fetch = &import->fetch,
	};

	return policy_admit(import->engine, import->arena, &subject, NULL, call);
}

static int make_images(struct import *import, struct incoming *images, size_t n_images, cri_list *list, cri_call *call)
{
	struct layer_set set = { .engine = import->engine,
				 .arena = import->arena,
				 .fetch = &import->fetch,
				 .layout = import->layout,
				 .progress = progress_layers,
				 .progress_data = &import->progress };
	struct image_row row;
	int result = 0;

	for (size_t i = 0; i < n_images && result == 0; i++)
		result = admit(import, &images[i], call);
	for (size_t i = 0; i < n_images && result == 0; i++) {
		result = image_make(&set, &images[i], import->options->pinned, &list->arena, &row, call);
		if (result == 0)
			result = image_info_add(list, &row, call);
	}
	if (result == 0)
		progress_step(&import->progress, "commit");
	return result;
}

static int import_embedded(struct import *import, cri_list *list, cri_call *call)
{
	struct embedded_import embedded = { .engine = import->engine,
					    .arena = import->arena,
					    .fetch = &import->fetch,
					    .progress = &import->progress,
					    .path = import->path };
	struct image_row row;
	int result = embedded_read(&embedded, call);

	if (result == 0 && !text_is_empty(import->options->reference))
		result = rename_image(import, &embedded.image, 1, call);
	if (result == 0)
		result = embedded_admit(&embedded, call);
	if (result == 0)
		result = embedded_read_layers(&embedded, call);
	if (result < 0)
		return result;
	progress_step(&import->progress, "commit");
	result = embedded_store(&embedded, import->options->pinned, &list->arena, &row, call);
	return result < 0 ? result : image_info_add(list, &row, call);
}

static int import_all(struct import *import, cri_list *list, cri_call *call)
{
	struct archive_reader reader = { .engine = import->engine, .arena = import->arena, .fetch = &import->fetch };
	struct incoming *images = NULL;
	size_t n_images = 0;
	int result = platform_parse(import->arena, import->options->platform, &reader.wanted, call);

	progress_step(&import->progress, "resolve");
	if (result == 0)
		result = fetch_start(import->engine, &import->fetch, call);
	if (result == 0)
		result = open_source(import, call);
	if (result < 0)
		return result;
	if (import->layout < 0)
		return import_embedded(import, list, call);
	reader.layout = import->layout;
	result = archive_read(&reader, &images, &n_images, call);
	if (result == 0 && !text_is_empty(import->options->reference))
		result = rename_image(import, images, n_images, call);
	return result < 0 ? result : make_images(import, images, n_images, list, call);
}

static int import_images(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct import_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_LIST cri_list *list = NULL;
	struct import import = { .engine = engine,
				 .arena = &arena,
				 .path = args->path,
				 .fetch = FETCH_CLOSED,
				 .layout = -1,
				 .temporary = TEMPORARY_NONE };
	const void *options;
	int result;

	if (text_is_empty(args->path) || args->path[0] != '/')
		return call_fail(call, CRI_EINVAL, step, "path: \"%s\" is not absolute", args->path ? args->path : "");
	call_object(call, "archive %s", args->path);
	result = config_copy(&config_import_options, &arena, args->options, &options, call);
	if (result < 0)
		return result;
	import.options = options;
	import.progress.function = import.options->progress;
	import.progress.data = import.options->progress_data;
	list = image_info_list(call);
	if (!list)
		return CRI_ENOMEM;
	result = import_all(&import, list, call);
	import_end(&import, call);
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(list);
	return 0;
}

static int copy_import_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct import_args *args = pointer;
	const void *options;
	int result = config_copy(&config_import_options, arena, args->options, &options, call);

	if (result < 0)
		return result;
	args->options = options;
	if (args->path && !(args->path = arena_strdup(arena, args->path)))
		return call_no_memory(call, step);
	return 0;
}

int cri_image_import(cri_engine *engine, const char *path, const cri_import_options *options, cri_list **images,
		     cri_call *call)
{
	const struct import_args args = { path, options };

	return api_call_output(engine, import_images, &args, images, call);
}

int cri_image_import_begin(cri_engine *engine, const char *path, const cri_import_options *options, cri_op **op,
			   cri_call *call)
{
	const struct import_args args = { path, options };

	return api_begin(engine, import_images, &args, sizeof(args), copy_import_args, API_LIST, op, call);
}

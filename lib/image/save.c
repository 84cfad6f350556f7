/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cri_image_save.
 *
 * The store keeps layers as directories, not as the tars that they came in, so a saved image has layers that are made
 * anew: the same files, another tar. Its config says so with their diff ids, which gives it an id of its own; saving
 * what was imported from a saved image gives the same once more.
 */
#include "base/lock.h"
#include "base/text.h"
#include "config/config.h"
#include "core/api.h"
#include "core/paths.h"
#include "image/layer.h"
#include "image/pack.h"
#include "image/save_documents.h"
#include "image/save_output.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static const char step[] = "save the image";

#define LOCK_PAUSE 20 /* milliseconds */

struct save_args {
	const char *reference, *path;
	const cri_save_options *options;
};

struct saving {
	cri_engine *engine;
	struct arena *arena;
	struct image_row row;
	const char *const *names;
	size_t n_names;
	struct saved_blob *layers;
	struct fetch fetch;
	struct save_output output;
	cri_call *call;
};

/* --- layers --- */

/* Holds a layer in the store though its image may go. CRI_EAGAIN, not described: another saves it just now. */
static int try_hold_layer(const struct saving *saving, int64_t row, int *lock)
{
	CLEANUP_LOCK int all = -1;
	char name[LAYER_LOCK_SIZE];
	bool exists = false, garbage = false;
	int result = engine_lock_object(saving->engine, LAYERS_LOCK, &all, saving->call);

	if (result == 0)
		result = store_layer_exists(saving->engine->store, row, &exists, saving->call);
	if (result == 0)
		result = store_layer_is_garbage(saving->engine->store, row, &garbage, saving->call);
	if (result == 0 && (!exists || garbage))
		return call_fail(saving->call, CRI_ENOTFOUND, step, "it was removed meanwhile");
	layer_lock_name(row, name);
	return result < 0 ? result : engine_trylock_object(saving->engine, name, lock, saving->call);
}

static int hold_layer(const struct saving *saving, int64_t row, int *lock)
{
	int result;

	while ((result = try_hold_layer(saving, row, lock)) == CRI_EAGAIN) {
		result = call_wait(saving->call, step, NULL, 0, LOCK_PAUSE);
		if (result < 0)
			return result;
	}
	return result;
}

static int hear_fetch(struct saving *saving, int64_t job, struct saved_blob *blob, bool *stored)
{
	struct fetch_reply reply;
	int result;

	while ((result = fetch_receive(&saving->fetch, &reply, saving->call)) > 0) {
		if (reply.job != job || reply.event == FETCH_PROGRESS)
			continue;
		if (reply.event == FETCH_FAILED)
			return reply.error ? call_fail_errno(saving->call, reply.error, step, "%s", reply.text)
					   : call_fail(saving->call, reply.code, step, "%s", reply.text);
		memcpy(blob->digest, reply.digest, sizeof(blob->digest));
		memcpy(blob->diff_id, reply.diff_id, sizeof(blob->diff_id));
		blob->size = reply.bytes;
		*stored = true;
	}
	return result;
}

/* After a failure that is not the first. */
static int wait_for_reason(struct saving *saving, int64_t job, struct saved_blob *blob)
{
	struct pollfd ready = { .fd = saving->fetch.socket, .events = POLLIN };
	bool stored = false;
	int result = 0;

	call_clear(saving->call);
	while (result >= 0 && !stored) {
		result = call_wait(saving->call, step, &ready, 1, -1);
		if (result > 0)
			result = hear_fetch(saving, job, blob, &stored);
	}
	return result < 0 ? result : call_fail(saving->call, CRI_EINTERNAL, step, "nobody read the layer's tar");
}

/* Until the tar is whole, and stored. */
static int wait_for_both(struct saving *saving, struct unpacker *packer, int64_t job, struct saved_blob *blob)
{
	struct unpack_message message = { .kind = 0 };
	bool packed = false, stored = false;
	int result = 0;

	while (result >= 0 && !(packed && stored)) {
		struct pollfd fds[] = { { .fd = stored ? -1 : saving->fetch.socket, .events = POLLIN },
					{ .fd = packed ? -1 : packer->status, .events = POLLIN } };

		result = call_wait(saving->call, step, fds, 2, -1);
		if (result > 0 && fds[1].revents) {
			result = unpacker_receive(packer, &message, saving->call);
			packed = result > 0 && message.kind == UNPACK_DONE;
			/* Why cri-fetch gave up says more than that nobody reads the tar. */
			if (result < 0 && message.kind == UNPACK_ERROR && message.error == EPIPE && !stored)
				result = wait_for_reason(saving, job, blob);
		}
		if (result >= 0 && fds[0].revents)
			result = hear_fetch(saving, job, blob, &stored);
	}
	return result < 0 ? result : 0;
}

static int pack_layer(struct saving *saving, int directory, struct saved_blob *blob)
{
	struct unpacker packer = UNPACKER_CLOSED;
	CLEANUP_CLOSE int source = -1;
	cri_call end;
	int64_t job = 0;
	int sink = -1, stopped;
	int result = save_output_blob(&saving->output, &sink, saving->call);

	if (result == 0)
		result = packer_start(saving->engine, directory, &packer, &source, saving->call);
	if (result == 0)
		result = fetch_deflate(&saving->fetch, source, sink, INT64_MAX, &job, saving->call);
	/* Or cri-pack would not notice that cri-fetch is gone. */
	cleanup_close_fd(&source);
	source = -1;
	if (result == 0)
		result = wait_for_both(saving, &packer, job, blob);
	call_init_child(&end, saving->call);
	call_shield(&end);
	stopped = unpacker_stop(&packer, &end);
	call_unshield(&end);
	if (result == 0 && stopped < 0) {
		call_copy_failure(saving->call, &end);
		return stopped;
	}
	return result < 0 ? result : save_output_blob_end(&saving->output, blob->digest, saving->call);
}

static int save_layer(struct saving *saving, size_t i)
{
	CLEANUP_LOCK int lock = -1;
	CLEANUP_CLOSE int directory = -1;
	char path[PATH_MAX];
	int result = hold_layer(saving, saving->row.layers[i], &lock);

	if (result < 0)
		return result;
	directory =
		open(path_layer_fs(saving->engine, saving->row.layers[i], path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return call_fail_errno(saving->call, errno, step, "open %s", path);
	return pack_layer(saving, directory, &saving->layers[i]);
}

/* --- documents --- */

/* As a blob. Takes `text`. */
static int save_document(struct saving *saving, char *text, struct saved_blob *blob)
{
	CLEANUP_FREE char *owned = text;
	CLEANUP_CLOSE int memory = memfd_create("libcri", MFD_CLOEXEC);
	const size_t length = strlen(text);
	const struct fetch_expected expected = { "", length, length };
	int sink = -1;
	int error = memory < 0 ? -errno : fs_write_full(memory, text, length);
	int result;

	if (!error && lseek(memory, 0, SEEK_SET))
		error = -errno;
	if (error)
		return call_fail_errno(saving->call, error, step, "write to memory");
	blob->size = length;
	result = fetch_digest(&saving->fetch, memory, &expected, blob->digest, NULL, NULL, saving->call);
	if (result == 0)
		result = save_output_blob(&saving->output, &sink, saving->call);
	if (result < 0)
		return result;
	error = fs_write_full(sink, text, length);
	if (error)
		return call_fail_errno(saving->call, error, step, "write");
	return save_output_blob_end(&saving->output, blob->digest, saving->call);
}

static int save_documents(struct saving *saving)
{
	struct saving_source source = { saving->engine, saving->arena, &saving->fetch };
	struct saved_blob config = { .size = 0 }, manifest = { .size = 0 };
	CLEANUP_FREE char *index = NULL;
	const bool *hidden = NULL;
	char *text = NULL;
	int result = save_find_hidden(&source, &saving->row, &hidden, saving->call);

	if (result == 0)
		result = save_config(&saving->row, saving->layers, hidden, &text, saving->call);
	if (result == 0)
		result = save_document(saving, text, &config);
	if (result == 0)
		result = save_manifest(&saving->row, &config, saving->layers, &text, saving->call);
	if (result == 0)
		result = save_document(saving, text, &manifest);
	if (result == 0)
		result = save_index(saving->arena, &saving->row, &manifest, saving->names, saving->n_names, &index,
				    saving->call);
	if (result == 0)
		result = save_output_file(&saving->output, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}",
					  saving->call);
	return result < 0 ? result : save_output_file(&saving->output, "index.json", index, saving->call);
}

/* --- the whole --- */

/* The tag that it was asked for by, else all that it has. */
static int choose_names(struct saving *saving, const char *reference)
{
	const char *normalised = NULL;
	cri_call quiet;

	saving->names = saving->row.tags;
	saving->n_names = saving->row.n_tags;
	/* The beginning of an id need not be a name. */
	call_init_child(&quiet, saving->call);
	if (image_normalise(saving->arena, reference, &normalised, &quiet) == CRI_ENOMEM)
		return call_no_memory(saving->call, step);
	for (size_t i = 0; normalised && i < saving->row.n_tags; i++)
		if (strcmp(saving->row.tags[i], normalised) == 0) {
			saving->names = &saving->row.tags[i];
			saving->n_names = 1;
			break;
		}
	return 0;
}

static int save(struct saving *saving, const struct save_args *args, const cri_save_options *options)
{
	int result = image_find(saving->engine, saving->arena, args->reference, &saving->row, saving->call);

	if (result == 0 && saving->row.embedded)
		result = call_fail(saving->call, CRI_ENOTSUP, step,
				   "an embedded image is the host's own files: copy those");
	if (result == 0)
		result = choose_names(saving, args->reference);
	if (result < 0)
		return result;
	saving->layers = arena_array(saving->arena, saving->row.n_layers + 1, sizeof(*saving->layers));
	if (!saving->layers)
		return call_no_memory(saving->call, step);
	result = save_output_begin(&saving->output, args->path, options->format, saving->call);
	if (result == 0)
		result = fetch_start(saving->engine, &saving->fetch, saving->call);
	for (size_t i = 0; i < saving->row.n_layers && result == 0; i++)
		result = save_layer(saving, i);
	if (result == 0)
		result = save_documents(saving);
	return result < 0 ? result : save_output_commit(&saving->output, saving->call);
}

static int save_image(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct save_args *args = pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct saving saving = {
		.engine = engine, .arena = &arena, .fetch = FETCH_CLOSED, .output = SAVE_OUTPUT_CLOSED, .call = call
	};
	const void *options;
	cri_call end;
	int result;

	(void)output;
	call_object(call, "image %s", args->reference ? args->reference : "");
	if (text_is_empty(args->path) || args->path[0] != '/')
		return call_fail(call, CRI_EINVAL, step, "path: \"%s\" is not absolute", args->path ? args->path : "");
	result = config_copy(&config_save_options, &arena, args->options, &options, call);
	if (result < 0)
		return result;
	result = save(&saving, args, options);
	fetch_stop(&saving.fetch);
	save_output_end(&saving.output);
	/* A layer whose image went meanwhile was passed over then. */
	call_init_child(&end, call);
	call_shield(&end);
	if (image_collect_layers(engine, &end) < 0)
		engine_log(engine, CRI_LOG_WARNING, "%s", cri_call_message(&end));
	call_unshield(&end);
	return result;
}

static int copy_save_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct save_args *args = pointer;
	const void *options;
	int result = config_copy(&config_save_options, arena, args->options, &options, call);

	if (result < 0)
		return result;
	args->options = options;
	if (args->reference && !(args->reference = arena_strdup(arena, args->reference)))
		return call_no_memory(call, step);
	if (args->path && !(args->path = arena_strdup(arena, args->path)))
		return call_no_memory(call, step);
	return 0;
}

int cri_image_save(cri_engine *engine, const char *reference, const char *path, const cri_save_options *options,
		   cri_call *call)
{
	const struct save_args args = { reference, path, options };

	return api_call(engine, save_image, &args, NULL, call);
}

int cri_image_save_begin(cri_engine *engine, const char *reference, const char *path, const cri_save_options *options,
			 cri_op **op, cri_call *call)
{
	const struct save_args args = { reference, path, options };

	return api_begin(engine, save_image, &args, sizeof(args), copy_save_args, API_NO_OUTPUT, op, call);
}

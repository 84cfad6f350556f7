/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer.h"

#include "base/fs.h"
#include "base/lock.h"
#include "core/paths.h"
#include "image/merged.h"
#include "image/process.h"
#include "store/store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/xattr.h>

#define MAX_ENTRIES 4000000
#define MAX_PARALLEL 32
#define ARCHIVE_MAX_ENTRIES 100000

static const char step[] = "unpack the layers";

void layer_init(struct layer *layer)
{
	*layer = (struct layer){ .diff_id = layer->diff_id,
				 .chain_id = layer->chain_id,
				 .expected = layer->expected,
				 .path = layer->path,
				 .lock = -1,
				 .directory = -1,
				 .unpacker = UNPACKER_CLOSED };
}

void layer_lock_name(int64_t row, char name[LAYER_LOCK_SIZE])
{
	snprintf(name, LAYER_LOCK_SIZE, "layer-%" PRId64, row);
}

int layer_destroy(cri_engine *engine, int64_t row, cri_call *call)
{
	char path[PATH_MAX];
	int error = fs_remove_tree(AT_FDCWD, path_layer(engine, row, path));

	if (error)
		return call_fail_errno(call, error, "remove a layer", "%s", path);
	return store_layer_delete(engine->store, row, call);
}

/* --- start --- */

/* A row with its lock, and an empty directory. */
static int make_row(struct layer_set *set, struct layer *layer, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	char name[LAYER_LOCK_SIZE], path[PATH_MAX];
	int64_t row = 0;
	int result = engine_lock_object(set->engine, LAYERS_LOCK, &lock, call);

	if (result == 0)
		result = store_layer_begin(set->engine->store, layer->diff_id, &row, call);
	if (result < 0)
		return result;
	layer->row = row;
	layer_lock_name(row, name);
	result = engine_lock_object(set->engine, name, &layer->lock, call);
	if (result < 0)
		return result;
	result = fs_make_directories(path_layer_fs(set->engine, row, path), 0755);
	if (result)
		return call_fail_errno(call, result, step, "make %s", path);
	layer->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return layer->directory < 0 ? call_fail_errno(call, errno, step, "open %s", path) : 0;
}

static int open_blob(const struct layer_set *set, const struct layer *layer, int *fd, cri_call *call)
{
	struct stat status;
	int opened = fs_open_in_root(set->layout, layer->path, O_RDONLY | O_NONBLOCK, 0);

	if (opened == -ENOENT)
		return call_fail(call, CRI_ECORRUPT, step, "layer %s is missing", layer->path);
	if (opened < 0)
		return call_fail_errno(call, opened, step, "open layer %s", layer->path);
	if (fstat(opened, &status) || !S_ISREG(status.st_mode)) {
		close(opened);
		return call_fail(call, CRI_ECORRUPT, step, "layer %s is no file", layer->path);
	}
	*fd = opened;
	return 0;
}

static int start_layer(struct layer_set *set, struct layer *layer, cri_call *call)
{
	const struct unpack_limits limits = { MAX_ENTRIES, set->engine->options.max_layer_bytes };
	CLEANUP_CLOSE int source = -1;
	CLEANUP_CLOSE int sink = -1;
	int result = set->layout < 0 ? 0 : open_blob(set, layer, &source, call);

	if (result == 0)
		result = make_row(set, layer, call);
	if (result == 0)
		result = unpacker_start(set->engine, "layer", layer->directory, &limits, set->charge, &layer->unpacker,
					&sink, call);
	if (result == 0)
		result = fetch_layer(set->fetch, source, sink, &layer->expected, &layer->job, call);
	if (result == 0)
		layer->state = LAYER_RUNNING;
	return result;
}

/* A layer that comes twice is unpacked once, unless it turns out to depend on what is below. */
static bool must_wait_for_same(struct layer_set *set, size_t index)
{
	struct layer *layer = &set->layers[index];

	for (size_t i = 0; i < index; i++) {
		const struct layer *other = &set->layers[i];

		if (strcmp(other->diff_id, layer->diff_id) != 0 || other->state == LAYER_REPEATED)
			continue;
		if (other->state == LAYER_RUNNING || other->state == LAYER_WAITING)
			return true;
		if (other->state == LAYER_UNPACKED && !layer_is_bound(other)) {
			layer->state = LAYER_REPEATED;
			layer->same = i;
		}
		return false;
	}
	return false;
}

static int start_more(struct layer_set *set, size_t *n_running, cri_call *call)
{
	size_t limit = set->engine->options.max_parallel_layers;
	int result = 0;

	if (limit < 1 || limit > MAX_PARALLEL)
		limit = limit < 1 ? 1 : MAX_PARALLEL;
	for (size_t i = 0; i < set->n_layers && *n_running < limit && result == 0; i++) {
		struct layer *layer = &set->layers[i];

		if (layer->state != LAYER_WAITING || must_wait_for_same(set, i) || layer->state != LAYER_WAITING)
			continue;
		result = start_layer(set, layer, call);
		if (result == 0)
			++*n_running;
	}
	return result;
}

/* --- what the helpers say --- */

static int add_missing(struct layer_set *set, struct layer *layer, const char *path, cri_call *call)
{
	if (layer->n_missing >= UNPACK_MAX_MISSING)
		return call_fail(call, CRI_ECORRUPT, step, "the helper reports too many directories");
	if (!layer->missing)
		layer->missing = arena_array(set->arena, UNPACK_MAX_MISSING, sizeof(*layer->missing));
	if (!layer->missing || !(layer->missing[layer->n_missing] = arena_strdup(set->arena, path)))
		return call_no_memory(call, step);
	layer->n_missing++;
	return 0;
}

static int add_link(struct layer_set *set, struct layer *layer, const char *name, const char *target, cri_call *call)
{
	struct layer_link *link;

	if (layer->n_links >= UNPACK_MAX_LINKS)
		return call_fail(call, CRI_ECORRUPT, step, "the helper reports too many links");
	if (!layer->links)
		layer->links = arena_array(set->arena, UNPACK_MAX_LINKS, sizeof(*layer->links));
	if (!layer->links)
		return call_no_memory(call, step);
	link = &layer->links[layer->n_links];
	link->name = arena_strdup(set->arena, name);
	link->target = arena_strdup(set->arena, target);
	if (!link->name || !link->target)
		return call_no_memory(call, step);
	layer->n_links++;
	return 0;
}

static int make_opaque(const struct layer *layer, const char *path, cri_call *call)
{
	CLEANUP_CLOSE int fd = fs_open_in_root(layer->directory, path, O_RDONLY | O_DIRECTORY, 0);

	/* A later member of the tar may have replaced it. */
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return call_fail_errno(call, fd, step, "open \"%s\" of the layer", path);
	if (fsetxattr(fd, MERGED_OPAQUE_ATTRIBUTE, "y", 1, 0))
		return call_fail_errno(call, errno, step, "mark \"%s\" of the layer opaque", path);
	return 0;
}

static int hear_unpacker(struct layer_set *set, struct layer *layer, cri_call *call)
{
	struct unpack_message message;
	int result;

	while (!layer->unpacked && (result = unpacker_receive(&layer->unpacker, &message, call)) != 0) {
		if (result < 0)
			return result;
		result = 0;
		switch (message.kind) {
		case UNPACK_OPAQUE:
			result = make_opaque(layer, message.text, call);
			break;
		case UNPACK_MISSING:
			result = add_missing(set, layer, message.text, call);
			break;
		case UNPACK_LINK:
			result = add_link(set, layer, message.text, message.text + strlen(message.text) + 1, call);
			break;
		case UNPACK_DONE:
			layer->unpacked = true;
			layer->bytes = message.bytes;
			layer->inodes = message.inodes;
			layer->recount = message.recount;
			break;
		default:
			result = call_fail(call, CRI_EINTERNAL, step, "an unknown message from the helper");
		}
		if (result < 0)
			return result;
	}
	return 0;
}

/* Why the helper that reads the tar gave up says more than that its reader went away. */
static int fetch_failed(struct layer_set *set, struct layer *layer, const struct fetch_reply *reply, cri_call *call)
{
	struct pollfd ready = { .fd = layer->unpacker.status, .events = POLLIN };
	int result = 0;

	while (reply->code == FETCH_SINK_CLOSED && result == 0 && !layer->unpacked) {
		result = call_wait(call, step, &ready, 1, -1);
		if (result > 0)
			result = hear_unpacker(set, layer, call);
	}
	if (result < 0)
		return result;
	if (reply->error)
		return call_fail_errno(call, reply->error, step, "layer %s: %s", layer->path, reply->text);
	return call_fail(call, reply->code == FETCH_SINK_CLOSED ? CRI_EINTERNAL : reply->code, step, "layer %s: %s",
			 layer->path, reply->text);
}

static int hear_fetch(struct layer_set *set, cri_call *call)
{
	struct fetch_reply reply;
	int result;

	while ((result = fetch_receive(set->fetch, &reply, call)) > 0) {
		struct layer *layer = NULL;

		for (size_t i = 0; i < set->n_layers; i++)
			if (set->layers[i].state == LAYER_RUNNING && set->layers[i].job == reply.job)
				layer = &set->layers[i];
		if (!layer)
			continue;
		if (reply.event == FETCH_FAILED)
			return fetch_failed(set, layer, &reply, call);
		layer->bytes_done = reply.bytes;
		if (set->progress)
			set->progress(set, set->progress_data);
		if (reply.event != FETCH_DONE)
			continue;
		if (layer->diff_id && strcmp(reply.diff_id, layer->diff_id) != 0)
			return call_fail(call, CRI_ECORRUPT, step,
					 "layer %s: unpacked its digest is %s and should be %s", layer->path,
					 reply.diff_id, layer->diff_id);
		layer->fetched = true;
	}
	return result;
}

static void settle_running(struct layer_set *set, size_t *n_running)
{
	for (size_t i = 0; i < set->n_layers; i++) {
		struct layer *layer = &set->layers[i];

		if (layer->state != LAYER_RUNNING || !layer->fetched || !layer->unpacked)
			continue;
		layer->state = LAYER_UNPACKED;
		--*n_running;
		if (set->progress)
			set->progress(set, set->progress_data);
	}
}

/* A large layer's helper sees to it that it is written out, beside those that are still at work. From here on nobody
 * changes what it made. */
static int wait_for_unpackers(struct layer_set *set, cri_call *call)
{
	int result = 0;

	for (size_t i = 0; i < set->n_layers && result == 0; i++) {
		struct unpacker *unpacker = &set->layers[i].unpacker;
		struct pollfd ended = { .fd = unpacker->process, .events = POLLIN };

		if (unpacker->process >= 0)
			result = call_wait(call, step, &ended, 1, -1);
		if (result >= 0)
			result = unpacker_stop(unpacker, call);
	}
	return result;
}

static int wait_and_hear(struct layer_set *set, cri_call *call)
{
	struct pollfd fds[MAX_PARALLEL + 1];
	struct layer *waiting[MAX_PARALLEL + 1];
	size_t n = 0;
	int result;

	fds[n++] = (struct pollfd){ .fd = set->fetch->socket, .events = POLLIN };
	for (size_t i = 0; i < set->n_layers && n <= MAX_PARALLEL; i++)
		if (set->layers[i].state == LAYER_RUNNING && !set->layers[i].unpacked) {
			waiting[n] = &set->layers[i];
			fds[n++] = (struct pollfd){ .fd = set->layers[i].unpacker.status, .events = POLLIN };
		}
	result = call_wait(call, step, fds, n, -1);
	if (result < 0)
		return result;
	/* cri-fetch first: it tells why it stops before it closes the pipe, and the reader of a pipe that was closed
	 * too early only knows that the tar is cut off. */
	result = hear_fetch(set, call);
	for (size_t i = 1; i < n && result == 0; i++)
		if (fds[i].revents)
			result = hear_unpacker(set, waiting[i], call);
	return result;
}

static int find_present(struct layer_set *set, cri_call *call)
{
	for (size_t i = 0; i < set->n_layers; i++) {
		struct layer *layer = &set->layers[i];
		struct layer_row row;
		int result =
			store_layer_find(set->engine->store, set->arena, layer->diff_id, layer->chain_id, &row, call);

		if (result == CRI_ENOTFOUND)
			continue;
		if (result < 0)
			return result;
		layer->state = LAYER_PRESENT;
		layer->row = row.id;
		layer->bytes = row.bytes;
		layer->inodes = row.inodes;
	}
	return 0;
}

/* In order: a layer that depends on what is below it needs that complete. */
static int complete_all(struct layer_set *set, cri_call *call)
{
	for (size_t i = 0; i < set->n_layers; i++) {
		struct layer *layer = &set->layers[i];
		int result = 0;

		if (layer->state != LAYER_UNPACKED)
			continue;
		if (layer_is_bound(layer))
			result = layer_complete(set, i, call);
		if (result == 0 && layer->recount) {
			char path[PATH_MAX];

			result = fs_tree_usage(AT_FDCWD, path_layer(set->engine, layer->row, path), call_goes_on, call,
					       &layer->bytes, &layer->inodes);
			if (result == -ECANCELED)
				result = call_check(call, step);
			else if (result)
				result = call_fail_errno(call, result, step, "measure %s", path);
		}
		if (result < 0)
			return result;
	}
	return 0;
}

static int wait_for_some(struct layer_set *set, size_t *n_running, cri_call *call)
{
	int result = wait_and_hear(set, call);

	if (result == 0)
		settle_running(set, n_running);
	return result;
}

int layer_set_make(struct layer_set *set, cri_call *call)
{
	size_t n_running = 0;
	int result = find_present(set, call);

	while (result == 0) {
		result = start_more(set, &n_running, call);
		if (result < 0 || n_running == 0)
			break;
		result = wait_for_some(set, &n_running, call);
	}
	if (result == 0)
		result = wait_for_unpackers(set, call);
	return result < 0 ? result : complete_all(set, call);
}

int layer_unpack_archive(struct layer_set *set, int source, int directory, uint64_t max_bytes, cri_call *call)
{
	const struct unpack_limits limits = { ARCHIVE_MAX_ENTRIES, max_bytes };
	struct layer *archive = &set->layers[0];
	CLEANUP_CLOSE int sink = -1;
	size_t n_running = 1;
	int result = unpacker_start(set->engine, "archive", directory, &limits, NULL, &archive->unpacker, &sink, call);

	if (result == 0)
		result = fetch_layer(set->fetch, source, sink, &archive->expected, &archive->job, call);
	/* The archive ends when its last writer does. */
	cleanup_close_fd(&sink);
	sink = -1;
	archive->state = LAYER_RUNNING;
	while (result == 0 && n_running > 0)
		result = wait_for_some(set, &n_running, call);
	if (result == 0)
		result = wait_for_unpackers(set, call);
	if (result == 0 && archive->n_links > 0)
		result =
			call_fail(call, CRI_ECORRUPT, step, "\"%s\" is a hard link to nothing", archive->links[0].name);
	return result;
}

void layer_set_undo(struct layer_set *set, cri_call *call)
{
	cri_call undo;

	call_init_child(&undo, call);
	call_shield(&undo);
	/* All are told to end before the first is waited for. */
	for (size_t i = 0; i < set->n_layers; i++)
		if (set->layers[i].unpacker.process >= 0)
			process_kill(set->layers[i].unpacker.process);
	for (size_t i = 0; i < set->n_layers; i++) {
		struct layer *layer = &set->layers[i];

		(void)unpacker_stop(&layer->unpacker, &undo);
		if (layer->directory >= 0)
			close(layer->directory);
		layer->directory = -1;
		/* What cannot be destroyed now is found by image_collect_layers: its row is there, its lock free. */
		if (layer->lock >= 0 && layer->state != LAYER_PRESENT && layer->row) {
			if (layer_destroy(set->engine, layer->row, &undo) < 0)
				engine_log(set->engine, CRI_LOG_WARNING, "%s", cri_call_message(&undo));
			call_clear(&undo);
		}
		if (layer->lock >= 0)
			lock_release(take_fd(&layer->lock));
		layer_init(layer);
	}
	call_unshield(&undo);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody refers to goes: layers, and what killed processes left. */
#include "base/fs.h"
#include "base/lock.h"
#include "core/paths.h"
#include "image/layer.h"
#include "image/mounted.h"
#include "image/temporary.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "collect layers";

struct garbage {
	int64_t row;
	int lock;
};

/* Under LAYERS_LOCK: what is not ready and can be locked is nobody's, and stays so. */
static int find_garbage(cri_engine *engine, struct arena *arena, struct garbage **garbage, size_t *n_garbage,
			cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	int64_t *rows = NULL;
	size_t n_rows = 0;
	int result = engine_lock_object(engine, LAYERS_LOCK, &lock, call);

	if (result == 0)
		result = store_layer_unused(engine->store, arena, &rows, &n_rows, call);
	if (result < 0)
		return result;
	*garbage = arena_array(arena, n_rows + 1, sizeof(**garbage));
	if (!*garbage)
		return call_no_memory(call, step);
	for (size_t i = 0; i < n_rows; i++) {
		struct garbage *found = &(*garbage)[*n_garbage];
		char name[LAYER_LOCK_SIZE];

		layer_lock_name(rows[i], name);
		result = engine_trylock_object(engine, name, &found->lock, call);
		if (result == CRI_EAGAIN)
			continue;
		if (result < 0)
			return result;
		found->row = rows[i];
		++*n_garbage;
	}
	return 0;
}

int image_collect_layers(cri_engine *engine, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct garbage *garbage = NULL;
	size_t n_garbage = 0;
	int result = find_garbage(engine, &arena, &garbage, &n_garbage, call);

	for (size_t i = 0; i < n_garbage; i++) {
		/* The row of one that resists stays, so the next pass tries again; the first failure is described. */
		int destroyed = layer_destroy(engine, garbage[i].row, call);

		if (result == 0)
			result = destroyed;
		lock_release(garbage[i].lock);
	}
	return result;
}

/* --- at open --- */

/* Calls `visit` for each name in a directory; one that does not exist is empty. */
static int for_each(cri_engine *engine, const char *path, int (*visit)(cri_engine *, const char *, cri_call *),
		    cri_call *call)
{
	CLEANUP_DIR DIR *directory = opendir(path);
	struct dirent *entry;
	int result = 0;

	if (!directory)
		return errno == ENOENT ? 0 : call_fail_errno(call, errno, "recover images", "open %s", path);
	while (result == 0 && (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = visit(engine, entry->d_name, call);
	return result;
}

/* A row may be lost in a power cut, after its directory was made. Directories are made after their rows and go before
 * them, so one without a row is nobody's. */
static int recover_layer(cri_engine *engine, const char *name, cri_call *call)
{
	char path[PATH_MAX], rest = 0;
	char *end = &rest;
	int64_t row = strtoll(name, &end, 36);
	bool exists = true;
	int result, error;

	if (*end || row <= 0)
		return 0;
	result = store_layer_exists(engine->store, row, &exists, call);
	if (result < 0 || exists)
		return result;
	error = fs_remove_tree(AT_FDCWD, path_layer(engine, row, path));
	if (error)
		engine_log(engine, CRI_LOG_WARNING, "recover images: %s cannot be removed: %s", path,
			   strerrordesc_np(-error));
	return 0;
}

int image_recover(cri_engine *engine, cri_call *call)
{
	char path[PATH_MAX];
	char *slash;
	int result = for_each(engine, path_temporary(engine, "", path), temporary_recover, call);

	if (result == 0)
		result = image_collect_layers(engine, call);
	if (result < 0)
		return result;
	slash = strrchr(path_layer(engine, 1, path), '/');
	*slash = '\0';
	result = for_each(engine, path, recover_layer, call);
	if (result == 0)
		image_unmount_idle(engine, call);
	return result;
}

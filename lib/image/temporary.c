/* SPDX-License-Identifier: Apache-2.0 */
#include "image/temporary.h"

#include "base/fs.h"
#include "base/lock.h"
#include "base/random.h"
#include "base/text.h"
#include "core/paths.h"
#include "image/charge.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "make a temporary directory";

/* With the directory's name, the id of the lock of who uses it. */
#define LOCK_PREFIX "import-"

int temporary_make(cri_engine *engine, struct temporary *temporary, cri_call *call)
{
	unsigned char bytes[8];
	char name[64];
	int error = random_bytes(bytes, sizeof(bytes));
	int result;

	if (error)
		return call_fail_errno(call, error, step, "make a name");
	text_hex(bytes, sizeof(bytes), temporary->id);
	snprintf(name, sizeof(name), LOCK_PREFIX "%s", temporary->id);
	result = engine_lock_object(engine, name, &temporary->lock, call);
	if (result < 0)
		return result;
	error = fs_make_directories(path_temporary(engine, temporary->id, temporary->path), 0700);
	return error ? call_fail_errno(call, error, step, "%s", temporary->path) : 0;
}

static void remove_tree(cri_engine *engine, const char *path)
{
	int error = fs_remove_tree(AT_FDCWD, path);

	if (error)
		engine_log(engine, CRI_LOG_WARNING, "%s cannot be removed yet: %s", path, strerrordesc_np(-error));
}

void temporary_remove(cri_engine *engine, struct temporary *temporary)
{
	if (*temporary->path)
		remove_tree(engine, temporary->path);
	if (temporary->lock >= 0)
		lock_release(temporary->lock);
	temporary->lock = -1;
	*temporary->path = '\0';
}

int temporary_recover(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	char name[NAME_MAX + sizeof(LOCK_PREFIX)], path[PATH_MAX];
	int result;

	snprintf(name, sizeof(name), LOCK_PREFIX "%s", id);
	result = engine_trylock_object(engine, name, &lock, call);
	if (result == CRI_EAGAIN)
		return 0;
	if (result < 0)
		return result;
	path_temporary(engine, id, path);
	charge_recover(engine, path, call);
	remove_tree(engine, path);
	return 0;
}

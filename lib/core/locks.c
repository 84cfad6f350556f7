/* SPDX-License-Identifier: Apache-2.0 */
/* Object locks (engine.h). An acquisition has an open file description of its own, so that threads exclude each other
 * as processes do. */
#include "base/lock.h"

#include "base/text.h"
#include "core/engine.h"
#include "core/paths.h"

#include <stdlib.h>

#define FIRST_DELAY 1 /* milliseconds */
#define LONGEST_DELAY 50

/* Byte 0 of the lock file is recovery's (paths.h). */
static uint64_t byte_of(const char *name)
{
	const uint64_t byte = lock_byte(name);

	return byte ? byte : 1;
}

/* Names and ids are told apart by a tag, or a pod that is named like an id would meet its lock. */
static int tagged_byte(const char *tag, const char *name, uint64_t *byte, cri_call *call)
{
	CLEANUP_FREE char *tagged = text_printf("%s:%s", tag, name);

	if (!tagged)
		return call_no_memory(call, "lock");
	*byte = byte_of(tagged);
	return 0;
}

/* CRI_EAGAIN is not described. */
static int try_byte(cri_engine *engine, uint64_t byte, int *lock, cri_call *call)
{
	char path[PATH_MAX];
	int fd;

	if (!path_lock(engine, path))
		return call_fail_errno(call, ENAMETOOLONG, "lock", "%s", engine->root);
	fd = lock_try(path, byte);
	if (fd == -EAGAIN)
		return CRI_EAGAIN;
	if (fd < 0)
		return call_fail_errno(call, fd, "lock", "%s", path);
	*lock = fd;
	return 0;
}

static int wait_for_lock(cri_engine *engine, const char *tag, const char *name, int *lock, cri_call *call)
{
	int64_t delay = FIRST_DELAY;
	uint64_t byte = 0;
	int result = tagged_byte(tag, name, &byte, call);

	if (result < 0)
		return result;
	for (;;) {
		result = try_byte(engine, byte, lock, call);
		if (result != CRI_EAGAIN)
			return result;
		result = call_wait(call, "wait for another call on the same object", NULL, 0, delay);
		if (result < 0)
			return result;
		delay = 2 * delay > LONGEST_DELAY ? LONGEST_DELAY : 2 * delay;
	}
}

int engine_lock_name(cri_engine *engine, const char *name, int *lock, cri_call *call)
{
	return wait_for_lock(engine, "name", name, lock, call);
}

int engine_lock_object(cri_engine *engine, const char *id, int *lock, cri_call *call)
{
	return wait_for_lock(engine, "object", id, lock, call);
}

int engine_trylock_object(cri_engine *engine, const char *id, int *lock, cri_call *call)
{
	uint64_t byte = 0;
	int result = tagged_byte("object", id, &byte, call);

	return result < 0 ? result : try_byte(engine, byte, lock, call);
}

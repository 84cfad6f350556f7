/* SPDX-License-Identifier: Apache-2.0 */
#include "container/exits.h"

#include "base/clock.h"
#include "base/lock.h"
#include "container/container.h"
#include "core/paths.h"
#include "runtime/shim.h"
#include "runtime/shim_process.h"

#include <dirent.h>
#include <string.h>

/* Records are named by container ids; the wake file and files that are still being written begin with a dot. */
static bool is_record(const char *name)
{
	return name[0] != '.';
}

bool container_exits_pending(const cri_engine *engine)
{
	char path[PATH_MAX];
	CLEANUP_DIR DIR *directory = opendir(path_exits(engine, path));
	const struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		if (is_record(entry->d_name))
			return true;
	}
	return false;
}

int container_fold_exit(cri_engine *engine, const char *id, bool *folded, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct exit_record record;
	bool changed = false;
	int result;

	*folded = false;
	result = exit_record_read(engine, id, &arena, &record, NULL, call);
	if (result == CRI_ENOTFOUND)
		return 0;
	if (result < 0)
		return result;
	const struct container_exit exit = {
		.finished_at = record.finished_at,
		.exit_code = record.exit_code,
		.oom = record.oom,
		.started_at = record.started_at,
		.reason = record.reason,
		.message = record.message,
	};
	result = store_container_exited(engine->store, id, &exit, &changed, call);
	/* A record without a container is what a removal that was killed left; its row is gone. */
	if (result == CRI_ENOTFOUND)
		call_clear(call);
	else if (result < 0)
		return result;
	exit_record_delete(engine, id);
	if (changed)
		engine_wake(engine);
	*folded = true;
	return 0;
}

int container_fold_exits(cri_engine *engine, cri_call *call)
{
	char path[PATH_MAX];
	CLEANUP_DIR DIR *directory = opendir(path_exits(engine, path));
	const struct dirent *entry;

	if (!directory)
		return call_fail_errno(call, errno, "read exit records", "%s", path);
	while ((entry = readdir(directory))) {
		bool folded;
		int result;

		if (!is_record(entry->d_name))
			continue;
		result = container_fold_exit(engine, entry->d_name, &folded, call);
		/* A record that nobody can read must not hide the others. */
		if (result == CRI_ECORRUPT) {
			engine_log(engine, CRI_LOG_ERROR, "%s", cri_call_message(call));
			call_clear(call);
		} else if (result < 0) {
			return result;
		}
	}
	return 0;
}

int container_overlay_exit(cri_engine *engine, struct arena *arena, struct container_row *row,
			   enum shim_liveness *liveness, cri_call *call)
{
	struct exit_record record;
	int result;

	if (row->state != CONTAINER_CREATED && row->state != CONTAINER_RUNNING)
		return 0;
	result = exit_record_read(engine, row->id, arena, &record, liveness, call);
	if (result == CRI_ENOTFOUND)
		return 0;
	if (result < 0)
		return result;
	row->state = CONTAINER_EXITED;
	row->finished_at = record.finished_at;
	row->exit_code = record.exit_code;
	row->message = record.message;
	row->reason = store_exit_reason(record.reason, record.exit_code, record.oom);
	if (record.started_at)
		row->started_at = record.started_at;
	return 0;
}

/* 1: its end is committed; 0: not yet. */
static int has_exited(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row row;
	bool folded;
	int result = container_fold_exit(engine, id, &folded, call);

	if (result < 0)
		return result;
	result = store_container_get(engine->store, &arena, id, true, &row, call);
	if (result < 0)
		return result;
	return row.state == CONTAINER_EXITED || row.state == CONTAINER_REMOVING;
}

/* Under the object lock, so that two waiters do not both resume a shim. */
static int reconcile(cri_engine *engine, const char *id, bool locked, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	int result = locked ? 0 : engine_lock_object(engine, id, &lock, call);

	return result < 0 ? result : container_reconcile(engine, id, call);
}

int container_await_exit(cri_engine *engine, const char *id, int64_t timeout, bool locked, cri_call *call)
{
	int64_t until;
	int result;

	/* A grace that no clock can count has no end. */
	if (timeout < 0 || __builtin_mul_overflow(timeout, NANOSECONDS_PER_MILLISECOND, &until) ||
	    __builtin_add_overflow(until, clock_boot(), &until))
		until = INT64_MAX;

	for (;;) {
		CLEANUP_CLOSE int pidfd = -1;
		struct pollfd poll = { .events = POLLIN };
		int64_t left = -1;

		if (timeout >= 0) {
			left = (until - clock_boot()) / NANOSECONDS_PER_MILLISECOND;
			left = left < 0 ? 0 : left;
		}
		/* Taken before the look at the store: an end in between ends the wait. */
		pidfd = shim_process_open(engine, id, SHIM_PROCESS_SHIM);
		result = has_exited(engine, id, call);
		if (result != 0)
			return result < 0 ? result : 0;
		if (left == 0)
			return CRI_EAGAIN;
		if (pidfd < 0) {
			result = reconcile(engine, id, locked, call);
			/* Whoever publishes the end is not done: look again soon. */
			if (result == 0)
				result = call_wait(call, "wait for the container", NULL, 0, 2);
		} else {
			poll.fd = pidfd;
			result = call_wait(call, "wait for the container", &poll, 1, left);
		}
		if (result < 0)
			return result;
	}
}

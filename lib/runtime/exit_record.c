/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "core/paths.h"
#include "runtime/shim.h"

#include <fcntl.h>

static const char step[] = "read the exit record";

#define RECORD_LIMIT 65536
#define RECORD_VERSION 1

/* Where a record is before it is published. */
#define UNPUBLISHED "exit"

/* What is there: 0, -ENOENT or -errno. */
static int read_text(const cri_engine *engine, const char *id, bool published, struct buffer *content)
{
	char path[PATH_MAX];
	const char *given = published ? path_exit(engine, id, path) : path_container(engine, id, UNPUBLISHED, path);

	return given ? fs_read(AT_FDCWD, path, RECORD_LIMIT, content) : -ENAMETOOLONG;
}

static int find(cri_engine *engine, const char *id, struct buffer *content, enum shim_liveness *liveness,
		cri_call *call)
{
	int result;

	/* Mostly, and looking for a file that is not there costs more. */
	if (shim_runs_on(engine, id)) {
		*liveness = SHIM_ALIVE;
		return CRI_ENOTFOUND;
	}
	result = read_text(engine, id, true, content);
	if (result != -ENOENT)
		return result < 0 ? call_fail_errno(call, result, step, "%s", id) : 0;
	/* Whoever lives of the two publishes it, when the log is complete. */
	result = shim_liveness(engine, id, liveness, call);
	if (result < 0)
		return result;
	if (*liveness != SHIM_DEAD)
		return CRI_ENOTFOUND;
	/* They may have published it between the two looks. */
	result = read_text(engine, id, true, content);
	if (result == -ENOENT)
		result = read_text(engine, id, false, content);
	if (result == -ENOENT)
		return CRI_ENOTFOUND;
	return result < 0 ? call_fail_errno(call, result, step, "%s", id) : 0;
}

static int decode(const cJSON *json, struct arena *arena, struct exit_record *record, cri_call *call)
{
	const char *reason = "";
	const char *message = "";
	int64_t version, exit_code;

	record->started_at = 0;
	record->oom = false;
	if (json_int64(json, "version", &version) < 0 || version != RECORD_VERSION ||
	    json_int64(json, "exit_code", &exit_code) < 0 || exit_code < 0 || exit_code > 255 ||
	    json_int64(json, "finished_at", &record->finished_at) < 0 ||
	    json_int64(json, "started_at", &record->started_at) == -EINVAL ||
	    json_bool(json, "oom", &record->oom) == -EINVAL || json_string(json, "reason", &reason) == -EINVAL ||
	    json_string(json, "message", &message) == -EINVAL)
		return call_fail(call, CRI_ECORRUPT, step, "it is no exit record");
	record->exit_code = (int32_t)exit_code;
	record->reason = arena_strdup(arena, reason);
	record->message = arena_strdup(arena, message);
	return record->reason && record->message ? 0 : call_no_memory(call, step);
}

int exit_record_read(cri_engine *engine, const char *id, struct arena *arena, struct exit_record *record,
		     enum shim_liveness *liveness, cri_call *call)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	CLEANUP_JSON cJSON *json = NULL;
	enum shim_liveness ignored;
	int result = find(engine, id, &content, liveness ? liveness : &ignored, call);

	if (result < 0)
		return result;
	result = json_parse(content.data ? content.data : "", content.length, RECORD_LIMIT, &json);
	if (result == -ENOMEM)
		return call_no_memory(call, step);
	if (result < 0)
		return call_fail(call, CRI_ECORRUPT, step, "%s is no exit record", id);
	return decode(json, arena, record, call);
}

void exit_record_delete(cri_engine *engine, const char *id)
{
	char path[PATH_MAX];

	/* One that stays is folded again, without effect, and deleted then. */
	if (path_exit(engine, id, path))
		unlink(path);
	if (path_container(engine, id, UNPUBLISHED, path))
		unlink(path);
}

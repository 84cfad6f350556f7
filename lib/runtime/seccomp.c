/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/text.h"
#include "core/call.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "read the seccomp profile";

#define PROFILE_LIMIT (1u << 20)

static int check(const char *field, const char *path, const struct buffer *content, cri_call *call)
{
	CLEANUP_JSON cJSON *json = NULL;
	const char *action;

	if (json_parse(content->data ? content->data : "", content->length, PROFILE_LIMIT, &json) < 0)
		return call_fail(call, CRI_EINVAL, step, "linux.security_context.%s: %s is no JSON", field, path);
	if (!cJSON_IsObject(json) || json_string(json, "defaultAction", &action) < 0)
		return call_fail(call, CRI_EINVAL, step,
				 "linux.security_context.%s: %s is no profile: it has no defaultAction", field, path);
	return 0;
}

static int read_file(struct arena *arena, const char *field, const char *path, const char **profile, cri_call *call)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	struct stat status;
	int result;

	if (stat(path, &status) < 0)
		return call_fail(call, CRI_EINVAL, step, "linux.security_context.%s: %s: %s", field, path,
				 strerrordesc_np(errno));
	/* A FIFO would be waited for. */
	if (!S_ISREG(status.st_mode))
		return call_fail(call, CRI_EINVAL, step, "linux.security_context.%s: %s is no file", field, path);
	result = fs_read(AT_FDCWD, path, PROFILE_LIMIT, &content);
	if (result == -EFBIG)
		return call_fail(call, CRI_EINVAL, step, "linux.security_context.%s: %s has more than %u bytes", field,
				 path, PROFILE_LIMIT);
	if (result < 0)
		return call_fail_errno(call, result, step, "%s", path);
	result = check(field, path, &content, call);
	if (result < 0)
		return result;
	*profile = arena_strdup(arena, content.data);
	return *profile ? 0 : call_no_memory(call, step);
}

int seccomp_settle(struct arena *arena, const cri_security_profile *asked, const char *path, const char **profile,
		   cri_call *call)
{
	static const char prefix[] = "localhost/";

	*profile = "";
	if (asked) {
		if (asked->profile_type == CRI_PROFILE_RUNTIME_DEFAULT)
			*profile = SECCOMP_DEFAULT;
		if (asked->profile_type == CRI_PROFILE_LOCALHOST)
			return read_file(arena, "seccomp.localhost_ref", asked->localhost_ref, profile, call);
		return 0;
	}
	if (text_is_empty(path) || strcmp(path, "unconfined") == 0)
		return 0;
	if (strcmp(path, "runtime/default") == 0) {
		*profile = SECCOMP_DEFAULT;
		return 0;
	}
	return read_file(arena, "seccomp_profile_path", path + (text_starts(path, prefix) ? strlen(prefix) : 0),
			 profile, call);
}

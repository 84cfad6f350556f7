/* SPDX-License-Identifier: Apache-2.0 */
/* The process record: see init_protocol.h. */
#include "runtime/handler.h"

#include "base/buffer.h"
#include "base/text.h"
#include "runtime/init_protocol.h"

#include <string.h>

static const char step[] = "describe the process";

static void append(struct buffer *record, enum process_tag tag, const void *bytes, size_t length)
{
	const uint32_t head[2] = { (uint32_t)tag, (uint32_t)length };

	buffer_append(record, head, sizeof(head));
	buffer_append(record, bytes, length);
}

static void append_text(struct buffer *record, enum process_tag tag, const char *text)
{
	append(record, tag, text, strlen(text));
}

static void append_flag(struct buffer *record, enum process_tag tag, bool present)
{
	if (present)
		append(record, tag, NULL, 0);
}

static void append_limits(const struct runtime_process *process, struct buffer *record)
{
	for (size_t i = 0; i < process->n_limits; i++) {
		const struct {
			int32_t resource, padding;
			uint64_t soft, hard;
		} limit = {
			.resource = process->limits[i].resource,
			.soft = process->limits[i].value.rlim_cur,
			.hard = process->limits[i].value.rlim_max,
		};

		append(record, PROCESS_RLIMIT, &limit, sizeof(limit));
	}
}

static int check(const struct runtime_process *process, cri_call *call)
{
	if (!process->n_arguments && !process->pause)
		return call_fail(call, CRI_EINVAL, step, "command: it is empty");
	if (text_is_empty(process->directory) || process->directory[0] != '/')
		return call_fail(call, CRI_EINVAL, step, "working_dir: \"%s\" is not absolute",
				 process->directory ? process->directory : "");
	for (size_t i = 0; i < process->n_environment; i++) {
		const char *equals = strchr(process->environment[i], '=');

		if (!equals || equals == process->environment[i])
			return call_fail(call, CRI_EINVAL, step, "envs: \"%s\" is not NAME=value",
					 process->environment[i]);
	}
	return 0;
}

int runtime_encode_process(const struct runtime_process *process, struct buffer *record, cri_call *call)
{
	int result = check(process, call);

	if (result < 0)
		return result;
	for (size_t i = 0; i < process->n_arguments; i++)
		append_text(record, PROCESS_ARGUMENT, process->arguments[i]);
	for (size_t i = 0; i < process->n_environment; i++)
		append_text(record, PROCESS_ENVIRONMENT, process->environment[i]);
	append_text(record, PROCESS_DIRECTORY, process->directory);
	append_text(record, PROCESS_USER, process->user ? process->user : "");
	if (process->has_group)
		append(record, PROCESS_GROUP, &process->group, sizeof(process->group));
	if (process->n_groups)
		append(record, PROCESS_GROUPS, process->groups, process->n_groups * sizeof(*process->groups));
	append_flag(record, PROCESS_GROUPS_STRICT, process->groups_strict);
	append(record, PROCESS_CAPABILITIES, process->capabilities, sizeof(process->capabilities));
	append_flag(record, PROCESS_NO_NEW_PRIVS, process->no_new_privs);
	append_flag(record, PROCESS_TERMINAL, process->terminal);
	if (process->has_oom_score_adj)
		append(record, PROCESS_OOM_SCORE, &process->oom_score_adj, sizeof(process->oom_score_adj));
	append_limits(process, record);
	append_flag(record, PROCESS_EXEC, process->exec);
	/* It must not run outside of its cgroup because the shim forgot. */
	append_flag(record, PROCESS_CGROUP_FILES, true);
	append_flag(record, PROCESS_PAUSE, process->pause);
	return record->failed ? call_no_memory(call, step) : 0;
}

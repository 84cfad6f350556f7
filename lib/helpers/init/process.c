/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include "runtime/init_protocol.h"

#include <errno.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <string.h>

#define HEADER_SIZE (2 * sizeof(uint32_t))
#define LIMIT_SIZE 24

static const char step[] = "read the process record";

struct item {
	uint32_t tag;
	size_t length;
	char *bytes;
};

static int64_t read_int64(const char *bytes)
{
	int64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* (uid_t)-1 means "leave it" to the kernel, and is nobody's id. */
static bool is_id(int64_t value)
{
	return value >= 0 && value < UINT32_MAX;
}

static bool decode_groups(struct process *process, const struct item *item)
{
	if (item->length % sizeof(int64_t) || process->n_groups || item->length / sizeof(int64_t) > PROCESS_GROUPS_MAX)
		return false;
	for (size_t at = 0; at < item->length; at += sizeof(int64_t)) {
		int64_t group = read_int64(item->bytes + at);

		if (!is_id(group))
			return false;
		process->groups[process->n_groups++] = (uint32_t)group;
	}
	return true;
}

static bool decode_limit(struct process *process, const struct item *item)
{
	struct process_limit *limit = &process->limits[process->n_limits];
	int32_t resource;

	if (item->length != LIMIT_SIZE || process->n_limits == PROCESS_LIMITS_MAX)
		return false;
	memcpy(&resource, item->bytes, sizeof(resource));
	if (resource < 0 || resource >= RLIM_NLIMITS)
		return false;
	limit->resource = resource;
	limit->value.rlim_cur = (rlim_t)read_int64(item->bytes + 8);
	limit->value.rlim_max = (rlim_t)read_int64(item->bytes + 16);
	process->n_limits++;
	return limit->value.rlim_cur <= limit->value.rlim_max;
}

static bool decode_seccomp(struct process *process, const struct item *item)
{
	process->seccomp = item->bytes;
	process->n_seccomp = item->length / sizeof(struct sock_filter);
	return item->length % sizeof(struct sock_filter) == 0 && process->n_seccomp > 0 &&
	       process->n_seccomp <= BPF_MAXINSNS;
}

static bool decode_number(struct process *process, const struct item *item)
{
	int64_t value;

	if (item->length != sizeof(value))
		return false;
	value = read_int64(item->bytes);
	if (item->tag == PROCESS_GROUP) {
		process->has_group = true;
		process->group = (uint32_t)value;
		return is_id(value);
	}
	process->has_oom_score = true;
	process->oom_score = value;
	return value >= -1000 && value <= 1000;
}

static bool decode_umask(struct process *process, const struct item *item)
{
	if (item->length != sizeof(process->umask))
		return false;
	memcpy(&process->umask, item->bytes, sizeof(process->umask));
	process->has_umask = true;
	return process->umask <= 0777;
}

static bool decode_capabilities(struct process *process, const struct item *item)
{
	if (item->length != sizeof(process->capabilities))
		return false;
	memcpy(process->capabilities, item->bytes, sizeof(process->capabilities));
	process->has_capabilities = true;
	return true;
}

static bool decode_mark(bool *mark, const struct item *item)
{
	*mark = true;
	return item->length == 0;
}

/* The NUL comes when the next item has been read: it takes that one's first byte. */
static bool decode_text(const char **text, const struct item *item)
{
	*text = item->bytes;
	return !memchr(item->bytes, '\0', item->length);
}

static bool decode_variable(struct process *process, const struct item *item)
{
	const char *equals = memchr(item->bytes, '=', item->length);

	process->environment[process->n_environment++] = item->bytes;
	return equals && equals != item->bytes && !memchr(item->bytes, '\0', item->length);
}

static bool decode_item(struct process *process, const struct item *item)
{
	switch (item->tag) {
	case PROCESS_ARGUMENT:
		process->arguments[process->n_arguments++] = item->bytes;
		return !memchr(item->bytes, '\0', item->length);
	case PROCESS_ENVIRONMENT:
		return decode_variable(process, item);
	case PROCESS_DIRECTORY:
		return decode_text(&process->directory, item) && item->length > 0 && item->bytes[0] == '/';
	case PROCESS_USER:
		return decode_text(&process->user, item);
	case PROCESS_LSM_LABEL:
		return decode_text(&process->label, item) && item->length > 0;
	case PROCESS_HOSTNAME:
		return decode_text(&process->hostname, item) && item->length > 0;
	case PROCESS_GROUP:
	case PROCESS_OOM_SCORE:
		return decode_number(process, item);
	case PROCESS_GROUPS:
		return decode_groups(process, item);
	case PROCESS_CAPABILITIES:
		return decode_capabilities(process, item);
	case PROCESS_RLIMIT:
		return decode_limit(process, item);
	case PROCESS_UMASK:
		return decode_umask(process, item);
	case PROCESS_SECCOMP:
		return decode_seccomp(process, item);
	case PROCESS_GROUPS_STRICT:
		return decode_mark(&process->groups_strict, item);
	case PROCESS_NO_NEW_PRIVS:
		return decode_mark(&process->no_new_privs, item);
	case PROCESS_TERMINAL:
		return decode_mark(&process->terminal, item);
	case PROCESS_EXEC:
		return decode_mark(&process->exec, item);
	case PROCESS_CGROUP_FILES:
		return decode_mark(&process->cgroup_files, item);
	case PROCESS_PAUSE:
		return decode_mark(&process->pause, item);
	default:
		return false;
	}
}

int process_decode(char *record, size_t length, char **arguments, char **environment, struct process *process,
		   struct failure *failure)
{
	size_t at = 0;

	memset(process, 0, sizeof(*process));
	process->arguments = arguments;
	process->environment = environment;
	process->directory = "/";
	process->user = "";
	while (at < length) {
		uint32_t header[2];
		struct item item;

		if (length - at < HEADER_SIZE)
			return fail(failure, EINVAL, step, "it ends within a header, at byte %d", (int64_t)at);
		memcpy(header, record + at, HEADER_SIZE);
		record[at] = '\0';
		item = (struct item){ header[0], header[1], record + at + HEADER_SIZE };
		if (item.length > length - at - HEADER_SIZE)
			return fail(failure, EINVAL, step, "tag %d at byte %d is longer than the record",
				    (int64_t)item.tag, (int64_t)at);
		if (!decode_item(process, &item))
			return fail(failure, EINVAL, step, "tag %d at byte %d is not known or not valid",
				    (int64_t)item.tag, (int64_t)at);
		at += HEADER_SIZE + item.length;
	}
	record[length] = '\0';
	arguments[process->n_arguments] = NULL;
	environment[process->n_environment] = NULL;
	if (!process->pause && !process->n_arguments)
		return fail(failure, EINVAL, step, "it has no command");
	if (!process->has_capabilities)
		return fail(failure, EINVAL, step, "it has no capability sets");
	return 0;
}

const char *process_variable(const struct process *process, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < process->n_environment; i++) {
		const char *text = process->environment[i];

		if (!strncmp(text, name, length) && text[length] == '=')
			return text + length + 1;
	}
	return NULL;
}

void process_add_variable(struct process *process, const char *name, char *text)
{
	if (process_variable(process, name))
		return;
	process->environment[process->n_environment++] = text;
	process->environment[process->n_environment] = NULL;
}

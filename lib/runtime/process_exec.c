/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/process_exec.h"

#include "base/fs.h"
#include "base/text.h"
#include "core/paths.h"
#include "runtime/init_protocol.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define EXIT_START_ERROR 128

#define RECORD_LIMIT (4u << 20)

int process_exit_code(int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return EXIT_NOT_FOUND;
	if (error == EACCES || error == ENOEXEC || error == EISDIR)
		return EXIT_NOT_EXECUTABLE;
	return EXIT_START_ERROR;
}

static void append(struct buffer *record, enum process_tag tag, const void *bytes, size_t length)
{
	const uint32_t head[2] = { (uint32_t)tag, (uint32_t)length };

	buffer_append(record, head, sizeof(head));
	buffer_append(record, bytes, length);
}

/* Whether the exec names a variable of the container anew. `text` is "NAME=value" without NUL. */
static bool is_replaced(const struct process_exec *exec, const char *text, size_t length)
{
	for (size_t i = 0; i < exec->n_environment; i++) {
		size_t name = strlen(exec->environment[i]->key);

		if (length > name && text[name] == '=' && !memcmp(text, exec->environment[i]->key, name))
			return true;
	}
	return false;
}

static bool is_inherited(const struct process_exec *exec, uint32_t tag, const char *bytes, size_t length)
{
	switch (tag) {
	case PROCESS_ARGUMENT:
	case PROCESS_TERMINAL:
	case PROCESS_PAUSE:
	case PROCESS_HOSTNAME:
	case PROCESS_EXEC:
	case PROCESS_CGROUP_FILES:
		return false;
	case PROCESS_ENVIRONMENT:
		return !is_replaced(exec, bytes, length);
	case PROCESS_DIRECTORY:
		return text_is_empty(exec->directory);
	default:
		return true;
	}
}

static int inherit(const struct buffer *container, const struct process_exec *exec, struct buffer *record)
{
	size_t offset = 0;

	while (offset < container->length) {
		uint32_t head[2];
		const char *bytes = container->data + offset + sizeof(head);

		if (container->length - offset < sizeof(head))
			return -EBADMSG;
		memcpy(head, container->data + offset, sizeof(head));
		if (container->length - offset - sizeof(head) < head[1])
			return -EBADMSG;
		if (is_inherited(exec, head[0], bytes, head[1]))
			append(record, head[0], bytes, head[1]);
		offset += sizeof(head) + head[1];
	}
	return 0;
}

static int to_memfd(const struct buffer *record, int *fd)
{
	CLEANUP_CLOSE int memfd = memfd_create("process", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int result;

	if (memfd < 0)
		return -errno;
	result = fs_write_full(memfd, record->data, record->length);
	if (result < 0)
		return result;
	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	*fd = take_fd(&memfd);
	return 0;
}

int process_exec_record(cri_engine *engine, const char *id, const struct process_exec *exec, int *fd, cri_call *call)
{
	static const char step[] = "prepare the command";
	CLEANUP_BUFFER struct buffer container = BUFFER_EMPTY;
	CLEANUP_BUFFER struct buffer record = BUFFER_EMPTY;
	char path[PATH_MAX];
	int result;

	result = fs_read(AT_FDCWD, path_container(engine, id, "process", path), RECORD_LIMIT, &container);
	if (result < 0)
		return call_fail_errno(call, result, step, "%s", path);
	result = inherit(&container, exec, &record);
	if (result < 0)
		return call_fail(call, CRI_ECORRUPT, step, "%s is no process record", path);
	for (size_t i = 0; i < exec->n_command; i++)
		append(&record, PROCESS_ARGUMENT, exec->command[i], strlen(exec->command[i]));
	for (size_t i = 0; i < exec->n_environment; i++) {
		CLEANUP_FREE char *text = text_printf("%s=%s", exec->environment[i]->key, exec->environment[i]->value);

		if (!text)
			return call_no_memory(call, step);
		append(&record, PROCESS_ENVIRONMENT, text, strlen(text));
	}
	if (!text_is_empty(exec->directory))
		append(&record, PROCESS_DIRECTORY, exec->directory, strlen(exec->directory));
	if (exec->terminal)
		append(&record, PROCESS_TERMINAL, NULL, 0);
	append(&record, PROCESS_EXEC, NULL, 0);
	if (record.failed)
		return call_no_memory(call, step);
	result = to_memfd(&record, fd);
	return result < 0 ? call_fail_errno(call, result, step, "memfd") : 0;
}

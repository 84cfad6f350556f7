/* SPDX-License-Identifier: Apache-2.0 */
#include "exit.h"

#include "base/fs.h"

#include <errno.h>
#include <string.h>

/* What a shell, and after it Docker and Kubernetes, answer for a command that cannot be executed. */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define EXIT_START_ERROR 128

int exit_code_of_start_error(int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return EXIT_NOT_FOUND;
	if (error == EACCES || error == ENOEXEC || error == EISDIR)
		return EXIT_NOT_EXECUTABLE;
	return EXIT_START_ERROR;
}

int exit_write(const struct order *order, const struct store_content *content, const struct exit_end *end)
{
	CLEANUP_JSON cJSON *record = cJSON_CreateObject();
	CLEANUP_FREE char *text = NULL;

	if (!record || !cJSON_AddNumberToObject(record, "version", 1) ||
	    !cJSON_AddStringToObject(record, "id", order->id) ||
	    !cJSON_AddNumberToObject(record, "exit_code", end->exit_code) ||
	    json_add_int64(record, "finished_at", end->finished_at) < 0 ||
	    json_add_int64(record, "started_at", content->start_failed ? 0 : content->started_at) < 0 ||
	    !cJSON_AddBoolToObject(record, "oom", end->oom) ||
	    !cJSON_AddStringToObject(record, "reason", end->reason) ||
	    !cJSON_AddStringToObject(record, "message", end->message))
		return -ENOMEM;
	text = cJSON_PrintUnformatted(record);
	if (!text)
		return -ENOMEM;
	return fs_write_atomic(order->directory_fd, EXIT_FILE, text, strlen(text), 0600, false);
}

int exit_publish(const struct order *order)
{
	if (renameat(order->directory_fd, EXIT_FILE, order->exits_fd, order->id) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "go.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/socket.h"
#include "runtime/shim_protocol.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static const char step[] = "go on";

static int alone(struct failure *failure)
{
	return fail(failure, CRI_ECANCELED, 0, step, "nobody waits for it any more");
}

/* Who asked may be dead: what it began is then cleared away by others, and nothing must be added. */
static bool is_alone(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static int enter(const cJSON *message, struct failure *failure)
{
	const cJSON *files = NULL;
	const cJSON *file;

	if (json_array(message, "files", &files) < 0)
		return fail(failure, CRI_EINVAL, 0, step, "the first message names no files");
	cJSON_ArrayForEach(file, files)
	{
		int result = cJSON_IsString(file) ? fs_write_text(AT_FDCWD, file->valuestring, "0") : -EINVAL;

		if (result < 0)
			return fail(failure, code_of_errno(result), result, step,
				    "enter the monitors' cgroup through %s",
				    cJSON_IsString(file) ? file->valuestring : "what is no path");
	}
	return 0;
}

int go_enter(int fd, bool *zygote, struct failure *failure)
{
	CLEANUP_FREE char *text = malloc(SHIM_MESSAGE_MAX);
	CLEANUP_JSON cJSON *message = NULL;
	int fds[SOCKET_MAX_FDS];
	size_t n_fds = 0;
	ssize_t n;
	int result;

	if (!text)
		return fail(failure, CRI_ENOMEM, ENOMEM, step, "read the first message");
	n = socket_receive(fd, text, SHIM_MESSAGE_MAX, fds, &n_fds, 0);
	while (n > 0 && n_fds)
		close(fds[--n_fds]);
	if (n == 0 || n == -ECONNRESET)
		return alone(failure);
	result = n < 0 ? (int)n : json_parse(text, (size_t)n, SHIM_MESSAGE_MAX, &message);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "read the first message");
	*zygote = false;
	(void)json_bool(message, "zygote", zygote);
	return enter(message, failure);
}

int go_await_order(int fd, int *begun, struct failure *failure)
{
	char text[sizeof(SHIM_ORDER)];
	int fds[SOCKET_MAX_FDS];
	size_t n_fds = 0;
	ssize_t n = socket_receive(fd, text, sizeof(text), fds, &n_fds, 0);
	int result = 0;

	if (n == 0 || n == -ECONNRESET)
		return alone(failure);
	if (n < 0)
		return fail(failure, code_of_errno((int)n), (int)n, step, "receive the order");
	*begun = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if ((size_t)n != strlen(SHIM_ORDER) || memcmp(text, SHIM_ORDER, (size_t)n) != 0 || n_fds != 1)
		result = fail(failure, CRI_EINVAL, 0, step, "what came is no order");
	else if (*begun < 0 || dup3(fds[0], fd, O_CLOEXEC) < 0)
		result = fail(failure, code_of_errno(errno), errno, step, "take the order's socket");
	else if (is_alone(fd))
		result = alone(failure);
	while (n_fds)
		close(fds[--n_fds]);
	return result;
}

int go_await(int fd, const char *message, struct failure *failure)
{
	char text[sizeof(SHIM_ORDER)];
	int fds[SOCKET_MAX_FDS];
	size_t n_fds = 0;
	ssize_t n = socket_receive(fd, text, sizeof(text), fds, &n_fds, 0);

	while (n > 0 && n_fds)
		close(fds[--n_fds]);
	if (n == 0 || n == -ECONNRESET || (n > 0 && is_alone(fd)))
		return alone(failure);
	if (n < 0)
		return fail(failure, code_of_errno((int)n), (int)n, step, "receive %s", message);
	if ((size_t)n != strlen(message) || memcmp(text, message, (size_t)n) != 0)
		return fail(failure, CRI_EINVAL, 0, step, "what came is not %s", message);
	return 0;
}

int go_send(int fd, const char *message, struct failure *failure)
{
	int result = socket_send(fd, message, strlen(message), NULL, 0);

	return result < 0 && result != -EPIPE && result != -ECONNRESET
		       ? fail(failure, code_of_errno(result), result, step, "send %s", message)
		       : 0;
}

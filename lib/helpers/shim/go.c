/* SPDX-License-Identifier: Apache-2.0 */
#include "go.h"

#include "base/cleanup.h"
#include "base/socket.h"
#include "runtime/shim_protocol.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

static const char step[] = "go on";

/* Who asked may be dead: what it began is then cleared away by others, and nothing must be added. */
static bool is_alone(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
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
		return fail(failure, CRI_ECANCELED, 0, step, "nobody waits for it any more");
	if (n < 0)
		return fail(failure, code_of_errno((int)n), (int)n, step, "receive %s", message);
	if ((size_t)n != strlen(message) || memcmp(text, message, (size_t)n) != 0)
		return fail(failure, CRI_EINVAL, 0, step, "what came is not %s", message);
	return 0;
}

int go_send(int fd, struct failure *failure)
{
	int result = socket_send(fd, SHIM_GO, strlen(SHIM_GO), NULL, 0);

	return result < 0 && result != -EPIPE && result != -ECONNRESET
		       ? fail(failure, code_of_errno(result), result, step, "send " SHIM_GO)
		       : 0;
}

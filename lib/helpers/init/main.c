/* SPDX-License-Identifier: Apache-2.0 */
/* cri-init: the first process of every container and of every exec. See runtime/init_protocol.h. */
#include "become.h"
#include "channel.h"
#include "mounts.h"
#include "prepare.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* What a shell answers for a command that it does not find, or cannot execute; seen only when nobody listens. */
#define EXIT_NOT_FOUND 127
#define EXIT_NOT_EXECUTED 126

static struct failure failure;
static struct prepared prepared;

static int set_up(void)
{
	/* Until the socket's end tells of the execve. */
	if (fcntl(INIT_SOCKET_FD, F_SETFD, FD_CLOEXEC) < 0)
		return -EBADF;
	/* A process of the container that may trace us, because it has the same user, could take our descriptors.
	 * execve sets it back. */
	(void)prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
	umask(022);
	prepared.root_fd = fs_open_in_root(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	return prepared.root_fd < 0 ? fail(&failure, prepared.root_fd, "open the root", "") : 0;
}

static int get_ready(void)
{
	struct order order;
	int result;

	for (;;) {
		result = channel_receive(&order, &failure);
		if (result == 0 && !mounts_is_order(&order))
			break;
		if (result == 0)
			result = mounts_do(prepared.root_fd, &order, &failure);
		channel_release(&order);
		if (result < 0)
			return result;
	}
	if (order.type == INIT_PROCESS)
		result = prepare(&prepared, &order, &failure);
	else
		result = fail(&failure, EBADMSG, "read a message of the shim", "type %d", (int64_t)order.type);
	channel_release(&order);
	if (result < 0)
		return result;
	result = channel_send_ready(prepared.answer.bytes, prepared.answer.length, prepared.master_fd);
	if (prepared.master_fd >= 0)
		close(prepared.master_fd);
	return result < 0 ? fail(&failure, result, "tell the shim", "") : 0;
}

static int run(void)
{
	struct order order;
	int result = channel_receive(&order, &failure);

	if (result < 0)
		return result;
	if (order.type != INIT_START)
		return fail(&failure, EBADMSG, "read a message of the shim", "type %d is not START",
			    (int64_t)order.type);
	if (prepared.process.pause)
		return become_pause(&prepared, &failure);
	if (order.n_fds != (prepared.process.terminal ? 0 : 3))
		return fail(&failure, EBADMSG, "take the standard descriptors", "%d came", (int64_t)order.n_fds);
	return become(&prepared, prepared.process.terminal ? NULL : order.fds, &failure);
}

int main(void)
{
	int result = set_up();

	if (result == 0)
		result = get_ready();
	if (result == 0)
		result = run();
	if (failure.step)
		channel_send_failed(&failure);
	return result == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTED;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a container over from a shim that died: everything is in the monitor's store. */
#include "control.h"
#include "monitor.h"
#include "program.h"
#include "shim.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

static const char step[] = "resume";

/* A pidfd of the living monitor; its pid counts only while it holds its lock. */
static int open_monitor(const struct order *order, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	CLEANUP_CLOSE int pidfd = -1;
	char path[PATH_MAX];
	int64_t pid = 0;
	int result = fs_path(path, sizeof(path), "%s/monitor.lock", order->directory);

	if (result == 0)
		result = fs_read(AT_FDCWD, path, 32, &content);
	if (result < 0 || text_to_int64(content.data, &pid) < 0 || pid <= 0)
		return fail(failure, CRI_EPRECONDITION, result, step, "the container has no monitor");
	pidfd = pidfd_open((pid_t)pid, 0);
	if (pidfd < 0 || lock_is_held(path, 0) != 1)
		return fail(failure, CRI_EPRECONDITION, 0, step, "the container's monitor is gone");
	return take_fd(&pidfd);
}

/* The container's end of a pipe of which we have ours. */
static int reopen(int ours, int flags)
{
	char path[64];
	int fd;

	if (ours < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ours);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Before the start the container's ends were the dead shim's alone. A pipe can be opened again from its other end. */
static int reopen_container_streams(struct shim *shim, const struct store_fds *fds)
{
	shim->container.fds[0] = reopen(fds->stdin_fd, O_RDONLY);
	shim->container.fds[1] = reopen(fds->stdout_fd, O_WRONLY);
	shim->container.fds[2] = reopen(fds->stderr_fd, O_WRONLY);
	for (size_t i = 0; i < 3; i++) {
		if (shim->container.fds[i] < -1)
			return shim->container.fds[i];
	}
	return 0;
}

/* Whether START was acted upon: cri-init closed its end, or has sent FAILED. */
static bool is_past_start(int init_socket)
{
	char byte;

	return recv(init_socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

static int take_over(struct shim *shim, struct store_content *content, struct failure *failure)
{
	struct store_fds *fds = &content->fds;
	int result = 0;

	if (!content->created || fds->pidfd < 0 || fds->init_socket < 0 || fds->link < 0)
		return fail(failure, CRI_EPRECONDITION, 0, step, "the container was never created");
	shim->pid = content->pid;
	shim->started_at = content->started_at;
	/* A shim that died between noting the start and sending START leaves a container that can be started. */
	shim->state = content->started_at && is_past_start(fds->init_socket) ? SHIM_STARTING : SHIM_CREATED;
	if (shim->state == SHIM_CREATED) {
		shim->started_at = 0;
		result = reopen_container_streams(shim, fds);
	}
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "open the container's streams again");
	shim->init.fd = take_fd(&fds->init_socket);
	shim->link.fd = take_fd(&fds->link);
	shim->process.fd = take_fd(&fds->pidfd);
	shim->stdin_fd = take_fd(&fds->stdin_fd);
	shim->terminal = take_fd(&fds->terminal);
	shim->streams.output[0].source.fd = take_fd(&fds->stdout_fd);
	shim->streams.output[1].source.fd = take_fd(&fds->stderr_fd);
	return 0;
}

static int announce(struct shim *shim, struct failure *failure)
{
	CLEANUP_CLOSE int own = pidfd_open(getpid(), 0);
	int result = own < 0 ? -errno : store_put_shim(shim->store, own);

	return result < 0 ? fail(failure, code_of_errno(result), result, step, "tell the monitor") : 0;
}

static int read_store(struct shim *shim, int monitor, struct store_content *content, struct failure *failure)
{
	CLEANUP_CLOSE int receive = pidfd_getfd(monitor, STORE_RECEIVE_FD, 0);
	int result;

	shim->store = receive < 0 ? -1 : pidfd_getfd(monitor, STORE_SEND_FD, 0);
	if (shim->store < 0)
		return fail(failure, code_of_errno(errno), errno, step, "take the monitor's descriptors");
	/* First: the monitor then waits for this shim before it publishes itself. */
	result = announce(shim, failure);
	if (result < 0)
		return result;
	result = store_read(receive, shim->order.directory_fd, content);
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "read the monitor's store") : 0;
}

int shim_resume(struct shim *shim, char **user, struct failure *failure)
{
	CLEANUP(store_content_free) struct store_content content = { .fds = STORE_FDS_NONE };
	CLEANUP_CLOSE int monitor = -1;
	const char *failed = "";
	int result = order_enter(&shim->order.monitor_cgroup_entry, &failed);

	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "enter the monitors' cgroup through %s",
			    failed);
	result = shim_take_lock(shim, failure);
	if (result < 0)
		return result;
	monitor = open_monitor(&shim->order, failure);
	if (monitor < 0)
		return monitor;
	result = streams_init(&shim->streams, &shim->loop, &shim->order, failure);
	/* A log that cannot be opened any more is no reason to leave the container alone. */
	if (result < 0)
		shim->streams.log.fd = -1;
	result = read_store(shim, monitor, &content, failure);
	if (result == 0)
		result = control_listen(shim, failure);
	if (result == 0)
		result = program_open(&shim->program, &shim->program_mount, failure);
	if (result == 0)
		result = take_over(shim, &content, failure);
	if (result < 0)
		return result;
	/* In case the dead shim did not come to it. */
	(void)pidfd_send_signal(monitor, MONITOR_RELEASE_SIGNAL, NULL, 0);
	order_forget(&shim->order);
	*user = TAKE_POINTER(content.user);
	return 0;
}

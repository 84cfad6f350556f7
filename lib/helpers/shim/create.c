/* SPDX-License-Identifier: Apache-2.0 */
/* From the start of this program to a container whose first process waits for "start". */
#include "control.h"
#include "exit.h"
#include "filter.h"
#include "go.h"
#include "init_link.h"
#include "kill.h"
#include "lxc.h"
#include "monitor.h"
#include "mounts.h"
#include "oom.h"
#include "program.h"
#include "shim.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/socket.h"
#include "runtime/shim_protocol.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

static const char step[] = "create the container";

/* How long liblxc may take to put away what it began; then it is killed, and libcri removes the rest. */
#define UNDO_MILLISECONDS 5000
#define LOG_TAIL 512

/* What is the shim's only until the monitor has it. */
struct creation {
	struct monitor_fds monitor;
	int own_pidfd;
};

static void creation_free(struct creation *creation)
{
	cleanup_close_fd(&creation->monitor.init_peer);
	cleanup_close_fd(&creation->monitor.link_peer);
	cleanup_close_fd(&creation->monitor.store_receive);
	cleanup_close_fd(&creation->own_pidfd);
}

int shim_take_lock(struct shim *shim, struct failure *failure)
{
	char path[PATH_MAX];
	char pid[16];
	int result = fs_path(path, sizeof(path), "%s/shim.lock", shim->order.directory);

	if (result < 0)
		return fail(failure, CRI_EINVAL, result, step, "%s", shim->order.directory);
	shim->lock = lock_try(path, SHIM_LOCK_ALIVE);
	if (shim->lock == -EAGAIN)
		return fail(failure, CRI_EEXIST, 0, step, "another shim serves it");
	if (shim->lock < 0)
		return fail(failure, code_of_errno(shim->lock), shim->lock, step, "%s", path);
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (ftruncate(shim->lock, 0) < 0 || pwrite(shim->lock, pid, strlen(pid), 0) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "%s", path);
	return 0;
}

/* A pipe whose reading or writing end is ours, without waiting. */
static int make_pipe(int *ours, int *containers, bool we_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ours = fds[we_write ? 1 : 0];
	*containers = fds[we_write ? 0 : 1];
	return fs_set_nonblocking(*ours, true);
}

static int make_streams(struct shim *shim, struct failure *failure)
{
	int result = 0;

	if (shim->order.terminal)
		return 0;
	if (shim->order.stdin_open)
		result = make_pipe(&shim->stdin_fd, &shim->container.fds[0], true);
	if (result == 0)
		result = make_pipe(&shim->streams.output[0].source.fd, &shim->container.fds[1], false);
	if (result == 0)
		result = make_pipe(&shim->streams.output[1].source.fd, &shim->container.fds[2], false);
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "make pipes") : 0;
}

static int make_sockets(struct shim *shim, struct creation *creation, struct failure *failure)
{
	int init[2], link[2], store[2];
	int result = init_pair(init);

	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "make sockets");
	shim->init.fd = init[0];
	creation->monitor.init_peer = init[1];
	result = socket_pair(link);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "make sockets");
	shim->link.fd = link[0];
	creation->monitor.link_peer = link[1];
	result = socket_pair(store);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "make sockets");
	shim->store = creation->monitor.store_send = store[0];
	creation->monitor.store_receive = store[1];
	return 0;
}

static int fill_store(struct shim *shim, struct creation *creation, struct failure *failure)
{
	const struct store_fds fds = {
		.init_socket = shim->init.fd,
		.link = shim->link.fd,
		.stdin_fd = shim->stdin_fd,
		.stdout_fd = shim->streams.output[0].source.fd,
		.stderr_fd = shim->streams.output[1].source.fd,
	};
	int result;

	creation->own_pidfd = pidfd_open(getpid(), 0);
	result = creation->own_pidfd < 0 ? -errno : store_put_fds(shim->store, &fds);
	if (result == 0)
		result = store_put_shim(shim->store, creation->own_pidfd);
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "fill the store") : 0;
}

/* What needs no order. The monitor loads liblxc meanwhile, however long the order is in coming. */
static int get_ready(struct shim *shim, struct creation *creation, const char *directory, struct failure *failure)
{
	int result = shim->program < 0 ? program_open(&shim->program, &shim->program_mount, failure) : 0;

	if (result == 0)
		result = make_sockets(shim, creation, failure);
	if (result < 0)
		return result;
	creation->monitor.init_program = shim->program;
	shim->monitor = monitor_fork(directory, &creation->monitor);
	if (shim->monitor < 0) {
		result = shim->monitor;
		shim->monitor = 0;
		return fail(failure, code_of_errno(result), result, step, "fork the monitor");
	}
	/* Only with the monitor's end closed here does its death show as the end of the file. */
	cleanup_close_fd(&creation->monitor.init_peer);
	cleanup_close_fd(&creation->monitor.link_peer);
	creation->monitor.init_peer = creation->monitor.link_peer = -1;
	return 0;
}

/* From here on something of the container is touched. The monitor reads the order itself, at the same time. */
static int take_order(struct shim *shim, const char *directory, struct failure *failure)
{
	int result = go_await_order(SHIM_STATUS_FD, &shim->begun, failure);

	if (result == 0)
		result = order_read(directory, &shim->order, failure);
	if (result == 0)
		result = shim_take_lock(shim, failure);
	if (result < 0)
		return result;
	/* Without it others only look twice. */
	(void)lock_take_byte(shim->lock, SHIM_LOCK_UNPUBLISHED);
	return go_send(shim->link.fd, SHIM_ORDER, failure);
}

/* All of the container is there. The first process must be born in its cgroup of v2, on v1 it enters it later: so much
 * later that liblxc has begun long ago. */
static int await_go(struct shim *shim, struct failure *failure)
{
	int result = go_await(SHIM_STATUS_FD, SHIM_GO, failure);

	return result < 0 || !shim->order.cgroup_v2.path ? result : go_send(shim->link.fd, SHIM_GO, failure);
}

static int open_cgroup_procs(const struct order *order)
{
	CLEANUP_CLOSE int directory = order_open_cgroup(order);
	int fd = directory < 0 ? directory : openat(directory, "cgroup.procs", O_RDWR | O_CLOEXEC);

	return directory >= 0 && fd < 0 ? -errno : fd;
}

static int send_opened(const struct shim *shim, int *fds, struct failure *failure)
{
	const struct texts *entry = &shim->order.cgroup_entry;
	const bool has_v2 = shim->order.cgroup_v2.path;
	size_t n = 1 + entry->n;
	int result;

	fds[0] = openat(shim->order.directory_fd, "process", O_RDONLY | O_CLOEXEC);
	if (fds[0] < 0)
		return fail(failure, code_of_errno(errno), errno, step, "%s/process", shim->order.directory);
	for (size_t i = 0; i < entry->n; i++) {
		fds[1 + i] = open(entry->items[i], O_WRONLY | O_CLOEXEC);
		if (fds[1 + i] < 0)
			return fail(failure, code_of_errno(errno), errno, step, "%s", entry->items[i]);
	}
	if (has_v2) {
		fds[n] = open_cgroup_procs(&shim->order);
		if (fds[n] < 0)
			return fail(failure, code_of_errno(fds[n]), fds[n], step, "%s%s/cgroup.procs",
				    shim->order.cgroup_v2.mountpoint, shim->order.cgroup_v2.path);
		n++;
	}
	result = init_send(shim->init.fd, INIT_PROCESS, has_v2 ? INIT_PROCESS_CGROUP_V2 : 0, NULL, 0, fds, n);
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "send the process record") : 0;
}

/* The record, and the files through which cri-init enters those cgroups of the container that it was not born in. */
static int send_process(const struct shim *shim, struct failure *failure)
{
	int fds[SOCKET_MAX_FDS];
	int result;

	if (2 + shim->order.cgroup_entry.n > SOCKET_MAX_FDS)
		return fail(failure, CRI_ENOTSUP, E2BIG, step, "the machine has too many cgroup hierarchies");
	for (size_t i = 0; i < SOCKET_MAX_FDS; i++)
		fds[i] = -1;
	result = send_opened(shim, fds, failure);
	for (size_t i = 0; i < SOCKET_MAX_FDS; i++)
		cleanup_close_fd(&fds[i]);
	return result;
}

static int prepare_beside(struct shim *shim, struct creation *creation, struct failure *failure)
{
	int result = streams_init(&shim->streams, &shim->loop, &shim->order, failure);

	if (result == 0)
		result = control_listen(shim, failure);
	if (result == 0)
		result = make_streams(shim, failure);
	if (result == 0)
		result = fill_store(shim, creation, failure);
	if (result == 0)
		result = mounts_send(&shim->order, shim->init.fd, failure);
	if (result == 0)
		result = filter_add(&shim->order, failure);
	if (result == 0)
		result = send_process(shim, failure);
	return result;
}

/* The end of liblxc's log, on one line, behind the failure's message. */
static void add_log_tail(const struct order *order, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	size_t length = strlen(failure->message);
	const char *tail;

	if (fs_read(order->directory_fd, LXC_LOG_FILE, 1u << 20, &content) < 0 || !content.length)
		return;
	while (content.length && content.data[content.length - 1] == '\n')
		content.data[--content.length] = '\0';
	for (char *at = content.data; *at; at++) {
		if (*at == '\n')
			*at = ';';
	}
	tail = content.length > LOG_TAIL ? content.data + content.length - LOG_TAIL : content.data;
	snprintf(failure->message + length, sizeof(failure->message) - length, "; liblxc says: %s", tail);
}

static void first_process_ended(const struct shim *shim, struct failure *failure)
{
	CLEANUP_CLOSE int oom = oom_open(&shim->order);

	if (oom_happened(oom))
		fail(failure, CRI_EINVAL, 0, step,
		     "linux.resources.memory_limit_in_bytes: no process can begin with so little");
	else
		fail(failure, CRI_EINTERNAL, 0, step, "its first process ended before it was ready");
}

static int take_link_failure(struct shim *shim, const struct link_message *message, ssize_t n, struct failure *failure)
{
	if (n == (ssize_t)sizeof(*message) && message->kind == LINK_FAILED)
		*failure = message->failure;
	else if (n > 0)
		first_process_ended(shim, failure);
	else
		fail(failure, CRI_EINTERNAL, 0, step, "the monitor ended unexpectedly");
	add_log_tail(&shim->order, failure);
	return failure->code;
}

static ssize_t receive_link(const struct shim *shim, struct link_message *message)
{
	int fds[SOCKET_MAX_FDS];
	size_t n_fds;
	ssize_t n = -ECONNRESET;

	/* Stands, once, before the failure of a monitor that ended with our "go" unread. */
	for (int i = 0; i < 3 && n == -ECONNRESET; i++)
		n = socket_receive(shim->link.fd, message, sizeof(*message), fds, &n_fds, 0);
	return n;
}

/* A monitor that failed takes the other end of everything with it: it says first why. */
static int explain(struct shim *shim, struct failure *failure)
{
	struct pollfd link = { .fd = shim->link.fd, .events = POLLIN };
	struct link_message message;

	if (poll(&link, 1, 0) != 1)
		return failure->code;
	return take_link_failure(shim, &message, receive_link(shim, &message), failure);
}

/* cri-init's READY or FAILED; the monitor's failure; or that nobody waits for us any more. */
static int await_ready(struct shim *shim, struct init_answer *answer, struct failure *failure)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = shim->init.fd, .events = POLLIN },
			{ .fd = shim->link.fd, .events = POLLIN },
			{ .fd = SHIM_STATUS_FD, .events = POLLRDHUP },
		};
		struct link_message message;
		ssize_t n;
		int result;

		if (poll(fds, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return fail(failure, code_of_errno(errno), errno, step, "wait for cri-init");
		}
		/* First: what cri-init says explains its end, which the monitor then reports. */
		result = fds[0].revents ? init_receive(shim->init.fd, answer) : -EAGAIN;
		if (result == 1 && answer->type == INIT_READY)
			return 0;
		if (result == 1) {
			*failure = answer->failure;
			return failure->code;
		}
		if (result < 0 && result != -EAGAIN)
			return fail(failure, code_of_errno(result), result, step, "read cri-init's answer");
		if (fds[1].revents) {
			n = receive_link(shim, &message);
			return take_link_failure(shim, &message, n, failure);
		}
		if (fds[2].revents)
			return fail(failure, CRI_ECANCELED, 0, step, "nobody waits for it any more");
		if (result == 0) {
			first_process_ended(shim, failure);
			return failure->code;
		}
	}
}

static int take_ready(struct shim *shim, struct init_answer *answer, struct failure *failure)
{
	int result;

	/* It waits for START, so the pid is still its own. */
	shim->process.fd = pidfd_open(answer->pid, 0);
	if (shim->process.fd < 0 && errno == ESRCH) {
		first_process_ended(shim, failure);
		return failure->code;
	}
	if (shim->process.fd < 0)
		return fail(failure, code_of_errno(errno), errno, step, "pidfd of process %d", answer->pid);
	if (shim->order.terminal && answer->terminal < 0)
		return fail(failure, CRI_EINTERNAL, 0, step, "cri-init sent no terminal");
	result = store_put_created(shim->store, answer->pid, shim->process.fd, answer->terminal, answer->user);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "fill the store");
	shim->pid = answer->pid;
	shim->terminal = take_fd(&answer->terminal);
	/* The monitor is our child and not reaped: the pid is its own. */
	if (kill(shim->monitor, MONITOR_RELEASE_SIGNAL) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "signal the monitor");
	return 0;
}

void shim_undo(struct shim *shim)
{
	struct pollfd link = { .fd = shim->link.fd, .events = POLLIN };

	if (!shim->monitor)
		return;
	/* The store holds copies: closing would tell neither cri-init nor a monitor that still waits for "go". */
	shutdown(shim->init.fd, SHUT_RDWR);
	shutdown(shim->link.fd, SHUT_WR);
	/* The monitor tells when liblxc has put everything away, or ends. */
	if (poll(&link, 1, UNDO_MILLISECONDS) != 1)
		kill(shim->monitor, SIGKILL);
	if (shim->order.directory_fd >= 0) {
		kill_container(&shim->order, UNDO_MILLISECONDS);
		unlinkat(shim->order.directory_fd, EXIT_FILE, 0);
	}
	/* One that wrote an exit record waits for our end. */
	if (!shim->pid)
		waitpid(shim->monitor, NULL, 0);
}

int shim_create(struct shim *shim, const char *directory, char **user, struct failure *failure)
{
	CLEANUP(creation_free)
	struct creation creation = { .monitor = { -1, -1, -1, -1, -1 }, .own_pidfd = -1 };
	struct init_answer answer = { .terminal = -1 };
	int result = get_ready(shim, &creation, directory, failure);

	if (result == 0)
		result = take_order(shim, directory, failure);
	if (result == 0)
		result = await_go(shim, failure);
	if (result == 0) {
		result = prepare_beside(shim, &creation, failure);
		if (result < 0)
			result = explain(shim, failure);
	}
	if (result == 0)
		result = await_ready(shim, &answer, failure);
	if (result == 0)
		result = take_ready(shim, &answer, failure);
	if (result == 0)
		*user = TAKE_POINTER(answer.user);
	init_answer_free(&answer);
	order_forget(&shim->order);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

#include "birth.h"
#include "early_death.h"
#include "exit.h"
#include "go.h"
#include "lxc.h"
#include "oom.h"
#include "store.h"
#include "streams.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/socket.h"
#include "runtime/init_protocol.h"
#include "runtime/shim_protocol.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static const char step[] = "start the monitor";

/* The monitor's descriptors, beside INIT_SOCKET_FD, STORE_RECEIVE_FD and STORE_SEND_FD. */
#define PROGRAM_FD 6
#define LINK_FD 7
#define DIRECTORY_FD SHIM_MONITOR_DIRECTORY_FD
#define EXITS_FD 9
#define STATE_FD SHIM_MONITOR_STATE_FD
#define FIRST_OTHER_FD 11
#define PROGRAM_PATH "/proc/self/fd/6"
_Static_assert(PROGRAM_FD == 6, "as PROGRAM_PATH says");
_Static_assert(DIRECTORY_FD == 8 && STATE_FD == 10, "as shim_protocol.h says");

#define STACK_LEFT_OVER (1u << 20)

/* liblxc leaves this signal alone, and every other one is blocked. When it comes, start() waits for the end. */
static void release(int signal)
{
	static volatile atomic_flag released = ATOMIC_FLAG_INIT;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	(void)signal;
	if (atomic_flag_test_and_set(&released))
		return;
	close(INIT_SOCKET_FD);
	/* It was executed. Nothing shall be again: see was_hung_up(). */
	close(PROGRAM_FD);
	/* liblxc's deep calls left more than a hundred dirty kilobytes below, which nobody will ever read. */
	here = (here & ~(uintptr_t)4095) - 4096;
	madvise((void *)(here - STACK_LEFT_OVER), STACK_LEFT_OVER, MADV_DONTNEED);
}

static int install_release(void)
{
	struct sigaction action = { .sa_handler = release, .sa_flags = SA_RESTART };

	return sigaction(MONITOR_RELEASE_SIGNAL, &action, NULL) < 0 ? -errno : 0;
}

struct place {
	int from, to, flags;
};

/* Gives every descriptor its fixed number. */
static int put_in_places(const struct place *places, size_t n)
{
	int high[8];

	/* Out of the way first: one's number may be another's place. */
	for (size_t i = 0; i < n; i++) {
		high[i] = fcntl(places[i].from, F_DUPFD_CLOEXEC, 64);
		if (high[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < n; i++) {
		if (dup3(high[i], places[i].to, places[i].flags) < 0)
			return -errno;
	}
	return 0;
}

/* Above all it keeps no end of the shim's. */
static int arrange_given(const struct monitor_fds *given)
{
	const struct place places[] = {
		{ given->init_peer, INIT_SOCKET_FD, 0 }, /* inherited by cri-init */
		{ given->store_receive, STORE_RECEIVE_FD, O_CLOEXEC },
		{ given->store_send, STORE_SEND_FD, O_CLOEXEC },
		{ given->init_program, PROGRAM_FD, O_CLOEXEC },
		{ given->link_peer, LINK_FD, O_CLOEXEC },
	};
	int result = put_in_places(places, sizeof(places) / sizeof(*places));

	if (result < 0)
		return result;
	return close_range(LINK_FD + 1, ~0u, 0) < 0 ? -errno : 0;
}

/* What the order names. Nothing else is open above. */
static int arrange_ordered(struct order *order)
{
	CLEANUP_CLOSE int state_fd = open(order->state, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct place places[] = {
		{ order->directory_fd, DIRECTORY_FD, O_CLOEXEC },
		{ order->exits_fd, EXITS_FD, O_CLOEXEC },
		{ state_fd, STATE_FD, O_CLOEXEC },
	};
	int result;

	if (state_fd < 0)
		return -errno;
	result = put_in_places(places, sizeof(places) / sizeof(*places));
	if (result < 0)
		return result;
	order->directory_fd = DIRECTORY_FD;
	order->exits_fd = EXITS_FD;
	/* By its number it is now closed, or one of the above. */
	(void)take_fd(&state_fd);
	return close_range(FIRST_OTHER_FD, ~0u, 0) < 0 ? -errno : 0;
}

static int take_lock(const struct order *order, struct failure *failure)
{
	char path[PATH_MAX];
	char pid[16];
	int fd;
	int result = fs_path(path, sizeof(path), "%s/monitor.lock", order->directory);

	if (result < 0)
		return fail(failure, CRI_EINVAL, result, step, "%s", order->directory);
	fd = lock_try(path, 0);
	if (fd < 0)
		return fail(failure, fd == -EAGAIN ? CRI_EEXIST : code_of_errno(fd), fd, step, "%s", path);
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, strlen(pid), 0) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "%s", path);
	/* The descriptor stays open for life. */
	return 0;
}

/* liblxc's command socket is abstract and takes orders from every root in its network namespace. */
static int leave_network(const struct order *order, struct failure *failure)
{
	CLEANUP_CLOSE int namespace = open(order->monitor_namespace, O_RDONLY | O_CLOEXEC);

	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "enter the network namespace %s",
			    order->monitor_namespace);
	return 0;
}

/* Where liblxc finds no cgroup, and little that starting a container would copy (network/pin_protocol.h). What the
 * monitor needs of the state directory it has as descriptors. *host_fd leads back. */
static int enter_mounts(const struct order *order, int *host_fd, struct failure *failure)
{
	CLEANUP_CLOSE int namespace = open(order->monitor_mounts, O_RDONLY | O_CLOEXEC);

	*host_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (*host_fd < 0 || namespace < 0 || setns(namespace, CLONE_NEWNS) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "enter the mount namespace %s",
			    order->monitor_mounts);
	return 0;
}

/* Until the shim has its order nothing of the container is touched. */
static int take_order(const char *directory, struct order *order, struct failure *failure)
{
	int result = go_await(LINK_FD, SHIM_ORDER, failure);

	if (result == 0)
		result = order_read(directory, order, failure);
	if (result < 0)
		return result;
	result = arrange_ordered(order);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "take its descriptors");
	result = take_lock(order, failure);
	return result < 0 ? result : leave_network(order, failure);
}

static int get_ready(const struct monitor_fds *fds, struct failure *failure)
{
	int result = arrange_given(fds);

	mallopt(M_TOP_PAD, 65536);
	(void)prctl(PR_SET_NAME, "cri-monitor", 0, 0, 0);
	if (result == 0)
		result = install_release();
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "take its descriptors")
			  : lxc_load(failure);
}

static int run(struct order *order, int *host_fd, int *status, struct failure *failure)
{
	int result = order->cgroup_v2.path ? go_await(LINK_FD, SHIM_GO, failure) : 0;

	if (result < 0)
		return result;
	birth_begin(order_open_cgroup(order));
	result = early_death_watch();
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "watch itself");
	result = enter_mounts(order, host_fd, failure);
	return result < 0 ? result : lxc_run(order, PROGRAM_PATH, status, failure);
}

/* liblxc takes a death by SIGHUP for a wish to reboot, and starts the container again. It cannot: see release(). So its
 * start() failed, although a first process was and is dead. */
static bool was_hung_up(const struct store_content *content)
{
	struct pollfd process = { .fd = content->fds.pidfd, .events = POLLIN };

	return poll(&process, 1, 0) == 1;
}

/* `failure`: of liblxc, NULL when it saw the end. */
static void write_record(const struct order *order, const struct store_content *content, int status, bool oom,
			 const struct failure *failure)
{
	struct exit_end end = {
		.exit_code = (status & 0x7f) == 0x7f ? 128 + (status >> 8) : (status >> 8) & 0xff,
		.finished_at = clock_wall(),
		.oom = oom,
		.reason = "",
		.message = "",
	};

	if (failure && was_hung_up(content)) {
		end.exit_code = 128 + SIGHUP;
	} else if (failure) {
		pidfd_send_signal(content->fds.pidfd, SIGKILL, NULL, 0);
		end.exit_code = EXIT_KILLED;
		end.reason = "Unknown";
		end.message = failure->message;
	}
	if (content->start_failed) {
		end.reason = "StartError";
		end.message = content->failure.message;
		end.exit_code = exit_code_of_start_error(content->failure.error);
	}
	(void)exit_write(order, content, &end);
}

/* The present shim publishes; if it dies before, the monitor does: the last lines of the log, then the record. */
static void await_publication(const struct order *order, struct store_content *content)
{
	for (;;) {
		struct pollfd shim = { .fd = content->fds.shim, .events = POLLIN };

		/* A shim that was resumed meanwhile has told the store. */
		if (shim.fd < 0 || poll(&shim, 1, 0) == 1)
			break;
		if (faccessat(order->directory_fd, EXIT_FILE, F_OK, 0) < 0)
			return;
		while (poll(&shim, 1, -1) < 0)
			continue;
		store_content_free(content);
		if (store_read(STORE_RECEIVE_FD, order->directory_fd, content) < 0)
			break;
	}
	if (faccessat(order->directory_fd, EXIT_FILE, F_OK, 0) < 0)
		return;
	streams_drain_orphaned(order, content);
	(void)exit_publish(order);
}

static void tell(const struct link_message *message)
{
	(void)socket_send(LINK_FD, message, sizeof(*message), NULL, 0);
}

static struct order order = { .directory_fd = -1 };

_Noreturn static void monitor(const char *directory, const struct monitor_fds *fds)
{
	struct link_message message = { .kind = LINK_FAILED };
	struct store_content content;
	int status = 0;
	int host_fd = -1;
	int result = get_ready(fds, &message.failure);

	if (result == 0)
		result = take_order(directory, &order, &message.failure);
	if (result < 0) {
		tell(&message);
		_exit(1);
	}
	message.kind = LINK_ENDED;
	result = run(&order, &host_fd, &status, &message.failure);
	/* The log, of which the monitor writes the last lines when the shim is dead, is where the host has it, and so
	 * are cgroups. */
	if (host_fd >= 0)
		(void)setns(host_fd, CLONE_NEWNS);
	if (store_read(STORE_RECEIVE_FD, order.directory_fd, &content) == 0 && content.created) {
		CLEANUP_CLOSE int oom = oom_open(&order);

		write_record(&order, &content, status, oom_happened(oom), result < 0 ? &message.failure : NULL);
	} else if (result < 0) {
		message.kind = LINK_FAILED;
	}
	tell(&message);
	if (content.created)
		await_publication(&order, &content);
	_exit(0);
}

pid_t monitor_fork(const char *directory, const struct monitor_fds *fds)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		monitor(directory, fds);
	return pid;
}

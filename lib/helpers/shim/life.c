/* SPDX-License-Identifier: Apache-2.0 */
/* From "start" to the published end. */
#include "control.h"
#include "exec.h"
#include "exit.h"
#include "init_link.h"
#include "kill.h"
#include "monitor.h"
#include "oom.h"
#include "shim.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/socket.h"
#include "runtime/shim_protocol.h"

#include <fcntl.h>
#include <sys/socket.h>

#define KILL_MILLISECONDS 5000

static void answer_start(struct shim *shim, cJSON *answer)
{
	struct connection *starter = shim->starter;

	shim->starter = NULL;
	control_answer(starter, answer, -1);
}

static void start_failed(struct shim *shim, const struct failure *failure)
{
	(void)store_put_start_failed(shim->store, failure);
	answer_start(shim, control_error(failure));
}

static void started(struct shim *shim)
{
	cJSON *answer = control_ok();

	shim->state = SHIM_RUNNING;
	if (answer && json_add_int64(answer, "started_at", shim->started_at) < 0) {
		cJSON_Delete(answer);
		answer = NULL;
	}
	answer_start(shim, answer);
}

/* What cri-init has to say since START. The end of the file: it executed the command, or it is dead, as shows soon. */
static void read_init(struct shim *shim)
{
	while (shim->init.fd >= 0) {
		struct init_answer answer;
		int result = init_receive(shim->init.fd, &answer);

		if (result == -EAGAIN)
			return;
		if (result == 1 && answer.type == INIT_FAILED && shim->state == SHIM_STARTING) {
			start_failed(shim, &answer.failure);
			shim->state = SHIM_EXITED;
		} else if (result <= 0) {
			loop_remove(&shim->loop, &shim->init);
			cleanup_close_fd(&shim->init.fd);
			shim->init.fd = -1;
			if (shim->state == SHIM_STARTING)
				started(shim);
		}
		init_answer_free(&answer);
	}
}

static void init_ready(struct source *source, uint32_t events)
{
	(void)events;
	read_init(SOURCE_OWNER(source, struct shim, init));
}

static int send_start(struct shim *shim)
{
	const int *fds = shim->container.fds;
	int null = -1;
	int result;

	if (shim->order.terminal)
		return init_send(shim->init.fd, INIT_START, 0, NULL, 0, NULL, 0);
	if (fds[0] < 0) {
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null < 0)
			return -errno;
	}
	const int streams[] = { fds[0] < 0 ? null : fds[0], fds[1], fds[2] };

	result = init_send(shim->init.fd, INIT_START, 0, NULL, 0, streams, 3);
	cleanup_close_fd(&null);
	return result;
}

void shim_begin_start(struct shim *shim, struct connection *starter)
{
	struct failure failure;
	int result = -EPIPE;

	shim->state = SHIM_STARTING;
	shim->starter = starter;
	shim->started_at = clock_wall();
	/* Before START: when the process ends at once, its exit record must know. */
	if (shim->init.fd >= 0)
		result = store_put_started(shim->store, shim->started_at);
	if (result == 0)
		result = send_start(shim);
	if (result < 0) {
		fail(&failure, result == -EPIPE ? CRI_EPRECONDITION : code_of_errno(result), result, "start",
		     "its first process does not wait for it any more");
		start_failed(shim, &failure);
		shim->state = SHIM_EXITED;
		return;
	}
	/* Only the container has them now: its end is the end of the streams. */
	for (size_t i = 0; i < 3; i++) {
		cleanup_close_fd(&shim->container.fds[i]);
		shim->container.fds[i] = -1;
	}
}

/* The first process is dead. What else there is, when the container shares its PID namespace, ends now. */
static void process_ready(struct source *source, uint32_t events)
{
	struct shim *shim = SOURCE_OWNER(source, struct shim, process);

	(void)events;
	loop_remove(&shim->loop, source);
	kill_container(&shim->order, 0);
	read_init(shim);
	if (shim->state != SHIM_STARTING)
		shim->state = SHIM_EXITED;
}

/* The container has ended, and its record is written. */
static void finish(struct shim *shim)
{
	struct failure failure;

	kill_container(&shim->order, KILL_MILLISECONDS);
	/* The monitor is at its end and holds cri-init's socket no more: what is to be read is there. */
	read_init(shim);
	shim->state = SHIM_EXITED;
	if (shim->starter) {
		fail(&failure, CRI_EINTERNAL, 0, "start", "its first process ended before it executed the command");
		answer_start(shim, control_error(&failure));
	}
	exec_end_all(shim);
	streams_drain(&shim->streams);
	(void)lock_give_byte(shim->lock, SHIM_LOCK_UNPUBLISHED);
	(void)exit_publish(&shim->order);
	shim->loop.stopped = true;
}

static void monitor_died(struct shim *shim)
{
	const struct store_content content = { .started_at = shim->started_at };
	CLEANUP_CLOSE int oom = oom_open(&shim->order);
	const struct exit_end end = {
		.exit_code = EXIT_KILLED,
		.finished_at = clock_wall(),
		.oom = oom_happened(oom),
		.reason = "Unknown",
		.message = "the container's monitor was killed, and the container with it",
	};

	kill_container(&shim->order, KILL_MILLISECONDS);
	/* Unless it came as far as writing the record. */
	if (faccessat(shim->order.directory_fd, EXIT_FILE, F_OK, 0) < 0)
		(void)exit_write(&shim->order, &content, &end);
}

static void link_ready(struct source *source, uint32_t events)
{
	struct shim *shim = SOURCE_OWNER(source, struct shim, link);
	struct link_message message;
	int fds[SOCKET_MAX_FDS];
	size_t n_fds;
	ssize_t n = socket_receive(source->fd, &message, sizeof(message), fds, &n_fds, MSG_DONTWAIT);

	(void)events;
	if (n == -EAGAIN)
		return;
	loop_remove(&shim->loop, source);
	if (n != (ssize_t)sizeof(message) || message.kind != LINK_ENDED)
		monitor_died(shim);
	finish(shim);
}

static int watch(struct shim *shim, struct source *source, void (*ready)(struct source *, uint32_t), uint32_t events)
{
	source->ready = ready;
	return source->fd < 0 ? 0 : loop_add(&shim->loop, source, events);
}

int shim_watch(struct shim *shim)
{
	int result = watch(shim, &shim->link, link_ready, EPOLLIN);

	if (result == 0)
		result = watch(shim, &shim->init, init_ready, EPOLLIN);
	if (result == 0)
		result = watch(shim, &shim->process, process_ready, EPOLLIN);
	return result;
}

static void rest(void *context)
{
	struct shim *shim = context;

	streams_rest(&shim->streams);
}

void shim_serve(struct shim *shim)
{
	shim->loop.idle = rest;
	shim->loop.idle_context = shim;
	/* A shim that took over from one that died while it published: nobody tells of the end twice. */
	if (faccessat(shim->order.directory_fd, EXIT_FILE, F_OK, 0) == 0)
		finish(shim);
	(void)loop_run(&shim->loop);
}

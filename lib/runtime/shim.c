/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/shim.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/socket.h"
#include "core/paths.h"
#include "runtime/shim_protocol.h"
#include "runtime/shim_start.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static const char connect_step[] = "connect to the shim";
static const char ask_step[] = "ask the shim";

/* A living shim that does not listen yet, or does not any more, is about to. */
#define CONNECT_MILLISECONDS 10000
#define RETRY_MILLISECONDS 2

#define ORDER_LIMIT (4u << 20)

/* Describes what the shim answered, the errno behind it included: it decides a container's exit code. */
static int fail_as_answered(const cJSON *error, cri_call *call)
{
	const char *step = ask_step;
	const char *message = "";
	int64_t code = CRI_EINTERNAL, error_number = 0;
	bool first = !call->code;

	(void)json_string(error, "step", &step);
	(void)json_string(error, "message", &message);
	(void)json_int64(error, "code", &code);
	(void)json_int64(error, "errno", &error_number);
	/* Only what a library of this version knows. */
	if (code >= 0 || code < CRI_ERRO)
		code = CRI_EINTERNAL;
	call_fail(call, (int)code, step, "%s", message);
	if (first)
		call->error = (int)error_number;
	return (int)code;
}

static int read_answer(const char *text, size_t length, cJSON **answer, cri_call *call)
{
	CLEANUP_JSON cJSON *json = NULL;
	const cJSON *error = NULL;
	int result = json_parse(text, length, SHIM_MESSAGE_MAX, &json);

	if (result == -ENOMEM)
		return call_no_memory(call, ask_step);
	if (result < 0)
		return call_fail(call, CRI_EINTERNAL, ask_step, "its answer is malformed");
	if (json_object(json, "error", &error) == 0)
		return fail_as_answered(error, call);
	if (answer)
		*answer = TAKE_POINTER(json);
	return 0;
}

int shim_receive(int fd, cJSON **answer, int *fds, size_t *n_fds, cri_call *call)
{
	CLEANUP_FREE char *text = malloc(SHIM_MESSAGE_MAX);
	struct pollfd poll = { .fd = fd, .events = POLLIN };
	int received[SOCKET_MAX_FDS];
	size_t n_received = 0;
	ssize_t n;
	int result;

	if (!text)
		return call_no_memory(call, ask_step);
	for (;;) {
		n = socket_receive(fd, text, SHIM_MESSAGE_MAX, received, &n_received, MSG_DONTWAIT);
		/* Stands, once, before what was sent by one that ended with messages of ours unread. */
		if (n == -ECONNRESET)
			continue;
		if (n != -EAGAIN)
			break;
		result = call_wait(call, ask_step, &poll, 1, -1);
		if (result < 0)
			return result;
	}
	if (n == 0)
		return call_fail(call, CRI_EUNAVAILABLE, ask_step, "the shim ended before it answered; try again");
	if (n < 0)
		return call_fail_errno(call, (int)n, ask_step, "receive its answer");
	result = read_answer(text, (size_t)n, answer, call);
	if (result == 0 && fds) {
		memcpy(fds, received, n_received * sizeof(*received));
		*n_fds = n_received;
		return 0;
	}
	while (n_received)
		close(received[--n_received]);
	return result;
}

/* Never waits in the kernel: a shim that is stopped must not stop us beyond the call's deadline. */
int shim_send(int fd, const char *text, const int *fds, size_t n_fds, cri_call *call)
{
	struct pollfd poll = { .fd = fd, .events = POLLOUT };

	for (;;) {
		int result = socket_send(fd, text, strlen(text), fds, n_fds);

		if (result == -EPIPE || result == -ECONNRESET)
			return call_fail(call, CRI_EUNAVAILABLE, ask_step, "the shim ended; try again");
		if (result != -EAGAIN)
			return result < 0 ? call_fail_errno(call, result, ask_step, "send the request") : 0;
		result = call_wait(call, ask_step, &poll, 1, -1);
		if (result < 0)
			return result;
	}
}

int shim_request(int fd, const cJSON *request, const int *fds, size_t n_fds, cJSON **answer, cri_call *call)
{
	CLEANUP_FREE char *text = cJSON_PrintUnformatted(request);
	int result;

	if (!text)
		return call_no_memory(call, ask_step);
	if (strlen(text) > SHIM_MESSAGE_MAX)
		return call_fail(call, CRI_EINVAL, ask_step, "the request is longer than %d bytes", SHIM_MESSAGE_MAX);
	result = shim_send(fd, text, fds, n_fds, call);
	return result < 0 ? result : shim_receive(fd, answer, NULL, NULL, call);
}

/* The one that the shim's order names. */
static int find_monitor_cgroup(cri_engine *engine, const char *id, int *fd, cri_call *call)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	CLEANUP_JSON cJSON *json = NULL;
	const char *directory = NULL;
	char order[PATH_MAX];
	int result = path_container(engine, id, "shim.json", order) ? 0 : -ENAMETOOLONG;

	if (result == 0)
		result = fs_read(AT_FDCWD, order, ORDER_LIMIT, &content);
	if (result == 0)
		result = json_parse(content.data, content.length, ORDER_LIMIT, &json);
	if (result == 0 && json_string(json, "monitor_cgroup_v2", &directory) == -EINVAL)
		result = -EINVAL;
	if (result < 0)
		return call_fail_errno(call, result, "start cri-shim", "find the monitors' cgroup by %s", order);
	return shim_open_monitor_cgroup(directory, fd, call);
}

static int is_held(cri_engine *engine, const char *id, const char *name, cri_call *call)
{
	char path[PATH_MAX];
	int result = path_container(engine, id, name, path) ? lock_is_held(path, SHIM_LOCK_ALIVE) : -ENAMETOOLONG;

	return result < 0 ? call_fail_errno(call, result, "look for the container's helpers", "%s", name) : result;
}

int shim_liveness(cri_engine *engine, const char *id, enum shim_liveness *liveness, cri_call *call)
{
	int shim = is_held(engine, id, "shim.lock", call);
	int monitor = shim;

	/* The monitor does not count beside a shim that lives. Where none does, the shim is looked at last: one that is
	 * resumed meanwhile is seen. */
	if (shim == 0)
		monitor = is_held(engine, id, "monitor.lock", call);
	if (shim == 0 && monitor >= 0)
		shim = is_held(engine, id, "shim.lock", call);
	if (shim < 0 || monitor < 0)
		return shim < 0 ? shim : monitor;
	if (shim)
		*liveness = SHIM_ALIVE;
	else
		*liveness = monitor ? SHIM_ORPHANED : SHIM_DEAD;
	return 0;
}

bool shim_runs_on(cri_engine *engine, const char *id)
{
	char path[PATH_MAX];

	return path_container(engine, id, "shim.lock", path) && lock_is_held(path, SHIM_LOCK_UNPUBLISHED) == 1;
}

int shim_resume(cri_engine *engine, const char *id, cri_call *call)
{
	CLEANUP_CLOSE int cgroup = -1;
	CLEANUP_CLOSE int status = -1;
	enum shim_liveness liveness;
	cri_call attempt;
	int result;

	call_init_child(&attempt, call);
	result = find_monitor_cgroup(engine, id, &cgroup, &attempt);
	if (result == 0)
		result = shim_spawn(engine, id, "--resume", NULL, cgroup, &status, &attempt);
	if (result == 0)
		result = shim_receive(status, NULL, NULL, NULL, &attempt);
	if (result == 0)
		return 0;
	/* Another one took it over, or the container came to its end meanwhile: there is nothing to resume. */
	if (result != CRI_ETIMEDOUT && result != CRI_ECANCELED && shim_liveness(engine, id, &liveness, call) == 0 &&
	    liveness != SHIM_ORPHANED)
		return 0;
	call_copy_failure(call, &attempt);
	return result;
}

/* *fd stays -1 when it is to be tried again. */
static int try_connect(cri_engine *engine, const char *id, int *fd, cri_call *call)
{
	enum shim_liveness liveness;
	char path[PATH_MAX];
	int connected;
	int result;

	if (!path_container(engine, id, "shim.sock", path))
		return call_fail_errno(call, ENAMETOOLONG, connect_step, "%s", id);
	connected = socket_connect(path);
	if (connected >= 0) {
		*fd = connected;
		return 0;
	}
	if (connected == -EAGAIN)
		return 0;
	if (connected != -ECONNREFUSED && connected != -ENOENT)
		return call_fail_errno(call, connected, connect_step, "%s", path);
	result = shim_liveness(engine, id, &liveness, call);
	if (result < 0)
		return result;
	if (liveness == SHIM_DEAD)
		return call_fail(call, CRI_EPRECONDITION, connect_step, "the container's processes are gone");
	return liveness == SHIM_ORPHANED ? shim_resume(engine, id, call) : 0;
}

int shim_connect(cri_engine *engine, const char *id, int *fd, cri_call *call)
{
	int64_t until = clock_boot() + CONNECT_MILLISECONDS * NANOSECONDS_PER_MILLISECOND;
	CLEANUP_CLOSE int connected = -1;
	int result;

	for (;;) {
		result = try_connect(engine, id, &connected, call);
		if (result < 0)
			return result;
		if (connected >= 0)
			break;
		if (clock_boot() > until)
			return call_fail(call, CRI_EUNAVAILABLE, connect_step, "the shim does not take connections");
		result = call_wait(call, connect_step, NULL, 0, RETRY_MILLISECONDS);
		if (result < 0)
			return result;
	}
	result = fs_set_nonblocking(connected, true);
	if (result < 0)
		return call_fail_errno(call, result, connect_step, "prepare the socket");
	*fd = take_fd(&connected);
	return 0;
}

int shim_command(cri_engine *engine, const char *id, const cJSON *request, cJSON **answer, cri_call *call)
{
	CLEANUP_CLOSE int fd = -1;
	int result = shim_connect(engine, id, &fd, call);

	return result < 0 ? result : shim_request(fd, request, NULL, 0, answer, call);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include "exec.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/socket.h"
#include "runtime/shim_protocol.h"

#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

static const char step[] = "serve a request";

/* More wait in the socket's backlog. */
#define CONNECTIONS_MAX 64
#define BACKLOG 64

struct connection {
	struct connection *next;
	struct shim *shim;
	struct source source;
	struct exec *exec; /* its command */
};

struct request {
	const cJSON *json;
	int *fds; /* taken ones become -1 */
	size_t n_fds;
};

static void disconnect(struct connection *connection)
{
	struct shim *shim = connection->shim;
	struct connection **link = &shim->connections;

	while (*link && *link != connection)
		link = &(*link)->next;
	if (*link)
		*link = connection->next;
	loop_remove(&shim->loop, &connection->source);
	cleanup_close_fd(&connection->source.fd);
	if (connection->exec)
		exec_abandon(connection->exec);
	if (shim->starter == connection)
		shim->starter = NULL;
	free(connection);
	if (shim->n_connections-- == CONNECTIONS_MAX)
		(void)loop_add(&shim->loop, &shim->listener, EPOLLIN);
}

cJSON *control_ok(void)
{
	CLEANUP_JSON cJSON *answer = cJSON_CreateObject();

	return answer && cJSON_AddTrueToObject(answer, "ok") ? TAKE_POINTER(answer) : NULL;
}

cJSON *control_error(const struct failure *failure)
{
	CLEANUP_JSON cJSON *answer = cJSON_CreateObject();
	cJSON *error = answer ? cJSON_AddObjectToObject(answer, "error") : NULL;

	if (!error || !cJSON_AddStringToObject(error, "step", failure->step) ||
	    !cJSON_AddStringToObject(error, "message", failure->message) ||
	    !cJSON_AddNumberToObject(error, "errno", failure->error) ||
	    !cJSON_AddNumberToObject(error, "code", failure->code))
		return NULL;
	return TAKE_POINTER(answer);
}

void control_answer(struct connection *connection, cJSON *answer, int fd)
{
	static const char no_memory[] =
		"{\"error\":{\"step\":\"answer\",\"message\":\"memory ran out\",\"errno\":12,\"code\":-9}}";
	CLEANUP_FREE char *text = answer ? cJSON_PrintUnformatted(answer) : NULL;
	const char *sent = text ? text : no_memory;

	cJSON_Delete(answer);
	if (!connection)
		return;
	/* A client that lets its answers pile up is gone as soon as the loop sees it. */
	if (socket_send(connection->source.fd, sent, strlen(sent), &fd, fd >= 0 ? 1 : 0) < 0)
		shutdown(connection->source.fd, SHUT_RDWR);
}

void control_answer_failure(struct connection *connection, const struct failure *failure)
{
	control_answer(connection, control_error(failure), -1);
}

void control_exec_over(struct connection *connection)
{
	connection->exec = NULL;
}

static int do_start(struct connection *connection, struct request *request, struct failure *failure)
{
	struct shim *shim = connection->shim;
	int result;

	(void)request;
	if (shim->state != SHIM_CREATED)
		return fail(failure, CRI_EPRECONDITION, 0, "start", "the container was started before");
	/* Between creation and start the log may have been another container's, and been rotated. */
	result = log_open(&shim->streams.log, failure);
	if (result == 0)
		shim_begin_start(shim, connection);
	return result;
}

static int do_signal(struct connection *connection, struct request *request, struct failure *failure)
{
	struct shim *shim = connection->shim;
	int64_t signal;
	int result = 0;

	if (json_int64(request->json, "signal", &signal) < 0 || signal < 0 || signal > 64)
		return fail(failure, CRI_EINVAL, 0, step, "signal is missing or no signal");
	if (connection->exec)
		result = exec_signal(connection->exec, (int)signal, failure);
	else if (pidfd_send_signal(shim->process.fd, (int)signal, NULL, 0) < 0)
		result = errno == ESRCH
				 ? fail(failure, CRI_EPRECONDITION, 0, "signal", "its first process has ended")
				 : fail(failure, code_of_errno(errno), errno, "signal", "signal %d", (int)signal);
	if (result == 0)
		control_answer(connection, control_ok(), -1);
	return result;
}

static int do_reopen_log(struct connection *connection, struct request *request, struct failure *failure)
{
	int result;

	(void)request;
	log_flush(&connection->shim->streams.log);
	result = log_open(&connection->shim->streams.log, failure);
	if (result == 0)
		control_answer(connection, control_ok(), -1);
	return result;
}

static int do_resize(struct connection *connection, struct request *request, struct failure *failure)
{
	struct shim *shim = connection->shim;
	int64_t columns, rows;
	int result = 0;

	if (json_int64(request->json, "columns", &columns) < 0 || json_int64(request->json, "rows", &rows) < 0 ||
	    columns < 0 || columns > USHRT_MAX || rows < 0 || rows > USHRT_MAX)
		return fail(failure, CRI_EINVAL, 0, step, "columns or rows are missing or out of range");
	if (connection->exec) {
		result = exec_resize(connection->exec, (unsigned int)columns, (unsigned int)rows, failure);
	} else {
		const struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };

		if (shim->terminal < 0)
			result = fail(failure, CRI_EPRECONDITION, 0, "resize", "the container has no terminal");
		else if (ioctl(shim->terminal, TIOCSWINSZ, &size) < 0)
			result = fail(failure, code_of_errno(errno), errno, "resize", "TIOCSWINSZ");
	}
	if (result == 0)
		control_answer(connection, control_ok(), -1);
	return result;
}

static int do_status(struct connection *connection, struct request *request, struct failure *failure)
{
	static const char *const states[] = {
		[SHIM_CREATED] = "created",
		[SHIM_STARTING] = "created",
		[SHIM_RUNNING] = "running",
		[SHIM_EXITED] = "exited",
	};
	const struct shim *shim = connection->shim;
	CLEANUP_JSON cJSON *answer = control_ok();

	(void)request;
	if (!answer || !cJSON_AddNumberToObject(answer, "pid", shim->pid) ||
	    !cJSON_AddStringToObject(answer, "state", states[shim->state]) ||
	    (shim->state >= SHIM_RUNNING && json_add_int64(answer, "started_at", shim->started_at) < 0))
		return fail(failure, CRI_ENOMEM, ENOMEM, step, "answer");
	control_answer(connection, TAKE_POINTER(answer), -1);
	return 0;
}

static int do_exec(struct connection *connection, struct request *request, struct failure *failure)
{
	bool terminal = false, go = false;
	int result;

	if (json_bool(request->json, "terminal", &terminal) == -EINVAL ||
	    json_bool(request->json, "go", &go) == -EINVAL)
		return fail(failure, CRI_EINVAL, 0, step, "terminal or go is no boolean");
	if (connection->exec)
		return fail(failure, CRI_EPRECONDITION, 0, step, "this connection has its command already");
	if (request->n_fds < 1)
		return fail(failure, CRI_EINVAL, 0, step, "no process record came with it");
	if (!go && request->n_fds > 1)
		return fail(failure, CRI_EINVAL, 0, step, "the streams come with \"go\"");
	result =
		exec_new(connection->shim, connection, terminal, take_fd(&request->fds[0]), &connection->exec, failure);
	if (result < 0)
		return result;
	if (go)
		return exec_go(connection->exec, request->fds + 1, request->n_fds - 1, failure);

	cJSON *answer = control_ok();

	if (answer && !cJSON_AddTrueToObject(answer, "ready")) {
		cJSON_Delete(answer);
		answer = NULL;
	}
	control_answer(connection, answer, -1);
	return 0;
}

static int do_go(struct connection *connection, struct request *request, struct failure *failure)
{
	if (!connection->exec)
		return fail(failure, CRI_EPRECONDITION, 0, step, "no command was prepared");
	return exec_go(connection->exec, request->fds, request->n_fds, failure);
}

static const struct {
	const char *name;
	int (*serve)(struct connection *connection, struct request *request, struct failure *failure);
} operations[] = {
	{ "start", do_start },   { "signal", do_signal }, { "reopen_log", do_reopen_log },
	{ "resize", do_resize }, { "status", do_status }, { "exec", do_exec },
	{ "go", do_go },
};

/* Answers it, unless it failed. */
static int serve(struct connection *connection, struct request *request, struct failure *failure)
{
	const char *name;

	if (json_string(request->json, "op", &name) < 0)
		return fail(failure, CRI_EINVAL, 0, step, "op is missing");
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		if (strcmp(operations[i].name, name) == 0)
			return operations[i].serve(connection, request, failure);
	}
	return fail(failure, CRI_ENOTSUP, 0, step, "this shim does not know \"%s\"", name);
}

static void receive(struct connection *connection)
{
	CLEANUP_FREE char *text = malloc(SHIM_MESSAGE_MAX);
	CLEANUP_JSON cJSON *json = NULL;
	struct failure failure;
	int fds[SOCKET_MAX_FDS];
	struct request request = { .fds = fds };
	ssize_t n =
		text ? socket_receive(connection->source.fd, text, SHIM_MESSAGE_MAX, fds, &request.n_fds, MSG_DONTWAIT)
		     : -ENOMEM;
	int result;

	if (n == -EAGAIN)
		return;
	if (n <= 0 && n != -EMSGSIZE) {
		disconnect(connection);
		return;
	}
	result = n < 0 ? (int)n : json_parse(text, (size_t)n, SHIM_MESSAGE_MAX, &json);
	request.json = json;
	if (result < 0)
		result = fail(&failure, CRI_EINVAL, result, step, "the message is no request");
	else
		result = serve(connection, &request, &failure);
	if (result < 0)
		control_answer_failure(connection, &failure);
	for (size_t i = 0; i < request.n_fds; i++)
		cleanup_close_fd(&fds[i]);
}

static void connection_ready(struct source *source, uint32_t events)
{
	struct connection *connection = SOURCE_OWNER(source, struct connection, source);

	/* What a client that went away still asked for has no one to be told. */
	if (events & (EPOLLHUP | EPOLLERR))
		disconnect(connection);
	else
		receive(connection);
}

static void listener_ready(struct source *source, uint32_t events)
{
	struct shim *shim = SOURCE_OWNER(source, struct shim, listener);
	CLEANUP_CLOSE int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct connection *connection;

	(void)events;
	if (fd < 0)
		return;
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		return;
	connection->shim = shim;
	connection->source = (struct source){ .fd = fd, .ready = connection_ready };
	if (loop_add(&shim->loop, &connection->source, EPOLLIN) < 0) {
		free(connection);
		return;
	}
	take_fd(&fd);
	connection->next = shim->connections;
	shim->connections = connection;
	if (++shim->n_connections == CONNECTIONS_MAX)
		loop_remove(&shim->loop, &shim->listener);
}

int control_listen(struct shim *shim, struct failure *failure)
{
	char path[PATH_MAX];
	int result = fs_path(path, sizeof(path), "%s/shim.sock", shim->order.directory);

	if (result == 0) {
		shim->listener = (struct source){ .fd = socket_listen(path, 0600, BACKLOG), .ready = listener_ready };
		result = shim->listener.fd;
	}
	if (result >= 0)
		result = loop_add(&shim->loop, &shim->listener, EPOLLIN);
	return result < 0
		       ? fail(failure, code_of_errno(result), result, "listen", "%s/shim.sock", shim->order.directory)
		       : 0;
}

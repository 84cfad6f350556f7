/* SPDX-License-Identifier: Apache-2.0 */
/* ExecSync: a command in a running container, its output collected here. */
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "config/config.h"
#include "container/container.h"
#include "core/api.h"
#include "runtime/process_exec.h"
#include "runtime/shim.h"

#include <fcntl.h>
#include <string.h>

#define OUTPUT_LIMIT (16u << 20) /* of each stream; the CRI's clients take no more */
#define READ_SIZE (64u << 10)
#define SECONDS_LIMIT (INT64_MAX / NANOSECONDS_PER_SECOND / 2)

static const char step[] = "exec";

struct exec_args {
	const char *id;
	const cri_exec_options *options;
};

/* One of the command's output streams. */
struct output_stream {
	int fd; /* -1: at its end */
	struct buffer content;
	bool truncated;
};

struct exec {
	int connection;
	struct output_stream output, error_output;
	int64_t until; /* clock_boot(); INT64_MAX: no timeout */
	int64_t exit_code;
	bool exited;
};

static void exec_free(struct exec *exec)
{
	cleanup_close_fd(&exec->connection);
	cleanup_close_fd(&exec->output.fd);
	cleanup_close_fd(&exec->error_output.fd);
	buffer_free(&exec->output.content);
	buffer_free(&exec->error_output.content);
}

static int copy_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct exec_args *args = pointer;
	const void *options = NULL;
	int result = api_copy_id(arena, &args->id, call);

	if (result == 0)
		result = config_copy(&config_exec_options, arena, args->options, &options, call);
	args->options = options;
	return result;
}

/* The ends that the command gets are closed here once they are sent, so that the streams end with the command. */
static int start_command(cri_engine *engine, const char *id, const cri_exec_options *options, struct exec *exec,
			 cri_call *call)
{
	const struct process_exec command = {
		.command = options->command,
		.n_command = options->n_command,
		.environment = options->envs,
		.n_environment = options->n_envs,
		.directory = options->working_dir,
	};
	CLEANUP_JSON cJSON *request = cJSON_CreateObject();
	CLEANUP_CLOSE int record = -1;
	CLEANUP_CLOSE int input = -1;
	CLEANUP_CLOSE int output = -1;
	CLEANUP_CLOSE int error_output = -1;
	int pipes[2][2];
	int result;

	if (!request || !cJSON_AddStringToObject(request, "op", "exec") || !cJSON_AddTrueToObject(request, "go"))
		return call_no_memory(call, step);
	result = process_exec_record(engine, id, &command, &record, call);
	if (result < 0)
		return result;
	input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (input < 0)
		return call_fail_errno(call, errno, step, "open /dev/null");
	if (pipe2(pipes[0], O_CLOEXEC) < 0)
		return call_fail_errno(call, errno, step, "make a pipe");
	exec->output.fd = pipes[0][0];
	output = pipes[0][1];
	if (pipe2(pipes[1], O_CLOEXEC) < 0)
		return call_fail_errno(call, errno, step, "make a pipe");
	exec->error_output.fd = pipes[1][0];
	error_output = pipes[1][1];
	result = fs_set_nonblocking(exec->output.fd, true);
	if (result == 0)
		result = fs_set_nonblocking(exec->error_output.fd, true);
	if (result < 0)
		return call_fail_errno(call, result, step, "prepare a pipe");
	result = shim_connect(engine, id, &exec->connection, call);
	if (result < 0)
		return result;
	const int fds[] = { record, input, output, error_output };

	return shim_request(exec->connection, request, fds, 4, NULL, call);
}

/* Takes what is there. Beyond the limit it is read and dropped: a command must not hang on a full pipe. */
static int read_stream(struct output_stream *stream, cri_call *call)
{
	char dropped[4096];
	ssize_t n;

	if (stream->content.length < OUTPUT_LIMIT) {
		size_t room = OUTPUT_LIMIT - stream->content.length;

		room = room < READ_SIZE ? room : READ_SIZE;
		if (buffer_reserve(&stream->content, room) < 0)
			return call_no_memory(call, step);
		n = read(stream->fd, stream->content.data + stream->content.length, room);
		if (n > 0)
			stream->content.length += (size_t)n;
	} else {
		n = read(stream->fd, dropped, sizeof(dropped));
		stream->truncated = stream->truncated || n > 0;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return call_fail_errno(call, errno, step, "read its output");
	if (n == 0) {
		close(stream->fd);
		stream->fd = -1;
	}
	return 0;
}

static int take_exit(struct exec *exec, cri_call *call)
{
	CLEANUP_JSON cJSON *message = NULL;
	int result = shim_receive(exec->connection, &message, NULL, NULL, call);

	if (result < 0)
		return result;
	if (json_int64(message, "exit_code", &exec->exit_code) < 0)
		return call_fail(call, CRI_EINTERNAL, step, "the shim's message has no exit code");
	exec->exited = true;
	return 0;
}

static int timed_out(const cri_exec_options *options, cri_call *call)
{
	return call_fail(call, CRI_ETIMEDOUT, step, "%s did not end within %lld s and was killed", options->command[0],
			 (long long)options->timeout);
}

/* Until the command has ended and its streams are at their end. What it left running in the background may hold them
 * open: after its end they are read until they are empty, not until they are closed. */
static int collect(const cri_exec_options *options, struct exec *exec, cri_call *call)
{
	while (!exec->exited || exec->output.fd >= 0 || exec->error_output.fd >= 0) {
		struct pollfd fds[3] = {
			{ .fd = exec->output.fd, .events = POLLIN },
			{ .fd = exec->error_output.fd, .events = POLLIN },
			{ .fd = exec->exited ? -1 : exec->connection, .events = POLLIN },
		};
		int64_t left = -1;
		int result;

		if (exec->until != INT64_MAX) {
			left = (exec->until - clock_boot() + NANOSECONDS_PER_MILLISECOND - 1) /
			       NANOSECONDS_PER_MILLISECOND;
			if (left <= 0 && !exec->exited)
				return timed_out(options, call);
		}
		result = call_wait(call, step, fds, 3, exec->exited ? 0 : left);
		if (result < 0)
			return result;
		if (result == 0 && exec->exited)
			return 0;
		if (fds[0].revents)
			result = read_stream(&exec->output, call);
		if (result >= 0 && fds[1].revents)
			result = read_stream(&exec->error_output, call);
		if (result >= 0 && fds[2].revents)
			result = take_exit(exec, call);
		if (result < 0)
			return result;
	}
	return 0;
}

/* One block, so that cri_free frees it all. */
static cri_exec_result *make_result(const struct exec *exec)
{
	const struct buffer *output = &exec->output.content, *error_output = &exec->error_output.content;
	cri_exec_result *result = malloc(sizeof(*result) + output->length + error_output->length + 2);
	char *text;

	if (!result)
		return NULL;
	text = (char *)(result + 1);
	*result = (cri_exec_result){
		.exit_code = (int32_t)exec->exit_code,
		.output = text,
		.output_length = output->length,
		.error_output = text + output->length + 1,
		.error_output_length = error_output->length,
		.truncated = exec->output.truncated || exec->error_output.truncated,
	};
	if (output->length)
		memcpy(text, output->data, output->length);
	text[output->length] = '\0';
	text += output->length + 1;
	if (error_output->length)
		memcpy(text, error_output->data, error_output->length);
	text[error_output->length] = '\0';
	return result;
}

/* A command that cannot be executed is answered as a shell would: with an exit code and a line on standard error. */
static bool is_not_executable(const cri_call *call, struct exec *exec)
{
	const char *text = cri_call_message(call);

	if (strcmp(cri_call_step(call), "execute") != 0)
		return false;
	exec->exit_code = process_exit_code(cri_call_errno(call));
	buffer_printf(&exec->error_output.content, "%s\n", text);
	return true;
}

static int check_options(const cri_exec_options *options, cri_call *call)
{
	if (!options->n_command || text_is_empty(options->command[0]))
		return call_fail(call, CRI_EINVAL, "check arguments", "command: it is empty");
	if (options->timeout < 0)
		return call_fail(call, CRI_EINVAL, "check arguments", "timeout: %lld is negative",
				 (long long)options->timeout);
	return 0;
}

static int exec_sync(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	struct exec_args args = *(const struct exec_args *)pointer;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP(exec_free)
	struct exec exec = {
		.connection = -1,
		.output.fd = -1,
		.error_output.fd = -1,
		.until = INT64_MAX,
	};
	struct container_row row;
	cri_exec_result *made;
	int result;

	result = copy_args(&arena, &args, call);
	if (result)
		return result;
	call_object_id(call, "container", args.id);
	result = check_options(args.options, call);
	if (result == 0)
		result = store_container_get(engine->store, &arena, args.id, false, &row, call);
	if (result)
		return result;
	if (row.state != CONTAINER_RUNNING)
		return call_fail(call, CRI_EPRECONDITION, "check its state", "it does not run");
	if (args.options->timeout > 0 && args.options->timeout < SECONDS_LIMIT)
		exec.until = clock_boot() + args.options->timeout * NANOSECONDS_PER_SECOND;
	result = start_command(engine, row.id, args.options, &exec, call);
	if (result == 0)
		result = collect(args.options, &exec, call);
	else if (is_not_executable(call, &exec))
		result = 0;
	if (result < 0)
		return result;
	made = make_result(&exec);
	if (!made)
		return call_no_memory(call, step);
	*(cri_exec_result **)output = made;
	return 0;
}

int cri_container_exec_sync(cri_engine *engine, const char *id, const cri_exec_options *options,
			    cri_exec_result **result, cri_call *call)
{
	const struct exec_args args = { id, options };

	return api_call_output(engine, exec_sync, &args, result, call);
}

int cri_container_exec_sync_begin(cri_engine *engine, const char *id, const cri_exec_options *options, cri_op **op,
				  cri_call *call)
{
	const struct exec_args args = { id, options };

	return api_begin(engine, exec_sync, &args, sizeof(args), copy_args, API_STRING, op, call);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/program.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define READ_SIZE 65536

struct program {
	pid_t pid;
	int pidfd;
	int output_fd, errors_fd;
	struct buffer *output;
	struct buffer errors;
	int status; /* of waitpid, when it has ended */
};

static int find(const struct pod *pod, const char *type, char path[PATH_MAX], struct failure *failure)
{
	const cJSON *directory;

	/* A type is a file name: nothing else may be started. */
	if (text_is_empty(type) || strchr(type, '/') || !strcmp(type, ".") || !strcmp(type, ".."))
		return fail(failure, CRI_EINVAL, "\"%s\" is no name of a plugin", type);
	cJSON_ArrayForEach(directory, pod->path)
	{
		if (fs_path(path, PATH_MAX, "%s/%s", directory->valuestring, type) == 0 && access(path, X_OK) == 0)
			return 0;
	}
	return fail(failure, CRI_EPRECONDITION, "the plugin is in none of cni_plugin_directories");
}

bool program_exists(const struct pod *pod, const char *type)
{
	struct failure ignored = { 0 };
	char path[PATH_MAX];

	return find(pod, type, path, &ignored) == 0;
}

static int configuration_file(const char *configuration)
{
	CLEANUP_CLOSE int fd = memfd_create("cni-configuration", MFD_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	result = fs_write_full(fd, configuration, strlen(configuration));
	if (result == 0 && lseek(fd, 0, SEEK_SET) < 0)
		result = -errno;
	return result < 0 ? result : take_fd(&fd);
}

static int build_environment(const struct pod *pod, const char *interface, char *variables[8])
{
	CLEANUP_BUFFER struct buffer path = BUFFER_EMPTY;
	const cJSON *directory;
	size_t n = 0;

	cJSON_ArrayForEach(directory, pod->path)
		buffer_printf(&path, "%s%s", path.length ? ":" : "", directory->valuestring);
	if (path.failed)
		return -ENOMEM;
	variables[n++] = text_printf("CNI_COMMAND=%s", command_names[pod->command]);
	variables[n++] = text_printf("CNI_CONTAINERID=%s", pod->id);
	variables[n++] = text_printf("CNI_NETNS=%s", pod->namespace_path);
	variables[n++] = text_printf("CNI_IFNAME=%s", interface);
	variables[n++] = text_printf("CNI_ARGS=%s", pod->args);
	variables[n++] = text_printf("CNI_PATH=%s", path.data ? path.data : "");
	variables[n++] = text_printf("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	variables[n] = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!variables[i])
			return -ENOMEM;
	}
	return 0;
}

/* In the child: nothing but the three descriptors survives exec. */
static void __attribute__((noreturn)) become(pid_t parent, const char *path, char *const *environment, const int fds[3])
{
	char *const argv[] = { (char *)path, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	/* A helper that is killed takes its plugin along; it may have been before this line. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(fds[0], 0) < 0 || dup2(fds[1], 1) < 0 || dup2(fds[2], 2) < 0)
		_exit(127);
	/* The socket to libcri, too. */
	(void)syscall(SYS_close_range, 3, ~0U, 0);
	execve(path, argv, environment);
	dprintf(2, "%s cannot be executed: %s", path, strerror(errno));
	_exit(127);
}

static int start(struct program *program, const char *path, char *const *environment, int configuration,
		 struct failure *failure)
{
	const pid_t parent = getpid();
	int output[2], errors[2], fds[3];

	if (pipe2(output, O_CLOEXEC) < 0)
		return fail_errno(failure, errno, "make a pipe");
	program->output_fd = output[0];
	if (pipe2(errors, O_CLOEXEC) < 0) {
		close(output[1]);
		return fail_errno(failure, errno, "make a pipe");
	}
	program->errors_fd = errors[0];
	(void)fs_set_nonblocking(output[0], true);
	(void)fs_set_nonblocking(errors[0], true);
	fds[0] = configuration;
	fds[1] = output[1];
	fds[2] = errors[1];
	program->pid = fork();
	if (program->pid == 0)
		become(parent, path, environment, fds);
	close(output[1]);
	close(errors[1]);
	if (program->pid < 0)
		return fail_errno(failure, errno, "start %s", path);
	program->pidfd = (int)syscall(SYS_pidfd_open, program->pid, 0);
	return program->pidfd < 0 ? fail_errno(failure, errno, "watch %s", path) : 0;
}

/* A plugin that failed or was not done in time. What it started lives on as our child, since we are its subreaper: all
 * are killed, in every generation. */
static void kill_all(struct program *program)
{
	char path[64];

	if (program->pid > 0) {
		kill(-program->pid, SIGKILL);
		kill(program->pid, SIGKILL);
		while (waitpid(program->pid, &program->status, 0) < 0 && errno == EINTR)
			;
		program->pid = 0;
	}
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	for (int round = 0; round < 64; round++) {
		CLEANUP_BUFFER struct buffer children = BUFFER_EMPTY;
		const char *at;

		if (fs_read(AT_FDCWD, path, READ_SIZE, &children) < 0 || !children.length)
			break;
		at = children.data;
		for (char *end; (at += strspn(at, " \n")), *at; at = end) {
			pid_t child = (pid_t)strtol(at, &end, 10);

			if (end == at || child <= 1)
				return;
			kill(child, SIGKILL);
			while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
				;
		}
	}
}

/* Reads what is there. 1: more may come; 0: end; -EFBIG; -errno. */
static int drain(int *fd, struct buffer *buffer, size_t limit, bool keep_end)
{
	ssize_t n;

	if (buffer_reserve(buffer, READ_SIZE) < 0)
		return -ENOMEM;
	n = read(*fd, buffer->data + buffer->length, READ_SIZE);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	if (n == 0) {
		close(take_fd(fd));
		return 0;
	}
	buffer->length += (size_t)n;
	if (buffer->length > limit) {
		if (!keep_end)
			return -EFBIG;
		memmove(buffer->data, buffer->data + buffer->length - limit, limit);
		buffer->length = limit;
	}
	buffer->data[buffer->length] = '\0';
	return 1;
}

static int wait_for_it(const struct pod *pod, struct program *program, struct failure *failure)
{
	while (program->pid > 0) {
		struct pollfd fds[] = {
			{ .fd = program->pidfd, .events = POLLIN },
			{ .fd = program->output_fd, .events = POLLIN },
			{ .fd = program->errors_fd, .events = POLLIN },
			{ .fd = pod->control, .events = POLLRDHUP },
		};
		int64_t left = (pod->deadline - clock_boot()) / NANOSECONDS_PER_MILLISECOND;
		int result = 1;

		if (left <= 0)
			return fail(failure, CRI_ETIMEDOUT, "it was not done in time and was killed");
		if (poll(fds, 4, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
			return fail_errno(failure, errno, "wait for it");
		if (fds[3].revents & (POLLRDHUP | POLLHUP | POLLERR))
			return fail(failure, CRI_ECANCELED, "it was killed, since the call was cancelled");
		if (fds[1].revents)
			result = drain(&program->output_fd, program->output, PROGRAM_OUTPUT_MAX, false);
		if (result == -EFBIG)
			return fail(failure, CRI_EINVAL, "it printed more than %u bytes and was killed",
				    PROGRAM_OUTPUT_MAX);
		if (result >= 0 && fds[2].revents)
			result = drain(&program->errors_fd, &program->errors, PROGRAM_ERRORS_MAX, true);
		if (result < 0)
			return fail_errno(failure, result, "read its output");
		if (fds[0].revents && !fds[1].revents && !fds[2].revents) {
			while (waitpid(program->pid, &program->status, 0) < 0 && errno == EINTR)
				;
			program->pid = 0;
		}
	}
	return 0;
}

/* {"code":7,"msg":"…","details":"…"} on stdout, else what stderr says. */
static int judge(struct program *program, struct failure *failure)
{
	CLEANUP_JSON cJSON *error = NULL;
	const char *message = "", *details = "";
	int64_t code = 0;
	const char *errors = program->errors.length ? program->errors.data : "it said nothing";

	if (WIFSIGNALED(program->status))
		return fail(failure, CRI_EINTERNAL, "it was killed by signal %d (%s)%s%s", WTERMSIG(program->status),
			    strsignal(WTERMSIG(program->status)), program->errors.length ? ": " : "",
			    program->errors.length ? errors : "");
	if (WEXITSTATUS(program->status) == 0)
		return 0;
	if (json_parse(program->output->data ? program->output->data : "", program->output->length, PROGRAM_OUTPUT_MAX,
		       &error) == 0) {
		(void)json_string(error, "msg", &message);
		(void)json_string(error, "details", &details);
		(void)json_int64(error, "code", &code);
	}
	if (text_is_empty(message))
		return fail(failure, CRI_EINTERNAL, "it ended with status %d: %s", WEXITSTATUS(program->status),
			    errors);
	return fail(failure, CRI_EINTERNAL, "%.800s%s%.300s (error %d)%s%s", message, *details ? "; " : "", details,
		    (int)code, program->errors.length ? "; " : "", program->errors.length ? errors : "");
}

static void free_texts(char *texts[8])
{
	for (size_t i = 0; i < 8; i++)
		free(texts[i]);
}

int program_run(const struct pod *pod, const char *type, const char *interface, const char *configuration,
		struct buffer *output, struct failure *failure)
{
	struct program program = { .pidfd = -1, .output_fd = -1, .errors_fd = -1, .output = output };
	CLEANUP_CLOSE int input = -1;
	char *environment[8] = { NULL };
	char path[PATH_MAX];
	int code = find(pod, type, path, failure);

	if (code == 0) {
		input = configuration_file(configuration);
		code = input < 0 ? fail_errno(failure, input, "write its configuration") : 0;
	}
	if (code == 0 && build_environment(pod, interface, environment) < 0)
		code = fail_memory(failure);
	if (code == 0)
		code = start(&program, path, environment, input, failure);
	if (code == 0)
		code = wait_for_it(pod, &program, failure);
	if (code == 0)
		code = judge(&program, failure);
	/* One that succeeded may leave a process behind that serves the pod, such as a name server. */
	if (code < 0)
		kill_all(&program);
	free_texts(environment);
	buffer_free(&program.errors);
	cleanup_close_fd(&program.pidfd);
	cleanup_close_fd(&program.output_fd);
	cleanup_close_fd(&program.errors_fd);
	return code;
}

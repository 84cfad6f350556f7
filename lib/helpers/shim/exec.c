/* SPDX-License-Identifier: Apache-2.0 */
#include "exec.h"

#include "control.h"
#include "enter.h"
#include "init_link.h"
#include "kill.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

static const char step[] = "exec";

#define KILL_MILLISECONDS 1000
#define END_MILLISECONDS 2000

struct exec {
	struct exec *next;
	struct shim *shim;
	struct connection *connection; /* NULL: gone */
	bool wants_terminal;
	bool answered; /* that it runs, or why it does not */
	int record;
	int terminal; /* the master; -1 */
	pid_t pid;
	struct source init;    /* to its cri-init, until it has executed the command */
	struct source process; /* pidfd */
};

static void exec_free(struct exec *exec)
{
	struct exec **link = &exec->shim->execs;

	while (*link && *link != exec)
		link = &(*link)->next;
	if (*link)
		*link = exec->next;
	if (exec->connection)
		control_exec_over(exec->connection);
	loop_remove(&exec->shim->loop, &exec->init);
	loop_remove(&exec->shim->loop, &exec->process);
	cleanup_close_fd(&exec->init.fd);
	cleanup_close_fd(&exec->process.fd);
	cleanup_close_fd(&exec->record);
	cleanup_close_fd(&exec->terminal);
	free(exec);
}

static void close_init(struct exec *exec)
{
	loop_remove(&exec->shim->loop, &exec->init);
	cleanup_close_fd(&exec->init.fd);
	exec->init.fd = -1;
}

static void answer_failure(struct exec *exec, const struct failure *failure)
{
	if (!exec->answered)
		control_answer_failure(exec->connection, failure);
	exec->answered = true;
	/* Whoever was told of the failure may send another request: this exec is only waited for. */
	if (exec->connection)
		control_exec_over(exec->connection);
	exec->connection = NULL;
}

static void answer_running(struct exec *exec)
{
	cJSON *answer = control_ok();

	exec->answered = true;
	if (answer && !cJSON_AddNumberToObject(answer, "pid", exec->pid)) {
		cJSON_Delete(answer);
		answer = NULL;
	}
	control_answer(exec->connection, answer, exec->terminal);
}

/* What cri-init has to say. The end of the file: it executed the command. */
static void read_init(struct exec *exec)
{
	while (exec->init.fd >= 0) {
		struct init_answer answer;
		int result = init_receive(exec->init.fd, &answer);

		if (result == -EAGAIN)
			return;
		if (result == 1 && answer.type == INIT_READY) {
			exec->terminal = take_fd(&answer.terminal);
		} else if (result == 1) {
			answer_failure(exec, &answer.failure);
		} else {
			close_init(exec);
			if (!exec->answered)
				answer_running(exec);
		}
		init_answer_free(&answer);
	}
}

static void init_ready(struct source *source, uint32_t events)
{
	(void)events;
	read_init(SOURCE_OWNER(source, struct exec, init));
}

static void answer_exit(struct exec *exec, const siginfo_t *info)
{
	bool exited = info->si_code == CLD_EXITED;
	cJSON *answer = cJSON_CreateObject();

	if (answer &&
	    (!cJSON_AddNumberToObject(answer, "exit_code", exited ? info->si_status : 128 + info->si_status) ||
	     !cJSON_AddNumberToObject(answer, "signal", exited ? 0 : info->si_status))) {
		cJSON_Delete(answer);
		answer = NULL;
	}
	control_answer(exec->connection, answer, -1);
}

static void process_ready(struct source *source, uint32_t events)
{
	struct exec *exec = SOURCE_OWNER(source, struct exec, process);
	siginfo_t info = { 0 };

	(void)events;
	/* In this order for the client, whichever was seen first. */
	read_init(exec);
	if (waitid(P_PIDFD, (id_t)exec->process.fd, &info, WEXITED | WNOHANG) < 0 || !info.si_pid)
		return;
	if (exec->connection && exec->answered)
		answer_exit(exec, &info);
	exec_free(exec);
}

int exec_new(struct shim *shim, struct connection *connection, bool terminal, int record, struct exec **exec,
	     struct failure *failure)
{
	struct exec *made;

	if (shim->state != SHIM_RUNNING) {
		cleanup_close_fd(&record);
		return fail(failure, CRI_EPRECONDITION, 0, step, "the container does not run");
	}
	made = calloc(1, sizeof(*made));
	if (!made) {
		cleanup_close_fd(&record);
		return fail(failure, CRI_ENOMEM, ENOMEM, step, "remember the command");
	}
	made->shim = shim;
	made->connection = connection;
	made->wants_terminal = terminal;
	made->record = record;
	made->terminal = -1;
	made->init = (struct source){ .fd = -1, .ready = init_ready };
	made->process = (struct source){ .fd = -1, .ready = process_ready };
	made->next = shim->execs;
	shim->execs = made;
	*exec = made;
	return 0;
}

/* All of cri-init's orders wait for it in the socket: it need not be waited for in between. */
static int send_orders(const struct exec *exec, int socket, const int *fds, size_t n_fds)
{
	int result = init_send(socket, INIT_PROCESS, 0, NULL, 0, &exec->record, 1);

	return result < 0 ? result : init_send(socket, INIT_START, 0, NULL, 0, fds, n_fds);
}

static int start(struct exec *exec, const int *fds, size_t n_fds, struct failure *failure)
{
	struct shim *shim = exec->shim;
	CLEANUP_CLOSE int peer = -1;
	struct entry entry = {
		.order = &shim->order,
		.pid = shim->pid,
		.process = shim->process.fd,
		.program = shim->program,
	};
	int pair[2];
	int result = init_pair(pair);

	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "make sockets");
	exec->init.fd = pair[0];
	peer = pair[1];
	result = send_orders(exec, exec->init.fd, fds, n_fds);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "send the process record");
	entry.socket = peer;
	result = enter_container(&entry, &exec->pid, failure);
	if (result < 0)
		return result;
	/* Our child: nobody else can reap it, so the pid is its own. */
	exec->process.fd = pidfd_open(exec->pid, 0);
	if (exec->process.fd < 0) {
		result = -errno;
		kill(exec->pid, SIGKILL);
		waitpid(exec->pid, NULL, 0);
		return fail(failure, code_of_errno(result), result, step, "pidfd of process %d", exec->pid);
	}
	return 0;
}

int exec_go(struct exec *exec, const int *fds, size_t n_fds, struct failure *failure)
{
	struct loop *loop = &exec->shim->loop;
	int result = 0;

	if (exec->pid || exec->init.fd >= 0)
		return fail(failure, CRI_EPRECONDITION, 0, step, "it was started before");
	if (n_fds != (exec->wants_terminal ? 0 : 3))
		result = fail(failure, CRI_EINVAL, 0, step, "%zu descriptors came for its streams", n_fds);
	else if (exec->shim->state != SHIM_RUNNING)
		result = fail(failure, CRI_EPRECONDITION, 0, step, "the container does not run");
	if (result == 0)
		result = start(exec, fds, n_fds, failure);
	if (result < 0) {
		exec_free(exec);
		return result;
	}
	cleanup_close_fd(&exec->record);
	exec->record = -1;
	result = loop_add(loop, &exec->init, EPOLLIN);
	if (result == 0)
		result = loop_add(loop, &exec->process, EPOLLIN);
	if (result < 0) {
		fail(failure, code_of_errno(result), result, step, "watch the command");
		pidfd_send_signal(exec->process.fd, SIGKILL, NULL, 0);
		waitpid(exec->pid, NULL, 0);
		exec_free(exec);
		return failure->code;
	}
	return 0;
}

int exec_signal(struct exec *exec, int signal, struct failure *failure)
{
	if (exec->process.fd < 0)
		return fail(failure, CRI_EPRECONDITION, 0, step, "the command does not run");
	if (pidfd_send_signal(exec->process.fd, signal, NULL, 0) < 0)
		return fail(failure, errno == EINVAL ? CRI_EINVAL : code_of_errno(errno), errno, step, "send signal %d",
			    signal);
	return 0;
}

int exec_resize(struct exec *exec, unsigned int columns, unsigned int rows, struct failure *failure)
{
	const struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };

	if (exec->terminal < 0)
		return fail(failure, CRI_EPRECONDITION, 0, step, "the command has no terminal");
	if (ioctl(exec->terminal, TIOCSWINSZ, &size) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "set the terminal's size");
	return 0;
}

void exec_abandon(struct exec *exec)
{
	exec->connection = NULL;
	if (exec->process.fd < 0) {
		exec_free(exec);
		return;
	}
	/* With the client's copy gone this hangs the terminal up. */
	if (exec->terminal >= 0) {
		cleanup_close_fd(&exec->terminal);
		exec->terminal = -1;
		return;
	}
	/* It leads a session: see enter.c. */
	kill_command(&exec->shim->order, exec->pid, KILL_MILLISECONDS);
	/* Also when it is in no cgroup of the container any more. */
	pidfd_send_signal(exec->process.fd, SIGKILL, NULL, 0);
}

void exec_end_all(struct shim *shim)
{
	int64_t until = clock_boot() + END_MILLISECONDS * NANOSECONDS_PER_MILLISECOND;

	for (struct exec *exec = shim->execs; exec; exec = exec->next) {
		if (exec->process.fd >= 0)
			pidfd_send_signal(exec->process.fd, SIGKILL, NULL, 0);
	}
	while (shim->execs && clock_boot() < until) {
		struct exec *running = shim->execs;

		/* One that was never started has nothing to tell. */
		while (running && running->process.fd < 0)
			running = running->next;
		if (!running || loop_once(&shim->loop, 10) < 0)
			return;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include "control.h"
#include "lxc.h"
#include "program.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/socket.h"
#include "runtime/shim_protocol.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* Nothing more can be sent once it is shut, and what was sent before is still to be read: no request gets lost. */
static void await_request(void)
{
	struct pollfd request = { .fd = SHIM_STATUS_FD, .events = POLLIN };
	int ready;

	do {
		ready = poll(&request, 1, SHIM_ZYGOTE_MILLISECONDS);
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		(void)shutdown(SHIM_STATUS_FD, SHUT_RD);
}

/* The name is as long as every container's. */
static bool take_name(char *argument, const char *text, size_t length)
{
	CLEANUP_JSON cJSON *message = NULL;
	const char *directory;

	if (json_parse(text, length, SHIM_MESSAGE_MAX, &message) < 0 ||
	    json_string(message, "directory", &directory) < 0 || strlen(directory) != strlen(argument))
		return false;
	memcpy(argument, directory, strlen(argument));
	return true;
}

/* In the shim. */
static bool become_shim(char *argument, const char *text, size_t length, int pair)
{
	signal(SIGCHLD, SIG_DFL);
	(void)setsid();
	if (dup3(pair, SHIM_STATUS_FD, O_CLOEXEC) < 0 || !take_name(argument, text, length))
		_exit(2);
	close(pair);
	return true;
}

/* Said where the shim would say it. */
static void refuse(int pair, const struct failure *failure)
{
	CLEANUP_JSON cJSON *answer = control_error(failure);
	CLEANUP_FREE char *text = answer ? cJSON_PrintUnformatted(answer) : NULL;

	if (text)
		(void)socket_send(pair, text, strlen(text), NULL, 0);
}

/* 0: in the shim. */
static pid_t fork_or_refuse(int pair, const struct failure *broken)
{
	struct failure failure;
	pid_t pid;

	if (broken->code) {
		refuse(pair, broken);
		/* Whoever asks next has another try. */
		(void)shutdown(SHIM_STATUS_FD, SHUT_RD);
		return -1;
	}
	pid = fork();
	if (pid < 0) {
		fail(&failure, code_of_errno(errno), errno, "start cri-shim", "fork it");
		refuse(pair, &failure);
	}
	return pid;
}

bool zygote_serve(struct shim *shim, char *argument, const struct failure *broken)
{
	static char text[SHIM_MESSAGE_MAX];
	struct failure ignored;

	/* A shim finds them, or tries again and tells why not. One file for all: with another version installed
	 * meanwhile, each shim still has the cri-init that it knows. */
	(void)lxc_load(&ignored);
	(void)program_open(&shim->program, &shim->program_mount, &ignored);
	/* Whoever is forked is nobody's to wait for. */
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fds[SOCKET_MAX_FDS];
		size_t n_fds = 0;
		ssize_t n;
		pid_t pid = -1;

		await_request();
		n = socket_receive(SHIM_STATUS_FD, text, sizeof(text), fds, &n_fds, 0);
		if (n == 0 || (n < 0 && n != -EMSGSIZE && n != -EMFILE))
			return false;
		/* Without a pair it only says that there will be a request. */
		if (n > 0 && n_fds == 1)
			pid = fork_or_refuse(fds[0], broken);
		if (pid == 0)
			return become_shim(argument, text, (size_t)n, fds[0]);
		while (n_fds)
			close(fds[--n_fds]);
	}
}

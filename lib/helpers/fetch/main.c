/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cri-fetch: brings bytes and vouches for them (image/fetch_protocol.h).
 *
 * `cri-fetch files` has one session, on descriptor 3, and never opens anything. `cri-fetch network` gets the sockets of
 * its sessions over descriptor 3, keeps connections and tokens between them, and ends when it was idle for a while.
 */
#include "registry.h"

#include "base/socket.h"
#include "confine.h"
#include "helpers/helper.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#define IDLE_MILLISECONDS 60000
#define END_MILLISECONDS 50

static atomic_int sessions;

static void *run_session(void *session)
{
	(void)session_run(session);
	/* Between pulls the helper is to be small. */
	if (atomic_fetch_sub(&sessions, 1) == 1)
		malloc_trim(0);
	return NULL;
}

static void start_session(int socket, const pthread_attr_t *attributes)
{
	struct session *session = session_new(socket);
	pthread_t thread;

	if (!session)
		return;
	atomic_fetch_add(&sessions, 1);
	/* The asker sees the end of its socket. */
	if (pthread_create(&thread, attributes, run_session, session)) {
		atomic_fetch_sub(&sessions, 1);
		session_drop(session);
	}
}

static int serve_sessions(void)
{
	struct pollfd request = { .fd = REQUEST_FD, .events = POLLIN };
	pthread_attr_t attributes;
	int fds[SOCKET_MAX_FDS];
	size_t n_fds;
	char byte;
	ssize_t length;

	if (pthread_attr_init(&attributes) || pthread_attr_setstacksize(&attributes, STACK_SIZE) ||
	    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED))
		return 1;
	for (;;) {
		if (poll(&request, 1, IDLE_MILLISECONDS) == 0 && sessions == 0)
			return 0;
		if (!request.revents)
			continue;
		length = socket_receive(REQUEST_FD, &byte, sizeof(byte), fds, &n_fds, 0);
		if (length <= 0)
			break;
		for (size_t i = 0; i < n_fds; i++)
			start_session(fds[i], &attributes);
	}
	/* The engine has another helper now, or is gone, and its sessions then end by themselves. */
	while (sessions > 0)
		poll(NULL, 0, END_MILLISECONDS);
	return length < 0;
}

int main(int argc, char **argv)
{
	struct session *session;
	bool network;

	if (argc != 2)
		return 2;
	network = strcmp(argv[1], "network") == 0;
	/* A reader that goes away is an answer to the write, not a reason to die. */
	if (helper_start() || signal(SIGPIPE, SIG_IGN) == SIG_ERR || digest_prepare())
		return 1;
	/* Jobs allocate little; an arena for each thread would only keep what is free from the others. */
	mallopt(M_ARENA_MAX, 2);
	/* Windows go back to the system when they are freed, and are not kept by one arena while another gets more. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	if (network && http_prepare())
		return 1;
	if (network ? confine_network() : confine_files())
		return 1;
	/* The threads end with the process; nobody waits for what they do. */
	if (network)
		_exit(serve_sessions());
	session = session_new(REQUEST_FD);
	_exit(!session || session_run(session) < 0);
}

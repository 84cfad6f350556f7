/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's one cri-fetch for registries: it keeps connections and tokens between pulls, and ends when it is idle.
 */
#include "image/fetch.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "core/paths.h"
#include "image/charge.h"

#include <string.h>
#include <sys/socket.h>

static const char step[] = "start cri-fetch";

/* It may end just when it is sent a session. */
#define ATTEMPTS 3

struct fetch_service {
	int control;
	int process;
};

static void close_both(struct fetch_service *service)
{
	cleanup_close_fd(&service->control);
	cleanup_close_fd(&service->process);
	service->control = service->process = -1;
}

/* Closing is enough: it ends with its last descriptor, so a child of fork does not end its parent's. */
void fetch_service_free(struct fetch_service *service)
{
	if (!service)
		return;
	close_both(service);
	free(service);
}

static int start(cri_engine *engine, const struct charge *charge, struct fetch_service *service, cri_call *call)
{
	CLEANUP_CLOSE int theirs = -1;
	CLEANUP_CLOSE int ours = -1;
	const char *const argv[] = { "cri-fetch", "network", NULL };
	struct spawn spawn = { SPAWN_INIT, .argv = argv, .n_fds = 1 };
	char path[PATH_MAX];
	int pair[2];
	int error = socket_pair(pair);

	if (error)
		return call_fail_errno(call, error, step, "make a socket");
	ours = pair[0];
	theirs = pair[1];
	if (!path_helper(engine, argv[0], path))
		return call_fail_errno(call, ENAMETOOLONG, step, "%s", engine->helpers);
	spawn.path = path;
	spawn.fds = &theirs;
	charge_spawn(charge, &spawn);
	error = fs_set_nonblocking(ours, true);
	if (!error)
		error = spawn_program(&spawn, &service->process);
	if (error)
		return call_fail_errno(call, error, step, "%s", path);
	service->control = take_fd(&ours);
	return 0;
}

/* Under the engine's mutex. `fresh`: the helper that is there did not answer. */
static int send_session(cri_engine *engine, int socket, bool fresh, cri_call *call)
{
	struct fetch_service *service = engine->fetch_service;
	int error = -EPIPE;

	if (!service) {
		service = calloc(1, sizeof(*service));
		if (!service)
			return call_no_memory(call, step);
		service->control = service->process = -1;
		engine->fetch_service = service;
	}
	if (fresh)
		close_both(service);
	if (service->control >= 0)
		error = socket_send(service->control, "", 1, &socket, 1);
	if (error == -EPIPE || error == -ECONNRESET) {
		close_both(service);
		error = start(engine, NULL, service, call);
		if (error)
			return error;
		error = socket_send(service->control, "", 1, &socket, 1);
	}
	return error ? call_fail_errno(call, error, step, "send a session") : 0;
}

/* *theirs: the other end of a session's socket. */
static int make_session(struct fetch *fetch, int *theirs, cri_call *call)
{
	int pair[2];
	int error = socket_pair(pair);

	if (error)
		return call_fail_errno(call, error, step, "make a socket");
	fetch->socket = pair[0];
	*theirs = pair[1];
	error = fs_set_nonblocking(fetch->socket, true);
	return error ? call_fail_errno(call, error, step, "set up a socket") : 0;
}

static int begin_session(cri_engine *engine, struct fetch *fetch, bool fresh, cri_call *call)
{
	CLEANUP_CLOSE int theirs = -1;
	int result = make_session(fetch, &theirs, call);

	if (result < 0)
		return result;
	pthread_mutex_lock(&engine->settings);
	result = send_session(engine, theirs, fresh, call);
	pthread_mutex_unlock(&engine->settings);
	return result;
}

/* Whether the session ended without an answer. */
static bool met_the_end(const struct fetch *fetch)
{
	char byte;

	return fetch->socket >= 0 && recv(fetch->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

int fetch_start_network(cri_engine *engine, struct fetch *fetch, cJSON *registry, cri_call *call)
{
	CLEANUP_JSON cJSON *request = registry;
	int result = CRI_EINTERNAL;

	for (int i = 0; i < ATTEMPTS; i++) {
		cJSON *copy = cJSON_Duplicate(request, true);

		if (!copy)
			return call_no_memory(call, step);
		result = begin_session(engine, fetch, i > 0, call);
		if (result == 0)
			result = fetch_open(fetch, copy, call);
		else
			cJSON_Delete(copy);
		if (result != CRI_EINTERNAL || i + 1 == ATTEMPTS || !met_the_end(fetch))
			break;
		call_clear(call);
		fetch_stop(fetch);
	}
	return result;
}

int fetch_start_charged(cri_engine *engine, struct fetch *fetch, const struct charge *charge, cJSON *registry,
			cri_call *call)
{
	CLEANUP_JSON cJSON *request = registry;
	struct fetch_service service = { -1, -1 };
	CLEANUP_CLOSE int theirs = -1;
	int result = start(engine, charge, &service, call);

	if (result == 0)
		result = make_session(fetch, &theirs, call);
	if (result == 0) {
		result = socket_send(service.control, "", 1, &theirs, 1);
		if (result)
			result = call_fail_errno(call, result, step, "send a session");
	}
	/* It has all that it will get, and ends with its one session. */
	fetch->process = take_fd(&service.process);
	close_both(&service);
	return result < 0 ? result : fetch_open(fetch, TAKE_POINTER(request), call);
}

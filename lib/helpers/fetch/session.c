/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/socket.h"
#include "libcri/error.h"

#include <string.h>
#include <time.h>

/* Of all sessions. */
static atomic_int running;

struct session *session_new(int socket)
{
	struct session *session = calloc(1, sizeof(*session));
	pthread_condattr_t attributes;

	if (!session) {
		close(socket);
		return NULL;
	}
	session->socket = socket;
	session->references = 1;
	pthread_mutex_init(&session->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&session->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return session;
}

void session_drop(struct session *session)
{
	if (atomic_fetch_sub(&session->references, 1) > 1)
		return;
	close(session->socket);
	registry_free(session->registry);
	pthread_cond_destroy(&session->changed);
	pthread_mutex_destroy(&session->lock);
	free(session);
}

bool session_sleep(struct session *session, int64_t milliseconds)
{
	struct timespec until;
	int64_t nanoseconds;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	nanoseconds = until.tv_nsec + milliseconds % 1000 * NANOSECONDS_PER_MILLISECOND;
	until.tv_sec += milliseconds / 1000 + nanoseconds / NANOSECONDS_PER_SECOND;
	until.tv_nsec = nanoseconds % NANOSECONDS_PER_SECOND;
	pthread_mutex_lock(&session->lock);
	while (!session->ended && result == 0)
		result = pthread_cond_timedwait(&session->changed, &session->lock, &until);
	pthread_mutex_unlock(&session->lock);
	return !session->ended;
}

bool session_take_windows(struct session *session, uint64_t bytes)
{
	bool taken;

	pthread_mutex_lock(&session->lock);
	atomic_fetch_add(&session->waiting, 1);
	while (!session->ended && session->windows > 0 && session->windows + bytes > SESSION_WINDOWS)
		pthread_cond_wait(&session->changed, &session->lock);
	atomic_fetch_sub(&session->waiting, 1);
	taken = !session->ended;
	if (taken)
		session->windows += bytes;
	pthread_mutex_unlock(&session->lock);
	return taken;
}

void session_give_windows(struct session *session, uint64_t bytes)
{
	if (!bytes)
		return;
	pthread_mutex_lock(&session->lock);
	session->windows -= bytes;
	pthread_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->lock);
}

static void *run_job(void *pointer)
{
	job_run(pointer);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static int start_job(struct job *job, struct failure *failure)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	if (atomic_fetch_add(&running, 1) >= FETCH_MAX_JOBS) {
		atomic_fetch_sub(&running, 1);
		return fail(failure, CRI_EEXHAUSTED, "more than %d jobs at once", FETCH_MAX_JOBS);
	}
	error = pthread_attr_init(&attributes);
	if (!error) {
		pthread_attr_setstacksize(&attributes, STACK_SIZE);
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		error = pthread_create(&thread, &attributes, run_job, job);
		pthread_attr_destroy(&attributes);
	}
	if (error) {
		atomic_fetch_sub(&running, 1);
		return fail(failure, CRI_ENOMEM, "no thread for the job");
	}
	return 0;
}

/* Once a session, before its jobs: what the registry is and how to talk to it. Takes the request. */
static void set_registry(struct session *session, int64_t number, cJSON *request, struct failure *failure)
{
	const struct job job = { .session = session, .number = number };

	if (session->registry) {
		cJSON_Delete(request);
		fail(failure, CRI_EINVAL, "a session has one registry");
		return;
	}
	session->registry = registry_new(request, failure);
	if (session->registry)
		(void)reply_done(&job, cJSON_CreateObject(), -1, failure);
}

static void handle(struct session *session, const char *text, size_t length, const int *fds, size_t n_fds)
{
	struct failure failure = { 0 };
	const char *kind = "";
	struct job *job;
	int64_t number = 0;
	cJSON *request;

	if (json_parse(text, length, FETCH_MESSAGE_MAX, &request)) {
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
		fail(&failure, CRI_EINVAL, "the request is no JSON");
		reply_failure(session, 0, &failure);
		return;
	}
	(void)json_int64(request, "job", &number);
	(void)json_string(request, "kind", &kind);
	if (strcmp(kind, "registry") == 0 && n_fds == 0) {
		set_registry(session, number, request, &failure);
	} else {
		job = job_parse(session, request, fds, n_fds, &failure);
		if (job && start_job(job, &failure))
			job_free(job);
	}
	if (failure.code)
		reply_failure(session, number, &failure);
}

int session_run(struct session *session)
{
	char *text = malloc(FETCH_MESSAGE_MAX);
	int fds[SOCKET_MAX_FDS];
	size_t n_fds = 0;
	ssize_t length = -ENOMEM;

	while (text && (length = socket_receive(session->socket, text, FETCH_MESSAGE_MAX, fds, &n_fds, 0)) > 0) {
		handle(session, text, (size_t)length, fds, n_fds);
		/* It may have held credentials. */
		explicit_bzero(text, (size_t)length);
	}
	free(text);
	pthread_mutex_lock(&session->lock);
	session->ended = true;
	pthread_cond_broadcast(&session->changed);
	pthread_mutex_unlock(&session->lock);
	if (session->registry)
		http_session_ended();
	session_drop(session);
	return (int)length;
}

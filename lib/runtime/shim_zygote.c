/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/shim_zygote.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/socket.h"
#include "core/paths.h"
#include "runtime/shim_start.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char step[] = "start cri-shim";

/* So long for room in its socket, in which others' requests are. */
#define RETRY_MILLISECONDS 1

/* A zygote serves directories of the length of the one it was started with: this is no container's id. */
#define NO_ID "----------------------------------------------------------------"

struct shim_zygote {
	int socket;
};

static void forget(struct shim_zygote *zygote)
{
	if (!zygote)
		return;
	/* It ends with its last descriptor. */
	cleanup_close_fd(&zygote->socket);
	free(zygote);
}

/* NULL: *result says why. */
static struct shim_zygote *start(cri_engine *engine, int *result, cri_call *call)
{
	struct shim_zygote *zygote = calloc(1, sizeof(*zygote));

	if (!zygote) {
		*result = call_no_memory(call, step);
		return NULL;
	}
	*result = shim_spawn_entered(engine, NO_ID, NULL, true, &zygote->socket, call);
	if (*result == 0)
		return zygote;
	free(zygote);
	return NULL;
}

/* Under the engine's mutex. -errno, or what was described: *described. */
static int send_now(cri_engine *engine, const char *text, const int *fd, bool *described, cri_call *call)
{
	int result = -EPIPE;

	*described = false;
	if (engine->zygote)
		result = socket_send(engine->zygote->socket, text, strlen(text), fd, fd ? 1 : 0);
	if (result != -EPIPE && result != -ECONNRESET)
		return result;
	/* None yet, or it idled too long. */
	forget(engine->zygote);
	engine->zygote = start(engine, &result, call);
	*described = !engine->zygote;
	return engine->zygote ? socket_send(engine->zygote->socket, text, strlen(text), fd, fd ? 1 : 0) : result;
}

static int send_text(cri_engine *engine, const char *text, const int *fd, cri_call *call)
{
	for (;;) {
		bool described;
		int result;

		pthread_mutex_lock(&engine->settings);
		result = send_now(engine, text, fd, &described, call);
		pthread_mutex_unlock(&engine->settings);
		if (result != -EAGAIN || described)
			return result < 0 && !described ? call_fail_errno(call, result, step, "ask for one") : result;
		result = call_wait(call, step, NULL, 0, RETRY_MILLISECONDS);
		if (result < 0)
			return result;
	}
}

/* One whose socket is full, as it is stopped, need not be told. */
void shim_zygote_warm(cri_engine *engine)
{
	bool described;
	cri_call call;

	call_init(&call);
	pthread_mutex_lock(&engine->settings);
	(void)send_now(engine, "{\"op\":\"shim\"}", NULL, &described, &call);
	pthread_mutex_unlock(&engine->settings);
	call_clear(&call);
}

int shim_zygote_ask(cri_engine *engine, const char *id, int fd, cri_call *call)
{
	CLEANUP_JSON cJSON *message = cJSON_CreateObject();
	CLEANUP_FREE char *text = NULL;
	char directory[PATH_MAX];

	if (!path_container(engine, id, NULL, directory))
		return call_fail_errno(call, ENAMETOOLONG, step, "%s", id);
	if (message && cJSON_AddStringToObject(message, "op", "shim") &&
	    cJSON_AddStringToObject(message, "directory", directory))
		text = cJSON_PrintUnformatted(message);
	return text ? send_text(engine, text, &fd, call) : call_no_memory(call, step);
}

void shim_zygote_free(cri_engine *engine)
{
	forget(engine->zygote);
	engine->zygote = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cri-shim DIRECTORY, cri-shim --resume DIRECTORY, and zygotes of the first: see runtime/shim_protocol.h. */
#include "control.h"
#include "go.h"
#include "init_link.h"
#include "shim.h"
#include "zygote.h"

#include "base/cleanup.h"
#include "base/socket.h"
#include "helpers/helper.h"
#include "runtime/shim_protocol.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>

static const struct source no_source = { .fd = -1 };

/* This process sits still most of its life: what malloc keeps for later would be kept for nothing. */
static void bound_memory(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 4096);
	mallopt(M_TOP_PAD, 0);
	mallopt(M_MMAP_THRESHOLD, 32768);
}

static int watch(struct shim *shim, struct failure *failure)
{
	int result = shim_watch(shim);

	if (result == 0 && shim->terminal >= 0)
		result = streams_watch_terminal(&shim->streams, shim->terminal);
	else if (result == 0)
		result = streams_watch(&shim->streams);
	return result < 0 ? fail(failure, code_of_errno(result), result, "serve", "watch its descriptors") : 0;
}

static cJSON *describe(const struct shim *shim, const char *user)
{
	CLEANUP_JSON cJSON *answer = control_ok();
	cJSON *json = init_user_json(user);

	if (!answer || !json || !cJSON_AddNumberToObject(answer, "pid", shim->pid) ||
	    !cJSON_AddItemToObject(answer, "user", json)) {
		cJSON_Delete(json);
		return NULL;
	}
	return TAKE_POINTER(answer);
}

/* -errno: nobody waits for it any more. */
static int tell(cJSON *answer)
{
	CLEANUP_FREE char *text = answer ? cJSON_PrintUnformatted(answer) : NULL;
	int result = text ? socket_send(SHIM_STATUS_FD, text, strlen(text), NULL, 0) : -ENOMEM;

	cJSON_Delete(answer);
	close(SHIM_STATUS_FD);
	return result;
}

/* A limit of the host on file sizes that could not be lifted, or a reader that is gone, are errors to be handled, not
 * deaths. cri-init gives containers the usual signals. */
static void ignore_signals(void)
{
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static int begin(bool resume, bool *zygote, struct failure *failure)
{
	int result = helper_start();

	*zygote = false;
	if (result < 0)
		return fail(failure, code_of_errno(result), result, "start", "reset what the host has set");
	if (fcntl(SHIM_STATUS_FD, F_SETFD, FD_CLOEXEC) < 0)
		return fail(failure, CRI_EINVAL, errno, "start", "no status socket");
	return resume ? 0 : go_enter(SHIM_STATUS_FD, zygote, failure);
}

static int make(struct shim *shim, const char *directory, bool resume, char **user, struct failure *failure)
{
	int result = loop_init(&shim->loop);

	if (result < 0)
		return fail(failure, code_of_errno(result), result, "start", "epoll");
	if (resume)
		result = order_read(directory, &shim->order, failure);
	if (result == 0)
		result = resume ? shim_resume(shim, user, failure) : shim_create(shim, directory, user, failure);
	return result < 0 ? result : watch(shim, failure);
}

int main(int argc, char **argv)
{
	static struct shim shim = {
		.stdin_fd = -1,
		.terminal = -1,
		.program = -1,
		.program_mount = -1,
		.store = -1,
		.lock = -1,
		.begun = -1,
		.order.directory_fd = -1,
		.container.fds = { -1, -1, -1 },
	};
	struct failure failure = { 0 };
	CLEANUP_FREE char *user = NULL;
	bool resume = argc == 3 && strcmp(argv[1], "--resume") == 0;
	bool zygote;
	int result;

	if (argc != 2 && !resume)
		return 2;
	bound_memory();
	ignore_signals();
	shim.link = shim.init = shim.process = shim.listener = no_source;
	result = begin(resume, &zygote, &failure);
	if (zygote && !zygote_serve(&shim, argv[1], &failure))
		return 0;
	if (result == 0)
		result = make(&shim, argv[argc - 1], resume, &user, &failure);
	if (result < 0) {
		shim_undo(&shim);
		/* Nobody had an order for it: its end says all. */
		if (resume || shim.order.directory_fd >= 0 || result != CRI_ECANCELED)
			(void)tell(control_error(&failure));
		return 1;
	}
	if (tell(describe(&shim, user)) < 0 && !resume) {
		shim_undo(&shim);
		return 1;
	}
	cleanup_close_fd(&shim.begun);
	free(TAKE_POINTER(user));
	malloc_trim(0);
	shim_serve(&shim);
	return 0;
}

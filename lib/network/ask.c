/* SPDX-License-Identifier: Apache-2.0 */
#include "network/ask.h"

#include "base/fs.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "base/text.h"
#include "core/paths.h"
#include "network/network_protocol.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static const char step[] = "set up the pod's network";

/* Plugins may ask other machines; but not for ever. */
#define MOST_MILLISECONDS 120000
/* What the helper leaves of the deadline, so that its own answer, which names the plugin, comes before it. */
#define MARGIN_MILLISECONDS 200
#define UNDO_MILLISECONDS 15000

static int write_request(cri_engine *engine, const struct network_question *question, int64_t timeout, int fd,
			 cri_call *call)
{
	CLEANUP_JSON cJSON *request = cJSON_Duplicate(question->record, true);
	CLEANUP_FREE char *lock = text_printf("%s/network.lock", engine->state);
	CLEANUP_FREE char *text = NULL;
	char path[PATH_MAX];
	int result;

	if (!request || !lock || !cJSON_AddStringToObject(request, "command", question->command) ||
	    !cJSON_AddStringToObject(request, "id", question->id) ||
	    !cJSON_AddStringToObject(request, "netns", question->netns) ||
	    !cJSON_AddStringToObject(request, "host", path_host_namespace(engine, path)) ||
	    !cJSON_AddStringToObject(request, "lock", lock) ||
	    !cJSON_AddBoolToObject(request, "early", question->early) ||
	    !cJSON_AddNumberToObject(request, "timeout", (double)timeout))
		return call_no_memory(call, step);
	cJSON_DeleteItemFromObjectCaseSensitive(request, "interfaces");
	text = cJSON_PrintUnformatted(request);
	if (!text)
		return call_no_memory(call, step);
	result = fs_write_full(fd, text, strlen(text));
	if (result == 0 && lseek(fd, 0, SEEK_SET) < 0)
		result = -errno;
	return result < 0 ? call_fail_errno(call, result, step, "write the request") : 0;
}

static int read_answer(int fd, cJSON **answer, cri_call *call)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;
	char path[32];
	int result;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	result = fs_read(AT_FDCWD, path, NETWORK_MESSAGE_MAX, &text);
	if (result < 0)
		return call_fail_errno(call, result, step, "read the answer of cri-network");
	if (json_parse(text.data ? text.data : "", text.length, NETWORK_MESSAGE_MAX, answer) < 0 ||
	    !cJSON_IsObject(*answer))
		return call_fail(call, CRI_EINTERNAL, step, "cri-network ended without an answer");
	return 0;
}

/* What the helper says of a failure, or 0. `code`: that of the call, when it ended before. */
static int judge(const cJSON *answer, int code, bool *undone, cri_call *call)
{
	const char *text = "";
	int64_t its = CRI_EINTERNAL;

	if (json_string(answer, "error", &text) < 0)
		return code;
	(void)json_int64(answer, "code", &its);
	(void)json_bool(answer, "undone", undone);
	if (code == 0)
		code = its < 0 && its >= CRI_ERRO ? (int)its : CRI_EINTERNAL;
	return call_fail(call, code, step, "%s", text);
}

/* The helper kills what it runs and undoes; one that does not come to an end is killed, with its plugin. */
static void end_helper(int control, int pidfd, cri_call *call)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	(void)shutdown(control, SHUT_WR);
	call_shield(call);
	if (call_wait(call, step, &ended, 1, UNDO_MILLISECONDS) <= 0) {
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		(void)call_wait(call, step, &ended, 1, -1);
	}
	call_unshield(call);
}

/* > 0: the answer is there, or will never be. The helper keeps its time itself, and undoing has its own. */
static int wait_for_answer(int control, int64_t timeout, cri_call *call)
{
	struct pollfd done = { .fd = control, .events = POLLIN };
	int result = call_wait(call, step, &done, 1, timeout + UNDO_MILLISECONDS);

	return result == 0 ? call_fail(call, CRI_ETIMEDOUT, step, "cri-network does not end") : result;
}

static int start(cri_engine *engine, struct network_asking *asking, cri_call *call)
{
	static const char *const argv[] = { "cri-network", NULL };
	char path[PATH_MAX];
	int sockets[2];
	int result = socket_pair(sockets);
	CLEANUP_CLOSE int ours = result < 0 ? -1 : sockets[0];
	CLEANUP_CLOSE int theirs = result < 0 ? -1 : sockets[1];
	const struct spawn spawn = {
		SPAWN_INIT,
		.path = path_helper(engine, "cri-network", path),
		.argv = argv,
		.fds = &theirs,
		.n_fds = 1,
		.stdin_fd = asking->request,
		.stdout_fd = asking->reply,
	};

	if (result < 0)
		return call_fail_errno(call, result, step, "socketpair");
	result = spawn_program(&spawn, &asking->pidfd);
	if (result < 0)
		return call_fail(call, CRI_EINTERNAL, "start cri-network", "%s: %s", spawn.path, strerror(-result));
	asking->control = take_fd(&ours);
	return 0;
}

static void forget(struct network_asking *asking)
{
	cleanup_close_fd(&asking->control);
	cleanup_close_fd(&asking->pidfd);
	cleanup_close_fd(&asking->request);
	cleanup_close_fd(&asking->reply);
	asking->timeout = 0;
}

int network_asking_start(cri_engine *engine, struct network_asking *asking, cri_call *call)
{
	int result;

	*asking = (struct network_asking)NETWORK_ASKING_NOTHING;
	asking->request = memfd_create("network-request", MFD_CLOEXEC);
	asking->reply = memfd_create("network-answer", MFD_CLOEXEC);
	if (asking->request < 0 || asking->reply < 0)
		result = call_fail_errno(call, errno, step, "memfd_create");
	else
		result = start(engine, asking, call);
	if (result < 0)
		forget(asking);
	return result;
}

int network_asking_ask(cri_engine *engine, const struct network_question *question, struct network_asking *asking,
		       cri_call *call)
{
	int64_t timeout = call_remaining(call, question->patience ? question->patience : MOST_MILLISECONDS);
	int result;

	timeout -= timeout > 2 * MARGIN_MILLISECONDS ? MARGIN_MILLISECONDS : timeout / 2;
	result = write_request(engine, question, timeout, asking->request, call);
	if (result < 0) {
		forget(asking);
		return result;
	}
	asking->timeout = timeout;
	/* One that is dead already answers nothing. */
	(void)socket_send(asking->control, "", 1, NULL, 0);
	return 0;
}

void network_asking_go(const struct network_asking *asking)
{
	(void)socket_send(asking->control, "", 1, NULL, 0);
}

void network_asking_give_up(struct network_asking *asking, cri_call *call)
{
	cri_call waiting;

	/* One that was not asked has done nothing, and ends by itself. */
	if (asking->timeout) {
		call_init_child(&waiting, call);
		end_helper(asking->control, asking->pidfd, &waiting);
	}
	forget(asking);
}

static int end(const struct network_asking *asking, cJSON **answer, bool *undone, cri_call *call)
{
	cri_call waiting;
	int result;

	call_init_child(&waiting, call);
	result = wait_for_answer(asking->control, asking->timeout, &waiting);
	if (result < 0) {
		cri_call reading;

		end_helper(asking->control, asking->pidfd, call);
		call_init(&reading);
		/* What the helper says is more than that the call ended. */
		if (read_answer(asking->reply, answer, &reading) == 0)
			(void)judge(*answer, result, undone, call);
		if (!cri_call_code(call))
			call_copy_failure(call, &waiting);
		return result;
	}
	result = read_answer(asking->reply, answer, call);
	return result < 0 ? result : judge(*answer, 0, undone, call);
}

int network_asking_end(struct network_asking *asking, cJSON **answer, bool *undone, cri_call *call)
{
	CLEANUP_JSON cJSON *made = NULL;
	int result;

	*undone = false;
	result = end(asking, &made, undone, call);
	forget(asking);
	if (result == 0)
		*answer = TAKE_POINTER(made);
	return result;
}

int network_question_ask(cri_engine *engine, const struct network_question *question, cJSON **answer, bool *undone,
			 cri_call *call)
{
	struct network_asking asking = NETWORK_ASKING_NOTHING;
	int result = network_asking_start(engine, &asking, call);

	*undone = false;
	if (result == 0)
		result = network_asking_ask(engine, question, &asking, call);
	return result < 0 ? result : network_asking_end(&asking, answer, undone, call);
}

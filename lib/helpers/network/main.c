/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cri-network: attaches a pod to its networks and detaches it (network/network_protocol.h). It lives for one request.
 * It alone enters the pod's network namespace, speaks netlink, and starts CNI plugins and reads what they print.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/socket.h"
#include "base/text.h"
#include "helpers/helper.h"
#include "helpers/network/netlink.h"
#include "helpers/network/pod.h"
#include "helpers/network/result.h"
#include "network/network_protocol.h"

#include <ctype.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define ATTACHMENTS_MAX 32
#define ID_MAX 96 /* with an interface it is the owner of rules: RULES_OWNER */
#define LOCK_PAUSE_MILLISECONDS 1

struct request {
	struct pod pod;
	const char *host, *lock;
	struct attachment attachments[ATTACHMENTS_MAX];
	size_t n;
};

/* Whether there is one at all: libcri starts this program before it knows. One that hung up and has one is wanted. */
static bool await_request(void)
{
	char byte;
	ssize_t n;

	while ((n = recv(NETWORK_CONTROL_FD, &byte, sizeof(byte), 0)) < 0 && errno == EINTR)
		;
	return n == 1;
}

static int read_request(cJSON **json, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;
	int code = fs_read(AT_FDCWD, "/proc/self/fd/0", NETWORK_MESSAGE_MAX, &text);

	if (code == 0)
		code = json_parse(text.data ? text.data : "", text.length, NETWORK_MESSAGE_MAX, json);
	return code < 0 ? fail_errno(failure, code, "read the request") : 0;
}

/* What the specification wants of the ids of containers and of the names of networks; both become names of files. */
static bool is_name(const char *text, size_t max)
{
	size_t length = strlen(text);

	if (!length || length > max || !isalnum((unsigned char)*text))
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == length;
}

/* As the kernel wants it (dev_valid_name). */
static bool is_interface(const char *text)
{
	if (text_is_empty(text) || strlen(text) >= IFNAMSIZ || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (; *text; text++) {
		if (*text == '/' || *text == ':' || isspace((unsigned char)*text))
			return false;
	}
	return true;
}

static bool are_texts(const cJSON *array)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
	{
		if (!cJSON_IsString(item))
			return false;
	}
	return true;
}

static int decode_attachment(const cJSON *json, struct attachment *attachment, struct failure *failure)
{
	const cJSON *plugins = NULL, *result = NULL;

	if (json_object(json, "list", &attachment->list) < 0 ||
	    json_string(json, "interface", &attachment->interface) < 0 ||
	    json_string(attachment->list, "name", &attachment->name) < 0 ||
	    json_string(attachment->list, "cniVersion", &attachment->version) < 0 ||
	    json_array(attachment->list, "plugins", &plugins) < 0 || !result_version_known(attachment->version))
		return fail(failure, CRI_EINVAL, "the request has a malformed attachment");
	if (!is_name(attachment->name, NAME_MAX) || !is_interface(attachment->interface))
		return fail(failure, CRI_EINVAL, "\"%s\" is no name of a network, or \"%s\" none of an interface",
			    attachment->name, attachment->interface);
	(void)json_object(json, "capabilities", &attachment->capabilities);
	if (json_object(json, "result", &result) == 0)
		return result_read(result, &attachment->result, failure);
	return 0;
}

static int decode(const cJSON *json, struct request *request, struct failure *failure)
{
	struct pod *pod = &request->pod;
	const cJSON *attachments = NULL, *attachment;
	const char *command = "";
	int64_t timeout = 0;

	pod->control = NETWORK_CONTROL_FD;
	pod->command = COMMAND_COUNT;
	if (json_string(json, "command", &command) < 0 || json_string(json, "id", &pod->id) < 0 ||
	    json_string(json, "netns", &pod->namespace_path) < 0 || json_string(json, "host", &request->host) < 0 ||
	    json_string(json, "lock", &request->lock) < 0 || json_string(json, "args", &pod->args) < 0 ||
	    json_array(json, "path", &pod->path) < 0 || json_bool(json, "inProcess", &pod->in_process) < 0 ||
	    json_int64(json, "timeout", &timeout) < 0 || json_array(json, "attachments", &attachments) < 0)
		return fail(failure, CRI_EINVAL, "the request is malformed");
	if (!is_name(pod->id, ID_MAX) || !are_texts(pod->path))
		return fail(failure, CRI_EINVAL, "the request's \"id\" or \"path\" is malformed");
	(void)json_object(json, "valid", &pod->valid);
	(void)json_bool(json, "early", &pod->early);
	for (unsigned i = 0; i < COMMAND_COUNT; i++) {
		if (!strcmp(command, command_names[i]))
			pod->command = (enum command)i;
	}
	if (pod->command == COMMAND_COUNT || cJSON_GetArraySize(attachments) > ATTACHMENTS_MAX)
		return fail(failure, CRI_EINVAL, "the request is malformed");
	pod->deadline = clock_boot() + timeout * NANOSECONDS_PER_MILLISECOND;
	cJSON_ArrayForEach(attachment, attachments)
	{
		int code = decode_attachment(attachment, &request->attachments[request->n++], failure);

		if (code < 0)
			return code;
	}
	return 0;
}

static int enter_host(const char *path, struct failure *failure)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		return fail_errno(failure, errno, "enter the host's network namespace %s", path);
	return 0;
}

/* One helper at a time works on a pod: that of a library which was killed goes on until it is told. */
static int lock_pod(const struct request *request, int *lock, struct failure *failure)
{
	for (;;) {
		struct pollfd control = { .fd = request->pod.control, .events = POLLRDHUP };
		int result = lock_try(request->lock, lock_byte(request->pod.id));

		if (result >= 0) {
			*lock = result;
			return 0;
		}
		if (result != -EAGAIN)
			return fail_errno(failure, result, "lock %s", request->lock);
		if (poll(&control, 1, LOCK_PAUSE_MILLISECONDS) > 0)
			return fail(failure, CRI_ECANCELED, "the call was cancelled");
		if (clock_boot() > request->pod.deadline)
			return fail(failure, CRI_ETIMEDOUT, "another process still works on the pod's network");
	}
}

static int add_all(struct request *request, bool *undone, struct failure *failure)
{
	for (size_t i = 0; i < request->n; i++) {
		int code = attachment_add(&request->pod, &request->attachments[i], undone, failure);

		if (code == 0)
			continue;
		request->pod.control = -1;
		request->pod.early = false;
		request->pod.undoing = true;
		request->pod.deadline = clock_boot() + 10 * NANOSECONDS_PER_SECOND;
		while (i-- > 0) {
			struct failure ignored = { 0 };

			if (attachment_delete(&request->pod, &request->attachments[i], &ignored) < 0)
				*undone = false;
		}
		return code;
	}
	return 0;
}

static int carry_out(struct request *request, bool *undone, struct failure *failure)
{
	int result = 0;

	if (request->pod.command == COMMAND_ADD)
		return add_all(request, undone, failure);
	/* Nobody waits any more, but it is wanted all the same: a plugin that is killed in the middle may not find, the
	 * next time, what it had left to do. Debian's bridge forgets its rules with the interface. */
	if (request->pod.command == COMMAND_DEL)
		request->pod.control = -1;
	for (size_t i = request->n; i-- > 0;) {
		int code = request->pod.command == COMMAND_DEL
				   ? attachment_delete(&request->pod, &request->attachments[i], failure)
				   : attachment_ask(&request->pod, &request->attachments[i], failure);

		result = result < 0 ? result : code;
	}
	return result;
}

static bool add_results(const struct request *request, cJSON *answer)
{
	cJSON *results = cJSON_AddArrayToObject(answer, "results");

	for (size_t i = 0; i < request->n && results; i++) {
		const cJSON *result = request->attachments[i].result;
		cJSON *copy = result ? cJSON_Duplicate(result, true) : cJSON_CreateObject();

		if (!copy || !cJSON_AddItemToArray(results, copy)) {
			cJSON_Delete(copy);
			return false;
		}
	}
	return results != NULL;
}

static int write_answer(const struct request *request, int code, bool undone, struct failure *failure)
{
	CLEANUP_JSON cJSON *answer = cJSON_CreateObject();
	CLEANUP_FREE char *text = NULL;
	int result;

	if (!answer)
		return -ENOMEM;
	fail_finish(failure);
	if (code == 0 ? !add_results(request, answer)
		      : !cJSON_AddStringToObject(answer, "error", failure->text) ||
				!cJSON_AddNumberToObject(answer, "code", code) ||
				!cJSON_AddBoolToObject(answer, "undone", undone))
		return -ENOMEM;
	text = cJSON_PrintUnformatted(answer);
	if (!text)
		return -ENOMEM;
	result = fs_write_full(STDOUT_FILENO, text, strlen(text));
	return result < 0 ? result : socket_send(NETWORK_CONTROL_FD, "", 1, NULL, 0);
}

int main(void)
{
	static struct request request;
	static struct failure failure;
	CLEANUP_JSON cJSON *json = NULL;
	CLEANUP_LOCK int lock = -1;
	bool undone = true;
	int code = helper_start();

	if (code < 0)
		code = fail_errno(&failure, code, "start cri-network");
	if (code == 0 && fcntl(NETWORK_CONTROL_FD, F_SETFD, FD_CLOEXEC) < 0)
		code = fail_errno(&failure, errno, "find the socket to libcri");
	/* The grandchildren of a plugin that is killed become ours, to be killed too. */
	if (code == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		code = fail_errno(&failure, errno, "become a subreaper");
	if (code == 0 && !await_request())
		return 1;
	if (code == 0)
		code = read_request(&json, &failure);
	if (code == 0)
		code = decode(json, &request, &failure);
	if (code == 0)
		code = enter_host(request.host, &failure);
	if (code == 0)
		code = lock_pod(&request, &lock, &failure);
	if (code == 0)
		code = carry_out(&request, &undone, &failure);
	code = write_answer(&request, code, undone, &failure);
	if (lock >= 0)
		lock_release(take_fd(&lock));
	nets_close(&request.pod);
	for (size_t i = 0; i < request.n; i++)
		cJSON_Delete(request.attachments[i].result);
	return code < 0;
}

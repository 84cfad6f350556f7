/* SPDX-License-Identifier: Apache-2.0 */
#include "network/namespaces.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "base/text.h"
#include "core/paths.h"
#include "network/pin_protocol.h"
#include "network/sysctl.h"

#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static const char step[] = "pin namespaces";

static const char *const names[] = { "net", "ipc", "uts" };

/* So often may something be mounted over a pin. */
#define MOST_MOUNTS 16

static const char *const step_texts[] = {
	[PIN_STEP_REQUEST] = "read the request",  [PIN_STEP_UNSHARE] = "make the namespaces",
	[PIN_STEP_HOSTNAME] = "set the hostname", [PIN_STEP_LOOPBACK] = "bring loopback up",
	[PIN_STEP_SYSCTL] = "set a sysctl",       [PIN_STEP_FILE] = "make the files for the pins",
	[PIN_STEP_MOUNT] = "bind the namespaces", [PIN_STEP_MONITORS] = "make the monitors' mount namespace",
};

static void append_text(struct buffer *message, const char *text)
{
	buffer_append(message, text, strlen(text) + 1);
}

static int append_sysctl(const struct namespace_request *request, const cri_key_value *sysctl, struct buffer *message,
			 cri_call *call)
{
	static const char *const whose[] = { [SYSCTL_NETWORK] = "network", [SYSCTL_IPC] = "ipc", [SYSCTL_UTS] = "uts" };
	const bool made[] = {
		[SYSCTL_NETWORK] = request->network, [SYSCTL_IPC] = request->ipc, [SYSCTL_UTS] = request->uts
	};
	const char *value = text_is_empty(sysctl->value) ? "" : sysctl->value;
	char path[SYSCTL_PATH_MAX];
	enum sysctl_namespace which;
	int result = sysctl_path(sysctl->key, path, &which);

	if (result == -ENOTSUP)
		return call_fail(call, CRI_EINVAL, step, "sysctls: \"%s\" belongs to no namespace of a pod",
				 sysctl->key);
	if (result < 0)
		return call_fail(call, CRI_EINVAL, step, "sysctls: \"%s\" is no name of a kernel parameter",
				 sysctl->key);
	if (!made[which])
		return call_fail(call, CRI_EINVAL, step,
				 "sysctls: \"%s\" belongs to the %s namespace, which the pod shares with the host",
				 sysctl->key, whose[which]);
	append_text(message, path);
	append_text(message, value);
	return 0;
}

static int encode(const struct namespace_request *request, struct buffer *message, cri_call *call)
{
	struct pin_request header = { 0 };

	buffer_append(message, &header, sizeof(header));
	append_text(message, request->directory);
	append_text(message, text_is_empty(request->hostname) ? "" : request->hostname);
	for (size_t i = 0; i < request->n_sysctls; i++) {
		int result = append_sysctl(request, request->sysctls[i], message, call);

		if (result < 0)
			return result;
	}
	if (message->failed)
		return call_no_memory(call, step);
	if (message->length > PIN_MESSAGE_MAX)
		return call_fail(call, CRI_EINVAL, step, "sysctls: they are longer than %d bytes", PIN_MESSAGE_MAX);
	header.length = (uint32_t)(message->length - sizeof(header));
	memcpy(message->data, &header, sizeof(header));
	return 0;
}

static int describe(const struct namespace_request *request, const struct pin_answer *answer, cri_call *call)
{
	if (answer->step == PIN_DONE)
		return 0;
	if (answer->step >= sizeof(step_texts) / sizeof(step_texts[0]))
		return call_fail(call, CRI_EINTERNAL, step, "cri-sandbox answered step %u", answer->step);
	if (answer->step != PIN_STEP_SYSCTL)
		return call_fail_errno(call, answer->error, step_texts[answer->step], "%s", request->directory);
	if (answer->index >= request->n_sysctls)
		return call_fail_errno(call, answer->error, step_texts[answer->step], "/proc/sys");
	return call_fail(call, CRI_EINVAL, step_texts[answer->step], "sysctls: \"%s\" = \"%s\": %s",
			 request->sysctls[answer->index]->key, request->sysctls[answer->index]->value,
			 answer->error == ENOENT ? "the kernel has no such parameter" : strerror(answer->error));
}

static int receive_answer(int fd, const struct namespace_request *request, cri_call *call)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	struct pin_answer answer;
	int fds[SOCKET_MAX_FDS];
	size_t n_fds;
	ssize_t n;
	int result = call_wait(call, step, &readable, 1, -1);

	if (result < 0)
		return result;
	n = socket_receive(fd, &answer, sizeof(answer), fds, &n_fds, 0);
	if (n < 0)
		return call_fail_errno(call, (int)n, step, "read the answer of cri-sandbox");
	if (n != sizeof(answer))
		return call_fail(call, CRI_EINTERNAL, step, "cri-sandbox ended without an answer");
	return describe(request, &answer, call);
}

/* A helper that goes on after the user lost patience would pin what nobody removes. */
static void kill_helper(int pidfd, cri_call *call)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	call_shield(call);
	(void)call_wait(call, step, &ended, 1, -1);
	call_unshield(call);
}

static int begin_helper(cri_engine *engine, uint32_t flags, struct namespace_pinning *pinning, cri_call *call)
{
	char path[PATH_MAX];
	char number[16];
	const char *const argv[] = { "cri-sandbox", "pin", number, NULL };
	int sockets[2] = { -1, -1 };
	int result = socket_pair(sockets);
	CLEANUP_CLOSE int ours = result < 0 ? -1 : sockets[0];
	CLEANUP_CLOSE int theirs = result < 0 ? -1 : sockets[1];
	const struct spawn spawn = { SPAWN_INIT, .path = path_helper(engine, "cri-sandbox", path), .argv = argv,
				     .fds = &theirs, .n_fds = 1 };

	if (result < 0)
		return call_fail_errno(call, result, step, "socketpair");
	snprintf(number, sizeof(number), "%u", flags);
	result = spawn_program(&spawn, &pinning->pidfd);
	if (result < 0)
		return call_fail(call, CRI_EINTERNAL, "start cri-sandbox", "%s: %s", spawn.path, strerror(-result));
	pinning->socket = take_fd(&ours);
	return 0;
}

static int ask_helper(const struct namespace_request *request, const struct namespace_pinning *pinning, cri_call *call)
{
	CLEANUP_BUFFER struct buffer message = BUFFER_EMPTY;
	int result = encode(request, &message, call);

	if (result < 0)
		return result;
	result = socket_send(pinning->socket, message.data, message.length, NULL, 0);
	/* One that has failed already has said why. */
	return result < 0 && result != -EPIPE ? call_fail_errno(call, result, step, "ask cri-sandbox") : 0;
}

static int end_helper(const struct namespace_request *request, struct namespace_pinning *pinning, cri_call *call)
{
	int result = receive_answer(pinning->socket, request, call);

	if (result < 0)
		kill_helper(pinning->pidfd, call);
	namespaces_abandon(pinning);
	return result;
}

static int run_helper(cri_engine *engine, const struct namespace_request *request, uint32_t flags, cri_call *call)
{
	struct namespace_pinning pinning = NAMESPACE_PINNING_NONE;
	int result = begin_helper(engine, flags, &pinning, call);

	if (result == 0)
		result = ask_helper(request, &pinning, call);
	if (result == 0)
		result = end_helper(request, &pinning, call);
	namespaces_abandon(&pinning);
	return result;
}

static int remove_pin(const char *directory, const char *name, cri_call *call)
{
	char path[PATH_MAX];
	int result = fs_path(path, sizeof(path), "%s/%s", directory, name);

	if (result < 0)
		return call_fail_errno(call, result, "unpin a namespace", "%s/%s", directory, name);
	for (int i = 0; i < MOST_MOUNTS && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0; i++)
		;
	if (unlink(path) < 0 && errno != ENOENT)
		return call_fail_errno(call, errno, "unpin a namespace", "%s", path);
	return 0;
}

int namespaces_unpin(const char *directory, cri_call *call)
{
	int result = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int one = remove_pin(directory, names[i], call);

		result = result < 0 ? result : one;
	}
	return result;
}

static uint32_t flags_of(const struct namespace_request *request)
{
	return (request->network ? PIN_NETWORK : 0) | (request->ipc ? PIN_IPC : 0) | (request->uts ? PIN_UTS : 0);
}

int namespaces_begin(cri_engine *engine, const struct namespace_request *request, struct namespace_pinning *pinning,
		     cri_call *call)
{
	return begin_helper(engine, flags_of(request), pinning, call);
}

/* Without a request it ends with the socket. */
void namespaces_abandon(struct namespace_pinning *pinning)
{
	cleanup_close_fd(&pinning->socket);
	cleanup_close_fd(&pinning->pidfd);
	*pinning = (struct namespace_pinning)NAMESPACE_PINNING_NONE;
}

int namespaces_pin_begin(const struct namespace_request *request, struct namespace_pinning *pinning, cri_call *call)
{
	return ask_helper(request, pinning, call);
}

int namespaces_pin_end(const struct namespace_request *request, struct namespace_pinning *pinning, cri_call *call)
{
	int result = end_helper(request, pinning, call);

	/* What fails now does not hide what failed first. */
	if (result < 0)
		(void)namespaces_unpin(request->directory, call);
	return result;
}

int namespaces_pin(cri_engine *engine, const struct namespace_request *request, cri_call *call)
{
	struct namespace_pinning pinning = NAMESPACE_PINNING_NONE;
	int result = namespaces_begin(engine, request, &pinning, call);

	if (result == 0)
		result = namespaces_pin_begin(request, &pinning, call);
	if (result == 0)
		result = namespaces_pin_end(request, &pinning, call);
	namespaces_abandon(&pinning);
	return result;
}

static int pin_one(cri_engine *engine, const struct namespace_request *request, uint32_t flag, const char *name,
		   cri_call *call)
{
	int result = run_helper(engine, request, flag, call);

	if (result < 0)
		(void)remove_pin(request->directory, name, call);
	return result;
}

int namespaces_pin_empty(cri_engine *engine, const char *directory, cri_call *call)
{
	const struct namespace_request request = { .directory = directory };

	return pin_one(engine, &request, PIN_EMPTY, "empty", call);
}

int namespaces_pin_monitors(cri_engine *engine, const char *directory, cri_call *call)
{
	/* The root's path travels in the hostname's place (pin_protocol.h). */
	const struct namespace_request request = { .directory = directory, .hostname = engine->root };

	return pin_one(engine, &request, PIN_MONITORS, "monitors", call);
}

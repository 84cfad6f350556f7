/* SPDX-License-Identifier: Apache-2.0 */
#include "image/unpack.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "core/paths.h"
#include "image/process.h"

#include <fcntl.h>
#include <string.h>

static const char unpacking[] = "unpack";

static int start(cri_engine *engine, const char *mode, int directory, const struct unpack_limits *limits,
		 const struct charge *charge, struct unpacker *unpacker, int source, int status, cri_call *call)
{
	char path[PATH_MAX], entries[24], bytes[24];
	const char *const argv[] = { "cri-unpack", mode, entries, bytes, NULL };
	const int fds[] = { status, directory };
	struct spawn spawn = { SPAWN_INIT, .path = path, .argv = argv, .fds = fds, .n_fds = 2 };
	int error;

	snprintf(entries, sizeof(entries), "%llu", (unsigned long long)limits->entries);
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)limits->bytes);
	if (!path_helper(engine, argv[0], path))
		return call_fail_errno(call, ENAMETOOLONG, unpacking, "%s", engine->helpers);
	spawn.stdin_fd = source;
	charge_spawn(charge, &spawn);
	error = spawn_program(&spawn, &unpacker->process);
	return error ? call_fail_errno(call, error, unpacking, "start %s", path) : 0;
}

int unpacker_start(cri_engine *engine, const char *mode, int directory, const struct unpack_limits *limits,
		   const struct charge *charge, struct unpacker *unpacker, int *sink, cri_call *call)
{
	CLEANUP_CLOSE int theirs = -1;
	CLEANUP_CLOSE int ours = -1;
	CLEANUP_CLOSE int reader = -1;
	CLEANUP_CLOSE int writer = -1;
	int pair[2];
	int error = socket_pair(pair);
	int result;

	if (error)
		return call_fail_errno(call, error, unpacking, "make a socket");
	ours = pair[0];
	theirs = pair[1];
	if (pipe2(pair, O_CLOEXEC))
		return call_fail_errno(call, errno, unpacking, "make a pipe");
	reader = pair[0];
	writer = pair[1];
	/* Fewer switches between the two helpers; refused when the user's pipes hold too much already. */
	(void)fcntl(writer, F_SETPIPE_SZ, 1 << 20);
	error = fs_set_nonblocking(ours, true);
	if (error)
		return call_fail_errno(call, error, unpacking, "set up a socket");
	result = start(engine, mode, directory, limits, charge, unpacker, reader, theirs, call);
	if (result < 0)
		return result;
	unpacker->step = unpacking;
	unpacker->status = take_fd(&ours);
	*sink = take_fd(&writer);
	return 0;
}

static int describe(const char *step, const struct unpack_message *message, cri_call *call)
{
	switch (message->error) {
	case EBADMSG:
		return call_fail(call, CRI_ECORRUPT, step, "%s", message->text);
	case EFBIG:
		return call_fail(call, CRI_EEXHAUSTED, step, "%s makes it larger than the limit", message->text);
	case ENAMETOOLONG:
	case ELOOP:
		return call_fail(call, CRI_ECORRUPT, step, "%s: %s", message->text,
				 message->error == ELOOP ? "its links lead in a circle" : "its name is too long");
	default:
		return call_fail_errno(call, message->error, step, "%s", message->text);
	}
}

int unpacker_receive(struct unpacker *unpacker, struct unpack_message *message, cri_call *call)
{
	const char *const step = unpacker->step;
	int fds[SOCKET_MAX_FDS];
	size_t n_fds = 0, texts, first;
	ssize_t length = socket_receive(unpacker->status, message, sizeof(*message), fds, &n_fds, 0);

	if (length == -EAGAIN)
		return 0;
	if (length < 0)
		return call_fail_errno(call, (int)length, step, "receive from the helper");
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	if (length == 0)
		return call_fail(call, CRI_EINTERNAL, step, "the helper ended before its work");
	if ((size_t)length < UNPACK_MESSAGE_HEAD)
		return call_fail(call, CRI_EINTERNAL, step, "a message of %zd bytes", length);
	/* The helper has read a stranger's tar: take nothing for granted. */
	texts = (size_t)length - UNPACK_MESSAGE_HEAD;
	if (texts == sizeof(message->text))
		texts--;
	message->text[texts] = '\0';
	first = strlen(message->text);
	if (first + 1 >= texts)
		message->text[first + 1 < sizeof(message->text) ? first + 1 : first] = '\0';
	return message->kind == UNPACK_ERROR ? describe(step, message, call) : 1;
}

int unpacker_stop(struct unpacker *unpacker, cri_call *call)
{
	int result = process_end(unpacker->process, call);

	if (unpacker->process >= 0)
		close(unpacker->process);
	if (unpacker->status >= 0)
		close(unpacker->status);
	unpacker->process = unpacker->status = -1;
	return result;
}

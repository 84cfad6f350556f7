/* SPDX-License-Identifier: Apache-2.0 */
#include "init_link.h"

#include "base/buffer.h"
#include "base/socket.h"

#include <string.h>
#include <sys/socket.h>

int init_pair(int fds[2])
{
	const int on = 1;
	int result = socket_pair(fds);

	if (result < 0)
		return result;
	if (setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
		result = -errno;
		close(fds[0]);
		close(fds[1]);
	}
	return result;
}

int init_send(int fd, enum init_message_type type, uint32_t flags, const char *const *texts, size_t n_texts,
	      const int *fds, size_t n_fds)
{
	struct init_message header = { .type = type, .flags = flags };
	CLEANUP_BUFFER struct buffer message = BUFFER_EMPTY;

	for (size_t i = 0; i < n_texts; i++)
		header.length += (uint32_t)strlen(texts[i]) + 1;
	if (header.length > INIT_MESSAGE_MAX - sizeof(header))
		return -EMSGSIZE;
	buffer_append(&message, &header, sizeof(header));
	for (size_t i = 0; i < n_texts; i++)
		buffer_append(&message, texts[i], strlen(texts[i]) + 1);
	return message.failed ? -ENOMEM : socket_send(fd, message.data, message.length, fds, n_fds);
}

/* What came beside the bytes: who sent it, and at most one descriptor, the terminal's. */
static void take_control(struct msghdr *message, struct init_answer *answer)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET)
			continue;
		if (header->cmsg_type == SCM_CREDENTIALS) {
			struct ucred credentials;

			memcpy(&credentials, CMSG_DATA(header), sizeof(credentials));
			answer->pid = credentials.pid;
		} else if (header->cmsg_type == SCM_RIGHTS) {
			memcpy(&answer->terminal, CMSG_DATA(header), sizeof(int));
		}
	}
}

/* A user that is not there, or a place where nothing can be mounted, is the caller's or the image's mistake. */
static int code_of(const char *step, int error)
{
	bool mistaken = false;

	if (!strcmp(step, INIT_STEP_USER))
		mistaken = error == ENOENT || error == EINVAL || error == ERANGE || error == E2BIG;
	else if (!strcmp(step, INIT_STEP_MOUNT))
		mistaken = error == ENOENT || error == ENOTDIR || error == EROFS || error == ELOOP ||
			   error == ENAMETOOLONG;
	return mistaken ? CRI_EINVAL : code_of_errno(error);
}

static int decode(struct init_answer *answer, const char *bytes, size_t length)
{
	struct init_message header;
	const char *texts = bytes + sizeof(header);
	size_t first, second;

	if (length < sizeof(header))
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	if (header.length != length - sizeof(header) || !header.length || texts[header.length - 1] != '\0')
		return -EBADMSG;
	answer->type = header.type;
	first = strlen(texts) + 1;
	if (header.type == INIT_READY) {
		answer->user = strdup(texts);
		return answer->user ? 0 : -ENOMEM;
	}
	if (header.type != INIT_FAILED || first == header.length)
		return -EBADMSG;
	second = strlen(texts + first);
	fail(&answer->failure, code_of(texts, header.error), header.error, texts, "%.*s", (int)second, texts + first);
	return 0;
}

int init_receive(int fd, struct init_answer *answer)
{
	CLEANUP_FREE char *bytes = malloc(INIT_MESSAGE_MAX);
	struct iovec data = { .iov_base = bytes, .iov_len = INIT_MESSAGE_MAX };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	ssize_t n;
	int result;

	memset(answer, 0, sizeof(*answer));
	answer->terminal = -1;
	if (!bytes)
		return -ENOMEM;
	/* ECONNRESET, once, stands before what was sent by one that left messages unread. */
	do {
		n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	if (n == 0)
		return 0;
	take_control(&message, answer);
	result = message.msg_flags & MSG_TRUNC ? -EBADMSG : decode(answer, bytes, (size_t)n);
	if (result < 0)
		init_answer_free(answer);
	return result < 0 ? result : 1;
}

void init_answer_free(struct init_answer *answer)
{
	free(answer->user);
	answer->user = NULL;
	cleanup_close_fd(&answer->terminal);
	answer->terminal = -1;
}

cJSON *init_user_json(const char *user)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	cJSON *groups;
	char *end;

	if (!json)
		return NULL;
	for (size_t i = 0; i < 2; i++) {
		double number = (double)strtoul(user, &end, 10);

		if (end == user || !cJSON_AddNumberToObject(json, i ? "gid" : "uid", number))
			return NULL;
		user = end;
	}
	groups = cJSON_AddArrayToObject(json, "groups");
	for (;;) {
		double number = (double)strtoul(user, &end, 10);
		cJSON *group;

		if (end == user)
			break;
		user = end;
		group = cJSON_CreateNumber(number);
		if (!cJSON_AddItemToArray(groups, group)) {
			cJSON_Delete(group);
			return NULL;
		}
	}
	return TAKE_POINTER(json);
}

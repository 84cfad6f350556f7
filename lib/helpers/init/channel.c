/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A process without capabilities cannot send a descriptor while more of its user's are on their way than it may have
 * open (unix(7), ETOOMANYREFS). Those arrive: so long is waited for that. */
#define CROWDED_PAUSE 10000000L /* nanoseconds */
#define CROWDED_ATTEMPTS 1000

static const char step[] = "read a message of the shim";

/* Received and sent in turn. */
static union {
	struct init_message header;
	char bytes[INIT_MESSAGE_MAX];
} message;

static bool split_texts(struct order *order, const char *at, size_t length)
{
	while (length) {
		const char *end = memchr(at, '\0', length);

		if (!end || order->n_texts == CHANNEL_TEXTS)
			return false;
		order->texts[order->n_texts++] = at;
		length -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	return true;
}

int channel_receive(struct order *order, struct failure *failure)
{
	ssize_t n;

	memset(order, 0, sizeof(*order));
	n = socket_receive(INIT_SOCKET_FD, message.bytes, sizeof(message), order->fds, &order->n_fds, 0);
	if (n == 0)
		return fail(failure, EPIPE, step, "the shim is gone");
	if (n < 0)
		return fail(failure, (int)n, step, "");
	if ((size_t)n < sizeof(message.header) || message.header.length != (size_t)n - sizeof(message.header))
		return fail(failure, EBADMSG, step, "its length is wrong");
	order->type = message.header.type;
	order->flags = message.header.flags;
	if (!split_texts(order, message.bytes + sizeof(message.header), message.header.length))
		return fail(failure, EBADMSG, step, "its texts are wrong");
	return 0;
}

void channel_release(struct order *order)
{
	for (size_t i = 0; i < order->n_fds; i++) {
		if (order->fds[i] >= 0)
			close(order->fds[i]);
	}
	order->n_fds = 0;
}

int channel_send_ready(const char *texts, size_t length, int fd)
{
	int error = -ETOOMANYREFS;

	if (length > sizeof(message) - sizeof(message.header))
		return -EMSGSIZE;
	message.header = (struct init_message){ .type = INIT_READY, .length = (uint32_t)length };
	memcpy(message.bytes + sizeof(message.header), texts, length);
	for (int i = 0; i < CROWDED_ATTEMPTS && error == -ETOOMANYREFS; i++) {
		const struct timespec pause = { .tv_nsec = CROWDED_PAUSE };

		if (i > 0)
			(void)syscall(SYS_nanosleep, &pause, NULL);
		error = socket_send(INIT_SOCKET_FD, message.bytes, sizeof(message.header) + length, &fd,
				    fd >= 0 ? 1 : 0);
	}
	return error;
}

void channel_send_failed(const struct failure *failure)
{
	size_t step_size = strlen(failure->step) + 1, message_size = strlen(failure->message) + 1;
	char *at = message.bytes + sizeof(message.header);

	message.header = (struct init_message){
		.type = INIT_FAILED,
		.error = failure->error,
		.length = (uint32_t)(step_size + message_size),
	};
	memcpy(at, failure->step, step_size);
	memcpy(at + step_size, failure->message, message_size);
	/* Without anybody to tell, the exit code is all that is left. */
	(void)socket_send(INIT_SOCKET_FD, message.bytes, sizeof(message.header) + step_size + message_size, NULL, 0);
}

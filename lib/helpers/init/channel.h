/* SPDX-License-Identifier: Apache-2.0 */
/* The socket to cri-shim (runtime/init_protocol.h), seen from cri-init. */
#ifndef LIBCRI_HELPERS_INIT_CHANNEL_H
#define LIBCRI_HELPERS_INIT_CHANNEL_H

#include "failure.h"

#include "base/socket.h"
#include "runtime/init_protocol.h"

#define CHANNEL_TEXTS 3

struct order {
	uint32_t type, flags;
	const char *texts[CHANNEL_TEXTS];
	size_t n_texts;
	int fds[SOCKET_MAX_FDS]; /* closed by channel_release, unless replaced by -1 */
	size_t n_fds;
};

/* Waits for the next message; the texts stay until the one after. -EPIPE: the shim is gone. */
int channel_receive(struct order *order, struct failure *failure);
void channel_release(struct order *order);

/* `texts`: each with its NUL, `length` bytes in all. fd -1: none. */
int channel_send_ready(const char *texts, size_t length, int fd);
void channel_send_failed(const struct failure *failure);

#endif

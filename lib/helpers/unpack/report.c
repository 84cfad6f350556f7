/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack.h"

#include "base/socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int unpack_refuse(struct unpack *unpack, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(unpack->problem, sizeof(unpack->problem), format, args);
	va_end(args);
	return -EBADMSG;
}

int report(enum unpack_kind kind, int error, const char *first, const char *second)
{
	struct unpack_message message = { .kind = kind, .error = error };
	size_t first_size = first ? strlen(first) + 1 : 0, second_size = second ? strlen(second) + 1 : 0;

	if (first_size + second_size > sizeof(message.text))
		return -ENAMETOOLONG;
	if (first)
		memcpy(message.text, first, first_size);
	if (second)
		memcpy(message.text + first_size, second, second_size);
	return socket_send(STATUS_FD, &message, UNPACK_MESSAGE_HEAD + first_size + second_size, NULL, 0);
}

int report_done(const struct unpack *unpack)
{
	const struct unpack_message message = { .kind = UNPACK_DONE,
						.bytes = unpack->bytes,
						.inodes = unpack->inodes,
						.entries = unpack->entries,
						.recount = unpack->recount };

	return socket_send(STATUS_FD, &message, UNPACK_MESSAGE_HEAD, NULL, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include "limits.h"
#include "metadata.h"

#include <stdlib.h>
#include <string.h>

static int fail(int status, const char *reason, const char **text)
{
	*text = reason;
	return status;
}

static int read_prefix(struct frame_reader *reader, const char **text)
{
	const uint8_t *prefix = reader->prefix;

	if (prefix[0] > 1)
		return fail(GRPC_INTERNAL, "the message's compressed flag is neither 0 nor 1", text);
	if (prefix[0] && !reader->encoded)
		return fail(GRPC_INTERNAL, "the message is compressed, but grpc-encoding names no compression", text);
	if (prefix[0])
		return fail(GRPC_UNIMPLEMENTED, "compressed messages are not supported", text);
	reader->length = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
	if (reader->length > GRPC_MAX_MESSAGE)
		return fail(GRPC_RESOURCE_EXHAUSTED, "the message is longer than 16777216 bytes", text);
	return GRPC_OK;
}

static bool grow(struct frame_reader *reader, size_t needed)
{
	size_t size = reader->allocated ? reader->allocated * 2 : 512;
	uint8_t *grown;

	if (needed <= reader->allocated)
		return true;
	while (size < needed)
		size *= 2;
	if (size > reader->length)
		size = reader->length;
	grown = realloc(reader->message, size);
	if (!grown)
		return false;
	reader->message = grown;
	reader->allocated = size;
	return true;
}

int frame_read(struct frame_reader *reader, const uint8_t *bytes, size_t length, const char **text)
{
	while (length && reader->n_prefix < FRAME_PREFIX) {
		reader->prefix[reader->n_prefix++] = *bytes++;
		length--;
		if (reader->n_prefix == FRAME_PREFIX) {
			int status = read_prefix(reader, text);

			if (status)
				return status;
		}
	}
	if (!length)
		return GRPC_OK;
	if (length > reader->length - reader->filled)
		return fail(GRPC_UNIMPLEMENTED, "the request has more than one message", text);
	if (!grow(reader, reader->filled + length))
		return fail(GRPC_RESOURCE_EXHAUSTED, "there is no memory for the message", text);
	memcpy(reader->message + reader->filled, bytes, length);
	reader->filled += length;
	return GRPC_OK;
}

int frame_end(const struct frame_reader *reader, const char **text)
{
	if (!reader->n_prefix)
		return fail(GRPC_UNIMPLEMENTED, "the request has no message", text);
	if (reader->n_prefix < FRAME_PREFIX || reader->filled < reader->length)
		return fail(GRPC_INTERNAL, "the request ended within its message", text);
	return GRPC_OK;
}

void frame_reader_clear(struct frame_reader *reader)
{
	free(reader->message);
	*reader = (struct frame_reader){ 0 };
}

void frame_write_prefix(uint8_t prefix[FRAME_PREFIX], size_t length)
{
	prefix[0] = 0;
	prefix[1] = (uint8_t)(length >> 24);
	prefix[2] = (uint8_t)(length >> 16);
	prefix[3] = (uint8_t)(length >> 8);
	prefix[4] = (uint8_t)length;
}

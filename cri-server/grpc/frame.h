/* SPDX-License-Identifier: Apache-2.0 */
/* The message in the body of a request: a byte that says whether it is compressed, its length in four, itself. */
#ifndef CRI_SERVER_GRPC_FRAME_H
#define CRI_SERVER_GRPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_PREFIX 5

struct frame_reader {
	uint8_t prefix[FRAME_PREFIX];
	size_t n_prefix;
	uint8_t *message;
	size_t length;    /* as the prefix says */
	size_t filled;    /* of it */
	size_t allocated; /* never much above what has come, whatever the prefix promises */
	bool encoded;     /* the request's grpc-encoding is not identity */
};

/* Takes bytes as they come. 0, or the gRPC status to answer, with *text saying why. */
int frame_read(struct frame_reader *reader, const uint8_t *bytes, size_t length, const char **text);

/* The request is over: 0 when there was one whole message, else the gRPC status to answer. */
int frame_end(const struct frame_reader *reader, const char **text);

void frame_reader_clear(struct frame_reader *reader);

/* The prefix of an uncompressed message. */
void frame_write_prefix(uint8_t prefix[FRAME_PREFIX], size_t length);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd (RFC 8878). A frame's header says how large its window is, and so what inflating it takes: room for that is
 * asked for before the frame is begun, since any frame, not just the first, may want much.
 */
#include "zstd.h"

#include "libcri/error.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* RFC 8878 asks for 8 MiB; image builders use less. */
#define WINDOW_LOG_MAX 24
#define MAGIC UINT32_C(0xfd2fb528)
#define MAGIC_SKIPPABLE UINT32_C(0x184d2a50) /* to …5f */
/* The longest header. Whole frames may be shorter. */
#define HEAD_MAX 18

struct zstd {
	ZSTD_DStream *stream;
	uint64_t reserved;
	bool between; /* frames; the next one's first bytes are in `head` */
	unsigned char head[HEAD_MAX];
	size_t n_head;
	char buffer[CHUNK_SIZE];
};

static uint64_t read_little_endian(const uint8_t *bytes, size_t length)
{
	uint64_t value = 0;

	while (length-- > 0)
		value = value << 8 | bytes[length];
	return value;
}

static bool is_skippable(const void *first, size_t length)
{
	return length >= 4 && (read_little_endian(first, 4) & ~UINT64_C(0xf)) == MAGIC_SKIPPABLE;
}

bool zstd_begins(const void *first, size_t length)
{
	return (length >= 4 && read_little_endian(first, 4) == MAGIC) || is_skippable(first, length);
}

/* RFC 8878, 3.1.1.1: the frame header says the window's size, or of a frame in one segment its content's. */
static uint64_t frame_memory(const uint8_t *head, size_t length)
{
	static const size_t dictionary_sizes[] = { 0, 1, 2, 4 };
	static const size_t content_sizes[] = { 1, 2, 4, 8 };
	const uint64_t most = UINT64_C(1) << WINDOW_LOG_MAX;
	uint64_t size;

	if (is_skippable(head, length) || length < 6)
		return 0;
	if (head[4] & 0x20) {
		const size_t at = 5 + dictionary_sizes[head[4] & 3], n = content_sizes[head[4] >> 6];

		size = length < at + n ? most : read_little_endian(head + at, n);
	} else {
		size = UINT64_C(1) << (10 + (head[5] >> 3));
		size += size / 8 * (head[5] & 7);
	}
	return size < most ? size : most;
}

static int renew_stream(struct zstd *zstd)
{
	ZSTD_freeDStream(zstd->stream);
	zstd->stream = ZSTD_createDStream();
	return zstd->stream && !ZSTD_isError(ZSTD_DCtx_setParameter(zstd->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))
		       ? 0
		       : -1;
}

struct zstd *zstd_new(void)
{
	struct zstd *zstd = calloc(1, sizeof(*zstd));

	if (!zstd)
		return NULL;
	zstd->between = true;
	if (renew_stream(zstd)) {
		zstd_free(zstd);
		return NULL;
	}
	return zstd;
}

void zstd_free(struct zstd *zstd)
{
	if (!zstd)
		return;
	ZSTD_freeDStream(zstd->stream);
	free(zstd);
}

/* To the end of `in`, or of the frame. */
static int decode(struct zstd *zstd, ZSTD_inBuffer *in, const struct inflater_client *client, struct failure *failure)
{
	ZSTD_outBuffer out;
	size_t left;

	do {
		out = (ZSTD_outBuffer){ zstd->buffer, sizeof(zstd->buffer), 0 };
		left = ZSTD_decompressStream(zstd->stream, &out, in);
		if (ZSTD_isError(left) && ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge)
			return fail(failure, CRI_ENOTSUP, "its zstd window is larger than %d MiB",
				    (1 << WINDOW_LOG_MAX) >> 20);
		if (ZSTD_isError(left))
			return fail(failure, CRI_ECORRUPT, "the zstd data is damaged: %s", ZSTD_getErrorName(left));
		if (out.pos > 0 && client->output(client->context, out.dst, out.pos, failure))
			return -1;
		zstd->between = left == 0;
	} while (!zstd->between && (in->pos < in->size || out.pos == out.size));
	return 0;
}

/* Begins the frame that begins in `head`, which may hold all of it and more. */
static int begin_frame(struct zstd *zstd, const struct inflater_client *client, struct failure *failure)
{
	const uint64_t memory = frame_memory(zstd->head, zstd->n_head);
	ZSTD_inBuffer in = { zstd->head, zstd->n_head, 0 };

	if (memory > zstd->reserved) {
		/* What it has is given back before there is more. */
		if (renew_stream(zstd))
			return fail(failure, CRI_ENOMEM, "memory ran out");
		if (client->reserve(client->context, memory, failure))
			return -1;
		zstd->reserved = memory;
	}
	if (decode(zstd, &in, client, failure))
		return -1;
	zstd->n_head -= in.pos;
	memmove(zstd->head, zstd->head + in.pos, zstd->n_head);
	return 0;
}

int zstd_add(struct zstd *zstd, const void *bytes, size_t length, const struct inflater_client *client,
	     struct failure *failure)
{
	const char *next = bytes;

	while (length > 0) {
		size_t used;

		if (zstd->between) {
			used = HEAD_MAX - zstd->n_head < length ? HEAD_MAX - zstd->n_head : length;
			memcpy(zstd->head + zstd->n_head, next, used);
			zstd->n_head += used;
			if (zstd->n_head == HEAD_MAX && begin_frame(zstd, client, failure))
				return -1;
		} else {
			ZSTD_inBuffer in = { next, length, 0 };

			if (decode(zstd, &in, client, failure))
				return -1;
			used = in.pos;
		}
		next += used;
		length -= used;
	}
	return 0;
}

int zstd_end(struct zstd *zstd, const struct inflater_client *client, struct failure *failure)
{
	while (zstd->between && zstd->n_head > 0)
		if (begin_frame(zstd, client, failure))
			return -1;
	return zstd->between ? 0 : fail(failure, CRI_ECORRUPT, "the compressed data is cut off");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952, several members), zstd (RFC 8878, several frames) and plain bytes, pushed through in chunks. */
#include "gzip.h"

#include "libcri/error.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* RFC 8878 asks for 8 MiB; image builders use less. */
#define ZSTD_WINDOW_LOG_MAX 24
#define ZSTD_MAGIC "\x28\xb5\x2f\xfd"

enum format { FORMAT_PLAIN, FORMAT_GZIP, FORMAT_ZSTD };

struct inflater {
	enum format format;
	take_bytes output;
	void *context;
	struct gzip *gzip;
	ZSTD_DStream *zstd;
	bool complete; /* the input may end here */
	char *buffer;
};

static const struct {
	const char *magic;
	size_t length;
	const char *name;
} refused[] = {
	{ "\xfd"
	  "7zXZ\0",
	  6, "xz" },
	{ "BZh", 3, "bzip2" },
	{ "\x04\x22\x4d\x18", 4, "lz4" },
};

static int detect(const void *first, size_t length, enum format *format, struct failure *failure)
{
	*format = FORMAT_PLAIN;
	if (length >= 2 && memcmp(first, "\x1f\x8b", 2) == 0)
		*format = FORMAT_GZIP;
	if (length >= 4 && memcmp(first, ZSTD_MAGIC, 4) == 0)
		*format = FORMAT_ZSTD;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (length >= refused[i].length && memcmp(first, refused[i].magic, refused[i].length) == 0)
			return fail(failure, CRI_ENOTSUP, "it is compressed with %s; gzip, zstd and plain tar work",
				    refused[i].name);
	return 0;
}

static uint64_t read_little_endian(const uint8_t *bytes, size_t length)
{
	uint64_t value = 0;

	while (length-- > 0)
		value = value << 8 | bytes[length];
	return value;
}

/* RFC 8878, 3.1.1.1: the frame header says the window's size, or of a frame in one segment its content's. */
uint64_t inflater_memory(const void *first, size_t length)
{
	static const size_t dictionary_sizes[] = { 0, 1, 2, 4 };
	static const size_t content_sizes[] = { 1, 2, 4, 8 };
	const uint8_t *bytes = first;
	const uint64_t most = UINT64_C(1) << ZSTD_WINDOW_LOG_MAX;
	uint64_t size;

	if (length < 6 || memcmp(bytes, ZSTD_MAGIC, 4) != 0)
		return 0;
	if (bytes[4] & 0x20) {
		const size_t at = 5 + dictionary_sizes[bytes[4] & 3], n = content_sizes[bytes[4] >> 6];

		size = length < at + n ? most : read_little_endian(bytes + at, n);
	} else {
		size = UINT64_C(1) << (10 + (bytes[5] >> 3));
		size += size / 8 * (bytes[5] & 7);
	}
	return size < most ? size : most;
}

struct inflater *inflater_new(const void *first, size_t length, take_bytes output, void *context,
			      struct failure *failure)
{
	struct inflater *inflater = calloc(1, sizeof(*inflater));
	bool ready = inflater != NULL;

	if (inflater && detect(first, length, &inflater->format, failure)) {
		inflater_free(inflater);
		return NULL;
	}
	if (inflater) {
		inflater->output = output;
		inflater->context = context;
		inflater->complete = inflater->format == FORMAT_PLAIN;
		if (inflater->format == FORMAT_ZSTD)
			ready = (inflater->buffer = malloc(CHUNK_SIZE)) != NULL;
	}
	if (ready && inflater->format == FORMAT_GZIP)
		ready = (inflater->gzip = gzip_new()) != NULL;
	if (ready && inflater->format == FORMAT_ZSTD) {
		inflater->zstd = ZSTD_createDStream();
		ready = inflater->zstd &&
			!ZSTD_isError(ZSTD_DCtx_setParameter(inflater->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX));
	}
	if (!ready) {
		fail(failure, CRI_ENOMEM, "memory ran out");
		inflater_free(inflater);
		return NULL;
	}
	return inflater;
}

static int add_zstd(struct inflater *inflater, const void *bytes, size_t length, struct failure *failure)
{
	ZSTD_inBuffer in = { bytes, length, 0 };
	ZSTD_outBuffer out;
	size_t left;

	do {
		out = (ZSTD_outBuffer){ inflater->buffer, CHUNK_SIZE, 0 };
		left = ZSTD_decompressStream(inflater->zstd, &out, &in);
		if (ZSTD_isError(left) && ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge)
			return fail(failure, CRI_ENOTSUP, "its zstd window is larger than %d MiB",
				    (1 << ZSTD_WINDOW_LOG_MAX) >> 20);
		if (ZSTD_isError(left))
			return fail(failure, CRI_ECORRUPT, "the zstd data is damaged: %s", ZSTD_getErrorName(left));
		if (out.pos > 0 && inflater->output(inflater->context, out.dst, out.pos, failure))
			return -1;
		inflater->complete = left == 0;
	} while (in.pos < in.size || out.pos == out.size);
	return 0;
}

int inflater_add(struct inflater *inflater, const void *bytes, size_t length, struct failure *failure)
{
	switch (inflater->format) {
	case FORMAT_GZIP:
		return gzip_add(inflater->gzip, bytes, length, inflater->output, inflater->context, failure);
	case FORMAT_ZSTD:
		return add_zstd(inflater, bytes, length, failure);
	default:
		return inflater->output(inflater->context, bytes, length, failure);
	}
}

int inflater_end(struct inflater *inflater, struct failure *failure)
{
	const bool whole = inflater->format == FORMAT_GZIP ? gzip_is_whole(inflater->gzip) : inflater->complete;

	return whole ? 0 : fail(failure, CRI_ECORRUPT, "the compressed data is cut off");
}

void inflater_free(struct inflater *inflater)
{
	if (!inflater)
		return;
	gzip_free(inflater->gzip);
	ZSTD_freeDStream(inflater->zstd);
	free(inflater->buffer);
	free(inflater);
}

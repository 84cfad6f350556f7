/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952, several members), zstd (RFC 8878, several frames) and plain bytes, pushed through in chunks. */
#include "gzip.h"

#include "libcri/error.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* RFC 8878 asks for 8 MiB; 32 MiB is beyond what image builders use, and a bound on the memory of one layer. */
#define ZSTD_WINDOW_LOG_MAX 25

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
	if (length >= 4 && memcmp(first, "\x28\xb5\x2f\xfd", 4) == 0)
		*format = FORMAT_ZSTD;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (length >= refused[i].length && memcmp(first, refused[i].magic, refused[i].length) == 0)
			return fail(failure, CRI_ENOTSUP, "it is compressed with %s; gzip, zstd and plain tar work",
				    refused[i].name);
	return 0;
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

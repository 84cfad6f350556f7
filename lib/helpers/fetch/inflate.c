/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952, several members), zstd (RFC 8878, several frames) and plain bytes, pushed through in chunks. */
#include "gzip.h"
#include "zstd.h"

#include "libcri/error.h"

#include <stdlib.h>
#include <string.h>

enum format { FORMAT_PLAIN, FORMAT_GZIP, FORMAT_ZSTD };

struct inflater {
	enum format format;
	struct inflater_client client;
	struct gzip *gzip;
	struct zstd *zstd;
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
	if (zstd_begins(first, length))
		*format = FORMAT_ZSTD;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (length >= refused[i].length && memcmp(first, refused[i].magic, refused[i].length) == 0)
			return fail(failure, CRI_ENOTSUP, "it is compressed with %s; gzip, zstd and plain tar work",
				    refused[i].name);
	return 0;
}

struct inflater *inflater_new(const void *first, size_t length, const struct inflater_client *client,
			      struct failure *failure)
{
	struct inflater *inflater = calloc(1, sizeof(*inflater));
	bool ready = inflater != NULL;

	if (inflater && detect(first, length, &inflater->format, failure)) {
		inflater_free(inflater);
		return NULL;
	}
	if (inflater)
		inflater->client = *client;
	if (ready && inflater->format == FORMAT_GZIP)
		ready = (inflater->gzip = gzip_new()) != NULL;
	if (ready && inflater->format == FORMAT_ZSTD)
		ready = (inflater->zstd = zstd_new()) != NULL;
	if (!ready) {
		fail(failure, CRI_ENOMEM, "memory ran out");
		inflater_free(inflater);
		return NULL;
	}
	return inflater;
}

int inflater_add(struct inflater *inflater, const void *bytes, size_t length, struct failure *failure)
{
	const struct inflater_client *client = &inflater->client;

	switch (inflater->format) {
	case FORMAT_GZIP:
		return gzip_add(inflater->gzip, bytes, length, client->output, client->context, failure);
	case FORMAT_ZSTD:
		return zstd_add(inflater->zstd, bytes, length, client, failure);
	default:
		return client->output(client->context, bytes, length, failure);
	}
}

int inflater_end(struct inflater *inflater, struct failure *failure)
{
	switch (inflater->format) {
	case FORMAT_GZIP:
		return gzip_is_whole(inflater->gzip) ? 0
						     : fail(failure, CRI_ECORRUPT, "the compressed data is cut off");
	case FORMAT_ZSTD:
		return zstd_end(inflater->zstd, &inflater->client, failure);
	default:
		return 0;
	}
}

void inflater_free(struct inflater *inflater)
{
	if (!inflater)
		return;
	gzip_free(inflater->gzip);
	zstd_free(inflater->zstd);
	free(inflater);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cri-fetch's inflating, in pieces of any size. What zlib takes for whole gzip data comes out the same. The input: a
 * byte for the size of the pieces, the compressed data.
 */
#include "helpers/fetch/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX ((size_t)1 << 20)

struct output {
	unsigned char *bytes;
	size_t length;
};

static int take(void *context, const void *bytes, size_t length, struct failure *failure)
{
	struct output *output = context;

	if (length > OUTPUT_MAX - output->length)
		return fail(failure, -1, "too much");
	memcpy(output->bytes + output->length, bytes, length);
	output->length += length;
	return 0;
}

static int reserve(void *context, uint64_t bytes, struct failure *failure)
{
	(void)context;
	(void)failure;
	if (bytes > UINT64_C(16) << 20)
		abort();
	return 0;
}

static bool inflate_in_pieces(const uint8_t *data, size_t size, size_t piece, struct output *output)
{
	const size_t first = size < INFLATER_FIRST ? size : INFLATER_FIRST;
	struct failure failure = { 0 };
	const struct inflater_client client = { take, reserve, output };
	struct inflater *inflater = inflater_new(data, first, &client, &failure);
	bool whole = inflater != NULL;

	for (size_t at = 0; whole && at < size; at += piece)
		whole = inflater_add(inflater, data + at, size - at < piece ? size - at : piece, &failure) == 0;
	whole = whole && inflater_end(inflater, &failure) == 0;
	if (!whole && !failure.code)
		abort();
	inflater_free(inflater);
	return whole;
}

/* Members one behind the other, nothing behind the last. */
static bool inflate_by_zlib(const uint8_t *data, size_t size, struct output *output)
{
	z_stream zlib = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size };
	int result = inflateInit2(&zlib, MAX_WBITS + 16);

	while (result == Z_OK && output->length < OUTPUT_MAX) {
		zlib.next_out = output->bytes + output->length;
		zlib.avail_out = (uInt)(OUTPUT_MAX - output->length);
		result = inflate(&zlib, Z_NO_FLUSH);
		output->length = OUTPUT_MAX - zlib.avail_out;
		if (result == Z_STREAM_END && zlib.avail_in)
			result = inflateReset(&zlib);
	}
	inflateEnd(&zlib);
	return result == Z_STREAM_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct output ours = { malloc(OUTPUT_MAX), 0 }, theirs = { malloc(OUTPUT_MAX), 0 };
	bool whole;

	if (size > 2 && ours.bytes && theirs.bytes) {
		whole = inflate_in_pieces(data + 1, size - 1, (size_t)data[0] + 1, &ours);
		if (data[1] == 0x1f && data[2] == 0x8b && inflate_by_zlib(data + 1, size - 1, &theirs) &&
		    theirs.length < OUTPUT_MAX &&
		    (!whole || ours.length != theirs.length || memcmp(ours.bytes, theirs.bytes, ours.length) != 0))
			abort();
	}
	free(ours.bytes);
	free(theirs.bytes);
	return 0;
}

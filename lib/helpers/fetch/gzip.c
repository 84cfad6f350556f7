/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952) over ISA-L, which inflates twice as fast as zlib. Headers are read here: ISA-L's reader fails on a
 * header with a checksum of its own that does not come in one piece. That checksum is skipped, since the digest of the
 * whole stands for it.
 */
#include "gzip.h"

#include "libcri/error.h"

#include <isa-l.h>
#include <stdlib.h>

/* Of a header, in order. */
enum part { PART_FIXED, PART_EXTRA_LENGTH, PART_EXTRA, PART_NAME, PART_COMMENT, PART_CHECKSUM, PART_NONE };

#define FLAG_CHECKSUM 0x02
#define FLAG_EXTRA 0x04
#define FLAG_NAME 0x08
#define FLAG_COMMENT 0x10
#define FLAGS_RESERVED 0xe0
#define FIXED_SIZE 10

struct gzip {
	struct inflate_state state;
	enum part part;
	uint8_t flags;
	size_t left; /* bytes of the part */
	unsigned extra;
	bool between; /* members */
	unsigned char buffer[CHUNK_SIZE];
};

static void begin_member(struct gzip *gzip)
{
	isal_inflate_init(&gzip->state);
	gzip->state.crc_flag = ISAL_GZIP_NO_HDR_VER;
	gzip->part = PART_FIXED;
	gzip->left = FIXED_SIZE;
	gzip->between = false;
}

struct gzip *gzip_new(void)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (gzip)
		begin_member(gzip);
	return gzip;
}

void gzip_free(struct gzip *gzip)
{
	free(gzip);
}

/* --- header --- */

static void next_part(struct gzip *gzip)
{
	static const uint8_t flag_of[] = { [PART_EXTRA_LENGTH] = FLAG_EXTRA,
					   [PART_EXTRA] = FLAG_EXTRA,
					   [PART_NAME] = FLAG_NAME,
					   [PART_COMMENT] = FLAG_COMMENT,
					   [PART_CHECKSUM] = FLAG_CHECKSUM };

	do
		gzip->part++;
	while (gzip->part < PART_NONE && !(gzip->flags & flag_of[gzip->part]));
	gzip->left = gzip->part == PART_EXTRA ? gzip->extra : 2;
}

static bool fixed_is_right(struct gzip *gzip, uint8_t byte)
{
	switch (FIXED_SIZE - gzip->left) {
	case 0:
		return byte == 0x1f;
	case 1:
		return byte == 0x8b;
	case 2:
		return byte == 8; /* deflate */
	case 3:
		gzip->flags = byte;
		return !(byte & FLAGS_RESERVED);
	default:
		return true;
	}
}

/* Whether the byte may stand where it does. */
static bool take_header_byte(struct gzip *gzip, uint8_t byte)
{
	bool right = true;

	switch (gzip->part) {
	case PART_FIXED:
		right = fixed_is_right(gzip, byte);
		gzip->left--;
		break;
	case PART_NAME:
	case PART_COMMENT:
		gzip->left = byte != 0;
		break;
	case PART_EXTRA_LENGTH:
		gzip->extra = gzip->extra >> 8 | (unsigned)byte << 8;
		gzip->left--;
		break;
	default:
		gzip->left--;
	}
	/* An extra field may be empty. */
	while (gzip->left == 0 && gzip->part < PART_NONE)
		next_part(gzip);
	return right;
}

/* --- data --- */

static const char *describe(int result)
{
	switch (result) {
	case ISAL_INCORRECT_CHECKSUM:
		return "bad checksum";
	case ISAL_INVALID_BLOCK:
		return "bad block";
	case ISAL_INVALID_SYMBOL:
		return "bad code";
	case ISAL_INVALID_LOOKBACK:
		return "bad distance";
	default:
		return "bad data";
	}
}

static int inflate_some(struct gzip *gzip, take_bytes output, void *context, struct failure *failure)
{
	struct inflate_state *state = &gzip->state;
	int result;

	do {
		state->next_out = gzip->buffer;
		state->avail_out = sizeof(gzip->buffer);
		result = isal_inflate(state);
		if (result != ISAL_DECOMP_OK)
			return fail(failure, CRI_ECORRUPT, "the gzip data is damaged: %s", describe(result));
		if (state->avail_out < sizeof(gzip->buffer) &&
		    output(context, gzip->buffer, sizeof(gzip->buffer) - state->avail_out, failure))
			return -1;
		gzip->between = state->block_state == ISAL_BLOCK_FINISH;
	} while (!gzip->between && (state->avail_in > 0 || state->avail_out == 0));
	return 0;
}

int gzip_add(struct gzip *gzip, const void *bytes, size_t length, take_bytes output, void *context,
	     struct failure *failure)
{
	const uint8_t *next = bytes, *const end = next + length;

	while (next < end) {
		if (gzip->between)
			begin_member(gzip);
		if (gzip->part < PART_NONE) {
			if (!take_header_byte(gzip, *next++))
				return fail(failure, CRI_ECORRUPT, "the gzip data is damaged: bad header");
			continue;
		}
		gzip->state.next_in = (uint8_t *)(uintptr_t)next;
		gzip->state.avail_in = (uint32_t)(end - next);
		if (inflate_some(gzip, output, context, failure))
			return -1;
		next = end - gzip->state.avail_in;
	}
	return 0;
}

bool gzip_is_whole(const struct gzip *gzip)
{
	return gzip->between;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The client of cri-unpack (image/unpack_protocol.h). */
#ifndef LIBCRI_IMAGE_UNPACK_H
#define LIBCRI_IMAGE_UNPACK_H

#include "core/engine.h"
#include "image/charge.h"
#include "image/unpack_protocol.h"

struct unpacker {
	int status;
	int process;
	const char *step; /* for failures */
};
#define UNPACKER_CLOSED                                                                                                \
	{                                                                                                              \
		-1, -1, NULL                                                                                           \
	}

struct unpack_limits {
	uint64_t entries, bytes;
};

/* Starts filling `directory` from a pipe; *sink is its other end, the caller's. mode: "layer" or "archive". `charge`
 * may be NULL. */
int unpacker_start(cri_engine *engine, const char *mode, int directory, const struct unpack_limits *limits,
		   const struct charge *charge, struct unpacker *unpacker, int *sink, cri_call *call);

/* The next message, without waiting: 1, or 0 when there is none yet (poll unpacker->status). A helper that died is a
 * failure, and so is UNPACK_ERROR, described. Texts of a message are checked: two, NUL-terminated, second maybe "". */
int unpacker_receive(struct unpacker *unpacker, struct unpack_message *message, cri_call *call);

/* Closes it; whatever runs is killed, and gone on return. Call it shielded. */
int unpacker_stop(struct unpacker *unpacker, cri_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A conversion, begun and ended, and messages that go over the wire and back. */
#ifndef TESTS_UNIT_CONVERT_FIXTURE_H
#define TESTS_UNIT_CONVERT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "convert/convert.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
	struct conversion conversion;
	struct rpc_status status;
};

static inline void begin(struct fixture *fixture, enum rpc_dialect dialect)
{
	memset(fixture, 0, sizeof(*fixture));
	memory_init(&fixture->conversion.memory);
	fixture->conversion.dialect = dialect;
	fixture->conversion.status = &fixture->status;
}

static inline void end(struct fixture *fixture)
{
	memory_free(&fixture->conversion.memory);
}

/* What a server of this dialect reads of a client's message. */
static inline const void *receive(struct fixture *fixture, const void *message)
{
	const ProtobufCMessage *base = message;
	size_t length = protobuf_c_message_get_packed_size(base);
	uint8_t *bytes = memory_take(&fixture->conversion.memory, length + 1);

	assert_non_null(bytes);
	protobuf_c_message_pack(base, bytes);
	return message_unpack(&fixture->conversion, base->descriptor, bytes, length);
}

/* What a client finds in an answer of this dialect, read as `descriptor`. */
static inline void *answer(struct fixture *fixture, void *message, const ProtobufCMessageDescriptor *descriptor)
{
	size_t length = 0;
	uint8_t *bytes = message_pack(&fixture->conversion, message, &length);
	void *read;

	if (!bytes)
		fail_msg("cannot be packed: %s", fixture->status.message);
	read = protobuf_c_message_unpack(descriptor, &fixture->conversion.memory.allocator, length, bytes);
	assert_non_null(read);
	return read;
}

#endif

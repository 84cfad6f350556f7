/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the three dialects, between the wire and the conversions. */
#ifndef CRI_SERVER_CONVERT_MESSAGE_H
#define CRI_SERVER_CONVERT_MESSAGE_H

#include "convert/memory.h"
#include "rpc.h"

/* A request's conversion and its answer's. */
struct conversion {
	struct memory memory;
	enum rpc_dialect dialect;
	struct rpc_status *status; /* code 0 until something failed */
};

/* The status codes of gRPC that are decided here rather than by libcri. */
enum { STATUS_INVALID_ARGUMENT = 3, STATUS_RESOURCE_EXHAUSTED = 8, STATUS_UNIMPLEMENTED = 12 };

/* Describes a failure; the first one stays. */
__attribute__((format(printf, 3, 4))) void conversion_fail(struct conversion *conversion, int code, const char *format,
							   ...);

/* Whether all went well; memory that ran out is described now. */
bool conversion_succeeded(struct conversion *conversion);

/* A packed request, checked as messages on the wire must be: strings are UTF-8 and hold no NUL, which C would end them
 * at. Fields that the dialect lacks are as if they were not there. NULL: see the status. */
const void *message_unpack(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor,
			   const uint8_t *bytes, size_t length);

/* An empty message, or NULL (memory.failed). */
void *message_new(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor);

/* Clears what the dialect lacks, mends strings that are not UTF-8, and packs. NULL: see the status. */
uint8_t *message_pack(struct conversion *conversion, ProtobufCMessage *message, size_t *length);

/* wire.c: whether bytes can be unpacked; if not, the status names the field by its numbers in cri.proto. */
bool wire_check(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
		size_t length);

/* dialects.c: clears the fields of one message (not of those inside it) that the dialect lacks. */
void dialect_clear(ProtobufCMessage *message, enum rpc_dialect dialect);

/* utf8.c: how many bytes at the beginning are UTF-8 (RFC 3629). */
size_t utf8_valid(const char *text, size_t length);

/* The text, or a copy with U+FFFD for each byte that is not UTF-8. NULL only without memory. */
char *utf8_mend(struct memory *memory, char *text);

#endif

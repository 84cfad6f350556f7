/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a request before protobuf-c unpacks it: protobuf-c (1.4) ends strings at a NUL and does not look at their
 * encoding. No message of the CRI holds itself, so that the depth is bounded by the schema. */
#include "convert/message.h"

#include <stdio.h>
#include <string.h>

enum wire_type { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_LENGTH = 2, WIRE_32BIT = 5 };

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
};

/* The numbers of the fields from the request to the present one. */
struct place {
	const struct place *parent;
	uint32_t number;
};

static bool read_varint(struct cursor *cursor, uint64_t *value)
{
	*value = 0;
	for (unsigned int shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
		uint8_t byte = *cursor->at++;

		*value |= (uint64_t)(byte & 0x7F) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* "2.8.1": the inner numbers are found first. */
static size_t print_place(const struct place *place, char *text, size_t size)
{
	size_t length = place->parent ? print_place(place->parent, text, size) : 0;
	int added = snprintf(text + length, size - length, "%s%u", length ? "." : "", place->number);

	return added > 0 && (size_t)added < size - length ? length + (size_t)added : length;
}

static bool fail_at(struct conversion *conversion, const struct place *place, const char *what)
{
	char numbers[64] = "";

	print_place(place, numbers, sizeof(numbers));
	conversion_fail(conversion, STATUS_INVALID_ARGUMENT, "field %s of the request (numbers of cri.proto) %s",
			numbers, what);
	return false;
}

static bool check_message(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor,
			  struct cursor cursor, const struct place *parent);

static bool check_bytes(struct conversion *conversion, const ProtobufCFieldDescriptor *field, struct cursor bytes,
			const struct place *place)
{
	const size_t length = (size_t)(bytes.end - bytes.at);

	if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
		return check_message(conversion, field->descriptor, bytes, place);
	if (!field || field->type != PROTOBUF_C_TYPE_STRING || !length)
		return true;
	if (memchr(bytes.at, 0, length))
		return fail_at(conversion, place, "holds a NUL");
	if (utf8_valid((const char *)bytes.at, length) != length)
		return fail_at(conversion, place, "is not UTF-8");
	return true;
}

static bool skip(struct cursor *cursor, uint64_t length)
{
	if (length > (uint64_t)(cursor->end - cursor->at))
		return false;
	cursor->at += length;
	return true;
}

static bool check_field(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor,
			struct cursor *cursor, const struct place *parent)
{
	struct place place = { .parent = parent };
	struct cursor bytes;
	uint64_t tag, value;
	bool whole;

	if (!read_varint(cursor, &tag) || tag >> 3 == 0 || tag >> 3 > (1U << 29) - 1) {
		place.number = 0;
		return fail_at(conversion, &place, "is no field");
	}
	place.number = (uint32_t)(tag >> 3);
	switch ((enum wire_type)(tag & 7)) {
	case WIRE_VARINT:
		whole = read_varint(cursor, &value);
		break;
	case WIRE_64BIT:
		whole = skip(cursor, 8);
		break;
	case WIRE_32BIT:
		whole = skip(cursor, 4);
		break;
	case WIRE_LENGTH:
		whole = read_varint(cursor, &value);
		bytes.at = cursor->at;
		whole = whole && skip(cursor, value);
		bytes.end = cursor->at;
		if (whole)
			return check_bytes(conversion,
					   protobuf_c_message_descriptor_get_field(descriptor, place.number), bytes,
					   &place);
		break;
	default:
		return fail_at(conversion, &place, "has a wire type that proto3 does not have");
	}
	return whole ? true : fail_at(conversion, &place, "is cut short");
}

static bool check_message(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor,
			  struct cursor cursor, const struct place *parent)
{
	while (cursor.at < cursor.end)
		if (!check_field(conversion, descriptor, &cursor, parent))
			return false;
	return true;
}

bool wire_check(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
		size_t length)
{
	struct cursor cursor = { .at = bytes, .end = bytes + length };

	return check_message(conversion, descriptor, cursor, NULL);
}

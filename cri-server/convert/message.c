/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void conversion_fail(struct conversion *conversion, int code, const char *format, ...)
{
	struct rpc_status *status = conversion->status;
	va_list arguments;

	if (status->code)
		return;
	status->code = code;
	va_start(arguments, format);
	if (vsnprintf(status->message, sizeof(status->message), format, arguments) < 0)
		status->message[0] = '\0';
	va_end(arguments);
}

bool conversion_succeeded(struct conversion *conversion)
{
	if (conversion->memory.failed)
		conversion_fail(conversion, STATUS_RESOURCE_EXHAUSTED,
				"memory ran out, or the call needs more than %zu MB", MEMORY_LIMIT >> 20);
	return conversion->status->code == 0;
}

/* protobuf_c_message_init (1.4) needs the generated init functions, which we do without. */
void *message_new(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = memory_take(&conversion->memory, descriptor->sizeof_message);

	if (!message)
		return NULL;
	message->descriptor = descriptor;
	for (unsigned int i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		if (field->type == PROTOBUF_C_TYPE_STRING && field->label != PROTOBUF_C_LABEL_REPEATED)
			*(const char **)((char *)message + field->offset) = protobuf_c_empty_string;
	}
	return message;
}

/* Visits a message and what is in it: before a request is read, and before an answer is packed. */
struct visit {
	struct conversion *conversion;
	bool answer;
};

static void visit_message(const struct visit *visit, ProtobufCMessage *message);

static void visit_value(const struct visit *visit, const ProtobufCFieldDescriptor *field, void *value)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		ProtobufCMessage *const *inner = value;

		if (*inner)
			visit_message(visit, *inner);
	} else if (field->type == PROTOBUF_C_TYPE_STRING && visit->answer) {
		char **text = value;

		if (*text)
			*text = utf8_mend(&visit->conversion->memory, *text);
	}
}

static void visit_message(const struct visit *visit, ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;

	dialect_clear(message, visit->conversion->dialect);
	for (unsigned int i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		char *member = (char *)message + field->offset, *elements;
		size_t n;

		if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING)
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			visit_value(visit, field, member);
			continue;
		}
		/* An array of pointers, whichever of the two types. */
		memcpy(&elements, member, sizeof(elements));
		n = *(const size_t *)((const char *)message + field->quantifier_offset);
		for (size_t j = 0; j < n; j++)
			visit_value(visit, field, elements + j * sizeof(char *));
	}
}

const void *message_unpack(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor,
			   const uint8_t *bytes, size_t length)
{
	const struct visit visit = { .conversion = conversion };
	ProtobufCMessage *message;

	if (!wire_check(conversion, descriptor, bytes, length))
		return NULL;
	message = protobuf_c_message_unpack(descriptor, &conversion->memory.allocator, length, bytes);
	if (!message) {
		if (conversion_succeeded(conversion))
			conversion_fail(conversion, STATUS_INVALID_ARGUMENT,
					"a field of the request has another type than in cri.proto");
		return NULL;
	}
	if (conversion->dialect != RPC_V1)
		visit_message(&visit, message);
	return message;
}

uint8_t *message_pack(struct conversion *conversion, ProtobufCMessage *message, size_t *length)
{
	const struct visit visit = { .conversion = conversion, .answer = true };
	uint8_t *packed;

	if (!conversion_succeeded(conversion))
		return NULL;
	visit_message(&visit, message);
	if (!conversion_succeeded(conversion))
		return NULL;
	*length = protobuf_c_message_get_packed_size(message);
	packed = memory_take(&conversion->memory, *length ? *length : 1);
	if (!conversion_succeeded(conversion))
		return NULL;
	protobuf_c_message_pack(message, packed);
	return packed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields came after which dialect. Later dialects only added, so that clearing what a client does not know leaves
 * exactly its own wire; the three places where 2019 has something else instead are with their conversions. */
#include "convert/message.h"
#include "convert/proto.h"

#include <string.h>

#define FIELD(number) (1U << (number))

struct rule {
	const ProtobufCMessageDescriptor *message;
	uint32_t since_v1alpha2; /* not in 2019 */
	uint32_t since_v1;       /* neither in v1alpha2 */
};

/* tests/server/test_schema.py holds it against the marks in proto/cri.proto: one line a message, please. */
/* clang-format off */
static const struct rule rules[] = {
	{ &cri__namespace_option__descriptor, FIELD(4) | FIELD(5), 0 },
	{ &cri__linux_container_resources__descriptor, FIELD(8) | FIELD(9) | FIELD(10), 0 },
	{ &cri__image_spec__descriptor, FIELD(2), FIELD(18) | FIELD(19) | FIELD(20) },
	{ &cri__status_response__descriptor, 0, FIELD(3) | FIELD(4) },
	{ &cri__linux_sandbox_security_context__descriptor, FIELD(8) | FIELD(9) | FIELD(10), FIELD(11) },
	{ &cri__linux_pod_sandbox_config__descriptor, FIELD(4) | FIELD(5), 0 },
	{ &cri__pod_sandbox_config__descriptor, FIELD(9), 0 },
	{ &cri__pod_sandbox__descriptor, FIELD(7), 0 },
	{ &cri__pod_sandbox_status__descriptor, FIELD(9), 0 },
	{ &cri__pod_sandbox_status_response__descriptor, 0, FIELD(3) | FIELD(4) },
	{ &cri__mount__descriptor, 0, FIELD(6) | FIELD(7) | FIELD(8) | FIELD(9) | FIELD(10) | FIELD(11) },
	{ &cri__capability__descriptor, FIELD(3), 0 },
	{ &cri__linux_container_security_context__descriptor, FIELD(12) | FIELD(13) | FIELD(14) | FIELD(15) | FIELD(16), FIELD(17) },
	{ &cri__container_config__descriptor, FIELD(16), FIELD(17) | FIELD(18) },
	{ &cri__container__descriptor, 0, FIELD(10) },
	{ &cri__container_status__descriptor, FIELD(16), FIELD(17) | FIELD(18) | FIELD(19) },
	{ &cri__update_container_resources_request__descriptor, FIELD(3) | FIELD(4), 0 },
	{ &cri__image__descriptor, FIELD(7) | FIELD(8), 0 },
	{ &cri__image_fs_info_response__descriptor, 0, FIELD(2) },
	{ &cri__cpu_usage__descriptor, FIELD(3), FIELD(4) },
	{ &cri__memory_usage__descriptor, FIELD(3) | FIELD(4) | FIELD(5) | FIELD(6) | FIELD(7), FIELD(8) },
	{ &cri__container_stats__descriptor, 0, FIELD(5) | FIELD(6) },
	{ &cri__linux_pod_sandbox_stats__descriptor, FIELD(1) | FIELD(2) | FIELD(3) | FIELD(4) | FIELD(5), FIELD(6) },
	{ &cri__windows_sandbox_security_context__descriptor, FIELD(1) | FIELD(2) | FIELD(3), FIELD(4) },
	{ &cri__windows_container_resources__descriptor, FIELD(1) | FIELD(2) | FIELD(3) | FIELD(4) | FIELD(5), FIELD(6) },
	{ &cri__windows_pod_sandbox_stats__descriptor, 0, FIELD(1) | FIELD(2) | FIELD(3) | FIELD(4) | FIELD(5) },
};
/* clang-format on */

static void clear_field(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	char *member = (char *)message + field->offset;

	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		memset((char *)message + field->quantifier_offset, 0, sizeof(size_t));
		*(void **)member = NULL;
		return;
	}
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(const char **)member = protobuf_c_empty_string;
		break;
	case PROTOBUF_C_TYPE_BYTES:
		memset(member, 0, sizeof(ProtobufCBinaryData));
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(void **)member = NULL;
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		memset(member, 0, sizeof(uint64_t));
		break;
	default:
		memset(member, 0, sizeof(uint32_t));
	}
}

void dialect_clear(ProtobufCMessage *message, enum rpc_dialect dialect)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	uint32_t unknown = 0;

	if (dialect == RPC_V1)
		return;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].message == descriptor)
			unknown = rules[i].since_v1 | (dialect == RPC_2019 ? rules[i].since_v1alpha2 : 0);
	for (unsigned int i = 0; unknown && i < descriptor->n_fields; i++)
		if (descriptor->fields[i].id < 32 && (unknown & FIELD(descriptor->fields[i].id)))
			clear_field(message, &descriptor->fields[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, and how the wire has them: numbers of fields with their values. */
#ifndef TESTS_UNIT_CONVERT_STATUS_FIXTURE_H
#define TESTS_UNIT_CONVERT_STATUS_FIXTURE_H

#include "convert_fixture.h"

#include "core/list.h"

#include <inttypes.h>
#include <stdio.h>

/* 1="text" 2=5 3{1="inner"} */
static inline void dump_message(FILE *out, const ProtobufCMessage *message);

static inline void dump_value(FILE *out, const ProtobufCFieldDescriptor *field, const char *value)
{
	int32_t number;
	int64_t wide;
	double real;
	const void *pointer;

	memcpy(&number, value, sizeof(number));
	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		memcpy(&pointer, value, sizeof(pointer));
		if (pointer) {
			(void)fprintf(out, " %u{", field->id);
			dump_message(out, pointer);
			(void)fprintf(out, " }");
		}
		break;
	case PROTOBUF_C_TYPE_STRING:
		memcpy(&pointer, value, sizeof(pointer));
		if (*(const char *)pointer || field->label == PROTOBUF_C_LABEL_REPEATED)
			(void)fprintf(out, " %u=\"%s\"", field->id, (const char *)pointer);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		memcpy(&real, value, sizeof(real));
		if (real != 0)
			(void)fprintf(out, " %u=%g", field->id, real);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		memcpy(&wide, value, sizeof(wide));
		if (wide || field->label == PROTOBUF_C_LABEL_REPEATED)
			(void)fprintf(out, " %u=%" PRId64, field->id, wide);
		break;
	default:
		if (number)
			(void)fprintf(out, " %u=%d", field->id, number);
	}
}

static inline size_t element_size(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_ENUM || field->type == PROTOBUF_C_TYPE_INT32 ? 4 : 8;
}

static inline void dump_message(FILE *out, const ProtobufCMessage *message)
{
	for (unsigned int i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		const char *member = (const char *)message + field->offset, *elements;
		size_t n;

		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			dump_value(out, field, member);
			continue;
		}
		memcpy(&n, (const char *)message + field->quantifier_offset, sizeof(n));
		memcpy(&elements, member, sizeof(elements));
		for (size_t j = 0; j < n; j++)
			dump_value(out, field, elements + j * element_size(field));
	}
	assert_int_equal(message->n_unknown_fields, 0);
}

/* Packs an answer and reads it back as `descriptor`. */
static inline void expect(struct fixture *fixture, void *message, const ProtobufCMessageDescriptor *descriptor,
			  const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	dump_message(out, answer(fixture, message, descriptor));
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
	end(fixture);
}

static const cri_key_value label = { CRI_KEY_VALUE_INIT, .key = "l", .value = "v" };
static const cri_key_value note = { CRI_KEY_VALUE_INIT, .key = "n", .value = "" };
static const cri_key_value *const labels[] = { &label }, *const notes[] = { &note };
static const char *const texts[] = { "one", "two" };

static const cri_sandbox_info pod = {
	.id = "p1",
	.name = "web",
	.uid = "u",
	.namespace_ = "ns",
	.attempt = 2,
	.state = CRI_SANDBOX_NOTREADY,
	.created_at = 1700000000123456789,
	.labels = labels,
	.n_labels = 1,
	.annotations = notes,
	.n_annotations = 1,
	.handler = "lxc",
};

static inline cri_container_info container_info(void)
{
	return (cri_container_info){
		.id = "c1",
		.sandbox_id = "p1",
		.name = "main",
		.attempt = 1,
		.image = "busybox",
		.user_specified_image = "busybox:latest",
		.image_id = "sha256:1",
		.state = CRI_CONTAINER_EXITED,
		.created_at = 10,
		.labels = labels,
		.n_labels = 1,
		.annotations = notes,
		.n_annotations = 1,
	};
}

#endif

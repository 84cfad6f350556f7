/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with bytes before they are a message, and with messages before they are bytes. */
#include "convert_fixture.h"

static const void *unpack(struct fixture *fixture, const ProtobufCMessageDescriptor *descriptor, const char *bytes,
			  size_t length)
{
	return message_unpack(&fixture->conversion, descriptor, (const uint8_t *)bytes, length);
}

#define UNPACK(fixture, descriptor, bytes) unpack(fixture, descriptor, bytes, sizeof(bytes) - 1)

static void memory_is_bounded(void **state)
{
	struct memory memory;
	size_t pieces = 0;

	(void)state;
	memory_init(&memory);
	while (memory_take(&memory, 1 << 20))
		pieces++;
	assert_in_range(pieces, 64, MEMORY_LIMIT >> 20);
	assert_true(memory.failed);
	assert_null(memory_take(&memory, 1));
	memory_free(&memory);
	memory_init(&memory);
	assert_null(memory_take(&memory, SIZE_MAX));
	assert_true(memory.failed);
	memory_free(&memory);
	memory_init(&memory);
	assert_null(memory_array(&memory, SIZE_MAX / 2, 16));
	assert_true(memory.failed);
	memory_free(&memory);
}

static void memory_is_zeroed_and_aligned(void **state)
{
	struct memory memory;

	(void)state;
	memory_init(&memory);
	for (size_t size = 1; size < 10000; size += 37) {
		char *piece = memory_take(&memory, size);

		assert_non_null(piece);
		assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(piece[i], 0);
		memset(piece, 'x', size);
	}
	assert_null(memory_array(&memory, 0, 8));
	assert_false(memory.failed);
	memory_free(&memory);
}

static void a_request_is_read(void **state)
{
	struct fixture fixture;
	const Cri__StopContainerRequest *request;

	(void)state;
	begin(&fixture, RPC_V1);
	request = UNPACK(&fixture, &cri__stop_container_request__descriptor, "\x0a\x02id\x10\x05");
	assert_non_null(request);
	assert_string_equal(request->container_id, "id");
	assert_int_equal(request->timeout, 5);
	end(&fixture);
}

static void fields_that_nobody_knows_are_skipped(void **state)
{
	struct fixture fixture;
	const Cri__StopContainerRequest *request;

	(void)state;
	begin(&fixture, RPC_V1);
	/* 100 varint, 101 64 bits, 102 bytes, 103 32 bits */
	request = UNPACK(&fixture, &cri__stop_container_request__descriptor,
			 "\xa0\x06\x01\xa9\x06"
			 "12345678\xb2\x06\x03"
			 "a\0b\xbd\x06"
			 "1234\x0a\x02id");
	assert_non_null(request);
	assert_string_equal(request->container_id, "id");
	end(&fixture);
}

static void refused(const char *bytes, size_t length, const char *text)
{
	struct fixture fixture;

	begin(&fixture, RPC_V1);
	assert_null(unpack(&fixture, &cri__run_pod_sandbox_request__descriptor, bytes, length));
	assert_int_equal(fixture.status.code, STATUS_INVALID_ARGUMENT);
	if (!strstr(fixture.status.message, text))
		fail_msg("\"%s\" is not in \"%s\"", text, fixture.status.message);
	end(&fixture);
}

#define REFUSED(bytes, text) refused(bytes, sizeof(bytes) - 1, text)

static void bytes_that_are_no_message_are_refused(void **state)
{
	(void)state;
	REFUSED("\x12", "field 2 ");
	REFUSED("\x12\x05"
		"ab",
		"field 2 ");
	REFUSED("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "field 2 ");
	REFUSED("\x0a\x80", "field 1 ");
	REFUSED("\x00", "field 0 ");
	REFUSED("\x0b", "wire type");
	REFUSED("\x0f", "wire type");
	REFUSED("\x11\x01", "field 2 ");
	REFUSED("\x15\x01", "field 2 ");
	REFUSED("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "is no field");
	REFUSED("\xff\xff\xff\xff\xff\xff\xff\x7f", "is no field");
	/* a number where a text is */
	REFUSED("\x10\x01", "another type");
	/* in config.metadata.name */
	REFUSED("\x0a\x06\x0a\x04\x0a\x02"
		"a\0",
		"field 1.1.1 of the request (numbers of cri.proto) holds a NUL");
	REFUSED("\x0a\x06\x0a\x04\x0a\x02\xc3(", "field 1.1.1 of the request (numbers of cri.proto) is not UTF-8");
	REFUSED("\x0a\x06\x0a\x04\x0a\x09\xc3(", "field 1.1.1 of the request (numbers of cri.proto) is cut short");
	/* the key of a label */
	REFUSED("\x0a\x05\x32\x03\x0a\x01\xff", "field 1.6.1 ");
}

static void millions_of_empty_fields_are_refused(void **state)
{
	static const uint8_t empty_field[] = { 0x12, 0 };
	const size_t n = 4000000;
	char *bytes = malloc(n * sizeof(empty_field));
	struct fixture fixture;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		memcpy(bytes + 2 * i, empty_field, sizeof(empty_field));
	begin(&fixture, RPC_V1);
	assert_null(unpack(&fixture, &cri__exec_sync_request__descriptor, bytes, n * 2));
	assert_int_equal(fixture.status.code, STATUS_RESOURCE_EXHAUSTED);
	end(&fixture);
	free(bytes);
}

static void the_first_failure_is_told(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	assert_true(conversion_succeeded(&fixture.conversion));
	conversion_fail(&fixture.conversion, STATUS_INVALID_ARGUMENT, "%s", "one");
	conversion_fail(&fixture.conversion, STATUS_UNIMPLEMENTED, "two");
	assert_false(conversion_succeeded(&fixture.conversion));
	assert_int_equal(fixture.status.code, STATUS_INVALID_ARGUMENT);
	assert_string_equal(fixture.status.message, "one");
	end(&fixture);
}

static void utf8_is_told_from_other_bytes(void **state)
{
	static const struct {
		const char *text;
		size_t valid;
	} cases[] = {
		{ "", 0 },
		{ "plain", 5 },
		{ "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x90\xb3", 9 },
		{ "\xef\xbf\xbf\xf4\x8f\xbf\xbf", 7 },
		{ "a\x80", 1 }, /* begins with a continuation */
		{ "a\xc3", 1 }, /* ends too early */
		{ "a\xe4\xb8", 1 },
		{ "a\xf0\x9f\x90", 1 },
		{ "a\xc0\xaf", 1 },     /* "/" in two bytes */
		{ "a\xe0\x80\xaf", 1 }, /* in three */
		{ "a\xf0\x80\x80\xaf", 1 },
		{ "a\xed\xa0\x80", 1 },     /* a surrogate */
		{ "a\xf4\x90\x80\x80", 1 }, /* beyond U+10FFFF */
		{ "a\xf8\x88\x80\x80\x80", 1 },
		{ "a\xff", 1 },
		{ "\xe4\xb8x", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(utf8_valid(cases[i].text, strlen(cases[i].text)), cases[i].valid);
}

static void other_bytes_are_replaced(void **state)
{
	struct memory memory;
	char good[] = "na\xc3\xafve", bad[] = "\xff"
					      "a\xc3"
					      "b\xe4\xb8\xad\x80";

	(void)state;
	memory_init(&memory);
	assert_ptr_equal(utf8_mend(&memory, good), good);
	assert_string_equal(utf8_mend(&memory, bad), "\xef\xbf\xbd"
						     "a\xef\xbf\xbd"
						     "b\xe4\xb8\xad\xef\xbf\xbd");
	memory_free(&memory);
}

static void answers_are_mended(void **state)
{
	struct fixture fixture;
	Cri__StringPair pair = CRI__STRING_PAIR__INIT, *pairs[] = { &pair };
	Cri__ContainerStatus status = CRI__CONTAINER_STATUS__INIT;
	Cri__ContainerStatusResponse response = CRI__CONTAINER_STATUS_RESPONSE__INIT, *read;

	(void)state;
	begin(&fixture, RPC_V1);
	status.message = "exit \xfe";
	pair.key = "k";
	pair.value = "\xfe";
	status.labels = pairs;
	status.n_labels = 1;
	response.status = &status;
	read = answer(&fixture, &response, &cri__container_status_response__descriptor);
	assert_string_equal(read->status->message, "exit \xef\xbf\xbd");
	assert_string_equal(read->status->labels[0]->value, "\xef\xbf\xbd");
	end(&fixture);
}

/* Sets every field of a message, and of those in it, to something. */
static void *fill(struct conversion *conversion, const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = message_new(conversion, descriptor);

	assert_non_null(message);
	for (unsigned int i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		char *member = (char *)message + field->offset;

		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			size_t one = 1;
			char *elements = memory_take(&conversion->memory, sizeof(ProtobufCBinaryData));

			memcpy((char *)message + field->quantifier_offset, &one, sizeof(one));
			memcpy(member, &elements, sizeof(elements));
			member = elements;
		}
		if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
			void *inner = fill(conversion, field->descriptor);

			memcpy(member, &inner, sizeof(inner));
		} else if (field->type == PROTOBUF_C_TYPE_STRING) {
			const char *text = "x";

			memcpy(member, &text, sizeof(text));
		} else if (field->type == PROTOBUF_C_TYPE_BYTES) {
			ProtobufCBinaryData bytes = { 1, (uint8_t *)"x" };

			memcpy(member, &bytes, sizeof(bytes));
		} else {
			*member = 1;
		}
	}
	return message;
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *member = (const char *)message + field->offset;
	const char *pointer;
	size_t n;

	memcpy(&n, (const char *)message + field->quantifier_offset, sizeof(n));
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return n != 0;
	memcpy(&pointer, member, sizeof(pointer));
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return pointer != NULL;
	return field->type == PROTOBUF_C_TYPE_STRING ? *pointer != '\0' : *member != 0;
}

/* The numbers of the fields that are set. */
static uint32_t set_fields(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	uint32_t set = 0;

	for (unsigned int i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		if (is_set(message, field))
			set |= 1U << field->id;
	}
	return set;
}

static void each_dialect_sees_its_own_fields(void **state)
{
	static const uint32_t v1 = 0x000ffffe, v1alpha2 = 0x0001fffe & ~(1U << 17), seed = 0x0000fffe;
	struct fixture fixture;
	Cri__ContainerStatus *status;
	Cri__Mount *mount;

	(void)state;
	for (enum rpc_dialect dialect = RPC_V1; dialect <= RPC_2019; dialect++) {
		begin(&fixture, dialect);
		status = answer(&fixture, fill(&fixture.conversion, &cri__container_status__descriptor),
				&cri__container_status__descriptor);
		assert_int_equal(set_fields(&status->base), dialect == RPC_V1         ? v1
							    : dialect == RPC_V1ALPHA2 ? v1alpha2
										      : seed);
		mount = status->mounts[0];
		assert_int_equal(set_fields(&mount->base), dialect == RPC_V1 ? 0xffe : 0x3e);
		end(&fixture);
	}
}

static void requests_lose_what_their_dialect_lacks(void **state)
{
	struct fixture fixture;
	const Cri__CreateContainerRequest *request;

	(void)state;
	begin(&fixture, RPC_2019);
	request = receive(&fixture, fill(&fixture.conversion, &cri__create_container_request__descriptor));
	assert_non_null(request);
	assert_int_equal(set_fields(&request->config->base), 0xfffe);
	assert_int_equal(set_fields(&request->config->linux->security_context->base), 0xffe);
	assert_int_equal(set_fields(&request->config->linux->resources->base), 0xfe);
	end(&fixture);
	begin(&fixture, RPC_V1);
	request = receive(&fixture, fill(&fixture.conversion, &cri__create_container_request__descriptor));
	assert_non_null(request);
	assert_int_equal(set_fields(&request->config->base), 0x7fffe);
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(a_request_is_read),
		cmocka_unit_test(fields_that_nobody_knows_are_skipped),
		cmocka_unit_test(bytes_that_are_no_message_are_refused),
		cmocka_unit_test(millions_of_empty_fields_are_refused),
		cmocka_unit_test(the_first_failure_is_told),
		cmocka_unit_test(utf8_is_told_from_other_bytes),
		cmocka_unit_test(other_bytes_are_replaced),
		cmocka_unit_test(answers_are_mended),
		cmocka_unit_test(each_dialect_sees_its_own_fields),
		cmocka_unit_test(requests_lose_what_their_dialect_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Lists in pieces, and the names of pods that are gone. */
#include "convert_fixture.h"

#include "core/list.h"
#include "service/exchange.h"
#include "service/pods.h"

#include <stdio.h>

static size_t messages, elements, fail_at;

int rpc_send(struct rpc *rpc, const uint8_t *message, size_t length)
{
	struct fixture fixture;
	const Cri__StreamImagesResponse *response;

	(void)rpc;
	begin(&fixture, RPC_V1);
	response = message_unpack(&fixture.conversion, &cri__stream_images_response__descriptor, message, length);
	assert_non_null(response);
	assert_in_range(response->n_images, 1, CHUNK);
	for (size_t i = 0; i < response->n_images; i++) {
		char id[16];

		assert_in_range(snprintf(id, sizeof(id), "%zu", elements++), 1, sizeof(id) - 1);
		assert_string_equal(response->images[i]->id, id);
	}
	end(&fixture);
	messages++;
	return messages == fail_at ? CRI_ECANCELED : 0;
}

static void *chunk_of_images(struct exchange *exchange, const cri_list *list, size_t first, size_t last)
{
	struct conversion *conversion = &exchange->conversion;
	Cri__StreamImagesResponse *response = message_new(conversion, &cri__stream_images_response__descriptor);

	assert_non_null(response);
	response->n_images = last - first;
	response->images = memory_array(&conversion->memory, last - first, sizeof(*response->images));
	assert_non_null(response->images);
	for (size_t i = first; i < last; i++)
		response->images[i - first] = image_to_wire(conversion, cri_image_at(list, i));
	return response;
}

static int send_images(size_t n)
{
	cri_list *list = list_new(LIST_IMAGE, sizeof(cri_image_info));
	struct rpc_service service = { 0 };
	struct rpc rpc = { .service = &service };
	struct rpc_status status;
	struct exchange exchange;
	char ids[1001][16];
	int result;

	assert_non_null(list);
	for (size_t i = 0; i < n; i++) {
		cri_image_info *info = list_add(list);

		assert_non_null(info);
		assert_in_range(snprintf(ids[i], sizeof(ids[i]), "%zu", i), 1, sizeof(ids[i]) - 1);
		*info = (cri_image_info){ .id = ids[i] };
	}
	messages = elements = 0;
	exchange_init(&exchange, &rpc, &status);
	result = exchange_send_chunks(&exchange, list, chunk_of_images);
	exchange_free(&exchange);
	cri_list_free(list);
	return result;
}

static void lists_are_sent_in_pieces(void **state)
{
	static const struct {
		size_t n, messages;
	} cases[] = { { 0, 0 }, { 1, 1 }, { 100, 1 }, { 101, 2 }, { 1000, 10 } };

	(void)state;
	fail_at = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(send_images(cases[i].n), 0);
		assert_int_equal(messages, cases[i].messages);
		assert_int_equal(elements, cases[i].n);
	}
}

static void nothing_is_sent_to_who_is_gone(void **state)
{
	(void)state;
	fail_at = 2;
	assert_int_equal(send_images(1000), CRI_ECANCELED);
	assert_int_equal(messages, 2);
}

static void names_of_pods_are_remembered(void **state)
{
	struct pod_names *names = pod_names_new();
	cri_sandbox_info info = { .id = "1", .name = "a", .uid = "", .namespace_ = "ns", .attempt = 7 }, found;
	char id[16];

	(void)state;
	assert_non_null(names);
	assert_false(pod_names_find(names, "1", &found));
	pod_names_add(names, &info);
	pod_names_add(names, &info);
	assert_true(pod_names_find(names, "1", &found));
	assert_string_equal(found.id, "1");
	assert_string_equal(found.name, "a");
	assert_string_equal(found.uid, "");
	assert_string_equal(found.namespace_, "ns");
	assert_int_equal(found.attempt, 7);
	/* As many as there is room for push it out. */
	info.id = id;
	for (int i = 2; i <= 2048; i++) {
		assert_in_range(snprintf(id, sizeof(id), "%d", i), 1, sizeof(id) - 1);
		pod_names_add(names, &info);
	}
	assert_true(pod_names_find(names, "1", &found));
	info.id = "2049";
	pod_names_add(names, &info);
	assert_false(pod_names_find(names, "1", &found));
	assert_true(pod_names_find(names, "2", &found));
	assert_true(pod_names_find(names, "2049", &found));
	pod_names_free(names);
	pod_names_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_sent_in_pieces),
		cmocka_unit_test(nothing_is_sent_to_who_is_gone),
		cmocka_unit_test(names_of_pods_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

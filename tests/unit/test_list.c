/* SPDX-License-Identifier: Apache-2.0 */
#include "core_fixture.h"

#include "core/list.h"

struct element {
	int number;
	const char *text;
};

static void test_elements_are_kept_in_order(void **state)
{
	CLEANUP_LIST cri_list *list = list_new(LIST_EVENT, sizeof(struct element));

	(void)state;
	assert_non_null(list);
	assert_int_equal(cri_list_count(list), 0);
	for (int i = 0; i < 1000; i++) {
		struct element *element = list_add(list);

		assert_non_null(element);
		assert_int_equal(element->number, 0);
		assert_null(element->text);
		element->number = i;
		element->text = arena_printf(&list->arena, "element %d", i);
		assert_non_null(element->text);
	}
	assert_int_equal(cri_list_count(list), 1000);
	for (int i = 0; i < 1000; i++) {
		const struct element *element = list_at(list, LIST_EVENT, (size_t)i);
		char text[32];

		snprintf(text, sizeof(text), "element %d", i);
		assert_int_equal(element->number, i);
		assert_string_equal(element->text, text);
	}
}

static void test_wrong_kind_and_index_are_refused(void **state)
{
	CLEANUP_LIST cri_list *list = list_new(LIST_EVENT, sizeof(struct element));

	(void)state;
	assert_non_null(list_add(list));
	assert_non_null(list_at(list, LIST_EVENT, 0));
	assert_null(list_at(list, LIST_EVENT, 1));
	assert_null(list_at(list, LIST_EVENT, SIZE_MAX));
	assert_null(list_at(list, LIST_METRIC, 0));
	assert_null(list_at(NULL, LIST_EVENT, 0));
}

static void test_null_is_an_empty_list(void **state)
{
	(void)state;
	assert_int_equal(cri_list_count(NULL), 0);
	cri_list_free(NULL);
	cri_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elements_are_kept_in_order),
		cmocka_unit_test(test_wrong_kind_and_index_are_refused),
		cmocka_unit_test(test_null_is_an_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core_fixture.h"

#include "libcri/error.h"

struct expected {
	int code;
	const char *name;
	int grpc;
};

static const struct expected table[] = {
	{ 0, "CRI_OK", 0 },
	{ CRI_EINVAL, "CRI_EINVAL", 3 },
	{ CRI_ENOTFOUND, "CRI_ENOTFOUND", 5 },
	{ CRI_EEXIST, "CRI_EEXIST", 6 },
	{ CRI_EPRECONDITION, "CRI_EPRECONDITION", 9 },
	{ CRI_ETIMEDOUT, "CRI_ETIMEDOUT", 4 },
	{ CRI_ECANCELED, "CRI_ECANCELED", 1 },
	{ CRI_EAGAIN, "CRI_EAGAIN", 14 },
	{ CRI_ENOTSUP, "CRI_ENOTSUP", 12 },
	{ CRI_ENOMEM, "CRI_ENOMEM", 8 },
	{ CRI_EEXHAUSTED, "CRI_EEXHAUSTED", 8 },
	{ CRI_EPERM, "CRI_EPERM", 7 },
	{ CRI_EUNAVAILABLE, "CRI_EUNAVAILABLE", 14 },
	{ CRI_ECORRUPT, "CRI_ECORRUPT", 15 },
	{ CRI_EINTERNAL, "CRI_EINTERNAL", 13 },
	{ CRI_EFORKED, "CRI_EFORKED", 9 },
	{ CRI_EOVERFLOW, "CRI_EOVERFLOW", 11 },
	{ CRI_EREGISTRY, "CRI_EREGISTRY", 2 },
	{ CRI_ESIGNATURE, "CRI_ESIGNATURE", 2 },
	{ CRI_ERRO, "CRI_ERRO", 2 },
};

#define N_CODES (sizeof(table) / sizeof(table[0]))

static void test_every_code_has_its_name_and_grpc_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CODES; i++) {
		assert_int_equal(table[i].code, -(int)i);
		assert_string_equal(cri_code_name(table[i].code), table[i].name);
		assert_int_equal(cri_code_grpc(table[i].code), table[i].grpc);
	}
}

static void test_texts_are_sentences_of_their_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CODES; i++) {
		assert_true(strlen(cri_code_text(-(int)i)) > 4);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(cri_code_text(-(int)i), cri_code_text(-(int)j));
	}
}

static void test_unknown_numbers(void **state)
{
	const int unknown[] = { 1, -(int)N_CODES, -1000, INT32_MIN, INT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_string_equal(cri_code_name(unknown[i]), "CRI_E?");
		assert_int_equal(cri_code_grpc(unknown[i]), 2);
		assert_non_null(cri_code_text(unknown[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_has_its_name_and_grpc_number),
		cmocka_unit_test(test_texts_are_sentences_of_their_own),
		cmocka_unit_test(test_unknown_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry's WWW-Authenticate asks for, and how long it lets one wait. */
#include "helpers/fetch/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* It has a macro of the name of a function of ours. */
#include <cmocka.h>

/* The schemes of a header, each followed by its realm. */
static void describe(const char *header, char text[256])
{
	struct challenge challenge;
	size_t length = 0;

	*text = '\0';
	while (challenge_next(&header, &challenge))
		length += (size_t)snprintf(text + length, 256 - length, "%s(%s)", challenge.scheme, challenge.realm);
}

static void test_several(void **state)
{
	static const struct {
		const char *header, *challenges;
	} cases[] = {
		{ "Basic realm=\"x\"", "basic(x)" },
		{ "Basic realm=x,charset=\"UTF-8\"", "basic(x)" },
		{ "BEARER Realm = \"http://a/b?c=d,e\" , scope=\"a b\"", "bearer(http://a/b?c=d,e)" },
		{ "Negotiate", "negotiate()" },
		{ "Negotiate, NTLM, Basic realm=x", "negotiate()ntlm()basic(x)" },
		{ "Basic realm=\"a, Bearer b\", Bearer realm=c", "basic(a, Bearer b)bearer(c)" },
		{ "Basic realm=\"a\\\"b\"", "basic(a\"b)" },
		/* RFC 9110 11.2: some have no parameters but one value. */
		{ "Negotiate dG9rZW42OA==, Bearer realm=x", "negotiate()bearer(x)" },
		{ "Negotiate dG9rZW4, Bearer realm=x", "negotiate()bearer(x)" },
		{ "Bearer realm=x, Negotiate a/+-._~b=", "bearer(x)negotiate()" },
		{ ", ,Basic realm=x,,", "basic(x)" },
		{ "", "" },
		{ "=", "" },
		{ "Basic realm=\"x", "basic()" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];

		describe(cases[i].header, text);
		if (strcmp(text, cases[i].challenges) != 0)
			fail_msg("\"%s\": %s", cases[i].header, text);
	}
}

static void test_dates(void **state)
{
	int64_t seconds = 7;

	(void)state;
	assert_true(date_difference("Fri, 27 Nov 2026 23:59:58 GMT", "Sat, 28 Nov 2026 00:00:01 GMT", &seconds));
	assert_int_equal(seconds, 3);
	assert_true(date_difference("Sat, 28 Nov 2026 00:00:01 GMT", "Fri, 27 Nov 2026 23:59:58 GMT", &seconds));
	assert_int_equal(seconds, -3);
	assert_false(date_difference("", "Fri, 27 Nov 2026 23:59:58 GMT", &seconds));
	assert_false(date_difference("Fri, 27 Nov 2026 23:59:58 GMT", "soon", &seconds));
	assert_false(date_difference("Fri, 27 Nov 2026 23:59:58 GMT", "Fri, 27 Nov 2026 23:59:58 GMT+1", &seconds));
	assert_int_equal(seconds, -3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/image.h"
#include "image/reference.h"

#include <stdio.h>
#include <string.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX

static void test_normalised(void **state)
{
	static const struct {
		const char *text, *normalised;
	} cases[] = {
		{ "busybox", "docker.io/library/busybox:latest" },
		{ "busybox:1.36", "docker.io/library/busybox:1.36" },
		{ "a/b", "docker.io/a/b:latest" },
		{ "docker.io/busybox", "docker.io/library/busybox:latest" },
		{ "index.docker.io/busybox", "docker.io/library/busybox:latest" },
		{ "docker.io/library/busybox:latest", "docker.io/library/busybox:latest" },
		{ "localhost/a", "localhost/a:latest" },
		{ "localhost:5000/a/b/c:T_a.g-1", "localhost:5000/a/b/c:T_a.g-1" },
		{ "host:5000/a", "host:5000/a:latest" },
		{ "quay.io/a", "quay.io/a:latest" },
		{ "Host/a", "Host/a:latest" },
		{ "[2001:db8::1]:5000/a", "[2001:db8::1]:5000/a:latest" },
		{ "a__b", "docker.io/library/a__b:latest" },
		{ "a---b.c_d", "docker.io/library/a---b.c_d:latest" },
		{ "busybox@" DIGEST, "docker.io/library/busybox@" DIGEST },
		{ "busybox:1@" DIGEST, "docker.io/library/busybox@" DIGEST },
		{ "host:5000/a/b@" DIGEST, "host:5000/a/b@" DIGEST },
		{ HEX, DIGEST },
		{ DIGEST, DIGEST },
		/* Both a name and the beginning of an id: image_find decides. */
		{ "deadbeef", "docker.io/library/deadbeef:latest" },
		{ "sha256:abcd", "docker.io/library/sha256:abcd" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		const char *normalised = NULL, *again = NULL;
		cri_call call;

		call_init(&call);
		assert_int_equal(image_normalise(&arena, cases[i].text, &normalised, &call), 0);
		assert_string_equal(normalised, cases[i].normalised);
		assert_int_equal(image_normalise(&arena, normalised, &again, &call), 0);
		assert_string_equal(again, normalised);
	}
}

static void test_malformed(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ NULL, "empty" },
		{ "", "empty" },
		{ "Busybox", "lower case" },
		{ "a/B", "lower case" },
		{ "a b", "no repository" },
		{ "a//b", "no repository" },
		{ "/a", "no repository" },
		{ "a/", "no repository" },
		{ "-a", "no repository" },
		{ "a-", "no repository" },
		{ "a..b", "no repository" },
		{ "a___b", "no repository" },
		{ "a\xc3\xbc", "no repository" },
		{ "a:", "no tag" },
		{ "a:-b", "no tag" },
		{ "a:b c", "no tag" },
		{ "a:b:c", "no tag" },
		{ "a@", "no digest" },
		{ "a@sha256:abc", "no digest" },
		{ "a@sha512:" HEX HEX, "no digest" },
		{ "a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "no digest" },
		{ "host:/a", "no registry host" },
		{ "host:123456/a", "no registry host" },
		{ "host:5x/a", "no registry host" },
		{ "-host.org/a", "no registry host" },
		{ "host-.org/a", "no registry host" },
		{ "host..org/a", "no registry host" },
		{ "[::1/a", "no registry host" },
		{ "localhost:5000/", "no repository" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		const char *normalised = NULL;
		cri_call call;

		call_init(&call);
		assert_int_equal(image_normalise(&arena, cases[i].text, &normalised, &call), CRI_EINVAL);
		assert_null(normalised);
		if (!strstr(call.message, cases[i].why))
			fail_msg("\"%s\" does not say \"%s\"", call.message, cases[i].why);
	}
}

static void test_lengths(void **state)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char name[300], tag[200];
	const char *normalised;
	cri_call call;

	(void)state;
	call_init(&call);
	memset(name, 'a', sizeof(name));
	/* "docker.io/library/" counts. */
	name[255 - 18] = '\0';
	assert_int_equal(image_normalise(&arena, name, &normalised, &call), 0);
	name[255 - 18] = 'a';
	name[256 - 18] = '\0';
	assert_int_equal(image_normalise(&arena, name, &normalised, &call), CRI_EINVAL);
	memset(tag, 't', sizeof(tag));
	tag[0] = 'a';
	tag[1] = ':';
	tag[2 + 128] = '\0';
	assert_int_equal(image_normalise(&arena, tag, &normalised, &call), 0);
	tag[2 + 128] = 't';
	tag[2 + 129] = '\0';
	assert_int_equal(image_normalise(&arena, tag, &normalised, &call), CRI_EINVAL);
}

static void test_ids(void **state)
{
	(void)state;
	assert_true(reference_may_be_id("abcd"));
	assert_true(reference_may_be_id("sha256:abcd"));
	assert_true(reference_may_be_id(HEX));
	assert_true(reference_may_be_id(DIGEST));
	assert_false(reference_may_be_id("abc"));
	assert_false(reference_may_be_id("sha256:abc"));
	assert_false(reference_may_be_id(HEX "0"));
	assert_false(reference_may_be_id("ABCD"));
	assert_false(reference_may_be_id("abcg"));
	assert_false(reference_may_be_id(""));
	assert_true(digest_is_valid(DIGEST));
	assert_false(digest_is_valid(DIGEST "0"));
	assert_false(digest_is_valid(HEX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalised),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

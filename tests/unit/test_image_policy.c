/* SPDX-License-Identifier: Apache-2.0 */
/* Image policies: which scope decides; and the documents of signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/policy.h"

#include <stdio.h>
#include <string.h>

#define REJECT "[{\"type\":\"reject\"}]"

static const char many[] = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}],\"transports\":{"
			   "\"docker\":{\"\":" REJECT ",\"docker.io\":" REJECT ",\"docker.io/library\":" REJECT
			   ",\"docker.io/library/busybox\":" REJECT ",\"docker.io/library/busybox:1\":" REJECT
			   ",\"*.example.com\":" REJECT "},"
			   "\"oci\":{\"/a/b\":" REJECT "},\"embedded\":{\"/a\":" REJECT ",\"\":" REJECT "}}}";

static void expect_scope(struct arena *arena, const struct policy *policy, const char *transport, const char *scope,
			 const char *found_transport, const char *found)
{
	const struct policy_subject subject = { .transport = transport, .scope = scope };
	const struct policy_scope *got = policy_find(arena, policy, &subject);

	assert_non_null(got);
	if (found_transport)
		assert_string_equal(got->transport, found_transport);
	else
		assert_null(got->transport);
	assert_string_equal(got->name, found);
}

static void test_scopes(void **state)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct policy policy;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(policy_parse(&arena, many, strlen(many), &policy, &call), 0);
	expect_scope(&arena, &policy, "docker", "docker.io/library/busybox:1", "docker", "docker.io/library/busybox:1");
	expect_scope(&arena, &policy, "docker", "docker.io/library/busybox:2", "docker", "docker.io/library/busybox");
	expect_scope(&arena, &policy, "docker", "docker.io/library/busyboxes:2", "docker", "docker.io/library");
	expect_scope(&arena, &policy, "docker", "docker.io/other/busybox:1", "docker", "docker.io");
	expect_scope(&arena, &policy, "docker", "a.example.com/x:1", "docker", "*.example.com");
	expect_scope(&arena, &policy, "docker", "a.b.example.com/x:1", "docker", "*.example.com");
	expect_scope(&arena, &policy, "docker", "example.com/x:1", "docker", "");
	expect_scope(&arena, &policy, "docker", "quay.io/x:1", "docker", "");
	expect_scope(&arena, &policy, "oci", "/a/b", "oci", "/a/b");
	expect_scope(&arena, &policy, "oci", "/a/b/c", "oci", "/a/b");
	expect_scope(&arena, &policy, "oci", "/a/bc", NULL, "default");
	expect_scope(&arena, &policy, "embedded", "/a/x.manifest", "embedded", "/a");
	expect_scope(&arena, &policy, "embedded", "/ab/x.manifest", "embedded", "");
	expect_scope(&arena, &policy, "docker-archive", "/a", NULL, "default");
}

static void test_signed(void **state)
{
	static const char json[] =
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPaths\":[\"/a\",\"/b\"],\"signatureDirectory\":\"/s\","
		"\"signedIdentity\":{\"type\":\"exactRepository\",\"dockerRepository\":\"busybox\"}}]}";
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct policy_requirement *requirement;
	struct policy policy;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(policy_parse(&arena, json, strlen(json), &policy, &call), 0);
	assert_int_equal(policy.n_scopes, 1);
	requirement = &policy.scopes[0].requirements[0];
	assert_int_equal(requirement->kind, POLICY_SIGNED);
	assert_int_equal(requirement->n_key_paths, 2);
	assert_string_equal(requirement->key_paths[1], "/b");
	assert_string_equal(requirement->signature_directory, "/s");
	assert_int_equal(requirement->identity, POLICY_EXACT_REPOSITORY);
	assert_string_equal(requirement->identity_name, "docker.io/library/busybox");
}

/* Of containers-policy.json's own manual, what is not known here is said, not passed over. */
static void test_refused(void **state)
{
	/* By a name: a long literal would be broken in two, which looks like a comma that was forgotten. */
	static const char remap[] = "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\","
				    "\"signedIdentity\":{\"type\":\"remapIdentity\"}}]}";
	static const char *const texts[] = {
		"{\"default\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\"}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"fulcio\":{}}]}",
		remap,
		"{\"default\":[{\"type\":\"baseLayer\"}]}",
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"a\":[]}}}",
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":[]}}",
		"{\"default\":[{\"type\":\"reject\"}],\"transports\":[]}",
		"{\"default\":[{\"type\":\"reject\",\"\":1}]}",
		"{\"default\":[{\"type\":\"reject\",\"type|\":1}]}",
		"{\"default\":[{\"type\":\"reject\",\"typ\":1}]}",
		"{\"default\":{\"type\":\"reject\"}}",
		"{\"default\":[7]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct policy policy;
		cri_call call;
		int result;

		call_init(&call);
		result = policy_parse(&arena, texts[i], strlen(texts[i]), &policy, &call);
		if (result != CRI_ENOTSUP && result != CRI_EINVAL && result != CRI_ECORRUPT)
			fail_msg("%s: %d", texts[i], result);
	}
}

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SIGNED(type, digest, more)                                                                                     \
	"{\"mediaType\":\"application/vnd.dev.cosign." type "\",\"digest\":\"" digest "\",\"annotations\":{" more "}}"
#define GOOD "\"dev.cosignproject.cosign/signature\":\"AAAA\""

static void test_signature_manifest(void **state)
{
	static const char json[] = "{\"layers\":[7,{}," SIGNED("other", DIGEST, GOOD) "," SIGNED(
		"simplesigning.v1+json", "x", GOOD) "," SIGNED("simplesigning.v1+json", DIGEST,
							       "") "," SIGNED("simplesigning.v1+json", DIGEST,
									      GOOD) "]}";
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct signature *signatures;
	size_t n_signatures;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(signature_manifest_parse(&arena, json, strlen(json), &signatures, &n_signatures, &call), 0);
	assert_int_equal(n_signatures, 1);
	assert_string_equal(signatures[0].base64, "AAAA");
	assert_string_equal(signatures[0].digest, DIGEST);
	assert_int_equal(signature_manifest_parse(&arena, "{}", 2, &signatures, &n_signatures, &call), CRI_ECORRUPT);
}

/* More than anybody has are not all looked at. */
static void test_many_signatures(void **state)
{
	static char json[65536] = "{\"layers\":[";
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct signature *signatures;
	size_t n_signatures;
	cri_call call;

	(void)state;
	for (int i = 0; i < 200; i++)
		strcat(json, SIGNED("simplesigning.v1+json", DIGEST, GOOD) ",");
	strcat(json, "{}]}");
	call_init(&call);
	assert_int_equal(signature_manifest_parse(&arena, json, strlen(json), &signatures, &n_signatures, &call), 0);
	assert_int_equal(n_signatures, 64);
}

static void test_payload(void **state)
{
	static const char good[] = "{\"critical\":{\"identity\":{\"docker-reference\":\"a/b\"},\"image\":{"
				   "\"docker-manifest-digest\":\"" DIGEST
				   "\"},\"type\":\"cosign container image signature\"},\"optional\":{\"x\":[]}}";
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"critical\":[]}",
		"{\"critical\":{\"identity\":{\"docker-reference\":\"a\"},\"image\":{\"docker-manifest-digest\":1},"
		"\"type\":\"cosign container image signature\"}}",
		"{\"critical\":{\"identity\":{},\"image\":{\"docker-manifest-digest\":\"" DIGEST
		"\"},\"type\":\"cosign container image signature\"}}",
		"{\"critical\":{\"identity\":{\"docker-reference\":\"a\"},\"image\":{\"docker-manifest-digest\":"
		"\"" DIGEST "\"},\"type\":\"cosign blob signature\"}}",
	};
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *digest, *name;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(signature_read(&arena, good, &digest, &name, &call), 0);
	assert_string_equal(digest, DIGEST);
	assert_string_equal(name, "a/b");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		call_clear(&call);
		assert_int_equal(signature_read(&arena, bad[i], &digest, &name, &call), CRI_ESIGNATURE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes),          cmocka_unit_test(test_signed),
		cmocka_unit_test(test_refused),         cmocka_unit_test(test_signature_manifest),
		cmocka_unit_test(test_many_signatures), cmocka_unit_test(test_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

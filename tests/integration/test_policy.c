/* SPDX-License-Identifier: Apache-2.0 */
/* The image policy: what it lets in from registries, by digest and by signature, and that nothing else comes in. */
#include "policy_fixture.h"

#include <string.h>
#include <unistd.h>

static void test_without_signatures(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char text[512];

	policy_push_image(fixture, &builder, "signed/plain");
	policy_use(fixture, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}");
	policy_expect_pull(fixture, "signed/plain:v1", 0, "");
	policy_use(fixture, "{\"default\":[{\"type\":\"reject\"}]}");
	policy_expect_pull(fixture, "signed/plain:v1", CRI_ESIGNATURE, "rejects all");
	snprintf(text, sizeof(text), "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]}", builder.manifest_digest);
	policy_use_requirement(fixture, text);
	policy_expect_pull(fixture, "signed/plain:v1", 0, "");
	/* Another scope: the default. */
	push(&builder, policy_url, "other", "v1", "");
	policy_expect_pull(fixture, "other:v1", CRI_ESIGNATURE, "rejects all");
	policy_use_requirement(fixture, "{\"type\":\"allowedDigests\",\"digests\":[]}");
	policy_expect_pull(fixture, "signed/plain:v1", CRI_ESIGNATURE, "not among those");
	/* All of a list must hold. */
	snprintf(text, sizeof(text),
		 "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]},{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/"
		 "ec.pub\"}",
		 builder.manifest_digest, policy_keys);
	policy_use_requirement(fixture, text);
	policy_expect_pull(fixture, "signed/plain:v1", CRI_ESIGNATURE, "has no signature");
}

static void test_keys(void **state)
{
	static const char *const names[] = { "ec", "rsa", "ed25519" };
	struct fixture *fixture = *state;
	struct builder builder;
	char payload[1024], name[160], repository[64], reference[80];

	for (size_t i = 0; i < 3; i++) {
		snprintf(repository, sizeof(repository), "signed/by-%s", names[i]);
		snprintf(reference, sizeof(reference), "%s:v1", repository);
		snprintf(name, sizeof(name), "%s/%s", policy_registry.host, repository);
		policy_push_image(fixture, &builder, repository);
		policy_payload(payload, sizeof(payload), POLICY_COSIGN, builder.manifest_digest, name);
		policy_push_signature(fixture, repository, builder.manifest_digest, names[i], payload);
		policy_use_key(fixture, names[i], "matchRepository");
		policy_expect_pull(fixture, reference, 0, "");
		policy_use_key(fixture, names[(i + 1) % 3], "matchRepository");
		policy_expect_pull(fixture, reference, CRI_ESIGNATURE, "none of its signatures is by a key");
	}
	/* Any of several; and in the policy itself. */
	snprintf(payload, sizeof(payload),
		 "{\"type\":\"sigstoreSigned\",\"keyPaths\":[\"%s/ec.pub\",\"%s/ed25519.pub\"],\"signedIdentity\":"
		 "{\"type\":\"matchRepository\"}}",
		 policy_keys, policy_keys);
	policy_use_requirement(fixture, payload);
	policy_expect_pull(fixture, reference, 0, "");
	{
		char path[200], base64[1024] = "";
		FILE *file;

		snprintf(path, sizeof(path), "%s/ed25519.base64", policy_keys);
		shell("base64 -w0 '%s/ed25519.pub' >'%s'", policy_keys, path);
		file = fopen(path, "re");
		assert_non_null(file);
		assert_non_null(fgets(base64, sizeof(base64), file));
		fclose(file);
		snprintf(payload, sizeof(payload),
			 "{\"type\":\"sigstoreSigned\",\"keyData\":\"%.600s\",\"signedIdentity\":{\"type\":"
			 "\"matchRepository\"}}",
			 base64);
	}
	policy_use_requirement(fixture, payload);
	policy_expect_pull(fixture, reference, 0, "");
	/* A key that is none, and one that has gone. */
	snprintf(name, sizeof(name), "%s/none.pub", policy_keys);
	write_text(name, "no key");
	policy_use_key(fixture, "none", "matchRepository");
	policy_expect_pull(fixture, reference, CRI_ESIGNATURE, "no public key in PEM");
	assert_int_equal(unlink(name), 0);
	policy_expect_pull(fixture, reference, CRI_ESIGNATURE, "none.pub");
}

static void test_payloads(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char payload[1024], repository[128], tagged[160];

	policy_push_image(fixture, &builder, "signed/payload");
	snprintf(repository, sizeof(repository), "%s/signed/payload", policy_registry.host);
	snprintf(tagged, sizeof(tagged), "%s:v1", repository);
	policy_use_key(fixture, "ec", "");
	/* A name with its tag, as podman signs it, is what the default wants. */
	policy_payload(payload, sizeof(payload), POLICY_COSIGN, builder.manifest_digest, tagged);
	policy_push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	policy_expect_pull(fixture, "signed/payload:v1", 0, "");
	/* Without one, as cosign signs it, it is for the repository. */
	policy_payload(payload, sizeof(payload), POLICY_COSIGN, builder.manifest_digest, repository);
	policy_push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	policy_expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "another name");
	policy_use_key(fixture, "ec", "matchRepository");
	policy_expect_pull(fixture, "signed/payload:v1", 0, "");
	policy_payload(payload, sizeof(payload), POLICY_COSIGN, builder.manifest_digest, "evil.example.com/other");
	policy_push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	policy_expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "another name");
	/* Another image's signature. */
	policy_payload(payload, sizeof(payload), POLICY_COSIGN,
		       "sha256:0000000000000000000000000000000000000000000000000000000000000000", repository);
	policy_push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	policy_expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "another digest");
	/* Something else that the key signed. */
	policy_payload(payload, sizeof(payload), "a contract", builder.manifest_digest, repository);
	policy_push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	policy_expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "no simple signing");
	policy_push_signature(fixture, "signed/payload", builder.manifest_digest, "ec",
			      "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
	policy_expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "no simple signing");
}

/* The index's signature stands for what it lists. */
static void test_index(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char text[1024], digest[DIGEST_TEXT], name[128];

	policy_push_image(fixture, &builder, "signed/index");
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\",\"manifests\":[{\"mediaType\":\"" OCI_MANIFEST
		 "\",\"digest\":\"%s\",\"size\":%zu}]}",
		 builder.manifest_digest, builder.manifest_size);
	builder_add_blob(&builder, text, digest);
	push_document(&builder, policy_url, "signed/index", "all", digest, OCI_INDEX, "");
	policy_use_key(fixture, "ec", "matchRepository");
	policy_expect_pull(fixture, "signed/index:all", CRI_ESIGNATURE, "has no signature");
	snprintf(name, sizeof(name), "%s/signed/index", policy_registry.host);
	policy_payload(text, sizeof(text), POLICY_COSIGN, digest, name);
	policy_push_signature(fixture, "signed/index", digest, "ec", text);
	policy_expect_pull(fixture, "signed/index:all", 0, "");
	policy_expect_pull(fixture, "signed/index:v1", CRI_ESIGNATURE, "has no signature");
}

/* What is there already does not come again when it may not come at all. */
static void test_present(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char reference[160], *id = NULL, *again = NULL;
	char text[512];

	policy_push_image(fixture, &builder, "signed/present");
	snprintf(reference, sizeof(reference), "%s/signed/present:v1", policy_registry.host);
	policy_use(fixture, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}");
	expect_ok(fixture, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	policy_use(fixture, "{\"default\":[{\"type\":\"reject\"}]}");
	expect_code(fixture, CRI_ESIGNATURE, cri_image_pull(fixture->engine, reference, NULL, &again, fixture->call));
	cri_call_reset(fixture->call);
	snprintf(text, sizeof(text), "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]}", builder.manifest_digest);
	policy_use_requirement(fixture, text);
	expect_ok(fixture, cri_image_pull(fixture->engine, reference, NULL, &again, fixture->call));
	assert_string_equal(id, again);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
	cri_free(again);
}

/* A path's links, dots and slashes lead into no other scope than that of what is there. */
static void test_real_scopes(void **state)
{
	struct fixture *fixture = *state;
	const char *const top = fixture->directory;
	struct embedded embedded;
	struct builder builder;
	char text[1024], path[512];

	build_image(&builder, top, 1, 10);
	builder_index(&builder, "example.com/scope:v1");
	embedded_begin(&embedded, top);
	embedded_filesystem(&embedded, "root.img", FS_SQUASHFS, "echo root >file");
	embedded_layer(&embedded, SQUASHFS_TYPE, "root.img", "/");
	embedded_finish(&embedded, "scope:v1");
	shell("cd '%s' && mkdir trusted upload && for d in trusted upload; do cp -a '%s' $d/layout && cp -a '%s' "
	      "$d/embedded && mv $d/embedded/%s $d/embedded/x.manifest && mv $d/embedded/*.sgn $d/embedded/x.sgn && "
	      "cp '%s' $d/archive.tar && tar -C $d/layout -cf $d/layout.tar .; done && ln -s ../upload trusted/up && "
	      "ln -s ../trusted upload/down && ln -s ../upload/archive.tar trusted/archive-link.tar && "
	      "ln -s ../upload/embedded/x.manifest trusted/x.manifest && "
	      "cp upload/embedded/x.sgn upload/embedded/root.img trusted/",
	      top, builder.directory, embedded.directory, strrchr(embedded.manifest, '/') + 1, fixture->archive);
	snprintf(text, sizeof(text),
		 "{\"default\":[{\"type\":\"reject\"}],\"transports\":{"
		 "\"oci\":{\"%s/trusted\":[{\"type\":\"insecureAcceptAnything\"}]},"
		 "\"oci-archive\":{\"%s/trusted\":[{\"type\":\"insecureAcceptAnything\"}]},"
		 "\"docker-archive\":{\"%s/trusted\":[{\"type\":\"insecureAcceptAnything\"}]},"
		 "\"embedded\":{\"%s/trusted\":[{\"type\":\"insecureAcceptAnything\"}]}}}",
		 top, top, top, top);
	policy_use(fixture, text);
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = { "layout", "layout.tar", "archive.tar", "embedded/x.manifest" };
		static const char *const ways[] = { "upload", "trusted/../upload", "trusted/up", "trusted/./up" };
		static const char *const good_ways[] = { "trusted", "/trusted", "upload/../trusted", "upload/down" };

		for (size_t k = 0; k < 4; k++) {
			snprintf(path, sizeof(path), "%s/%s/%s", top, ways[k], names[i]);
			policy_expect_import(fixture, path, CRI_ESIGNATURE, "rejects all");
			snprintf(path, sizeof(path), "%s/%s/%s", top, good_ways[k], names[i]);
			/* The fixture's own image is not to be removed. */
			if (strcmp(names[i], "archive.tar") != 0)
				policy_expect_import(fixture, path, 0, "");
		}
	}
	snprintf(path, sizeof(path), "%s/trusted/archive-link.tar", top);
	policy_expect_import(fixture, path, CRI_ESIGNATURE, "rejects all");
	snprintf(path, sizeof(path), "%s/trusted/x.manifest", top);
	policy_expect_import(fixture, path, CRI_ESIGNATURE, "rejects all");
}

static void test_policy_files(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{ "", CRI_EINVAL, "no well-formed JSON" },
		{ "[]", CRI_EINVAL, "no object" },
		{ "{}", CRI_EINVAL, "no list of 1 to 64 requirements" },
		{ "{\"default\":[]}", CRI_EINVAL, "no list of 1 to 64 requirements" },
		{ "{\"default\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\"}]}", CRI_ENOTSUP, "\"signedBy\"" },
		{ "{\"default\":[{\"type\":\"reject\",\"x\":1}]}", CRI_ENOTSUP, "\"x\" is not known" },
		{ "{\"default\":[{\"type\":\"reject\"}],\"x\":{}}", CRI_ENOTSUP, "\"x\" is not known" },
		{ "{\"default\":[{\"type\":\"sigstoreSigned\"}]}", CRI_EINVAL, "keyPath" },
		{ "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"a.pub\"}]}", CRI_EINVAL, "not absolute" },
		{ "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/a\",\"keyData\":\"x\"}]}", CRI_EINVAL,
		  "one of" },
		{ "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/a\",\"rekorPublicKeyPath\":\"/b\"}]}",
		  CRI_ENOTSUP, "rekorPublicKeyPath" },
		{ "{\"default\":[{\"type\":\"allowedDigests\",\"digests\":[\"sha256:1\"]}]}", CRI_EINVAL,
		  "no sha256 digest" },
	};
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	cri_engine *engine = NULL;
	struct builder builder;

	options.image_policy_file = policy_file;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_text(policy_file, cases[i].text);
		expect_code(fixture, cases[i].code, cri_engine_open(&options, &engine, fixture->call));
		if (!strstr(cri_call_message(fixture->call), cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", cri_call_message(fixture->call), cases[i].says);
		cri_call_reset(fixture->call);
	}
	assert_int_equal(unlink(policy_file), 0);
	expect_code(fixture, CRI_EINVAL, cri_engine_open(&options, &engine, fixture->call));
	options.image_policy_file = "policy.json";
	expect_code(fixture, CRI_EINVAL, cri_engine_open(&options, &engine, fixture->call));
	cri_call_reset(fixture->call);
	/* One that goes bad lets nothing in, and one that is mended is seen. */
	policy_push_image(fixture, &builder, "signed/file");
	policy_use(fixture, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}");
	write_text(policy_file, "{");
	policy_expect_pull(fixture, "signed/file:v1", CRI_ESIGNATURE, "no well-formed JSON");
	assert_int_equal(unlink(policy_file), 0);
	policy_expect_pull(fixture, "signed/file:v1", CRI_ESIGNATURE, "No such file");
	write_text(policy_file, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}");
	policy_expect_pull(fixture, "signed/file:v1", 0, "");
}

/* Signatures that do not come are not taken for signatures that are not there, nor for good ones. */
static void test_registry_fails(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char text[1024], name[160], reference[200], *id = NULL;
	const char *digits;

	policy_push_image(fixture, &builder, "signed/fails");
	digits = builder.manifest_digest + strlen("sha256:");
	snprintf(name, sizeof(name), "%s/signed/fails", policy_proxy.host);
	snprintf(reference, sizeof(reference), "%s:v1", name);
	policy_payload(text, sizeof(text), POLICY_COSIGN, builder.manifest_digest, name);
	policy_push_signature(fixture, "signed/fails", builder.manifest_digest, "ec", text);
	snprintf(text, sizeof(text),
		 "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/ec.pub\",\"signedIdentity\":"
		 "{\"type\":\"matchRepository\"}}]}",
		 policy_keys);
	policy_use(fixture, text);
	proxy_rules(&policy_proxy, "GET /manifests/sha256-%s.sig status 503 99\n", digits);
	expect_code(fixture, CRI_EREGISTRY, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	proxy_rules(&policy_proxy, "GET /manifests/sha256-%s.sig status 404 99\n", digits);
	expect_code(fixture, CRI_ESIGNATURE, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	/* Another digest than its header says. */
	proxy_rules(&policy_proxy, "GET /manifests/sha256-%s.sig corrupt 3 99\n", digits);
	expect_code(fixture, CRI_ECORRUPT, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	assert_null(id);
	assert_int_equal(count_layers(fixture), 1);
	proxy_rules(&policy_proxy, "%s", "");
	expect_ok(fixture, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_without_signatures),
		fixture_test(test_keys),
		fixture_test(test_payloads),
		fixture_test(test_index),
		fixture_test(test_present),
		fixture_test(test_real_scopes),
		fixture_test(test_policy_files),
		fixture_test(test_registry_fails),
	};

	return cmocka_run_group_tests(tests, policy_set_up, policy_tear_down);
}

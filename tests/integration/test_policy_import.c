/* SPDX-License-Identifier: Apache-2.0 */
/* The image policy and what does not come from registries: archives, by all their names, and embedded images. */
#include "policy_fixture.h"

#include <string.h>

/* A layout that lists its one manifest under two names. */
static void index_twice(struct builder *builder, const char *name, const char *other)
{
	char path[320], text[1024];

	builder_index(builder, name);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"manifests\":["
		 "{\"mediaType\":\"" OCI_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":"
		 "{\"org.opencontainers.image.ref.name\":\"%s\"}},"
		 "{\"mediaType\":\"" OCI_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":"
		 "{\"org.opencontainers.image.ref.name\":\"%s\"}}]}",
		 builder->manifest_digest, builder->manifest_size, name, builder->manifest_digest,
		 builder->manifest_size, other);
	snprintf(path, sizeof(path), "%s/index.json", builder->directory);
	write_text(path, text);
}

/* A signature for one name lets no other in with it, and a digest in a name is believed only when it is the image's. */
static void test_import_names(void **state)
{
	static const char other_digest[] = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
	struct fixture *fixture = *state;
	struct builder builder;
	char text[1024], path[320], output[320], directory[160], name[160];

	build_image(&builder, fixture->directory, 1, 10);
	snprintf(directory, sizeof(directory), "%s/name-signatures", fixture->directory);
	shell("mkdir '%s'", directory);
	snprintf(path, sizeof(path), "%s/sha256-%s.payload", directory, builder.manifest_digest + strlen("sha256:"));
	snprintf(output, sizeof(output), "%s/sha256-%s.sig", directory, builder.manifest_digest + strlen("sha256:"));
	policy_payload(text, sizeof(text), POLICY_COSIGN, builder.manifest_digest, "example.com/app:v1");
	write_text(path, text);
	policy_sign("ec", path, output);
	snprintf(text, sizeof(text),
		 "{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/ec.pub\",\"signatureDirectory\":\"%s\"}", policy_keys,
		 directory);
	policy_use_requirement(fixture, text);
	index_twice(&builder, "example.com/app:v1", "example.com/app:v1");
	policy_expect_import(fixture, builder.directory, 0, "");
	index_twice(&builder, "example.com/app:v1", "example.com/app:v2");
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
	index_twice(&builder, "example.com/bank:v1", "example.com/app:v1");
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
	builder_index(&builder, NULL);
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
	snprintf(name, sizeof(name), "example.com/app@%s", other_digest);
	builder_index(&builder, name);
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
	snprintf(name, sizeof(name), "example.com/app@%s", builder.manifest_digest);
	builder_index(&builder, name);
	policy_expect_import(fixture, builder.directory, 0, "");
	snprintf(text, sizeof(text),
		 "{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/ec.pub\",\"signatureDirectory\":\"%s\","
		 "\"signedIdentity\":{\"type\":\"matchRepository\"}}",
		 policy_keys, directory);
	policy_use_requirement(fixture, text);
	index_twice(&builder, "example.com/app:v1", "example.com/app:v2");
	policy_expect_import(fixture, builder.directory, 0, "");
	index_twice(&builder, "example.com/app:v1", "example.com/bank:v1");
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
}

/* Archives, with signatures in a directory. */
static void test_import(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char requirement[512], payload[1024], path[320], output[320], directory[160];

	build_image(&builder, fixture->directory, 1, 10);
	builder_index(&builder, "example.com/app:v1");
	snprintf(directory, sizeof(directory), "%s/signatures", fixture->directory);
	snprintf(requirement, sizeof(requirement),
		 "{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/ec.pub\",\"signatureDirectory\":\"%s\"}", policy_keys,
		 directory);
	policy_use_requirement(fixture, requirement);
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "has no signature");
	shell("mkdir '%s'", directory);
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "has no signature");
	policy_payload(payload, sizeof(payload), POLICY_COSIGN, builder.manifest_digest, "example.com/app:v1");
	snprintf(path, sizeof(path), "%s/sha256-%s.payload", directory, builder.manifest_digest + strlen("sha256:"));
	snprintf(output, sizeof(output), "%s/sha256-%s.sig", directory, builder.manifest_digest + strlen("sha256:"));
	write_text(path, payload);
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "has no signature");
	write_text(output, "no base64!");
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "none of its signatures");
	policy_sign("ec", path, output);
	policy_expect_import(fixture, builder.directory, 0, "");
	/* A line's end behind it is no part of it. */
	shell("echo >>'%s'", output);
	policy_expect_import(fixture, builder.directory, 0, "");
	policy_payload(payload, sizeof(payload), POLICY_COSIGN, builder.manifest_digest, "example.com/app:v2");
	write_text(path, payload);
	policy_expect_import(fixture, builder.directory, CRI_ESIGNATURE, "none of its signatures");
	/* The fixture's docker-archive is of another transport. */
	policy_expect_import(fixture, fixture->archive, CRI_ESIGNATURE, "rejects all");
}

static void test_embedded(void **state)
{
	struct fixture *fixture = *state;
	struct embedded embedded;
	char requirement[256];

	embedded_begin(&embedded, fixture->directory);
	embedded_filesystem(&embedded, "root.img", FS_SQUASHFS, "echo root >file");
	embedded_layer(&embedded, SQUASHFS_TYPE, "root.img", "/");
	embedded_finish(&embedded, "device:v1");
	policy_use_requirement(fixture, "{\"type\":\"allowedDigests\",\"digests\":[]}");
	policy_expect_import(fixture, embedded.manifest, CRI_ESIGNATURE, "not among those");
	snprintf(requirement, sizeof(requirement), "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]}",
		 embedded.digest);
	policy_use_requirement(fixture, requirement);
	policy_expect_import(fixture, embedded.manifest, 0, "");
	/* What is refused is not looked at: nothing of its layers, which a kernel would mount, is read. */
	shell("cd '%s' && mv root.img saved.img", embedded.directory);
	policy_use_requirement(fixture, "{\"type\":\"allowedDigests\",\"digests\":[]}");
	policy_expect_import(fixture, embedded.manifest, CRI_ESIGNATURE, "not among those");
	policy_use_requirement(fixture, requirement);
	policy_expect_import(fixture, embedded.manifest, CRI_ECORRUPT, "root.img");
	shell("cd '%s' && mv saved.img root.img", embedded.directory);
	/* A manifest that is vouched for says nothing of a layer whose digest it does not give. */
	embedded_add(&embedded,
		     "{\"mediaType\":\"" SQUASHFS_TYPE "\",\"pathInHost\":\"root.img\",\"pathInContainer\":\"/a\"}");
	embedded_finish(&embedded, "device:v1");
	snprintf(requirement, sizeof(requirement), "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]}",
		 embedded.digest);
	policy_use_requirement(fixture, requirement);
	policy_expect_import(fixture, embedded.manifest, CRI_ESIGNATURE, "no digest of layer root.img");
	policy_use_requirement(fixture, "{\"type\":\"insecureAcceptAnything\"}");
	policy_expect_import(fixture, embedded.manifest, 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_import),
		fixture_test(test_import_names),
		fixture_test(test_embedded),
	};

	return cmocka_run_group_tests(tests, policy_set_up, policy_tear_down);
}

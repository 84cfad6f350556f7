/* SPDX-License-Identifier: Apache-2.0 */
/* The image policy: what it lets in, by digest and by signature, and that nothing else comes in. */
#include "embedded_builder.h"
#include "registry.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIGNATURE_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define COSIGN "cosign container image signature"

static struct server registry, proxy;
static char url[64];
static char policy[160], keys[128];

/* --- policies --- */

/* Opens the engine anew with this as its policy. */
static void use_policy(struct fixture *fixture, const char *text)
{
	cri_engine_options options = fixture_options(fixture);

	write_text(policy, text);
	fixture_close(fixture);
	options.image_policy_file = policy;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
}

static void use_requirement(struct fixture *fixture, const char *requirement)
{
	static char text[8192];

	snprintf(text, sizeof(text),
		 "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"%s/"
		 "signed\":[%s]},\"oci\":{\"\":[%s]},"
		 "\"embedded\":{\"%s\":[%s]}}}",
		 registry.host, requirement, requirement, fixture->directory, requirement);
	use_policy(fixture, text);
}

/* Signed by keys/NAME.pub. */
static void use_key(struct fixture *fixture, const char *name, const char *identity)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/%s.pub\"%s%s%s}", keys, name,
		 *identity ? ",\"signedIdentity\":{\"type\":\"" : "", identity, *identity ? "\"}" : "");
	use_requirement(fixture, text);
}

static void expect_pull(struct fixture *fixture, const char *name, int code, const char *text)
{
	char reference[160], *id = NULL;
	cri_list *list = NULL;

	snprintf(reference, sizeof(reference), "%s/%s", registry.host, name);
	expect_code(fixture, code, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	if (code == 0) {
		expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
		cri_free(id);
		return;
	}
	assert_null(id);
	if (!strstr(cri_call_message(fixture->call), text))
		fail_msg("\"%s\" does not say \"%s\"", cri_call_message(fixture->call), text);
	cri_call_reset(fixture->call);
	/* Nothing came. */
	expect_ok(fixture, cri_image_list(fixture->engine, reference, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	assert_int_equal(count_layers(fixture), 1);
}

/* --- signatures --- */

static void sign(const char *key, const char *payload_path, const char *output)
{
	if (strcmp(key, "ed25519") == 0)
		shell("openssl pkeyutl -sign -rawin -inkey '%s/%s.key' -in '%s' | base64 -w0 >'%s'", keys, key,
		      payload_path, output);
	else
		shell("openssl dgst -sha256 -sign '%s/%s.key' '%s' | base64 -w0 >'%s'", keys, key, payload_path,
		      output);
}

static void make_payload(char *text, size_t size, const char *type, const char *digest, const char *name)
{
	snprintf(text, size,
		 "{\"critical\":{\"identity\":{\"docker-reference\":\"%s\"},\"image\":{\"docker-manifest-digest\":"
		 "\"%s\"},\"type\":\"%s\"},\"optional\":null}",
		 name, digest, type);
}

/* Pushes what `cosign sign --key` would: a signature for `digest` whose payload is `payload`. */
static void push_signature(struct fixture *fixture, const char *repository, const char *digest, const char *key,
			   const char *payload)
{
	char payload_digest[DIGEST_TEXT], config[DIGEST_TEXT], manifest[DIGEST_TEXT];
	char path[320], output[320], signature[2048] = "", text[4096], tag[128];
	struct builder builder;
	FILE *file;

	builder_begin(&builder, fixture->directory);
	builder_add_blob(&builder, payload, payload_digest);
	builder_add_blob(&builder, "{}", config);
	builder_blob(&builder, payload_digest, path);
	snprintf(output, sizeof(output), "%s/signature", builder.directory);
	sign(key, path, output);
	file = fopen(output, "re");
	assert_non_null(file);
	assert_non_null(fgets(signature, sizeof(signature), file));
	fclose(file);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST "\",\"config\":{\"mediaType\":\"application/"
		 "vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":2},"
		 "\"layers\":[{\"mediaType\":\"" SIGNATURE_TYPE "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":"
		 "{\"dev.cosignproject.cosign/signature\":\"%s\"}}]}",
		 config, payload_digest, strlen(payload), signature);
	builder_add_blob(&builder, text, manifest);
	snprintf(tag, sizeof(tag), "sha256-%s.sig", digest + strlen("sha256:"));
	push_document(&builder, url, repository, tag, manifest, OCI_MANIFEST, "");
}

static void push_image(struct fixture *fixture, struct builder *builder, const char *repository)
{
	build_image(builder, fixture->directory, 1, 10);
	push(builder, url, repository, "v1", "");
}

/* --- tests --- */

static void test_without_signatures(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char text[512];

	push_image(fixture, &builder, "signed/plain");
	use_policy(fixture, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}");
	expect_pull(fixture, "signed/plain:v1", 0, "");
	use_policy(fixture, "{\"default\":[{\"type\":\"reject\"}]}");
	expect_pull(fixture, "signed/plain:v1", CRI_ESIGNATURE, "rejects all");
	snprintf(text, sizeof(text), "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]}", builder.manifest_digest);
	use_requirement(fixture, text);
	expect_pull(fixture, "signed/plain:v1", 0, "");
	/* Another scope: the default. */
	push(&builder, url, "other", "v1", "");
	expect_pull(fixture, "other:v1", CRI_ESIGNATURE, "rejects all");
	use_requirement(fixture, "{\"type\":\"allowedDigests\",\"digests\":[]}");
	expect_pull(fixture, "signed/plain:v1", CRI_ESIGNATURE, "not among those");
	/* All of a list must hold. */
	snprintf(text, sizeof(text),
		 "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]},{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/"
		 "ec.pub\"}",
		 builder.manifest_digest, keys);
	use_requirement(fixture, text);
	expect_pull(fixture, "signed/plain:v1", CRI_ESIGNATURE, "has no signature");
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
		snprintf(name, sizeof(name), "%s/%s", registry.host, repository);
		push_image(fixture, &builder, repository);
		make_payload(payload, sizeof(payload), COSIGN, builder.manifest_digest, name);
		push_signature(fixture, repository, builder.manifest_digest, names[i], payload);
		use_key(fixture, names[i], "matchRepository");
		expect_pull(fixture, reference, 0, "");
		use_key(fixture, names[(i + 1) % 3], "matchRepository");
		expect_pull(fixture, reference, CRI_ESIGNATURE, "none of its signatures is by a key");
	}
	/* Any of several; and in the policy itself. */
	snprintf(payload, sizeof(payload),
		 "{\"type\":\"sigstoreSigned\",\"keyPaths\":[\"%s/ec.pub\",\"%s/ed25519.pub\"],\"signedIdentity\":"
		 "{\"type\":\"matchRepository\"}}",
		 keys, keys);
	use_requirement(fixture, payload);
	expect_pull(fixture, reference, 0, "");
	{
		char path[200], base64[1024] = "";
		FILE *file;

		snprintf(path, sizeof(path), "%s/ed25519.base64", keys);
		shell("base64 -w0 '%s/ed25519.pub' >'%s'", keys, path);
		file = fopen(path, "re");
		assert_non_null(file);
		assert_non_null(fgets(base64, sizeof(base64), file));
		fclose(file);
		snprintf(payload, sizeof(payload),
			 "{\"type\":\"sigstoreSigned\",\"keyData\":\"%.600s\",\"signedIdentity\":{\"type\":"
			 "\"matchRepository\"}}",
			 base64);
	}
	use_requirement(fixture, payload);
	expect_pull(fixture, reference, 0, "");
	/* A key that is none, and one that has gone. */
	snprintf(name, sizeof(name), "%s/none.pub", keys);
	write_text(name, "no key");
	use_key(fixture, "none", "matchRepository");
	expect_pull(fixture, reference, CRI_ESIGNATURE, "no public key in PEM");
	assert_int_equal(unlink(name), 0);
	expect_pull(fixture, reference, CRI_ESIGNATURE, "none.pub");
}

static void test_payloads(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char payload[1024], repository[128], tagged[160];

	push_image(fixture, &builder, "signed/payload");
	snprintf(repository, sizeof(repository), "%s/signed/payload", registry.host);
	snprintf(tagged, sizeof(tagged), "%s:v1", repository);
	use_key(fixture, "ec", "");
	/* A name with its tag, as podman signs it, is what the default wants. */
	make_payload(payload, sizeof(payload), COSIGN, builder.manifest_digest, tagged);
	push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	expect_pull(fixture, "signed/payload:v1", 0, "");
	/* Without one, as cosign signs it, it is for the repository. */
	make_payload(payload, sizeof(payload), COSIGN, builder.manifest_digest, repository);
	push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "another name");
	use_key(fixture, "ec", "matchRepository");
	expect_pull(fixture, "signed/payload:v1", 0, "");
	make_payload(payload, sizeof(payload), COSIGN, builder.manifest_digest, "evil.example.com/other");
	push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "another name");
	/* Another image's signature. */
	make_payload(payload, sizeof(payload), COSIGN,
		     "sha256:0000000000000000000000000000000000000000000000000000000000000000", repository);
	push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "another digest");
	/* Something else that the key signed. */
	make_payload(payload, sizeof(payload), "a contract", builder.manifest_digest, repository);
	push_signature(fixture, "signed/payload", builder.manifest_digest, "ec", payload);
	expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "no simple signing");
	push_signature(fixture, "signed/payload", builder.manifest_digest, "ec",
		       "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
	expect_pull(fixture, "signed/payload:v1", CRI_ESIGNATURE, "no simple signing");
}

/* The index's signature stands for what it lists. */
static void test_index(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char text[1024], digest[DIGEST_TEXT], name[128];

	push_image(fixture, &builder, "signed/index");
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\",\"manifests\":[{\"mediaType\":\"" OCI_MANIFEST
		 "\",\"digest\":\"%s\",\"size\":%zu}]}",
		 builder.manifest_digest, builder.manifest_size);
	builder_add_blob(&builder, text, digest);
	push_document(&builder, url, "signed/index", "all", digest, OCI_INDEX, "");
	use_key(fixture, "ec", "matchRepository");
	expect_pull(fixture, "signed/index:all", CRI_ESIGNATURE, "has no signature");
	snprintf(name, sizeof(name), "%s/signed/index", registry.host);
	make_payload(text, sizeof(text), COSIGN, digest, name);
	push_signature(fixture, "signed/index", digest, "ec", text);
	expect_pull(fixture, "signed/index:all", 0, "");
	expect_pull(fixture, "signed/index:v1", CRI_ESIGNATURE, "has no signature");
}

/* What is there already does not come again when it may not come at all. */
static void test_present(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char reference[160], *id = NULL, *again = NULL;
	char text[512];

	push_image(fixture, &builder, "signed/present");
	snprintf(reference, sizeof(reference), "%s/signed/present:v1", registry.host);
	use_policy(fixture, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}");
	expect_ok(fixture, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	use_policy(fixture, "{\"default\":[{\"type\":\"reject\"}]}");
	expect_code(fixture, CRI_ESIGNATURE, cri_image_pull(fixture->engine, reference, NULL, &again, fixture->call));
	cri_call_reset(fixture->call);
	snprintf(text, sizeof(text), "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]}", builder.manifest_digest);
	use_requirement(fixture, text);
	expect_ok(fixture, cri_image_pull(fixture->engine, reference, NULL, &again, fixture->call));
	assert_string_equal(id, again);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
	cri_free(again);
}

static void expect_import(struct fixture *fixture, const char *path, int code, const char *text)
{
	cri_list *list = NULL;

	expect_code(fixture, code, cri_image_import(fixture->engine, path, NULL, &list, fixture->call));
	if (code == 0) {
		expect_ok(fixture, cri_image_remove(fixture->engine, cri_image_at(list, 0)->id, fixture->call));
		cri_list_free(list);
		return;
	}
	assert_null(list);
	if (!strstr(cri_call_message(fixture->call), text))
		fail_msg("\"%s\" does not say \"%s\"", cri_call_message(fixture->call), text);
	cri_call_reset(fixture->call);
	assert_int_equal(count_layers(fixture), 1);
}

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
	make_payload(text, sizeof(text), COSIGN, builder.manifest_digest, "example.com/app:v1");
	write_text(path, text);
	sign("ec", path, output);
	snprintf(text, sizeof(text),
		 "{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/ec.pub\",\"signatureDirectory\":\"%s\"}", keys,
		 directory);
	use_requirement(fixture, text);
	index_twice(&builder, "example.com/app:v1", "example.com/app:v1");
	expect_import(fixture, builder.directory, 0, "");
	index_twice(&builder, "example.com/app:v1", "example.com/app:v2");
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
	index_twice(&builder, "example.com/bank:v1", "example.com/app:v1");
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
	builder_index(&builder, NULL);
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
	snprintf(name, sizeof(name), "example.com/app@%s", other_digest);
	builder_index(&builder, name);
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
	snprintf(name, sizeof(name), "example.com/app@%s", builder.manifest_digest);
	builder_index(&builder, name);
	expect_import(fixture, builder.directory, 0, "");
	snprintf(text, sizeof(text),
		 "{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/ec.pub\",\"signatureDirectory\":\"%s\","
		 "\"signedIdentity\":{\"type\":\"matchRepository\"}}",
		 keys, directory);
	use_requirement(fixture, text);
	index_twice(&builder, "example.com/app:v1", "example.com/app:v2");
	expect_import(fixture, builder.directory, 0, "");
	index_twice(&builder, "example.com/app:v1", "example.com/bank:v1");
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "another name");
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
		 "{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/ec.pub\",\"signatureDirectory\":\"%s\"}", keys,
		 directory);
	use_requirement(fixture, requirement);
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "has no signature");
	shell("mkdir '%s'", directory);
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "has no signature");
	make_payload(payload, sizeof(payload), COSIGN, builder.manifest_digest, "example.com/app:v1");
	snprintf(path, sizeof(path), "%s/sha256-%s.payload", directory, builder.manifest_digest + strlen("sha256:"));
	snprintf(output, sizeof(output), "%s/sha256-%s.sig", directory, builder.manifest_digest + strlen("sha256:"));
	write_text(path, payload);
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "has no signature");
	write_text(output, "no base64!");
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "none of its signatures");
	sign("ec", path, output);
	expect_import(fixture, builder.directory, 0, "");
	/* A line's end behind it is no part of it. */
	shell("echo >>'%s'", output);
	expect_import(fixture, builder.directory, 0, "");
	make_payload(payload, sizeof(payload), COSIGN, builder.manifest_digest, "example.com/app:v2");
	write_text(path, payload);
	expect_import(fixture, builder.directory, CRI_ESIGNATURE, "none of its signatures");
	/* The fixture's docker-archive is of another transport. */
	expect_import(fixture, fixture->archive, CRI_ESIGNATURE, "rejects all");
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
	use_requirement(fixture, "{\"type\":\"allowedDigests\",\"digests\":[]}");
	expect_import(fixture, embedded.manifest, CRI_ESIGNATURE, "not among those");
	snprintf(requirement, sizeof(requirement), "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]}",
		 embedded.digest);
	use_requirement(fixture, requirement);
	expect_import(fixture, embedded.manifest, 0, "");
	/* What is refused is not looked at: nothing of its layers, which a kernel would mount, is read. */
	shell("cd '%s' && mv root.img saved.img", embedded.directory);
	use_requirement(fixture, "{\"type\":\"allowedDigests\",\"digests\":[]}");
	expect_import(fixture, embedded.manifest, CRI_ESIGNATURE, "not among those");
	use_requirement(fixture, requirement);
	expect_import(fixture, embedded.manifest, CRI_ECORRUPT, "root.img");
	shell("cd '%s' && mv saved.img root.img", embedded.directory);
	/* A manifest that is vouched for says nothing of a layer whose digest it does not give. */
	embedded_add(&embedded,
		     "{\"mediaType\":\"" SQUASHFS_TYPE "\",\"pathInHost\":\"root.img\",\"pathInContainer\":\"/a\"}");
	embedded_finish(&embedded, "device:v1");
	snprintf(requirement, sizeof(requirement), "{\"type\":\"allowedDigests\",\"digests\":[\"%s\"]}",
		 embedded.digest);
	use_requirement(fixture, requirement);
	expect_import(fixture, embedded.manifest, CRI_ESIGNATURE, "no digest of layer root.img");
	use_requirement(fixture, "{\"type\":\"insecureAcceptAnything\"}");
	expect_import(fixture, embedded.manifest, 0, "");
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
	use_policy(fixture, text);
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = { "layout", "layout.tar", "archive.tar", "embedded/x.manifest" };
		static const char *const ways[] = { "upload", "trusted/../upload", "trusted/up", "trusted/./up" };
		static const char *const good_ways[] = { "trusted", "/trusted", "upload/../trusted", "upload/down" };

		for (size_t k = 0; k < 4; k++) {
			snprintf(path, sizeof(path), "%s/%s/%s", top, ways[k], names[i]);
			expect_import(fixture, path, CRI_ESIGNATURE, "rejects all");
			snprintf(path, sizeof(path), "%s/%s/%s", top, good_ways[k], names[i]);
			/* The fixture's own image is not to be removed. */
			if (strcmp(names[i], "archive.tar") != 0)
				expect_import(fixture, path, 0, "");
		}
	}
	snprintf(path, sizeof(path), "%s/trusted/archive-link.tar", top);
	expect_import(fixture, path, CRI_ESIGNATURE, "rejects all");
	snprintf(path, sizeof(path), "%s/trusted/x.manifest", top);
	expect_import(fixture, path, CRI_ESIGNATURE, "rejects all");
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

	options.image_policy_file = policy;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_text(policy, cases[i].text);
		expect_code(fixture, cases[i].code, cri_engine_open(&options, &engine, fixture->call));
		if (!strstr(cri_call_message(fixture->call), cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", cri_call_message(fixture->call), cases[i].says);
		cri_call_reset(fixture->call);
	}
	assert_int_equal(unlink(policy), 0);
	expect_code(fixture, CRI_EINVAL, cri_engine_open(&options, &engine, fixture->call));
	options.image_policy_file = "policy.json";
	expect_code(fixture, CRI_EINVAL, cri_engine_open(&options, &engine, fixture->call));
	cri_call_reset(fixture->call);
	/* One that goes bad lets nothing in, and one that is mended is seen. */
	push_image(fixture, &builder, "signed/file");
	use_policy(fixture, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}");
	write_text(policy, "{");
	expect_pull(fixture, "signed/file:v1", CRI_ESIGNATURE, "no well-formed JSON");
	assert_int_equal(unlink(policy), 0);
	expect_pull(fixture, "signed/file:v1", CRI_ESIGNATURE, "No such file");
	write_text(policy, "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}");
	expect_pull(fixture, "signed/file:v1", 0, "");
}

/* Signatures that do not come are not taken for signatures that are not there, nor for good ones. */
static void test_registry_fails(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char text[1024], name[160], reference[200], *id = NULL;
	const char *digits;

	push_image(fixture, &builder, "signed/fails");
	digits = builder.manifest_digest + strlen("sha256:");
	snprintf(name, sizeof(name), "%s/signed/fails", proxy.host);
	snprintf(reference, sizeof(reference), "%s:v1", name);
	make_payload(text, sizeof(text), COSIGN, builder.manifest_digest, name);
	push_signature(fixture, "signed/fails", builder.manifest_digest, "ec", text);
	snprintf(text, sizeof(text),
		 "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/ec.pub\",\"signedIdentity\":"
		 "{\"type\":\"matchRepository\"}}]}",
		 keys);
	use_policy(fixture, text);
	proxy_rules(&proxy, "GET /manifests/sha256-%s.sig status 503 99\n", digits);
	expect_code(fixture, CRI_EREGISTRY, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	proxy_rules(&proxy, "GET /manifests/sha256-%s.sig status 404 99\n", digits);
	expect_code(fixture, CRI_ESIGNATURE, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	/* Another digest than its header says. */
	proxy_rules(&proxy, "GET /manifests/sha256-%s.sig corrupt 3 99\n", digits);
	expect_code(fixture, CRI_ECORRUPT, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	assert_null(id);
	assert_int_equal(count_layers(fixture), 1);
	proxy_rules(&proxy, "%s", "");
	expect_ok(fixture, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

static int set_up(void **state)
{
	struct fixture *fixture;

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	snprintf(policy, sizeof(policy), "%s/policy.json", fixture->directory);
	snprintf(keys, sizeof(keys), "%s/keys", fixture->directory);
	shell("mkdir '%s' && cd '%s' && openssl ecparam -name prime256v1 -genkey -noout -out ec.key && "
	      "openssl genrsa -out rsa.key 2048 2>/dev/null && openssl genpkey -algorithm ed25519 -out ed25519.key && "
	      "for k in ec rsa ed25519; do openssl pkey -in $k.key -pubout -out $k.pub; done",
	      keys, keys);
	registry_start(&registry, fixture->directory, "registry", free_port(), "", "");
	snprintf(url, sizeof(url), "http://%s", registry.host);
	proxy_start(&proxy, fixture->directory, "proxy", registry.port);
	return 0;
}

static int tear_down(void **state)
{
	server_stop(&proxy);
	server_stop(&registry);
	fixture_close(*state);
	return fixture_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_without_signatures),
		fixture_test(test_keys),
		fixture_test(test_payloads),
		fixture_test(test_index),
		fixture_test(test_present),
		fixture_test(test_import),
		fixture_test(test_import_names),
		fixture_test(test_embedded),
		fixture_test(test_real_scopes),
		fixture_test(test_policy_files),
		fixture_test(test_registry_fails),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

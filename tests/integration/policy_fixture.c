/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_fixture.h"

#include <string.h>

struct server policy_registry, policy_proxy;

char policy_url[64];

char policy_file[160], policy_keys[128];

void policy_use(struct fixture *fixture, const char *text)
{
	cri_engine_options options = fixture_options(fixture);

	write_text(policy_file, text);
	fixture_close(fixture);
	options.image_policy_file = policy_file;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
}

void policy_use_requirement(struct fixture *fixture, const char *requirement)
{
	static char text[8192];

	snprintf(text, sizeof(text),
		 "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"%s/"
		 "signed\":[%s]},\"oci\":{\"\":[%s]},"
		 "\"embedded\":{\"%s\":[%s]}}}",
		 policy_registry.host, requirement, requirement, fixture->directory, requirement);
	policy_use(fixture, text);
}

void policy_use_key(struct fixture *fixture, const char *name, const char *identity)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/%s.pub\"%s%s%s}", policy_keys, name,
		 *identity ? ",\"signedIdentity\":{\"type\":\"" : "", identity, *identity ? "\"}" : "");
	policy_use_requirement(fixture, text);
}

void policy_expect_pull(struct fixture *fixture, const char *name, int code, const char *text)
{
	char reference[160], *id = NULL;
	cri_list *list = NULL;

	snprintf(reference, sizeof(reference), "%s/%s", policy_registry.host, name);
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

void policy_sign(const char *key, const char *payload_path, const char *output)
{
	if (strcmp(key, "ed25519") == 0)
		shell("openssl pkeyutl -sign -rawin -inkey '%s/%s.key' -in '%s' | base64 -w0 >'%s'", policy_keys, key,
		      payload_path, output);
	else
		shell("openssl dgst -sha256 -sign '%s/%s.key' '%s' | base64 -w0 >'%s'", policy_keys, key, payload_path,
		      output);
}

void policy_payload(char *text, size_t size, const char *type, const char *digest, const char *name)
{
	snprintf(text, size,
		 "{\"critical\":{\"identity\":{\"docker-reference\":\"%s\"},\"image\":{\"docker-manifest-digest\":"
		 "\"%s\"},\"type\":\"%s\"},\"optional\":null}",
		 name, digest, type);
}

void policy_push_signature(struct fixture *fixture, const char *repository, const char *digest, const char *key,
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
	policy_sign(key, path, output);
	file = fopen(output, "re");
	assert_non_null(file);
	assert_non_null(fgets(signature, sizeof(signature), file));
	fclose(file);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST "\",\"config\":{\"mediaType\":\"application/"
		 "vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":2},"
		 "\"layers\":[{\"mediaType\":\"" POLICY_SIGNATURE_TYPE
		 "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":"
		 "{\"dev.cosignproject.cosign/signature\":\"%s\"}}]}",
		 config, payload_digest, strlen(payload), signature);
	builder_add_blob(&builder, text, manifest);
	snprintf(tag, sizeof(tag), "sha256-%s.sig", digest + strlen("sha256:"));
	push_document(&builder, policy_url, repository, tag, manifest, OCI_MANIFEST, "");
}

void policy_push_image(struct fixture *fixture, struct builder *builder, const char *repository)
{
	build_image(builder, fixture->directory, 1, 10);
	push(builder, policy_url, repository, "v1", "");
}

void policy_expect_import(struct fixture *fixture, const char *path, int code, const char *text)
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

int policy_set_up(void **state)
{
	struct fixture *fixture;

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	snprintf(policy_file, sizeof(policy_file), "%s/policy.json", fixture->directory);
	snprintf(policy_keys, sizeof(policy_keys), "%s/keys", fixture->directory);
	shell("mkdir '%s' && cd '%s' && openssl ecparam -name prime256v1 -genkey -noout -out ec.key && "
	      "openssl genrsa -out rsa.key 2048 2>/dev/null && openssl genpkey -algorithm ed25519 -out ed25519.key && "
	      "for k in ec rsa ed25519; do openssl pkey -in $k.key -pubout -out $k.pub; done",
	      policy_keys, policy_keys);
	registry_start(&policy_registry, fixture->directory, "registry", free_port(), "", "");
	snprintf(policy_url, sizeof(policy_url), "http://%s", policy_registry.host);
	proxy_start(&policy_proxy, fixture->directory, "proxy", policy_registry.port);
	return 0;
}

int policy_tear_down(void **state)
{
	server_stop(&policy_proxy);
	server_stop(&policy_registry);
	fixture_close(*state);
	return fixture_tear_down(state);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes of a registry, and of an archive, that are not just a list of platforms. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct server registry, proxy;
static char url[64];
static struct builder image;

static const char *name(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/nested", proxy.host);
	return text;
}

/* Stores an index that lists one document, and pushes it. */
static void add_index(char digest[DIGEST_TEXT], const char *media_type, const char *listed, size_t size,
		      const char *platform, const char *tag)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}]}",
		 media_type, listed, size, platform);
	builder_add_blob(&image, text, digest);
	push_document(&image, url, "nested", tag, digest, OCI_INDEX, "");
}

static size_t size_of(const char *digest)
{
	char path[320];
	FILE *file;
	long size;

	builder_blob(&image, digest, path);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	fclose(file);
	return (size_t)size;
}

static void expect_pull(struct fixture *fixture, int expected, const char *part)
{
	char *id = NULL, *json = NULL;

	expect_code(fixture, expected, cri_image_pull(fixture->engine, name(), NULL, &id, fixture->call));
	if (expected) {
		if (!strstr(cri_call_message(fixture->call), part))
			fail_msg("\"%s\" lacks \"%s\"", cri_call_message(fixture->call), part);
		assert_int_equal(count_layers(fixture), 1);
		return;
	}
	expect_ok(fixture, cri_image_info_json(fixture->engine, id, &json, fixture->call));
	assert_non_null(strstr(json, image.manifest_digest));
	cri_free(json);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

/* An index within an index: the one's digest is the image's, the other's manifest is unpacked. */
static void test_nested(void **state)
{
	struct fixture *fixture = *state;
	char digests[6][DIGEST_TEXT], text[256], *id = NULL;
	cri_list *list = NULL;

	proxy_rules(&proxy, "%s", "");
	add_index(digests[0], OCI_MANIFEST, image.manifest_digest, image.manifest_size,
		  ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}", "-");
	add_index(digests[1], OCI_INDEX, digests[0], size_of(digests[0]), "", "latest");
	{
		const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .platform = "linux/amd64" };

		expect_ok(fixture, cri_image_pull(fixture->engine, name(), &options, &id, fixture->call));
		expect_ok(fixture, cri_image_status(fixture->engine, id, &list, fixture->call));
		snprintf(text, sizeof(text), "%s@%s", name(), digests[1]);
		assert_string_equal(cri_image_at(list, 0)->repo_digests[0], text);
		cri_list_free(list);
		expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
		cri_free(id);
	}
	/* As deep as they may be, and deeper. */
	add_index(digests[0], OCI_MANIFEST, image.manifest_digest, image.manifest_size, "", "-");
	for (int i = 1; i < 5; i++)
		add_index(digests[i], OCI_INDEX, digests[i - 1], size_of(digests[i - 1]), "", i == 3 ? "latest" : "-");
	expect_pull(fixture, 0, "");
	add_index(digests[5], OCI_INDEX, digests[3], size_of(digests[3]), "", "latest");
	expect_pull(fixture, CRI_ENOTSUP, "within each other");
}

static void test_lies(void **state)
{
	struct fixture *fixture = *state;
	char digest[DIGEST_TEXT], path[200], text[1024];

	proxy_rules(&proxy, "%s", "");
	add_index(digest, OCI_MANIFEST, image.manifest_digest, image.manifest_size + 1, "", "latest");
	expect_pull(fixture, CRI_ECORRUPT, "the index says");
	add_index(digest, OCI_MANIFEST, image.manifest_digest, image.manifest_size - 1, "", "latest");
	expect_pull(fixture, CRI_ECORRUPT, "the index says");
	/* What the answer's header and the document say of it are two. */
	add_index(digest, OCI_MANIFEST, image.manifest_digest, image.manifest_size, "", "latest");
	proxy_rules(&proxy, "GET /manifests/latest type " OCI_MANIFEST " 9\n");
	expect_pull(fixture, CRI_ECORRUPT, "no config");
	snprintf(path, sizeof(path), "%s/document", proxy.directory);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[],\"config\":{\"mediaType\":"
		 "\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":1}}",
		 image.manifest_digest);
	write_text(path, text);
	proxy_rules(&proxy, "GET /manifests/ body %s 9\n", path);
	expect_pull(fixture, CRI_ECORRUPT, "both an index and a manifest");
}

static void test_layout(void **state)
{
	struct fixture *fixture = *state;
	char inner[DIGEST_TEXT], outer[DIGEST_TEXT], path[256], text[1024];
	cri_list *list = NULL;

	add_index(inner, OCI_MANIFEST, image.manifest_digest, image.manifest_size, "", "-");
	add_index(outer, OCI_INDEX, inner, size_of(inner), "", "-");
	builder_index(&image, NULL);
	snprintf(path, sizeof(path), "%s/index.json", image.directory);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" OCI_INDEX "\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"annotations\":{\"org.opencontainers.image.ref.name\":\"nested:1\"}}]}",
		 outer, size_of(outer));
	write_text(path, text);
	expect_ok(fixture, cri_image_import(fixture->engine, image.directory, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	assert_string_equal(cri_image_at(list, 0)->repo_tags[0], "docker.io/library/nested:1");
	cri_list_free(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, "nested:1", fixture->call));
	assert_int_equal(count_layers(fixture), 1);
}

static int set_up(void **state)
{
	struct fixture *fixture;

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	registry_start(&registry, fixture->directory, "registry", free_port(), "", "");
	proxy_start(&proxy, fixture->directory, "proxy", registry.port);
	snprintf(url, sizeof(url), "http://%s", registry.host);
	build_image(&image, fixture->directory, 1, 10);
	push(&image, url, "nested", "plain", "");
	return 0;
}

static int tear_down(void **state)
{
	server_stop(&proxy);
	server_stop(&registry);
	return fixture_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_nested),
		fixture_test(test_lies),
		fixture_test(test_layout),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling from a registry: what comes, and what is not fetched again. */
#include "pull_fixture.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static void test_pull_and_again(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char text[256], *id, *again;
	cri_list *list;

	build_image(&builder, fixture->directory, 3, 100);
	push(&builder, pull_url, "basic", "v1", "");
	proxy_rules(&pull_proxy, "%s", "");
	id = pull_image(fixture, pull_named("basic:v1"));
	const cri_image_info *info = pull_status(fixture, pull_named("basic:v1"), &list);

	assert_string_equal(info->id, id);
	assert_int_equal(info->n_repo_tags, 1);
	assert_string_equal(info->repo_tags[0], pull_named("basic:v1"));
	assert_int_equal(info->n_repo_digests, 1);
	snprintf(text, sizeof(text), "%s@%s", pull_named("basic"), builder.manifest_digest);
	assert_string_equal(info->repo_digests[0], text);
	cri_list_free(list);
	assert_int_equal(log_count(&pull_proxy, "GET .*/blobs/"), 4);
	/* Unchanged: one HEAD, by tag and by digest. */
	for (int i = 0; i < 2; i++) {
		proxy_rules(&pull_proxy, "%s", "");
		again = pull_image(fixture, i ? text : pull_named("basic:v1"));
		assert_string_equal(again, id);
		assert_int_equal(log_count(&pull_proxy, ""), 1);
		assert_int_equal(log_count(&pull_proxy, "HEAD .*/manifests/"), 1);
		cri_free(again);
	}
	/* What it wrote is a root file system. */
	expect_ok(fixture, cri_image_info_json(fixture->engine, id, &again, fixture->call));
	assert_non_null(strstr(again, builder.manifest_digest));
	cri_free(again);
	pull_remove(fixture, id);
	assert_int_equal(count_layers(fixture), 1);
	cri_free(id);
}

static void test_moved_tag(void **state)
{
	struct fixture *fixture = *state;
	struct builder first, second;
	char *old_id, *id;
	cri_list *list;

	build_image(&first, fixture->directory, 1, 10);
	build_image(&second, fixture->directory, 1, 10);
	push(&first, pull_url, "moved", "latest", "");
	old_id = pull_image(fixture, pull_named("moved"));
	push(&second, pull_url, "moved", "latest", "");
	id = pull_image(fixture, pull_named("moved"));
	assert_string_not_equal(id, old_id);
	const cri_image_info *info = pull_status(fixture, old_id, &list);

	assert_int_equal(info->n_repo_tags, 0);
	assert_int_equal(info->n_repo_digests, 1);
	cri_list_free(list);
	info = pull_status(fixture, pull_named("moved:latest"), &list);
	assert_string_equal(info->id, id);
	cri_list_free(list);
	pull_remove(fixture, old_id);
	pull_remove(fixture, id);
	cri_free(old_id);
	cri_free(id);
}

static void test_pinned(void **state)
{
	struct fixture *fixture = *state;
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .pinned = true };
	struct builder builder;
	char *id = NULL, *again;
	cri_list *list;

	build_image(&builder, fixture->directory, 1, 10);
	push(&builder, pull_url, "pinned", "latest", "");
	again = pull_image(fixture, pull_named("pinned"));
	assert_false(pull_status(fixture, again, &list)->pinned);
	cri_list_free(list);
	expect_ok(fixture, cri_image_pull(fixture->engine, pull_named("pinned"), &options, &id, fixture->call));
	assert_string_equal(id, again);
	cri_free(again);
	assert_true(pull_status(fixture, id, &list)->pinned);
	cri_list_free(list);
	/* And stays so. */
	again = pull_image(fixture, pull_named("pinned"));
	assert_true(pull_status(fixture, again, &list)->pinned);
	cri_list_free(list);
	pull_remove(fixture, id);
	cri_free(again);
	cri_free(id);
}

/* An index of the manifests for some platforms, pushed under a tag. */
static void push_index(struct builder *images, const char *const *platforms, size_t n, const char *tag)
{
	static char text[4096];
	char digest[DIGEST_TEXT];
	size_t length = (size_t)snprintf(text, sizeof(text),
					 "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[", OCI_INDEX);

	for (size_t i = 0; i < n; i++) {
		push_document(&images[i], pull_url, "index", "-", images[i].manifest_digest, OCI_MANIFEST, "");
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,\"platform\":%s}",
					   i ? "," : "", OCI_MANIFEST, images[i].manifest_digest,
					   images[i].manifest_size, platforms[i]);
	}
	snprintf(text + length, sizeof(text) - length, "]}");
	builder_add_blob(&images[0], text, digest);
	push_document(&images[0], pull_url, "index", tag, digest, OCI_INDEX, "");
}

static void test_index(void **state)
{
	static const char *const platforms[] = {
		"{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\"}",
		"{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}",
		"{\"os\":\"windows\",\"architecture\":\"amd64\",\"os.version\":\"10\"}"
	};
	static const struct {
		const char *platform;
		int image;
	} wanted[] = { { "linux/arm/v7", 1 },  { "linux/arm/v6", 0 }, { "linux/arm", 1 },   { "linux/arm/v8", 1 },
		       { "linux/arm/v5", -1 }, { "linux/amd64", -1 }, { "linux/s390x", -1 } };
	struct fixture *fixture = *state;
	struct builder images[3];

	for (size_t i = 0; i < 3; i++)
		build_image(&images[i], fixture->directory, 1, 10);
	push_index(images, platforms, 3, "latest");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .platform = wanted[i].platform };
		char *id = NULL, *json = NULL;

		fixture_expect(fixture->call, wanted[i].image < 0 ? CRI_ENOTFOUND : 0,
			       cri_image_pull(fixture->engine, pull_named("index"), &options, &id, fixture->call),
			       wanted[i].platform, __FILE__, __LINE__);
		if (wanted[i].image < 0) {
			assert_non_null(strstr(cri_call_message(fixture->call), wanted[i].platform));
			continue;
		}
		expect_ok(fixture, cri_image_info_json(fixture->engine, id, &json, fixture->call));
		assert_non_null(strstr(json, images[wanted[i].image].manifest_digest));
		cri_free(json);
		pull_remove(fixture, id);
		cri_free(id);
	}
	assert_int_equal(count_layers(fixture), 1);
}

static void test_names(void **state)
{
	static const char *const malformed[] = { "",   "Upper", "a b",           "127.0.0.1:99999999/x", "x@y",
						 "-x", "x:",    "x@sha256:0123", "http://x/y",           "x//y" };
	struct fixture *fixture = *state;
	char *id = (char *)fixture, hex[65];

	memset(hex, 'a', 64);
	hex[64] = '\0';
	expect_code(fixture, CRI_EINVAL, cri_image_pull(fixture->engine, hex, NULL, &id, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_image_pull(fixture->engine, NULL, NULL, &id, fixture->call));
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		fixture_expect(fixture->call, CRI_EINVAL,
			       cri_image_pull(fixture->engine, malformed[i], NULL, &id, fixture->call), malformed[i],
			       __FILE__, __LINE__);
	assert_ptr_equal(id, fixture);
	expect_code(fixture, CRI_ENOTFOUND,
		    cri_image_pull(fixture->engine, pull_named("absent"), NULL, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "unknown"));
}

static void test_registry_down(void **state)
{
	struct fixture *fixture = *state;
	char text[64], *id = NULL;

	snprintf(text, sizeof(text), "127.0.0.1:%d/x", free_port());
	expect_code(fixture, CRI_EREGISTRY, cri_image_pull(fixture->engine, text, NULL, &id, fixture->call));
	/* RFC 6761: no such name, ever. */
	expect_code(fixture, CRI_EREGISTRY,
		    cri_image_pull(fixture->engine, "registry.invalid/x", NULL, &id, fixture->call));
	assert_null(id);
}

/* A layer that one image brought is not fetched for another. */
static void test_shared_layers(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	char *first, *second;

	build_image(&builder, fixture->directory, 2, 50);
	push(&builder, pull_url, "shared", "one", "");
	first = pull_image(fixture, pull_named("shared:one"));
	tar_begin(&tar, builder.directory);
	tar_file(&tar, "more", 0644, "more");
	tar_end(&tar);
	builder_layer(&builder, &tar, "zstd -q");
	assert_int_equal(unlink(tar.path), 0);
	builder_manifest(&builder, NULL);
	push(&builder, pull_url, "shared", "two", "");
	proxy_rules(&pull_proxy, "%s", "");
	second = pull_image(fixture, pull_named("shared:two"));
	assert_int_equal(log_count(&pull_proxy, "GET .*/blobs/"), 2);
	assert_int_equal(count_layers(fixture), 4);
	pull_remove(fixture, first);
	pull_remove(fixture, second);
	cri_free(first);
	cri_free(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_pull_and_again), fixture_test(test_moved_tag), fixture_test(test_pinned),
		fixture_test(test_index),          fixture_test(test_names),     fixture_test(test_registry_down),
		fixture_test(test_shared_layers),
	};

	return cmocka_run_group_tests(tests, pull_set_up, pull_tear_down);
}

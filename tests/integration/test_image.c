/* SPDX-License-Identifier: Apache-2.0 */
/* Importing, listing and removing images, and what they occupy. */
#include "image_fixture.h"

#include <stdbool.h>
#include <string.h>

static void test_formats(void **state)
{
	static const char *const filters[] = { "cat", "gzip", "zstd", "gzip </dev/null && gzip" };
	struct fixture *fixture = *state;
	struct builder builder;
	char first[DIGEST_TEXT], id[DIGEST_TEXT], path[320];
	cri_list *list;
	const size_t layers = count_layers(fixture);

	image_build(fixture, &builder, "formats", "gzip");
	builder_manifest(&builder, NULL);
	builder_index(&builder, "example.org/formats:1");
	image_import(fixture, builder.directory, NULL, first);
	/* The last is a gzip file of two members, of which the first is empty. */
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s.tar", builder.directory);
		builder_pack(&builder, path, filters[i]);
		image_import(fixture, path, NULL, id);
		assert_string_equal(id, first);
	}
	shell("rm '%s/index.json' '%s/oci-layout'", builder.directory, builder.directory);
	builder_docker(&builder, "example.org/formats:2");
	builder_pack(&builder, path, "gzip");
	image_import(fixture, path, NULL, id);
	assert_string_equal(id, first);
	const cri_image_info *info = image_status(fixture, id, &list);

	assert_int_equal(info->n_repo_tags, 2);
	assert_string_equal(info->repo_tags[0], "example.org/formats:1");
	assert_string_equal(info->repo_tags[1], "example.org/formats:2");
	/* Only a layout has a manifest, and so a digest. */
	assert_int_equal(info->n_repo_digests, 1);
	assert_string_equal(info->repo_digests[0] + strlen("example.org/formats@"), builder.manifest_digest);
	cri_list_free(list);
	assert_int_equal(count_layers(fixture), layers + 1);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	assert_int_equal(count_layers(fixture), layers);
}

static void test_made_images(void **state)
{
	static const char *const formats[] = { "docker", "oci", "layout" };
	struct fixture *fixture = *state;
	char path[320], id[DIGEST_TEXT], first[DIGEST_TEXT];
	cri_list *list;

	snprintf(first, sizeof(first), "%s", image_status(fixture, IMAGE, &list)->id);
	cri_list_free(list);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/made-%s", fixture->directory, formats[i]);
		shell("examples/make_busybox_image.sh '%s' %s", path, formats[i]);
		image_import(fixture, path, NULL, id);
		assert_string_equal(id, first);
	}
}

static void test_status(void **state)
{
	static const struct {
		const char *user, *username;
		bool has_uid;
		int64_t uid;
	} users[] = { { "", "", false, 0 },
		      { "0", "", true, 0 },
		      { "1000:5", "", true, 1000 },
		      { "nobody", "nobody", false, 0 },
		      { ":5", "", false, 0 },
		      { "1000:", "", true, 1000 },
		      { "+5", "+5", false, 0 },
		      { "4294967296", "4294967296", false, 0 },
		      { "app:audio", "app", false, 0 } };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		const cri_import_options options = { CRI_IMPORT_OPTIONS_INIT, .reference = "user", .pinned = i == 1 };
		struct builder builder;
		const cri_image_info *info;
		cri_list *list;
		char id[DIGEST_TEXT];

		image_build(fixture, &builder, "status", "gzip");
		snprintf(builder.user, sizeof(builder.user), "%s", users[i].user);
		builder_manifest(&builder, NULL);
		builder_index(&builder, NULL);
		image_import(fixture, builder.directory, &options, id);
		info = image_status(fixture, "user", &list);
		assert_string_equal(info->id, id);
		assert_string_equal(info->repo_tags[0], "docker.io/library/user:latest");
		assert_int_equal(info->n_repo_tags, 1);
		assert_int_equal(info->has_uid, users[i].has_uid);
		assert_int_equal(info->uid, users[i].uid);
		assert_string_equal(info->username, users[i].username);
		assert_string_equal(info->os, "linux");
		assert_string_equal(info->architecture, "");
		assert_int_equal(info->pinned, i == 1);
		assert_false(info->embedded);
		assert_true(info->bytes > 0);
		assert_true(info->created_at > INT64_C(1500000000) * 1000000000);
		cri_list_free(list);
		expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	}
}

static void test_naming(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char id[DIGEST_TEXT], text[256], *json = NULL;
	cri_list *list = NULL;

	image_build(fixture, &builder, "naming", "gzip");
	builder_manifest(&builder, NULL);
	builder_index(&builder, "naming:1");
	image_import(fixture, builder.directory, NULL, id);
	assert_int_equal(image_count(fixture, NULL), 2);
	assert_int_equal(image_count(fixture, ""), 2);
	assert_int_equal(image_count(fixture, "naming:1"), 1);
	assert_int_equal(image_count(fixture, "docker.io/library/naming:1"), 1);
	assert_int_equal(image_count(fixture, "naming"), 0);
	assert_int_equal(image_count(fixture, id), 1);
	assert_int_equal(image_count(fixture, id + strlen("sha256:")), 1);
	snprintf(text, sizeof(text), "%.12s", id + strlen("sha256:"));
	assert_int_equal(image_count(fixture, text), 1);
	snprintf(text, sizeof(text), "%.20s", id);
	assert_int_equal(image_count(fixture, text), 1);
	snprintf(text, sizeof(text), "naming@%s", builder.manifest_digest);
	assert_int_equal(image_count(fixture, text), 1);
	snprintf(text, sizeof(text), "other@%s", builder.manifest_digest);
	assert_int_equal(image_count(fixture, text), 0);
	assert_int_equal(image_count(fixture, "deadbeef"), 0);
	expect_code(fixture, CRI_EINVAL, cri_image_list(fixture->engine, "UPPER/Case", &list, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_image_status(fixture->engine, "", &list, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_image_status(fixture->engine, NULL, &list, fixture->call));
	expect_code(fixture, CRI_ENOTFOUND, cri_image_status(fixture->engine, "absent", &list, fixture->call));
	expect_code(fixture, CRI_ENOTFOUND, cri_image_info_json(fixture->engine, "absent", &json, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_image_remove(fixture->engine, "a b", fixture->call));
	assert_null(list);
	assert_null(json);
	expect_ok(fixture, cri_image_remove(fixture->engine, "absent", fixture->call));
	snprintf(text, sizeof(text), "%.8s", id + strlen("sha256:"));
	expect_ok(fixture, cri_image_remove(fixture->engine, text, fixture->call));
	expect_ok(fixture, cri_image_remove(fixture->engine, "naming:1", fixture->call));
	assert_int_equal(image_count(fixture, NULL), 1);
}

static void test_reference_option(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char id[DIGEST_TEXT], text[256];
	cri_import_options options = { CRI_IMPORT_OPTIONS_INIT, .reference = text };
	cri_list *list = NULL;
	const cri_image_info *info;

	image_build(fixture, &builder, "reference", "gzip");
	builder_manifest(&builder, NULL);
	builder_index(&builder, "from/archive");
	snprintf(text, sizeof(text), "localhost:5000/mine@%s", builder.manifest_digest);
	image_import(fixture, builder.directory, &options, id);
	info = image_status(fixture, text, &list);
	assert_int_equal(info->n_repo_tags, 0);
	assert_int_equal(info->n_repo_digests, 1);
	assert_string_equal(info->repo_digests[0], text);
	cri_list_free(list);
	list = NULL;
	assert_int_equal(image_count(fixture, "from/archive"), 0);
	snprintf(text, sizeof(text), "mine@%s", builder.diff_ids[0]);
	expect_code(fixture, CRI_EINVAL,
		    cri_image_import(fixture->engine, builder.directory, &options, &list, fixture->call));
	snprintf(text, sizeof(text), "not a name");
	expect_code(fixture, CRI_EINVAL,
		    cri_image_import(fixture->engine, builder.directory, &options, &list, fixture->call));
	options.size = 4;
	expect_code(fixture, CRI_EINVAL,
		    cri_image_import(fixture->engine, builder.directory, &options, &list, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_image_import(fixture->engine, "relative", NULL, &list, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_image_import(fixture->engine, NULL, NULL, &list, fixture->call));
	expect_code(fixture, CRI_ENOTFOUND, cri_image_import(fixture->engine, "/absent", NULL, &list, fixture->call));
	assert_null(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
}

static void test_moved_tag(void **state)
{
	struct fixture *fixture = *state;
	struct builder old, new;
	char old_id[DIGEST_TEXT], new_id[DIGEST_TEXT];
	cri_list *list;
	const cri_image_info *info;

	image_build(fixture, &old, "old", "gzip");
	builder_manifest(&old, NULL);
	builder_index(&old, "moving");
	image_import(fixture, old.directory, NULL, old_id);
	image_build(fixture, &new, "new", "gzip");
	builder_manifest(&new, NULL);
	builder_index(&new, "moving");
	image_import(fixture, new.directory, NULL, new_id);
	assert_string_not_equal(old_id, new_id);
	info = image_status(fixture, "moving", &list);
	assert_string_equal(info->id, new_id);
	cri_list_free(list);
	info = image_status(fixture, old_id, &list);
	assert_int_equal(info->n_repo_tags, 0);
	assert_int_equal(info->n_repo_digests, 1);
	cri_list_free(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, old_id, fixture->call));
	expect_ok(fixture, cri_image_remove(fixture->engine, new_id, fixture->call));
}

/* Two images, and one of them under two names. */
static void test_several_images(void **state)
{
	struct fixture *fixture = *state;
	const cri_import_options options = { CRI_IMPORT_OPTIONS_INIT, .reference = "one" };
	struct builder first, second;
	char path[320], text[2048];
	cri_list *list = NULL;

	image_build(fixture, &first, "first", "gzip");
	builder_manifest(&first, NULL);
	image_build(fixture, &second, "second", "gzip");
	builder_manifest(&second, NULL);
	builder_index(&second, NULL);
	shell("cp '%s'/blobs/sha256/* '%s/blobs/sha256/'", first.directory, second.directory);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"manifests\":["
		 "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"annotations\":{\"io.containerd.image.name\":\"example.org/a:1\","
		 "\"org.opencontainers.image.ref.name\":\"1\"}},"
		 "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"annotations\":{\"io.containerd.image.name\":\"example.org/a:2\"}},"
		 "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"annotations\":{\"org.opencontainers.image.ref.name\":\"b\"}},"
		 "{\"mediaType\":\"application/vnd.example.other\",\"digest\":\"%s\",\"size\":1}]}",
		 first.manifest_digest, first.manifest_size, first.manifest_digest, first.manifest_size,
		 second.manifest_digest, second.manifest_size, first.manifest_digest);
	snprintf(path, sizeof(path), "%s/index.json", second.directory);
	write_text(path, text);
	expect_code(fixture, CRI_EINVAL,
		    cri_image_import(fixture->engine, second.directory, &options, &list, fixture->call));
	expect_ok(fixture, cri_image_import(fixture->engine, second.directory, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 2);
	assert_int_equal(cri_image_at(list, 0)->n_repo_tags, 2);
	assert_string_equal(cri_image_at(list, 0)->repo_tags[0], "example.org/a:1");
	assert_string_equal(cri_image_at(list, 0)->repo_tags[1], "example.org/a:2");
	assert_string_equal(cri_image_at(list, 1)->repo_tags[0], "docker.io/library/b:latest");
	assert_null(cri_image_at(list, 2));
	cri_list_free(list);
	/* One name, and the image goes with all. */
	expect_ok(fixture, cri_image_remove(fixture->engine, "example.org/a:1", fixture->call));
	assert_int_equal(image_count(fixture, "example.org/a:2"), 0);
	expect_ok(fixture, cri_image_remove(fixture->engine, "b", fixture->call));
}

static void test_platforms(void **state)
{
	static const char *const architectures[] = { "s390x", "riscv64", "arm" };
	struct fixture *fixture = *state;
	cri_import_options options = { CRI_IMPORT_OPTIONS_INIT };
	struct builder builders[3];
	char path[320], text[2048] = "{\"schemaVersion\":2,\"manifests\":[", digest[DIGEST_TEXT], id[DIGEST_TEXT];
	cri_list *list = NULL;

	for (size_t i = 0; i < 3; i++) {
		image_build(fixture, &builders[i], architectures[i], "gzip");
		snprintf(builders[i].architecture, sizeof(builders[i].architecture), "%s", architectures[i]);
		builder_manifest(&builders[i], NULL);
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\","
			 "\"size\":%zu,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"%s}}",
			 i ? "," : "", builders[i].manifest_digest, builders[i].manifest_size, architectures[i],
			 i == 2 ? ",\"variant\":\"v6\"" : "");
		if (i)
			shell("cp '%s'/blobs/sha256/* '%s/blobs/sha256/'", builders[i].directory,
			      builders[0].directory);
	}
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "]}");
	/* An index in the index, as buildx writes it. */
	builder_add_blob(&builders[0], text, digest);
	snprintf(path, sizeof(path), "%s/index.json", builders[0].directory);
	snprintf(text + 1024, 1024,
		 "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
		 "\"digest\":\"%s\",\"size\":%zu,\"annotations\":{\"io.containerd.image.name\":\"multi:1\"}}]}",
		 digest, strlen(text));
	write_text(path, text + 1024);
	expect_code(fixture, CRI_ENOTFOUND,
		    cri_image_import(fixture->engine, builders[0].directory, NULL, &list, fixture->call));
	options.platform = "linux/riscv64";
	image_import(fixture, builders[0].directory, &options, id);
	assert_string_equal(image_status(fixture, "multi:1", &list)->architecture, "riscv64");
	/* The digest is that of what the name stands for. */
	assert_string_equal(cri_image_at(list, 0)->repo_digests[0] + strlen("docker.io/library/multi@"), digest);
	cri_list_free(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	/* A v7 machine runs what is for v6. */
	options.platform = "linux/arm/v7";
	image_import(fixture, builders[0].directory, &options, id);
	assert_string_equal(image_status(fixture, "multi:1", &list)->architecture, "arm");
	cri_list_free(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	list = NULL;
	options.platform = "linux/arm/v5";
	expect_code(fixture, CRI_ENOTFOUND,
		    cri_image_import(fixture->engine, builders[0].directory, &options, &list, fixture->call));
	options.platform = "linux";
	expect_code(fixture, CRI_EINVAL,
		    cri_image_import(fixture->engine, builders[0].directory, &options, &list, fixture->call));
	builder_index(&builders[1], "single");
	expect_code(fixture, CRI_EPRECONDITION,
		    cri_image_import(fixture->engine, builders[1].directory, NULL, &list, fixture->call));
	assert_null(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_formats),        fixture_test(test_made_images),      fixture_test(test_status),
		fixture_test(test_naming),         fixture_test(test_reference_option), fixture_test(test_moved_tag),
		fixture_test(test_several_images), fixture_test(test_platforms),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

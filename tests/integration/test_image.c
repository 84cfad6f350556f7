/* SPDX-License-Identifier: Apache-2.0 */
/* Importing, listing and removing images, and what they occupy. */
#include "fixture.h"
#include "image_builder.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A one-layer image whose only file holds `content`. */
static void make_image(struct fixture *fixture, struct builder *builder, const char *content, const char *compression)
{
	struct tar tar;

	builder_begin(builder, fixture->directory);
	tar_begin(&tar, builder->directory);
	tar_directory(&tar, "./", 0755);
	tar_file(&tar, "file", 0644, content);
	tar_end(&tar);
	builder_layer(builder, &tar, compression);
	assert_int_equal(unlink(tar.path), 0);
}

/* Imports one image and copies its id. */
static void import(struct fixture *fixture, const char *path, const cri_import_options *options, char id[DIGEST_TEXT])
{
	cri_list *list = NULL;

	expect_ok(fixture, cri_image_import(fixture->engine, path, options, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	snprintf(id, DIGEST_TEXT, "%s", cri_image_at(list, 0)->id);
	cri_list_free(list);
}

static size_t count_images(struct fixture *fixture, const char *reference)
{
	cri_list *list = NULL;
	size_t count;

	expect_ok(fixture, cri_image_list(fixture->engine, reference, &list, fixture->call));
	count = cri_list_count(list);
	cri_list_free(list);
	return count;
}

/* Directories in <root>/l: layers. */
static size_t count_layers(struct fixture *fixture)
{
	char path[256];
	struct stat status;

	snprintf(path, sizeof(path), "%s/l", fixture->root);
	assert_int_equal(stat(path, &status), 0);
	return status.st_nlink - 2;
}

static const cri_image_info *status_of(struct fixture *fixture, const char *reference, cri_list **list)
{
	expect_ok(fixture, cri_image_status(fixture->engine, reference, list, fixture->call));
	assert_int_equal(cri_list_count(*list), 1);
	return cri_image_at(*list, 0);
}

static void test_formats(void **state)
{
	static const char *const filters[] = { "cat", "gzip", "zstd", "gzip </dev/null && gzip" };
	struct fixture *fixture = *state;
	struct builder builder;
	char first[DIGEST_TEXT], id[DIGEST_TEXT], path[320];
	cri_list *list;
	const size_t layers = count_layers(fixture);

	make_image(fixture, &builder, "formats", "gzip");
	builder_manifest(&builder, NULL);
	builder_index(&builder, "example.org/formats:1");
	import(fixture, builder.directory, NULL, first);
	/* The last is a gzip file of two members, of which the first is empty. */
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s.tar", builder.directory);
		builder_pack(&builder, path, filters[i]);
		import(fixture, path, NULL, id);
		assert_string_equal(id, first);
	}
	shell("rm '%s/index.json' '%s/oci-layout'", builder.directory, builder.directory);
	builder_docker(&builder, "example.org/formats:2");
	builder_pack(&builder, path, "gzip");
	import(fixture, path, NULL, id);
	assert_string_equal(id, first);
	const cri_image_info *info = status_of(fixture, id, &list);

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

	snprintf(first, sizeof(first), "%s", status_of(fixture, IMAGE, &list)->id);
	cri_list_free(list);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/made-%s", fixture->directory, formats[i]);
		shell("examples/make_busybox_image.sh '%s' %s", path, formats[i]);
		import(fixture, path, NULL, id);
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

		make_image(fixture, &builder, "status", "gzip");
		snprintf(builder.user, sizeof(builder.user), "%s", users[i].user);
		builder_manifest(&builder, NULL);
		builder_index(&builder, NULL);
		import(fixture, builder.directory, &options, id);
		info = status_of(fixture, "user", &list);
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

	make_image(fixture, &builder, "naming", "gzip");
	builder_manifest(&builder, NULL);
	builder_index(&builder, "naming:1");
	import(fixture, builder.directory, NULL, id);
	assert_int_equal(count_images(fixture, NULL), 2);
	assert_int_equal(count_images(fixture, ""), 2);
	assert_int_equal(count_images(fixture, "naming:1"), 1);
	assert_int_equal(count_images(fixture, "docker.io/library/naming:1"), 1);
	assert_int_equal(count_images(fixture, "naming"), 0);
	assert_int_equal(count_images(fixture, id), 1);
	assert_int_equal(count_images(fixture, id + strlen("sha256:")), 1);
	snprintf(text, sizeof(text), "%.12s", id + strlen("sha256:"));
	assert_int_equal(count_images(fixture, text), 1);
	snprintf(text, sizeof(text), "%.20s", id);
	assert_int_equal(count_images(fixture, text), 1);
	snprintf(text, sizeof(text), "naming@%s", builder.manifest_digest);
	assert_int_equal(count_images(fixture, text), 1);
	snprintf(text, sizeof(text), "other@%s", builder.manifest_digest);
	assert_int_equal(count_images(fixture, text), 0);
	assert_int_equal(count_images(fixture, "deadbeef"), 0);
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
	assert_int_equal(count_images(fixture, NULL), 1);
}

static void test_reference_option(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char id[DIGEST_TEXT], text[256];
	cri_import_options options = { CRI_IMPORT_OPTIONS_INIT, .reference = text };
	cri_list *list = NULL;
	const cri_image_info *info;

	make_image(fixture, &builder, "reference", "gzip");
	builder_manifest(&builder, NULL);
	builder_index(&builder, "from/archive");
	snprintf(text, sizeof(text), "localhost:5000/mine@%s", builder.manifest_digest);
	import(fixture, builder.directory, &options, id);
	info = status_of(fixture, text, &list);
	assert_int_equal(info->n_repo_tags, 0);
	assert_int_equal(info->n_repo_digests, 1);
	assert_string_equal(info->repo_digests[0], text);
	cri_list_free(list);
	list = NULL;
	assert_int_equal(count_images(fixture, "from/archive"), 0);
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

	make_image(fixture, &old, "old", "gzip");
	builder_manifest(&old, NULL);
	builder_index(&old, "moving");
	import(fixture, old.directory, NULL, old_id);
	make_image(fixture, &new, "new", "gzip");
	builder_manifest(&new, NULL);
	builder_index(&new, "moving");
	import(fixture, new.directory, NULL, new_id);
	assert_string_not_equal(old_id, new_id);
	info = status_of(fixture, "moving", &list);
	assert_string_equal(info->id, new_id);
	cri_list_free(list);
	info = status_of(fixture, old_id, &list);
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

	make_image(fixture, &first, "first", "gzip");
	builder_manifest(&first, NULL);
	make_image(fixture, &second, "second", "gzip");
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
	assert_int_equal(count_images(fixture, "example.org/a:2"), 0);
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
		make_image(fixture, &builders[i], architectures[i], "gzip");
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
	import(fixture, builders[0].directory, &options, id);
	assert_string_equal(status_of(fixture, "multi:1", &list)->architecture, "riscv64");
	/* The digest is that of what the name stands for. */
	assert_string_equal(cri_image_at(list, 0)->repo_digests[0] + strlen("docker.io/library/multi@"), digest);
	cri_list_free(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	/* A v7 machine runs what is for v6. */
	options.platform = "linux/arm/v7";
	import(fixture, builders[0].directory, &options, id);
	assert_string_equal(status_of(fixture, "multi:1", &list)->architecture, "arm");
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

static void test_filesystem_usage(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	char *megabyte = calloc(1, 1u << 20);
	uint64_t before[2][2];
	char id[DIGEST_TEXT];

	assert_non_null(megabyte);
	memset(megabyte, 'm', 1u << 20);
	for (int i = 0; i < 2; i++) {
		cri_list *list;

		expect_ok(fixture, cri_image_filesystem_usage(fixture->engine, &list, fixture->call));
		assert_int_equal(cri_list_count(list), 2);
		for (size_t j = 0; j < 2; j++) {
			const cri_filesystem_usage *usage = cri_filesystem_usage_at(list, j);
			const size_t length = strlen(usage->mountpoint);

			assert_true(length == 1 || strncmp(fixture->root, usage->mountpoint, length) == 0);
			assert_true(*usage->uuid);
			assert_true(usage->timestamp > INT64_C(1500000000) * 1000000000);
			if (i == 0) {
				before[j][0] = usage->used_bytes;
				before[j][1] = usage->inodes_used;
			} else if (j == 0) {
				/* The root of the layer, 1 MiB, and a directory. */
				assert_in_range(usage->used_bytes - before[0][0], 1u << 20, (1u << 20) + 32768);
				assert_in_range(usage->inodes_used - before[0][1], 2, 5);
			} else {
				assert_int_equal(usage->used_bytes, before[1][0]);
			}
		}
		cri_list_free(list);
		if (i)
			break;
		builder_begin(&builder, fixture->directory);
		tar_begin(&tar, builder.directory);
		tar_bytes(&tar, "d/file", 0644, megabyte, 1u << 20);
		tar_end(&tar);
		builder_layer(&builder, &tar, "gzip");
		builder_manifest(&builder, NULL);
		builder_index(&builder, "usage");
		import(fixture, builder.directory, NULL, id);
	}
	free(megabyte);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
}

static void watch_progress(const cri_image_progress *progress, void *data)
{
	cri_image_progress *last = data;

	assert_non_null(progress->step);
	assert_true(progress->bytes_done <= progress->bytes_total || !progress->bytes_total);
	assert_true(progress->layers_done <= progress->layers_total);
	*last = *progress;
}

static void test_operation(void **state)
{
	struct fixture *fixture = *state;
	cri_image_progress last = { .step = NULL };
	const cri_import_options options = { CRI_IMPORT_OPTIONS_INIT, .progress = watch_progress,
					     .progress_data = &last };
	struct builder builder;
	cri_list *list = NULL;
	cri_op *op;
	char id[DIGEST_TEXT];
	int result;

	make_image(fixture, &builder, "operation", "gzip");
	builder_manifest(&builder, NULL);
	builder_index(&builder, "operation");
	expect_ok(fixture, cri_image_import_begin(fixture->engine, builder.directory, &options, &op, fixture->call));
	while ((result = cri_op_finish(op, &list, fixture->call)) == CRI_EAGAIN) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };

		assert_int_equal(poll(&ready, 1, 10000), 1);
	}
	expect_ok(fixture, result);
	assert_string_equal(last.step, "commit");
	assert_int_equal(last.layers_done, 1);
	assert_int_equal(last.layers_total, 1);
	assert_int_equal(last.bytes_done, builder.sizes[0]);
	snprintf(id, sizeof(id), "%s", cri_image_at(list, 0)->id);
	cri_list_free(list);
	cri_op_free(op);
	expect_ok(fixture, cri_image_remove_begin(fixture->engine, id, &op, fixture->call));
	while ((result = cri_op_finish(op, NULL, fixture->call)) == CRI_EAGAIN) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };

		assert_int_equal(poll(&ready, 1, 10000), 1);
	}
	expect_ok(fixture, result);
	cri_op_free(op);
	assert_int_equal(count_images(fixture, id), 0);
}

static void test_info_json(void **state)
{
	struct fixture *fixture = *state;
	char *json;

	expect_ok(fixture, cri_image_info_json(fixture->engine, IMAGE, &json, fixture->call));
	assert_non_null(strstr(json, "\"imageSpec\":{"));
	assert_non_null(strstr(json, "\"Cmd\":[\"sh\"]"));
	assert_non_null(strstr(json, "/fs\"]"));
	cri_free(json);
}

/* What a container uses stays, though nobody sees the image any more. */
static void test_layers_in_use(void **state)
{
	struct fixture *fixture = *state;
	char path[320], id[DIGEST_TEXT];
	cri_list *list;
	const size_t layers = count_layers(fixture);
	char *sandbox = fixture_run_sandbox(fixture, "image");
	char *container = fixture_create(fixture, sandbox, "user", "true");

	snprintf(id, sizeof(id), "%s", status_of(fixture, IMAGE, &list)->id);
	cri_list_free(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, IMAGE, fixture->call));
	assert_int_equal(count_images(fixture, NULL), 0);
	assert_int_equal(count_layers(fixture), layers);
	expect_ok(fixture, cri_container_start(fixture->engine, container, fixture->call));
	assert_int_equal(fixture_wait(fixture, container), 0);
	expect_ok(fixture, cri_container_remove(fixture->engine, container, fixture->call));
	assert_int_equal(count_layers(fixture), layers - 1);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(container);
	cri_free(sandbox);
	snprintf(path, sizeof(path), "%s", fixture->archive);
	import(fixture, path, NULL, id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_formats),          fixture_test(test_made_images),
		fixture_test(test_status),           fixture_test(test_naming),
		fixture_test(test_reference_option), fixture_test(test_moved_tag),
		fixture_test(test_several_images),   fixture_test(test_platforms),
		fixture_test(test_filesystem_usage), fixture_test(test_operation),
		fixture_test(test_info_json),        fixture_test(test_layers_in_use),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

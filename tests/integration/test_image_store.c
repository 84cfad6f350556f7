/* SPDX-License-Identifier: Apache-2.0 */
/* The store of images: what it occupies, what it says of an image, what stays while it is used; and importing as an
 * operation. */
#include "image_fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

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
		image_import(fixture, builder.directory, NULL, id);
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

	image_build(fixture, &builder, "operation", "gzip");
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
	assert_int_equal(image_count(fixture, id), 0);
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

	snprintf(id, sizeof(id), "%s", image_status(fixture, IMAGE, &list)->id);
	cri_list_free(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, IMAGE, fixture->call));
	assert_int_equal(image_count(fixture, NULL), 0);
	assert_int_equal(count_layers(fixture), layers);
	expect_ok(fixture, cri_container_start(fixture->engine, container, fixture->call));
	assert_int_equal(fixture_wait(fixture, container), 0);
	expect_ok(fixture, cri_container_remove(fixture->engine, container, fixture->call));
	assert_int_equal(count_layers(fixture), layers - 1);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(container);
	cri_free(sandbox);
	snprintf(path, sizeof(path), "%s", fixture->archive);
	image_import(fixture, path, NULL, id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_filesystem_usage),
		fixture_test(test_operation),
		fixture_test(test_info_json),
		fixture_test(test_layers_in_use),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where a layer's tar ends: the zeros at its end may be missing, nothing else. */
#include "fixture.h"
#include "image_builder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 512

/* An image whose last layer is a directory, a file of `size` bytes and then nothing more than `end` bytes of the tar.
 */
static void expect_import(struct fixture *fixture, size_t size, size_t end, int expected)
{
	struct builder builder;
	struct tar tar;
	cri_list *list = NULL;
	char *content = malloc(size + 1), *json = NULL, path[512];
	struct stat status;

	assert_non_null(content);
	memset(content, 'x', size);
	content[size] = '\0';
	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_directory(&tar, "./", 0755);
	tar_file(&tar, "file", 0644, content);
	tar_end(&tar);
	assert_int_equal(truncate(tar.path, (off_t)end), 0);
	builder_layer(&builder, &tar, "gzip -1");
	assert_int_equal(unlink(tar.path), 0);
	builder_manifest(&builder, NULL);
	builder_index(&builder, "end:1");
	expect_code(fixture, expected,
		    cri_image_import(fixture->engine, builder.directory, NULL, &list, fixture->call));
	free(content);
	if (expected) {
		assert_non_null(strstr(cri_call_message(fixture->call), "runcated"));
		return;
	}
	cri_list_free(list);
	expect_ok(fixture, cri_image_info_json(fixture->engine, "end:1", &json, fixture->call));
	*strchr(strstr(json, fixture->root), '"') = '\0';
	snprintf(path, sizeof(path), "%s/file", strstr(json, fixture->root));
	cri_free(json);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, size);
	expect_ok(fixture, cri_image_remove(fixture->engine, "end:1", fixture->call));
}

static void test_end(void **state)
{
	const size_t begin = 2 * BLOCK; /* two headers */

	/* Blocks of zeros, one, none. */
	expect_import(*state, 700, begin + 4 * BLOCK, 0);
	expect_import(*state, 700, begin + 3 * BLOCK, 0);
	expect_import(*state, 700, begin + 2 * BLOCK, 0);
	/* The last block is not filled. */
	expect_import(*state, 700, begin + 2 * BLOCK - 1, 0);
	expect_import(*state, 700, begin + 701, 0);
	expect_import(*state, 700, begin + 700, 0);
	/* A byte of the file is missing, or many are. */
	expect_import(*state, 700, begin + 699, CRI_ECORRUPT);
	expect_import(*state, 700, begin + BLOCK, CRI_ECORRUPT);
	expect_import(*state, 700, begin + 1, CRI_ECORRUPT);
	expect_import(*state, 700, begin, CRI_ECORRUPT);
	expect_import(*state, 512, begin + 511, CRI_ECORRUPT);
	expect_import(*state, 512, begin + 512, 0);
	expect_import(*state, 0, begin, 0);
	/* Half a header. */
	expect_import(*state, 0, begin - 100, CRI_ECORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_end),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

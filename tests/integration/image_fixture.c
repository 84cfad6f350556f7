/* SPDX-License-Identifier: Apache-2.0 */
#include "image_fixture.h"

#include <unistd.h>

void image_build(struct fixture *fixture, struct builder *builder, const char *content, const char *compression)
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

void image_import(struct fixture *fixture, const char *path, const cri_import_options *options, char id[DIGEST_TEXT])
{
	cri_list *list = NULL;

	expect_ok(fixture, cri_image_import(fixture->engine, path, options, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	snprintf(id, DIGEST_TEXT, "%s", cri_image_at(list, 0)->id);
	cri_list_free(list);
}

size_t image_count(struct fixture *fixture, const char *reference)
{
	cri_list *list = NULL;
	size_t count;

	expect_ok(fixture, cri_image_list(fixture->engine, reference, &list, fixture->call));
	count = cri_list_count(list);
	cri_list_free(list);
	return count;
}

const cri_image_info *image_status(struct fixture *fixture, const char *reference, cri_list **list)
{
	expect_ok(fixture, cri_image_status(fixture->engine, reference, list, fixture->call));
	assert_int_equal(cri_list_count(*list), 1);
	return cri_image_at(*list, 0);
}

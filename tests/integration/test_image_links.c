/* SPDX-License-Identifier: Apache-2.0 */
/* Hard links of a layer to files of lower ones, and what becomes of those in the same layer. */
#include "fixture.h"
#include "image_builder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "docker.io/test/links:1"

/* Imports a layer with "old" of that content, and on it what `fill` makes; stores where the upper one is. */
static void import(struct fixture *fixture, void (*fill)(struct tar *tar), char upper[256])
{
	struct builder builder;
	struct tar tar;
	cri_list *list = NULL;
	char *json = NULL, *at;

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_directory(&tar, "./", 0755);
	tar_file(&tar, "old", 0644, "old");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	unlink(tar.path);
	tar_begin(&tar, builder.directory);
	tar.time = 5000;
	tar_directory(&tar, "./", 0755);
	fill(&tar);
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	unlink(tar.path);
	builder_manifest(&builder, NULL);
	builder_index(&builder, NAME);
	expect_ok(fixture, cri_image_import(fixture->engine, builder.directory, NULL, &list, fixture->call));
	cri_list_free(list);
	expect_ok(fixture, cri_image_info_json(fixture->engine, NAME, &json, fixture->call));
	at = strrchr(json, ']');
	assert_non_null(at);
	at[-1] = '\0';
	snprintf(upper, 256, "%s", strrchr(json, '"') + 1);
	cri_free(json);
}

static struct stat status_of(const char *upper, const char *name)
{
	struct stat status;
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", upper, name);
	assert_int_equal(lstat(path, &status), 0);
	return status;
}

static void expect_content(const char *upper, const char *name, const char *content)
{
	char path[300], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", upper, name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, content);
}

static void fill_links(struct tar *tar)
{
	tar_hardlink(tar, "one", "old");
	tar_hardlink(tar, "two", "old");
}

/* They are one file with their target, which the layer has then, too. */
static void test_links(void **state)
{
	struct fixture *fixture = *state;
	char upper[256];

	import(fixture, fill_links, upper);
	expect_content(upper, "two", "old");
	assert_int_equal(status_of(upper, "one").st_nlink, 3);
	assert_int_equal(status_of(upper, "two").st_ino, status_of(upper, "one").st_ino);
	assert_int_equal(status_of(upper, "old").st_ino, status_of(upper, "one").st_ino);
	expect_ok(fixture, cri_image_remove(fixture->engine, NAME, fixture->call));
}

static void fill_deleted(struct tar *tar)
{
	tar_hardlink(tar, "one", "old");
	tar_file(tar, ".wh.old", 0, "");
}

static void test_deleted(void **state)
{
	struct fixture *fixture = *state;
	char upper[256];

	import(fixture, fill_deleted, upper);
	expect_content(upper, "one", "old");
	assert_true(S_ISCHR(status_of(upper, "old").st_mode));
	expect_ok(fixture, cri_image_remove(fixture->engine, NAME, fixture->call));
}

static void fill_directory(struct tar *tar)
{
	tar_hardlink(tar, "one", "old");
	tar_directory(tar, "old", 0700);
	tar_file(tar, "old/file", 0644, "new");
}

static void test_directory(void **state)
{
	struct fixture *fixture = *state;
	char upper[256];

	import(fixture, fill_directory, upper);
	expect_content(upper, "one", "old");
	expect_content(upper, "old/file", "new");
	expect_ok(fixture, cri_image_remove(fixture->engine, NAME, fixture->call));
}

static void fill_replaced(struct tar *tar)
{
	tar_hardlink(tar, "one", "old");
	tar_file(tar, "old", 0644, "new");
	tar_hardlink(tar, "two", "old");
}

/* What a link leads to is what stood there when it came. */
static void test_replaced(void **state)
{
	struct fixture *fixture = *state;
	char upper[256];

	import(fixture, fill_replaced, upper);
	expect_content(upper, "one", "old");
	expect_content(upper, "old", "new");
	expect_content(upper, "two", "new");
	assert_int_equal(status_of(upper, "two").st_ino, status_of(upper, "old").st_ino);
	expect_ok(fixture, cri_image_remove(fixture->engine, NAME, fixture->call));
}

static void fill_lost(struct tar *tar)
{
	tar_directory(tar, "directory", 0755);
	tar_hardlink(tar, "directory/one", "old");
	tar_file(tar, "directory", 0644, "file");
}

/* A link in a directory that is none in the end. */
static void test_lost(void **state)
{
	struct fixture *fixture = *state;
	char upper[256];

	import(fixture, fill_lost, upper);
	expect_content(upper, "directory", "file");
	expect_ok(fixture, cri_image_remove(fixture->engine, NAME, fixture->call));
}

static void fill_forward(struct tar *tar)
{
	tar_hardlink(tar, "one", "later");
	tar_file(tar, "later", 0644, "late");
}

/* A target that follows its link, as some tars have it. */
static void test_forward(void **state)
{
	struct fixture *fixture = *state;
	char upper[256];

	import(fixture, fill_forward, upper);
	expect_content(upper, "one", "late");
	assert_int_equal(status_of(upper, "one").st_ino, status_of(upper, "later").st_ino);
	expect_ok(fixture, cri_image_remove(fixture->engine, NAME, fixture->call));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_links),    fixture_test(test_deleted), fixture_test(test_directory),
		fixture_test(test_replaced), fixture_test(test_forward), fixture_test(test_lost),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

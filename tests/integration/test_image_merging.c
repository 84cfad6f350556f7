/* SPDX-License-Identifier: Apache-2.0 */
/* Layers over each other: what one deletes, lacks, links to in those below it, or has twice. */
#include "layer_view.h"

#include <sys/stat.h>
#include <sys/xattr.h>

static void test_whiteouts(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	struct view view;

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	for (int i = 0; i < 6; i++) {
		char name[32];

		snprintf(name, sizeof(name), "d%d", i);
		tar_directory(&tar, name, 0755);
		snprintf(name, sizeof(name), "d%d/old", i);
		tar_file(&tar, name, 0644, "old");
	}
	tar_file(&tar, "file", 0644, "old");
	tar_file(&tar, "stays", 0644, "old");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	tar_begin(&tar, builder.directory);
	tar_file(&tar, ".wh.file", 0644, "");
	/* What the same layer has of a deleted name stays, before and after. */
	tar_file(&tar, "stays", 0644, "new");
	tar_file(&tar, ".wh.stays", 0644, "");
	tar_directory(&tar, "d0", 0755);
	tar_file(&tar, "d0/.wh..wh..opq", 0644, "");
	tar_file(&tar, "d0/new", 0644, "new");
	/* Opaque after its members, and without a member for the directory. */
	tar_file(&tar, "d1/new", 0644, "new");
	tar_file(&tar, "d1/.wh..wh..opq", 0644, "");
	tar_file(&tar, ".wh.d2", 0644, "");
	/* Deleted and made again. */
	tar_file(&tar, ".wh.d3", 0644, "");
	tar_directory(&tar, "d3", 0755);
	tar_file(&tar, "d3/new", 0644, "new");
	tar_file(&tar, ".wh.d4", 0644, "");
	tar_file(&tar, "d4/new", 0644, "new");
	tar_directory(&tar, "d5", 0755);
	tar_file(&tar, "d5/new", 0644, "new");
	tar_file(&tar, ".wh.d5", 0644, "");
	/* Notes of aufs are no files. */
	tar_directory(&tar, ".wh..wh.plnk", 0700);
	tar_file(&tar, ".wh..wh.aufs", 0644, "");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	view_open(fixture, &builder, &view);
	view_expect_absent(&view, "file");
	view_expect_content(&view, "stays", "new");
	view_expect_absent(&view, "d2");
	for (int i = 0; i < 6; i++) {
		char name[32];

		if (i == 2)
			continue;
		snprintf(name, sizeof(name), "d%d/new", i);
		view_expect_content(&view, name, "new");
		snprintf(name, sizeof(name), "d%d/old", i);
		view_expect_absent(&view, name);
	}
	view_expect_absent(&view, ".wh.file");
	view_expect_absent(&view, ".wh..wh.plnk");
	view_expect_absent(&view, ".wh..wh.aufs");
	view_close(fixture, &view);
}

/* Directories that a tar does not list are what the layers below have, links on the way included. */
static void test_missing_directories(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	struct view view;
	struct stat status;

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar.uid = 5, tar.gid = 6, tar.time = 777;
	tar_directory(&tar, "home", 0700);
	tar_directory(&tar, "home/user", 02710);
	tar_directory(&tar, "usr", 0755);
	tar_directory(&tar, "usr/lib", 0711);
	tar_file(&tar, "usr/lib/old", 0644, "old");
	tar_directory(&tar, "usr/lib/sub", 0750);
	tar_symlink(&tar, "lib", "usr/lib");
	tar_symlink(&tar, "var", "/home");
	tar_directory(&tar, "gone", 0700);
	tar_directory(&tar, "opaque", 0750);
	tar_file(&tar, "opaque/old", 0644, "old");
	tar_directory(&tar, "aim", 0750);
	tar_file(&tar, "aim/old", 0644, "old");
	tar_symlink(&tar, "hides", "aim");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	tar_begin(&tar, builder.directory);
	tar_file(&tar, ".wh.gone", 0644, "");
	tar_end(&tar);
	builder_layer(&builder, &tar, "cat");
	tar_begin(&tar, builder.directory);
	tar_file(&tar, "home/user/file", 0644, "1");
	tar_file(&tar, "lib/new", 0644, "2");
	tar_file(&tar, "lib/sub/file", 0644, "3");
	tar_file(&tar, "lib/other/file", 0644, "4");
	tar_file(&tar, "var/user/again", 0644, "5");
	tar_file(&tar, "gone/file", 0644, "6");
	tar_file(&tar, "new/deep/file", 0644, "7");
	tar_file(&tar, "opaque/.wh..wh..opq", 0644, "");
	tar_file(&tar, "opaque/file", 0644, "8");
	tar_file(&tar, "hides/file", 0644, "9");
	tar_file(&tar, "hides/.wh..wh..opq", 0644, "");
	tar_end(&tar);
	builder_layer(&builder, &tar, "zstd");
	view_open(fixture, &builder, &view);
	view_expect_status(&view, "home", S_IFDIR | 0700, 5, 6, 777);
	view_expect_status(&view, "home/user", S_IFDIR | 02710, 5, 6, 777);
	view_expect_content(&view, "home/user/file", "1");
	view_expect_link(&view, "lib", "usr/lib");
	view_expect_status(&view, "usr/lib", S_IFDIR | 0711, 5, 6, 777);
	view_expect_content(&view, "usr/lib/old", "old");
	view_expect_content(&view, "usr/lib/new", "2");
	view_expect_content(&view, "usr/lib/sub/file", "3");
	view_expect_status(&view, "usr/lib/sub", S_IFDIR | 0750, 5, 6, 777);
	view_expect_content(&view, "usr/lib/other/file", "4");
	view_expect_link(&view, "var", "/home");
	view_expect_content(&view, "home/user/again", "5");
	view_status(&view, "gone", &status);
	assert_int_equal(status.st_mode, S_IFDIR | 0755);
	assert_int_equal(status.st_uid, 0);
	view_expect_content(&view, "gone/file", "6");
	view_status(&view, "new/deep", &status);
	assert_int_equal(status.st_mode, S_IFDIR | 0755);
	view_expect_status(&view, "opaque", S_IFDIR | 0750, 5, 6, 777);
	view_expect_content(&view, "opaque/file", "8");
	view_expect_absent(&view, "opaque/old");
	view_expect_link(&view, "hides", "aim");
	view_expect_status(&view, "aim", S_IFDIR | 0750, 5, 6, 777);
	view_expect_content(&view, "aim/file", "9");
	view_expect_absent(&view, "aim/old");
	view_close(fixture, &view);
}

static void expect_same_inode(const struct view *view, const char *a, const char *b)
{
	struct stat first, second;

	view_status(view, a, &first);
	view_status(view, b, &second);
	assert_int_equal(first.st_ino, second.st_ino);
	assert_true(first.st_nlink >= 2);
}

static void test_hard_links(void **state)
{
	static const char capability[20] = { 1, 0, 0, 2, 0, 4 };
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	struct view view;
	char path[512], value[32];

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_directory(&tar, "d", 0755);
	tar_file(&tar, "d/file", 0644, "content");
	tar_hardlink(&tar, "inside", "d/file");
	tar_hardlink(&tar, "d/absolute", "/d/file");
	tar.uid = 7, tar.gid = 8, tar.time = 4242;
	tar_pax(&tar, "SCHILY.xattr.security.capability", capability, sizeof(capability));
	tar_file(&tar, "d/lower", 04711, "lower");
	tar_symlink(&tar, "d/symbolic", "target");
	tar_directory(&tar, "real", 0755);
	tar_file(&tar, "real/file", 0600, "real");
	tar_symlink(&tar, "alias", "real");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	tar_begin(&tar, builder.directory);
	tar_directory(&tar, "e", 0755);
	tar_hardlink(&tar, "e/upper", "d/lower");
	tar_hardlink(&tar, "e/again", "e/upper");
	tar_hardlink(&tar, "e/third", "d/lower");
	tar_hardlink(&tar, "e/symbolic", "d/symbolic");
	tar_hardlink(&tar, "e/aliased", "alias/file");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	view_open(fixture, &builder, &view);
	view_expect_content(&view, "inside", "content");
	expect_same_inode(&view, "inside", "d/file");
	expect_same_inode(&view, "d/absolute", "d/file");
	view_expect_content(&view, "e/upper", "lower");
	expect_same_inode(&view, "e/upper", "e/again");
	expect_same_inode(&view, "e/upper", "e/third");
	expect_same_inode(&view, "e/upper", "d/lower");
	view_expect_status(&view, "e/upper", S_IFREG | 04711, 7, 8, 4242);
	snprintf(path, sizeof(path), "%s/e/upper", view.path);
	assert_int_equal(getxattr(path, "security.capability", value, sizeof(value)), sizeof(capability));
	assert_memory_equal(value, capability, sizeof(capability));
	view_expect_link(&view, "e/symbolic", "target");
	view_expect_content(&view, "e/aliased", "real");
	expect_same_inode(&view, "e/aliased", "real/file");
	view_close(fixture, &view);
}

/* A layer that stands twice in an image, as empty ones often do; overlayfs takes a directory only once. */
static void test_repeated_layers(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar same, other, bound;
	struct view view;

	builder_begin(&builder, fixture->directory);
	tar_begin(&same, builder.directory);
	tar_directory(&same, "d", 0755);
	tar_file(&same, "d/file", 0644, "same");
	tar_end(&same);
	tar_begin(&other, builder.directory);
	tar_directory(&other, "d", 0700);
	tar_file(&other, "d/file", 0644, "other");
	tar_file(&other, "d/more", 0644, "more");
	tar_end(&other);
	tar_begin(&bound, builder.directory);
	tar_file(&bound, "d/bound", 0644, "bound");
	tar_end(&bound);
	builder_layer(&builder, &same, "gzip");
	builder_layer(&builder, &bound, "gzip");
	builder_layer(&builder, &other, "gzip");
	builder_layer(&builder, &bound, "gzip");
	builder_layer(&builder, &same, "gzip");
	view_open(fixture, &builder, &view);
	view_expect_content(&view, "d/file", "same");
	view_expect_content(&view, "d/more", "more");
	view_expect_content(&view, "d/bound", "bound");
	view_expect_status(&view, "d", S_IFDIR | 0755, 0, 0, 1000000000);
	view_close(fixture, &view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_whiteouts),
		fixture_test(test_missing_directories),
		fixture_test(test_hard_links),
		fixture_test(test_repeated_layers),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

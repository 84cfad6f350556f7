/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the members of a layer, and which are refused. */
#include "layer_view.h"

#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static void test_metadata(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	struct view view;
	struct stat status;

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_directory(&tar, "./", 0711);
	tar.uid = 12, tar.gid = 34, tar.time = 1234567890;
	tar_directory(&tar, "d", 02750);
	tar_file(&tar, "d/suid", 04755, "x");
	tar_file(&tar, "d/sticky", 01644, "y");
	tar.uid = 0, tar.gid = 0, tar.time = 1000;
	tar_file(&tar, "d/root", 0640, "z");
	tar_directory(&tar, "d/below", 0700);
	tar_symlink(&tar, "d/link", "/nowhere/at all");
	tar_device(&tar, "null", '3', 1, 3);
	tar_device(&tar, "loop", '4', 7, 0);
	tar_fifo(&tar, "pipe");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	view_open(fixture, &builder, &view);
	view_expect_status(&view, ".", S_IFDIR | 0711, 0, 0, 1000000000);
	view_expect_status(&view, "d", S_IFDIR | 02750, 12, 34, 1234567890);
	view_expect_status(&view, "d/suid", S_IFREG | 04755, 12, 34, 1234567890);
	view_expect_status(&view, "d/sticky", S_IFREG | 01644, 12, 34, 1234567890);
	/* A setgid directory hands its group and its bit to what is made in it; the tar says otherwise. */
	view_expect_status(&view, "d/root", S_IFREG | 0640, 0, 0, 1000);
	view_expect_status(&view, "d/below", S_IFDIR | 0700, 0, 0, 1000);
	view_expect_status(&view, "d/link", S_IFLNK | 0777, 0, 0, 1000);
	view_expect_link(&view, "d/link", "/nowhere/at all");
	view_status(&view, "null", &status);
	assert_true(S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3));
	view_status(&view, "loop", &status);
	assert_true(S_ISBLK(status.st_mode) && status.st_rdev == makedev(7, 0));
	view_expect_status(&view, "pipe", S_IFIFO | 0600, 0, 0, 1000);
	view_close(fixture, &view);
}

static void test_names(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	struct view view;
	char name[230], deep[1100] = "";

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 4; i++)
		snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep), "%s%s", i ? "/" : "", name);
	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_pax(&tar, "path", deep, strlen(deep));
	tar_file(&tar, "short", 0644, "pax");
	name[0] = 'g';
	tar_gnu_long_name(&tar, name);
	tar_file(&tar, "short", 0644, "gnu");
	tar_pax(&tar, "path", "gr\xc3\xbc\xc3\x9f", 6);
	tar_file(&tar, "short", 0644, "utf-8");
	tar_file(&tar, "la\xe4tin", 0644, "latin-1");
	tar_file(&tar, "/absolute", 0644, "inside");
	tar_file(&tar, "./a/./b//../c", 0644, "clean");
	tar_end(&tar);
	builder_layer(&builder, &tar, "zstd");
	view_open(fixture, &builder, &view);
	view_expect_content(&view, deep, "pax");
	view_expect_content(&view, name, "gnu");
	view_expect_content(&view, "gr\xc3\xbc\xc3\x9f", "utf-8");
	view_expect_content(&view, "la\xe4tin", "latin-1");
	view_expect_content(&view, "absolute", "inside");
	view_expect_content(&view, "a/c", "clean");
	view_expect_absent(&view, "short");
	view_close(fixture, &view);
}

static void test_attributes(void **state)
{
	static const char capability[20] = { 1, 0, 0, 2, 0, 4 };
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	struct view view;
	char path[512], value[32];
	glob_t found;

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar.uid = 1, tar.gid = 1;
	tar_pax(&tar, "SCHILY.xattr.security.capability", capability, sizeof(capability));
	tar_file(&tar, "capable", 0755, "x");
	tar_pax(&tar, "SCHILY.xattr.user.note", "kept", 4);
	tar_directory(&tar, "noted", 0755);
	tar_pax(&tar, "SCHILY.xattr.trusted.overlay.opaque", "y", 1);
	tar_directory(&tar, "forged", 0755);
	tar_pax(&tar, "SCHILY.xattr.user.overlay.opaque", "y", 1);
	tar_file(&tar, "forged-too", 0644, "x");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	view_open(fixture, &builder, &view);
	snprintf(path, sizeof(path), "%s/capable", view.path);
	assert_int_equal(getxattr(path, "security.capability", value, sizeof(value)), sizeof(capability));
	snprintf(path, sizeof(path), "%s/noted", view.path);
	assert_int_equal(getxattr(path, "user.note", value, sizeof(value)), 4);
	assert_memory_equal(value, "kept", 4);
	snprintf(path, sizeof(path), "%s/l/*/fs/forged*", fixture->root);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 2);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		assert_int_equal(lgetxattr(found.gl_pathv[i], "trusted.overlay.opaque", value, sizeof(value)), -1);
		assert_int_equal(errno, ENODATA);
		assert_int_equal(lgetxattr(found.gl_pathv[i], "user.overlay.opaque", value, sizeof(value)), -1);
		assert_int_equal(errno, ENODATA);
	}
	globfree(&found);
	view_close(fixture, &view);
}

static void test_replaced_members(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	struct view view;

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_file(&tar, "file", 0644, "first and longer");
	tar_file(&tar, "file", 0600, "second");
	tar_directory(&tar, "tree", 0755);
	tar_file(&tar, "tree/file", 0644, "x");
	tar_file(&tar, "tree", 0644, "now a file");
	tar_symlink(&tar, "link", "/etc");
	tar_directory(&tar, "link", 0700);
	tar_file(&tar, "link/file", 0644, "in the directory");
	tar_file(&tar, "late/file", 0644, "x");
	tar.uid = 3;
	tar_directory(&tar, "late", 0711);
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	view_open(fixture, &builder, &view);
	view_expect_content(&view, "file", "second");
	view_expect_status(&view, "file", S_IFREG | 0600, 0, 0, 1000000000);
	view_expect_content(&view, "tree", "now a file");
	view_expect_content(&view, "link/file", "in the directory");
	view_expect_status(&view, "late", S_IFDIR | 0711, 3, 0, 1000000000);
	view_close(fixture, &view);
}

/* Links of a layer lead around in the layer, never out of it. */
static void test_escapes_stay_inside(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	struct view view;
	char target[200], marker[300];

	builder_begin(&builder, fixture->directory);
	snprintf(target, sizeof(target), "%s/outside", fixture->directory);
	snprintf(marker, sizeof(marker), "%s/marker", target);
	shell("mkdir -p '%s'", target);
	write_text(marker, "untouched");
	tar_begin(&tar, builder.directory);
	tar_directory(&tar, "etc", 0755);
	tar_symlink(&tar, "absolute", target);
	tar_file(&tar, "absolute/marker", 0644, "changed");
	tar_symlink(&tar, "upwards", "../../../../../../../../etc");
	tar_file(&tar, "upwards/inside", 0644, "inside");
	tar_symlink(&tar, "self", "/proc/self/root");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	/* A dangling link on the way is refused as such. */
	{
		cri_list *list;

		builder_manifest(&builder, NULL);
		builder_index(&builder, NULL);
		expect_code(fixture, CRI_ECORRUPT,
			    cri_image_import(fixture->engine, builder.directory, NULL, &list, fixture->call));
		assert_non_null(strstr(cri_call_message(fixture->call), "leads nowhere"));
	}
	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_directory(&tar, "etc", 0755);
	tar_directory(&tar, target + 1, 0755);
	tar_symlink(&tar, "absolute", target);
	tar_file(&tar, "absolute/marker", 0644, "changed");
	tar_symlink(&tar, "upwards", "../../../../../../../../etc");
	tar_file(&tar, "upwards/inside", 0644, "inside");
	tar_hardlink(&tar, "hard", "upwards/inside");
	tar_symlink(&tar, "marker", marker);
	tar_file(&tar, "marker", 0644, "a file now");
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	view_open(fixture, &builder, &view);
	view_expect_content(&view, "etc/inside", "inside");
	view_expect_content(&view, "hard", "inside");
	view_expect_content(&view, "marker", "a file now");
	view_expect_content(&view, marker + 1, "changed");
	view_close(fixture, &view);
	shell("grep -qx untouched '%s'", marker);
	shell("rm -r '%s'", target);
}

static void expect_refused(struct fixture *fixture, struct builder *builder, const struct tar *tar, const char *text)
{
	cri_list *list = NULL;

	builder_layer(builder, tar, "gzip");
	builder_manifest(builder, NULL);
	builder_index(builder, NULL);
	expect_code(fixture, CRI_ECORRUPT,
		    cri_image_import(fixture->engine, builder->directory, NULL, &list, fixture->call));
	if (!strstr(cri_call_message(fixture->call), text))
		fail_msg("\"%s\" does not say \"%s\"", cri_call_message(fixture->call), text);
	assert_null(list);
}

static void test_refused_members(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_file(&tar, "a/../../b", 0644, "x");
	tar_end(&tar);
	expect_refused(fixture, &builder, &tar, "leaves the root");

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_hardlink(&tar, "a", "../../etc/passwd");
	tar_end(&tar);
	expect_refused(fixture, &builder, &tar, "is a link to");

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_hardlink(&tar, "a", "etc/passwd");
	tar_end(&tar);
	expect_refused(fixture, &builder, &tar, "does not exist");

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_file(&tar, "file", 0644, "x");
	tar_file(&tar, "file/below", 0644, "x");
	tar_end(&tar);
	expect_refused(fixture, &builder, &tar, "used as a directory");

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_file(&tar, "d/.wh...", 0644, "");
	tar_end(&tar);
	expect_refused(fixture, &builder, &tar, "deletes nothing");
}

static void test_sparse_files(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	struct view view;
	struct stat status;

	builder_begin(&builder, fixture->directory);
	shell("cd '%s' && truncate -s 64M hole && printf end | dd of=hole bs=1 seek=1000000 conv=notrunc 2>/dev/null",
	      builder.directory);
	snprintf(tar.path, sizeof(tar.path), "%s/sparse.tar", builder.directory);
	shell("tar --sparse -C '%s' --format=gnu -cf '%s' hole", builder.directory, tar.path);
	builder_layer(&builder, &tar, "gzip");
	shell("cd '%s' && mv hole pax && tar --sparse --format=pax -cf '%s' pax && rm pax", builder.directory,
	      tar.path);
	builder_layer(&builder, &tar, "gzip");
	view_open(fixture, &builder, &view);
	for (int i = 0; i < 2; i++) {
		view_status(&view, i ? "pax" : "hole", &status);
		assert_int_equal(status.st_size, 64 << 20);
		assert_true(status.st_blocks < 1024);
		shell("[ $(dd if='%s/%s' bs=1 skip=1000000 count=3 2>/dev/null) = end ]", view.path,
		      i ? "pax" : "hole");
	}
	view_close(fixture, &view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_metadata),
		fixture_test(test_names),
		fixture_test(test_attributes),
		fixture_test(test_replaced_members),
		fixture_test(test_escapes_stay_inside),
		fixture_test(test_refused_members),
		fixture_test(test_sparse_files),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

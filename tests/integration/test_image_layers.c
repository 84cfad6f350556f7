/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the members of layers, seen through overlayfs as a container sees them. */
#include "fixture.h"
#include "image_builder.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

struct view {
	char path[256];
	char id[DIGEST_TEXT];
};

/* Imports what the builder holds and mounts its layers, read-only, over an empty directory below them. */
static void open_view(struct fixture *fixture, struct builder *builder, struct view *view)
{
	static char options[4096];
	char *json, *at;
	cri_list *list;
	size_t length, start;
	int depth = 0;

	builder_manifest(builder, NULL);
	builder_index(builder, "test/layers");
	expect_ok(fixture, cri_image_import(fixture->engine, builder->directory, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	snprintf(view->id, sizeof(view->id), "%s", cri_image_at(list, 0)->id);
	cri_list_free(list);
	snprintf(view->path, sizeof(view->path), "%s/view", fixture->directory);
	shell("mkdir -p '%s' '%s/empty'", view->path, fixture->directory);
	expect_ok(fixture, cri_image_info_json(fixture->engine, view->id, &json, fixture->call));
	at = strstr(json, "\"layers\":[\"/");
	assert_non_null(at);
	at += strlen("\"layers\":[");
	/* Lowest first; overlayfs wants the highest first. */
	start = sizeof(options) - 1;
	length = (size_t)snprintf(options, sizeof(options), ":%s/empty", fixture->directory);
	memmove(options + start - length, options, length);
	start -= length;
	for (; *at && *at != ']'; at++)
		if (*at == '"' && depth++ % 2 == 0) {
			size_t path = strcspn(at + 1, "\"");

			if (depth > 1)
				options[--start] = ':';
			start -= path;
			memcpy(options + start, at + 1, path);
		}
	options[sizeof(options) - 1] = '\0';
	start -= strlen("lowerdir=");
	memcpy(options + start, "lowerdir=", strlen("lowerdir="));
	cri_free(json);
	if (mount("overlay", view->path, "overlay", MS_RDONLY, options + start))
		fail_msg("mount %s: %s", options + start, strerror(errno));
}

static void close_view(struct fixture *fixture, const struct view *view)
{
	assert_int_equal(umount(view->path), 0);
	expect_ok(fixture, cri_image_remove(fixture->engine, view->id, fixture->call));
}

static void status_of(const struct view *view, const char *name, struct stat *status)
{
	char path[4400];

	snprintf(path, sizeof(path), "%s/%s", view->path, name);
	if (lstat(path, status))
		fail_msg("%s: %s", name, strerror(errno));
}

static void expect_absent(const struct view *view, const char *name)
{
	char path[512];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", view->path, name);
	if (lstat(path, &status) == 0 || errno != ENOENT)
		fail_msg("%s is there", name);
}

static void expect_content(const struct view *view, const char *name, const char *content)
{
	char path[4400], bytes[256];
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "%s/%s", view->path, name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: %s", name, strerror(errno));
	length = fread(bytes, 1, sizeof(bytes) - 1, file);
	bytes[length] = '\0';
	fclose(file);
	assert_string_equal(bytes, content);
}

static void expect_status(const struct view *view, const char *name, mode_t mode, uid_t uid, gid_t gid, int64_t time)
{
	struct stat status;

	status_of(view, name, &status);
	assert_int_equal(status.st_mode, mode);
	assert_int_equal(status.st_uid, uid);
	assert_int_equal(status.st_gid, gid);
	assert_int_equal(status.st_mtim.tv_sec, time);
}

static void expect_link(const struct view *view, const char *name, const char *target)
{
	char path[512], text[256];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", view->path, name);
	length = readlink(path, text, sizeof(text) - 1);
	assert_true(length > 0);
	text[length] = '\0';
	assert_string_equal(text, target);
}

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
	open_view(fixture, &builder, &view);
	expect_status(&view, ".", S_IFDIR | 0711, 0, 0, 1000000000);
	expect_status(&view, "d", S_IFDIR | 02750, 12, 34, 1234567890);
	expect_status(&view, "d/suid", S_IFREG | 04755, 12, 34, 1234567890);
	expect_status(&view, "d/sticky", S_IFREG | 01644, 12, 34, 1234567890);
	/* A setgid directory hands its group and its bit to what is made in it; the tar says otherwise. */
	expect_status(&view, "d/root", S_IFREG | 0640, 0, 0, 1000);
	expect_status(&view, "d/below", S_IFDIR | 0700, 0, 0, 1000);
	expect_status(&view, "d/link", S_IFLNK | 0777, 0, 0, 1000);
	expect_link(&view, "d/link", "/nowhere/at all");
	status_of(&view, "null", &status);
	assert_true(S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3));
	status_of(&view, "loop", &status);
	assert_true(S_ISBLK(status.st_mode) && status.st_rdev == makedev(7, 0));
	expect_status(&view, "pipe", S_IFIFO | 0600, 0, 0, 1000);
	close_view(fixture, &view);
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
	open_view(fixture, &builder, &view);
	expect_content(&view, deep, "pax");
	expect_content(&view, name, "gnu");
	expect_content(&view, "gr\xc3\xbc\xc3\x9f", "utf-8");
	expect_content(&view, "la\xe4tin", "latin-1");
	expect_content(&view, "absolute", "inside");
	expect_content(&view, "a/c", "clean");
	expect_absent(&view, "short");
	close_view(fixture, &view);
}

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
	open_view(fixture, &builder, &view);
	expect_absent(&view, "file");
	expect_content(&view, "stays", "new");
	expect_absent(&view, "d2");
	for (int i = 0; i < 6; i++) {
		char name[32];

		if (i == 2)
			continue;
		snprintf(name, sizeof(name), "d%d/new", i);
		expect_content(&view, name, "new");
		snprintf(name, sizeof(name), "d%d/old", i);
		expect_absent(&view, name);
	}
	expect_absent(&view, ".wh.file");
	expect_absent(&view, ".wh..wh.plnk");
	expect_absent(&view, ".wh..wh.aufs");
	close_view(fixture, &view);
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
	open_view(fixture, &builder, &view);
	expect_status(&view, "home", S_IFDIR | 0700, 5, 6, 777);
	expect_status(&view, "home/user", S_IFDIR | 02710, 5, 6, 777);
	expect_content(&view, "home/user/file", "1");
	expect_link(&view, "lib", "usr/lib");
	expect_status(&view, "usr/lib", S_IFDIR | 0711, 5, 6, 777);
	expect_content(&view, "usr/lib/old", "old");
	expect_content(&view, "usr/lib/new", "2");
	expect_content(&view, "usr/lib/sub/file", "3");
	expect_status(&view, "usr/lib/sub", S_IFDIR | 0750, 5, 6, 777);
	expect_content(&view, "usr/lib/other/file", "4");
	expect_link(&view, "var", "/home");
	expect_content(&view, "home/user/again", "5");
	status_of(&view, "gone", &status);
	assert_int_equal(status.st_mode, S_IFDIR | 0755);
	assert_int_equal(status.st_uid, 0);
	expect_content(&view, "gone/file", "6");
	status_of(&view, "new/deep", &status);
	assert_int_equal(status.st_mode, S_IFDIR | 0755);
	expect_status(&view, "opaque", S_IFDIR | 0750, 5, 6, 777);
	expect_content(&view, "opaque/file", "8");
	expect_absent(&view, "opaque/old");
	expect_link(&view, "hides", "aim");
	expect_status(&view, "aim", S_IFDIR | 0750, 5, 6, 777);
	expect_content(&view, "aim/file", "9");
	expect_absent(&view, "aim/old");
	close_view(fixture, &view);
}

static void expect_same_inode(const struct view *view, const char *a, const char *b)
{
	struct stat first, second;

	status_of(view, a, &first);
	status_of(view, b, &second);
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
	open_view(fixture, &builder, &view);
	expect_content(&view, "inside", "content");
	expect_same_inode(&view, "inside", "d/file");
	expect_same_inode(&view, "d/absolute", "d/file");
	expect_content(&view, "e/upper", "lower");
	expect_same_inode(&view, "e/upper", "e/again");
	expect_same_inode(&view, "e/upper", "e/third");
	expect_same_inode(&view, "e/upper", "d/lower");
	expect_status(&view, "e/upper", S_IFREG | 04711, 7, 8, 4242);
	snprintf(path, sizeof(path), "%s/e/upper", view.path);
	assert_int_equal(getxattr(path, "security.capability", value, sizeof(value)), sizeof(capability));
	assert_memory_equal(value, capability, sizeof(capability));
	expect_link(&view, "e/symbolic", "target");
	expect_content(&view, "e/aliased", "real");
	expect_same_inode(&view, "e/aliased", "real/file");
	close_view(fixture, &view);
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
	open_view(fixture, &builder, &view);
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
	close_view(fixture, &view);
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
	open_view(fixture, &builder, &view);
	expect_content(&view, "file", "second");
	expect_status(&view, "file", S_IFREG | 0600, 0, 0, 1000000000);
	expect_content(&view, "tree", "now a file");
	expect_content(&view, "link/file", "in the directory");
	expect_status(&view, "late", S_IFDIR | 0711, 3, 0, 1000000000);
	close_view(fixture, &view);
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
	open_view(fixture, &builder, &view);
	expect_content(&view, "etc/inside", "inside");
	expect_content(&view, "hard", "inside");
	expect_content(&view, "marker", "a file now");
	expect_content(&view, marker + 1, "changed");
	close_view(fixture, &view);
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
	open_view(fixture, &builder, &view);
	for (int i = 0; i < 2; i++) {
		status_of(&view, i ? "pax" : "hole", &status);
		assert_int_equal(status.st_size, 64 << 20);
		assert_true(status.st_blocks < 1024);
		shell("[ $(dd if='%s/%s' bs=1 skip=1000000 count=3 2>/dev/null) = end ]", view.path,
		      i ? "pax" : "hole");
	}
	close_view(fixture, &view);
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
	open_view(fixture, &builder, &view);
	expect_content(&view, "d/file", "same");
	expect_content(&view, "d/more", "more");
	expect_content(&view, "d/bound", "bound");
	expect_status(&view, "d", S_IFDIR | 0755, 0, 0, 1000000000);
	close_view(fixture, &view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_metadata),         fixture_test(test_names),
		fixture_test(test_whiteouts),        fixture_test(test_missing_directories),
		fixture_test(test_hard_links),       fixture_test(test_attributes),
		fixture_test(test_replaced_members), fixture_test(test_escapes_stay_inside),
		fixture_test(test_refused_members),  fixture_test(test_sparse_files),
		fixture_test(test_repeated_layers),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

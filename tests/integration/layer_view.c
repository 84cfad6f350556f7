/* SPDX-License-Identifier: Apache-2.0 */
#include "layer_view.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

void view_open(struct fixture *fixture, struct builder *builder, struct view *view)
{
	static char options[4096];
	char *json, *at;
	cri_list *list;
	size_t length, start;
	int depth = 0;

	*view = (struct view){ .path = "" };
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

void view_close(struct fixture *fixture, const struct view *view)
{
	assert_int_equal(umount(view->path), 0);
	expect_ok(fixture, cri_image_remove(fixture->engine, view->id, fixture->call));
}

void view_status(const struct view *view, const char *name, struct stat *status)
{
	char path[4400];

	snprintf(path, sizeof(path), "%s/%s", view->path, name);
	if (lstat(path, status))
		fail_msg("%s: %s", name, strerror(errno));
}

void view_expect_absent(const struct view *view, const char *name)
{
	char path[512];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", view->path, name);
	if (lstat(path, &status) == 0 || errno != ENOENT)
		fail_msg("%s is there", name);
}

void view_expect_content(const struct view *view, const char *name, const char *content)
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

void view_expect_status(const struct view *view, const char *name, mode_t mode, uid_t uid, gid_t gid, int64_t time)
{
	struct stat status;

	view_status(view, name, &status);
	assert_int_equal(status.st_mode, mode);
	assert_int_equal(status.st_uid, uid);
	assert_int_equal(status.st_gid, gid);
	assert_int_equal(status.st_mtim.tv_sec, time);
}

void view_expect_link(const struct view *view, const char *name, const char *target)
{
	char path[512], text[256];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", view->path, name);
	length = readlink(path, text, sizeof(text) - 1);
	assert_true(length > 0);
	text[length] = '\0';
	assert_string_equal(text, target);
}

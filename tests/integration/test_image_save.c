/* SPDX-License-Identifier: Apache-2.0 */
/* What is saved is what was imported, to the last attribute, and other tools read it. */
#include "fixture.h"
#include "image_builder.h"
#include "registry.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "docker.io/test/saved:latest"
#define OTHER_NAME "docker.io/test/saved:other"

static const cri_save_options as_layout = { CRI_SAVE_OPTIONS_INIT, .format = CRI_IMAGE_OCI_LAYOUT };

/* Everything that a layer can hold, in two. */
static void build_all(struct fixture *fixture, struct builder *builder)
{
	static const unsigned char capabilities[20] = { 1, 0, 0, 2, 0, 4 };
	char name[400];
	struct tar tar;

	builder_begin(builder, fixture->directory);
	tar_begin(&tar, builder->directory);
	tar.time = 1600000001;
	tar_directory(&tar, "./", 0751);
	tar_directory(&tar, "gone", 0755);
	tar_file(&tar, "gone/file", 0644, "gone");
	tar_directory(&tar, "hidden", 0755);
	tar_file(&tar, "hidden/file", 0644, "hidden");
	tar_directory(&tar, "sticky", 01777);
	tar_file(&tar, "setuid", 04755, "program");
	tar_device(&tar, "null", '3', 1, 3);
	tar_device(&tar, "disk", '4', 259, 1048575);
	tar_fifo(&tar, "fifo");
	tar_symlink(&tar, "link", "/etc/../somewhere");
	tar_symlink(&tar, "dangling", "nowhere");
	tar_file(&tar, "target", 0600, "linked");
	tar_hardlink(&tar, "hardlink", "target");
	tar.uid = 70000;
	tar.gid = 3000000;
	tar_file(&tar, "owned", 0640, "");
	tar.uid = tar.gid = 0;
	/* Names: long, not UTF-8, with what shells and tars stumble over. */
	memset(name, 'n', 250);
	name[250] = '\0';
	tar_gnu_long_name(&tar, name);
	tar_file(&tar, "short", 0644, "long");
	tar_file(&tar, "\xff\xfe", 0644, "bytes");
	tar_file(&tar, "\xc3\xbc \"'\\\n", 0644, "blank");
	tar_pax(&tar, "mtime", "1600000002.123456789", 20);
	tar_file(&tar, "nanoseconds", 0644, "x");
	tar_pax(&tar, "mtime", "-1.5", 4);
	tar_file(&tar, "before", 0644, "x");
	tar_pax(&tar, "SCHILY.xattr.user.data", "a\0b", 3);
	tar_pax(&tar, "SCHILY.xattr.security.capability", capabilities, sizeof(capabilities));
	tar_file(&tar, "attributes", 0755, "x");
	tar_end(&tar);
	builder_layer(builder, &tar, "gzip");
	unlink(tar.path);
	tar_begin(&tar, builder->directory);
	tar.time = 1600000003;
	tar_file(&tar, ".wh.gone", 0, "");
	tar_file(&tar, "hidden/.wh..wh..opq", 0, "");
	tar_file(&tar, "hidden/new", 0644, "new");
	/* From below. */
	tar_hardlink(&tar, "sticky/again", "target");
	tar_end(&tar);
	builder_layer(builder, &tar, "zstd -q");
	unlink(tar.path);
	builder_manifest(builder, NULL);
	builder_index(builder, NAME);
}

/* The layers' directories, blanks between them. */
static void layers_of(struct fixture *fixture, const char *reference, char text[4096])
{
	char *json, *at, *end;
	size_t length = 0;

	expect_ok(fixture, cri_image_info_json(fixture->engine, reference, &json, fixture->call));
	at = strstr(json, "\"layers\":[\"/");
	assert_non_null(at);
	at += strlen("\"layers\":[");
	end = strchr(at, ']');
	assert_true(end - at < 4096);
	for (; at < end; at++)
		if (*at != '"')
			text[length++] = *at == ',' ? ' ' : *at;
	text[length] = '\0';
	cri_free(json);
}

static void list_layers(struct fixture *fixture, const char *reference, const char *name)
{
	char layers[4096];

	layers_of(fixture, reference, layers);
	shell("python3 tests/fixtures/list_tree.py %s >'%s/%s'", layers, fixture->directory, name);
}

static void import(struct fixture *fixture, const char *path, char id[DIGEST_TEXT])
{
	cri_list *list = NULL;

	expect_ok(fixture, cri_image_import(fixture->engine, path, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	if (id)
		snprintf(id, DIGEST_TEXT, "%s", cri_image_at(list, 0)->id);
	cri_list_free(list);
}

static void remove_image(struct fixture *fixture, const char *reference)
{
	expect_ok(fixture, cri_image_remove(fixture->engine, reference, fixture->call));
}

static void path_of(const struct fixture *fixture, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", fixture->directory, name);
}

static void test_nothing_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char path[256], again[256], id[DIGEST_TEXT], saved_id[DIGEST_TEXT], other_id[DIGEST_TEXT];

	path_of(fixture, "saved.tar", path);
	path_of(fixture, "again", again);
	build_all(fixture, &builder);
	import(fixture, builder.directory, id);
	/* A hole, which no tar of the builder's has. */
	shell("f=\"$(grep -l bytes %s/l/*/fs/$(printf '\\377\\376'))\" && truncate -s 3000000 \"$f\" && touch -d @7 "
	      "\"$f\"",
	      fixture->root);
	list_layers(fixture, id, "before");
	expect_ok(fixture, cri_image_save(fixture->engine, id, path, NULL, fixture->call));
	assert_int_equal(chmod(path, 0400), 0);
	remove_image(fixture, id);
	assert_int_equal(count_layers(fixture), 1);
	import(fixture, path, saved_id);
	list_layers(fixture, NAME, "after");
	shell("diff -u '%s/before' '%s/after' >&2", fixture->directory, fixture->directory);
	shell("test $(stat -c %%s '%s') -lt 20000", path);
	/* The same once more is the same. */
	expect_ok(fixture, cri_image_save(fixture->engine, NAME, again, &as_layout, fixture->call));
	remove_image(fixture, NAME);
	import(fixture, again, other_id);
	assert_string_equal(other_id, saved_id);
	remove_image(fixture, NAME);
	shell("rm -rf '%s' '%s'", path, again);
}

static void test_what_is_saved_runs(void **state)
{
	struct fixture *fixture = *state;
	char path[256], id[DIGEST_TEXT];
	char *sandbox, *container, *text;
	int32_t code = -1;
	cri_list *list;

	path_of(fixture, "busybox.oci", path);
	expect_ok(fixture, cri_image_save(fixture->engine, "busybox", path, NULL, fixture->call));
	remove_image(fixture, IMAGE);
	import(fixture, path, id);
	expect_ok(fixture, cri_image_status(fixture->engine, IMAGE, &list, fixture->call));
	assert_string_equal(cri_image_at(list, 0)->id, id);
	assert_int_equal(cri_image_at(list, 0)->n_repo_digests, 1);
	cri_list_free(list);
	sandbox = fixture_run_sandbox(fixture, "saved");
	container = fixture_start(fixture, sandbox, "runs", "sleep 1000");
	text = fixture_exec(fixture, container, "echo saved", &code);
	assert_int_equal(code, 0);
	assert_string_equal(text, "saved\n");
	free(text);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(container);
	cri_free(sandbox);
	/* And back to what the other tests have. */
	remove_image(fixture, IMAGE);
	import(fixture, fixture->archive, NULL);
	assert_int_equal(unlink(path), 0);
}

/* skopeo verifies digests, umoci unpacks. */
static void test_other_tools(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char layout[256], archive[256];

	path_of(fixture, "layout", layout);
	path_of(fixture, "archive", archive);
	build_all(fixture, &builder);
	import(fixture, builder.directory, NULL);
	expect_ok(fixture, cri_image_save(fixture->engine, NAME, layout, &as_layout, fixture->call));
	expect_ok(fixture, cri_image_save(fixture->engine, NAME, archive, NULL, fixture->call));
	shell("skopeo --insecure-policy copy -q oci:'%s':latest dir:'%s/copied'", layout, fixture->directory);
	shell("skopeo --insecure-policy copy -q oci-archive:'%s' docker-archive:'%s/copied.tar'", archive,
	      fixture->directory);
	shell("umoci unpack --image '%s':latest '%s/bundle' >/dev/null", layout, fixture->directory);
	shell("test \"$(cat '%s/bundle/rootfs/sticky/again')\" = linked && ! test -e '%s/bundle/rootfs/gone' && "
	      "! test -e '%s/bundle/rootfs/hidden/file'",
	      fixture->directory, fixture->directory, fixture->directory);
	/* A tar by itself. */
	shell("test \"$(tar -tf '%s' | tail -1)\" = index.json", archive);
	remove_image(fixture, NAME);
	shell("cd '%s' && rm -rf layout archive copied copied.tar bundle", fixture->directory);
}

static size_t count_in_index(const char *layout, const char *text)
{
	char path[300], json[8192];
	size_t n = 0, length;
	FILE *file;

	snprintf(path, sizeof(path), "%s/index.json", layout);
	file = fopen(path, "re");
	assert_non_null(file);
	length = fread(json, 1, sizeof(json) - 1, file);
	json[length] = '\0';
	assert_int_equal(fclose(file), 0);
	for (const char *at = json; (at = strstr(at, text)); at++)
		n++;
	return n;
}

/* By a tag just that one; by id all; and none is none. */
static void test_names(void **state)
{
	struct fixture *fixture = *state;
	const cri_import_options other = { CRI_IMPORT_OPTIONS_INIT, .reference = OTHER_NAME };
	struct builder builder;
	cri_list *list;
	char path[256], id[DIGEST_TEXT];

	path_of(fixture, "names", path);
	build_all(fixture, &builder);
	import(fixture, builder.directory, id);
	expect_ok(fixture, cri_image_import(fixture->engine, builder.directory, &other, &list, fixture->call));
	cri_list_free(list);
	expect_ok(fixture, cri_image_save(fixture->engine, "test/saved:other", path, &as_layout, fixture->call));
	assert_int_equal(count_in_index(path, "\"digest\""), 1);
	assert_int_equal(count_in_index(path, "\"" OTHER_NAME "\""), 1);
	shell("rm -r '%s'", path);
	id[7 + 12] = '\0';
	expect_ok(fixture, cri_image_save(fixture->engine, id + 7, path, &as_layout, fixture->call));
	assert_int_equal(count_in_index(path, "\"digest\""), 2);
	assert_int_equal(count_in_index(path, "\"" NAME "\""), 1);
	assert_int_equal(count_in_index(path, "\"" OTHER_NAME "\""), 1);
	shell("rm -r '%s'", path);
	remove_image(fixture, NAME);
	builder_index(&builder, NULL);
	import(fixture, builder.directory, id);
	expect_ok(fixture, cri_image_save(fixture->engine, id, path, &as_layout, fixture->call));
	assert_int_equal(count_in_index(path, "\"digest\""), 1);
	assert_int_equal(count_in_index(path, "annotations"), 0);
	remove_image(fixture, id);
	shell("rm -r '%s'", path);
}

static void expect_failure(struct fixture *fixture, int code, const char *text, const char *reference, const char *path)
{
	for (int i = 0; i < 2; i++) {
		int result = cri_image_save(fixture->engine, reference, path, i ? NULL : &as_layout, fixture->call);

		fixture_expect(fixture->call, code, result, path, __FILE__, __LINE__);
		if (!strstr(cri_call_message(fixture->call), text))
			fail_msg("\"%s\" lacks \"%s\"", cri_call_message(fixture->call), text);
	}
}

static void test_refused(void **state)
{
	struct fixture *fixture = *state;
	char path[256], inside[300];

	path_of(fixture, "there", path);
	write_text(path, "mine");
	expect_failure(fixture, CRI_EEXIST, path, IMAGE, path);
	shell("test \"$(cat '%s')\" = mine", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/nowhere", path), 0);
	expect_failure(fixture, CRI_EEXIST, path, IMAGE, path);
	assert_int_equal(unlink(path), 0);
	expect_failure(fixture, CRI_EINVAL, "path", IMAGE, "relative");
	expect_failure(fixture, CRI_EINVAL, "path", IMAGE, "");
	expect_failure(fixture, CRI_EINVAL, "path", IMAGE, "/tmp/..");
	expect_failure(fixture, CRI_ENOTFOUND, "absent", "absent", path);
	expect_failure(fixture, CRI_EINVAL, "lower case", "No Name", path);
	snprintf(inside, sizeof(inside), "%s/file", path);
	expect_failure(fixture, CRI_ENOTFOUND, path, IMAGE, inside);
	assert_int_equal(access(path, F_OK), -1);
}

/* A full disk: the reason is told, and nothing stays. */
static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;
	char directory[256], path[300];

	path_of(fixture, "small", directory);
	snprintf(path, sizeof(path), "%s/image", directory);
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(mount("tmpfs", directory, "tmpfs", 0, "size=64k"), 0);
	expect_failure(fixture, CRI_EEXHAUSTED, "No space left", IMAGE, path);
	shell("test -z \"$(ls -A '%s')\"", directory);
	/* The file without a name ends with the last descriptor, that of a helper which has been killed and may not
	 * yet be dead. */
	shell("for i in $(seq 500); do test $(df --output=used '%s' | tail -1) -eq 0 && exit; sleep 0.02; done; exit 1",
	      directory);
	assert_int_equal(umount(directory), 0);
	assert_int_equal(rmdir(directory), 0);
}

static int step(struct fixture *fixture, cri_op *op, int steps)
{
	int result = CRI_EAGAIN;

	for (int i = 0; i < steps && result == CRI_EAGAIN; i++) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };

		assert_int_equal(poll(&ready, 1, 10000), 1);
		result = cri_op_finish(op, NULL, fixture->call);
	}
	return result;
}

/* Cancelled after any step, or let go: nothing appears, nothing stays. */
static void test_cancelled(void **state)
{
	struct fixture *fixture = *state;
	char directory[256], path[300];
	bool finished = false;

	path_of(fixture, "cancelled", directory);
	snprintf(path, sizeof(path), "%s/image", directory);
	assert_int_equal(mkdir(directory, 0700), 0);
	for (int steps = 0; steps < 64 && !finished; steps++) {
		cri_op *op;
		int result;

		expect_ok(fixture, cri_image_save_begin(fixture->engine, IMAGE, path, steps % 2 ? NULL : &as_layout,
							&op, fixture->call));
		result = step(fixture, op, steps);
		finished = result == 0;
		if (!finished) {
			assert_int_equal(result, CRI_EAGAIN);
			if (steps % 3)
				cri_op_cancel(op);
			if (steps % 3)
				expect_code(fixture, CRI_ECANCELED, step(fixture, op, 1000));
		}
		cri_op_free(op);
		if (!finished)
			assert_int_equal(rmdir(directory), 0);
		if (!finished)
			assert_int_equal(mkdir(directory, 0700), 0);
	}
	assert_true(finished);
	shell("rm -r '%s'", directory);
}

/* An image that is removed meanwhile: it is saved whole, or not at all, and its layers go in the end. */
static void test_removed_meanwhile(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char path[256];
	bool whole = false, failed = false;

	path_of(fixture, "removed", path);
	build_all(fixture, &builder);
	for (int steps = 0; steps < 64 && !whole; steps++) {
		cri_op *op;
		int result;

		import(fixture, builder.directory, NULL);
		expect_ok(fixture, cri_image_save_begin(fixture->engine, NAME, path, &as_layout, &op, fixture->call));
		result = step(fixture, op, steps);
		whole = result == 0;
		remove_image(fixture, NAME);
		if (result == CRI_EAGAIN)
			result = step(fixture, op, 1000);
		if (result)
			expect_code(fixture, CRI_ENOTFOUND, result);
		failed |= result != 0;
		cri_op_free(op);
		assert_int_equal(count_layers(fixture), 1);
		assert_int_equal(access(path, F_OK), result ? -1 : 0);
		if (result == 0) {
			import(fixture, path, NULL);
			remove_image(fixture, NAME);
			shell("rm -r '%s'", path);
		}
	}
	assert_true(whole && failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_nothing_is_lost), fixture_test(test_what_is_saved_runs),
		fixture_test(test_other_tools),     fixture_test(test_names),
		fixture_test(test_refused),         fixture_test(test_full_disk),
		fixture_test(test_cancelled),       fixture_test(test_removed_meanwhile),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

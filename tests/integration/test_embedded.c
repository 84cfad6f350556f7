/* SPDX-License-Identifier: Apache-2.0 */
/* Embedded images: loaded, run, shared, unmounted; across restarts; with every kind of layer. */
#include "embedded_fixture.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t size_of(const struct embedded *embedded, const char *file)
{
	char path[320];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", embedded->directory, file);
	assert_int_equal(stat(path, &status), 0);
	return (uint64_t)status.st_size;
}

static void test_answers(void **state)
{
	struct fixture *fixture = *state;
	struct embedded embedded;
	const cri_image_info *info;
	char digest_name[160], *json = NULL;
	cri_list *list = NULL;

	embedded_make(fixture, &embedded);
	embedded_import(fixture, &embedded);
	snprintf(digest_name, sizeof(digest_name), "device@%s", embedded.digest);
	{
		const char *const names[] = { "device:v1", EMBEDDED_NAME, embedded.digest,
					      embedded.digest + strlen("sha256:"), digest_name };

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			expect_ok(fixture, cri_image_status(fixture->engine, names[i], &list, fixture->call));
			info = cri_image_at(list, 0);
			assert_string_equal(info->id, embedded.digest);
			assert_true(info->embedded);
			assert_string_equal(info->repo_tags[0], EMBEDDED_NAME);
			assert_int_equal(info->bytes,
					 size_of(&embedded, "platform.img") + size_of(&embedded, "app.img"));
			cri_list_free(list);
			expect_ok(fixture, cri_image_list(fixture->engine, names[i], &list, fixture->call));
			assert_int_equal(cri_list_count(list), 1);
			cri_list_free(list);
		}
	}
	expect_ok(fixture, cri_image_info_json(fixture->engine, EMBEDDED_NAME, &json, fixture->call));
	assert_non_null(strstr(json, "/app.img\""));
	assert_non_null(strstr(json, "DEVICE=yes"));
	/* There is nothing in the store to save. */
	snprintf(digest_name, sizeof(digest_name), "%s/saved.tar", fixture->directory);
	expect_code(fixture, CRI_ENOTSUP,
		    cri_image_save(fixture->engine, EMBEDDED_NAME, digest_name, NULL, fixture->call));
	assert_int_not_equal(access(digest_name, F_OK), 0);
	cri_free(json);
	/* Once more changes nothing. */
	embedded_import(fixture, &embedded);
	expect_ok(fixture, cri_image_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 2);
	cri_list_free(list);
	embedded_remove(fixture, &embedded);
	expect_code(fixture, CRI_ENOTFOUND, cri_image_status(fixture->engine, EMBEDDED_NAME, &list, fixture->call));
	embedded_expect_untouched(&embedded);
	embedded_expect_loops(embedded.directory, 0);
}

static void test_store_is_not_used(void **state)
{
	struct fixture *fixture = *state;
	struct embedded embedded;
	uint64_t before, after;
	cri_list *list = NULL;

	expect_ok(fixture, cri_image_filesystem_usage(fixture->engine, &list, fixture->call));
	before = cri_filesystem_usage_at(list, 0)->used_bytes;
	cri_list_free(list);
	embedded_make(fixture, &embedded);
	embedded_import(fixture, &embedded);
	expect_ok(fixture, cri_image_filesystem_usage(fixture->engine, &list, fixture->call));
	after = cri_filesystem_usage_at(list, 0)->used_bytes;
	cri_list_free(list);
	assert_int_equal(before, after);
	embedded_remove(fixture, &embedded);
}

static void test_run(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "embedded");
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,
		.name = "config",
		.image = "device:v1",
		.log_path = "config.log",
	};
	const cri_container_config as_user = {
		CRI_CONTAINER_CONFIG_INIT,
		.name = "user",
		.image = "device:v1",
		.command = (const char *const[]){ "/bin/id" },
		.n_command = 1,
		.log_path = "user.log",
		.run_as_username = "device",
	};
	struct embedded embedded;
	cri_list *list = NULL;
	char *id, *log;

	embedded_make(fixture, &embedded);
	embedded_import(fixture, &embedded);
	/* What the image says: entry point, command, environment, directory. */
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 0);
	log = fixture_log(fixture, "config");
	assert_non_null(strstr(log, "stdout F /etc\n"));
	assert_non_null(strstr(log, "stdout F yes\n"));
	free(log);
	cri_free(id);
	/* Its own users. */
	expect_ok(fixture, cri_container_create(fixture->engine, sandbox, &as_user, &id, fixture->call));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	assert_int_equal(fixture_wait(fixture, id), 0);
	log = fixture_log(fixture, "user");
	assert_non_null(strstr(log, "uid=1234(device) gid=4321"));
	free(log);
	cri_free(id);
	/* A writable layer over what is not, the further layer read-only. */
	id = embedded_start(fixture, sandbox, "writer");
	embedded_expect_output(fixture, id, "cat /marker /opt/app/program; echo new >/marker; cat /marker",
			       "base\napplication\nnew\n");
	embedded_expect_output(fixture, id, "touch /opt/app/data/x 2>/dev/null || echo refused", "refused\n");
	embedded_expect_untouched(&embedded);
	expect_ok(fixture, cri_container_stats_get(fixture->engine, id, &list, fixture->call));
	assert_true(cri_container_stats_at(list, 0)->writable_layer.inodes_used > 0);
	cri_list_free(list);
	cri_free(id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	embedded_expect_loops(embedded.directory, 0);
	embedded_remove(fixture, &embedded);
	embedded_expect_untouched(&embedded);
	cri_free(sandbox);
}

static void test_shared(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "shared");
	struct embedded embedded;
	char *first, *second, *device, *other;

	embedded_make(fixture, &embedded);
	embedded_import(fixture, &embedded);
	first = embedded_start(fixture, sandbox, "first");
	second = embedded_start(fixture, sandbox, "second");
	/* One mount for both: one loop device for each file, and the same device inside. */
	assert_int_equal(embedded_loops(embedded.directory), 2);
	device = fixture_exec(fixture, first, "stat -c %d /opt/app/program", NULL);
	other = fixture_exec(fixture, second, "stat -c %d /opt/app/program", NULL);
	assert_string_equal(device, other);
	free(device);
	free(other);
	/* The host sees none of it. */
	shell("! grep -q '%s/l/' /proc/self/mountinfo", fixture->root);
	embedded_remove_container(fixture, first);
	assert_int_equal(embedded_loops(embedded.directory), 2);
	/* Without its image a container lives on. */
	embedded_remove(fixture, &embedded);
	embedded_expect_output(fixture, second, "cat /opt/app/program /marker", "application\nbase\n");
	assert_int_equal(embedded_loops(embedded.directory), 2);
	embedded_remove_container(fixture, second);
	embedded_expect_loops(embedded.directory, 0);
	embedded_expect_untouched(&embedded);
	/* And the layers are gone from the store, but for the fixture's own. */
	shell("test $(ls '%s/l' | wc -l) -eq 1", fixture->root);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

/* Two images of one file. */
static void test_shared_by_images(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "images");
	struct embedded embedded;
	char first[DIGEST_TEXT], *id;

	embedded_make(fixture, &embedded);
	embedded_import(fixture, &embedded);
	memcpy(first, embedded.digest, sizeof(first));
	id = embedded_start(fixture, sandbox, "one");
	embedded_finish(&embedded, "device:v2");
	assert_string_not_equal(first, embedded.digest);
	embedded_import(fixture, &embedded);
	expect_ok(fixture, cri_image_remove(fixture->engine, first, fixture->call));
	embedded_expect_output(fixture, id, "cat /marker", "base\n");
	embedded_remove_container(fixture, id);
	embedded_expect_loops(embedded.directory, 0);
	embedded_remove(fixture, &embedded);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

/* Both file systems, several layers of the root: higher ones cover and delete. A directory of the host's. */
static void test_layers(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "layers");
	struct embedded embedded;
	char *id;

	embedded_begin(&embedded, fixture->directory);
	embedded_root(&embedded, "root.img", FS_EROFS);
	embedded_filesystem(&embedded, "upper.img", FS_SQUASHFS,
			    "echo covered >marker && mkdir etc && mknod opt c 0 0");
	embedded_filesystem(&embedded, "app.img", FS_EROFS, "echo erofs >program");
	shell("mkdir '%s/files' && echo host >'%s/files/file'", embedded.directory, embedded.directory);
	embedded_layer(&embedded, EROFS_TYPE, "root.img", "/");
	embedded_layer(&embedded, SQUASHFS_TYPE, "upper.img", "/");
	embedded_layer(&embedded, EROFS_TYPE, "app.img", "/srv/app");
	embedded_add(&embedded, "{\"mediaType\":\"" DIRECTORY_TYPE
				"\",\"pathInHost\":\"files\",\"pathInContainer\":\"/srv/files\"}");
	embedded_finish(&embedded, "device:v1");
	embedded_import(fixture, &embedded);
	id = embedded_start(fixture, sandbox, "layers");
	embedded_expect_output(fixture, id,
			       "cat /marker /srv/app/program /srv/files/file; ls -d /opt 2>/dev/null; id -un",
			       "covered\nerofs\nhost\nroot\n");
	embedded_expect_output(fixture, id, "touch /srv/files/x 2>/dev/null || echo refused", "refused\n");
	embedded_expect_loops(embedded.directory, 3);
	embedded_remove_container(fixture, id);
	embedded_expect_loops(embedded.directory, 0);
	embedded_remove(fixture, &embedded);
	shell("cat '%s/files/file' >/dev/null", embedded.directory);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

/* The calls of a thread that makes and removes containers of the image. */
struct worker {
	struct fixture *fixture;
	const char *sandbox;
	unsigned number;
	int result;
};

static void *work(void *pointer)
{
	struct worker *worker = pointer;
	const char *const command[] = { "/bin/true" };
	cri_engine *engine = worker->fixture->engine;
	cri_call *call = NULL;
	char name[32];

	worker->result = cri_call_new(&call);
	for (unsigned i = 0; i < 4 && worker->result == 0; i++) {
		const cri_container_config config = {
			CRI_CONTAINER_CONFIG_INIT, .name = name,   .image = EMBEDDED_NAME,
			.command = command,        .n_command = 1, .log_path = name,
		};
		char *id = NULL;

		snprintf(name, sizeof(name), "worker-%u-%u", worker->number, i);
		worker->result = cri_container_create(engine, worker->sandbox, &config, &id, call);
		if (worker->result == 0)
			worker->result = cri_container_remove(engine, id, call);
		if (worker->result < 0)
			print_error("%s: %s\n", name, cri_call_message(call));
		cri_free(id);
	}
	cri_call_free(call);
	return NULL;
}

/* First and last containers all the time: nobody finds the layers gone, and the very last one's removal unmounts. */
static void test_at_once(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "at-once");
	struct worker workers[4];
	pthread_t threads[4];
	struct embedded embedded;

	embedded_make(fixture, &embedded);
	embedded_import(fixture, &embedded);
	for (unsigned i = 0; i < 4; i++) {
		workers[i] = (struct worker){ fixture, sandbox, i, -1 };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(workers[i].result, 0);
	embedded_expect_loops(embedded.directory, 0);
	shell("! ls -d '%s/l/'*/fs 2>/dev/null | grep -vx '%s/l/1/fs'", fixture->root, fixture->root);
	embedded_remove(fixture, &embedded);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

static void test_reference(void **state)
{
	const cri_import_options options = { CRI_IMPORT_OPTIONS_INIT, .reference = "other:name", .pinned = true };
	struct fixture *fixture = *state;
	struct embedded embedded;
	cri_list *list = NULL;

	embedded_make(fixture, &embedded);
	expect_ok(fixture, cri_image_import(fixture->engine, embedded.manifest, &options, &list, fixture->call));
	assert_string_equal(cri_image_at(list, 0)->repo_tags[0], "docker.io/library/other:name");
	assert_true(cri_image_at(list, 0)->pinned);
	cri_list_free(list);
	embedded_remove(fixture, &embedded);
}

/* By the examples alone, as a device's maker and its owner do. */
static void test_examples(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "examples");
	const char *directory = fixture->directory;
	char *id;

	shell("cd '%s' && mkdir -p tree/bin tree/dev tree/proc tree/sys tree/etc extra && cp /bin/busybox tree/bin && "
	      "for a in sh cat sleep; do ln -s busybox tree/bin/$a; done && echo extra >extra/file",
	      directory);
	shell("FILESYSTEM=erofs COMMAND='/bin/sh -c true' examples/make_embedded_image.sh '%s/made' device:v1 "
	      "'%s/tree' "
	      "'%s/extra'=/srv/extra",
	      directory, directory, directory);
	shell("build/examples/images --root '%s' --state '%s' import '%s/made/image.manifest' | grep -q 'embedded %s$'",
	      fixture->root, fixture->state, directory, EMBEDDED_NAME);
	shell("build/examples/images --root '%s' --state '%s' list | grep -q %s", fixture->root, fixture->state,
	      EMBEDDED_NAME);
	id = embedded_start(fixture, sandbox, "examples");
	embedded_expect_output(fixture, id, "cat /srv/extra/file", "extra\n");
	embedded_remove_container(fixture, id);
	shell("build/examples/images --root '%s' --state '%s' remove device:v1", fixture->root, fixture->state);
	shell("! build/examples/images --root '%s' --state '%s' import /nonesuch 2>/dev/null", fixture->root,
	      fixture->state);
	shell("! build/examples/images list x 2>/dev/null");
	embedded_expect_loops(directory, 0);
	shell("rm -r '%s/tree' '%s/extra' '%s/made'", directory, directory, directory);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_answers),   fixture_test(test_store_is_not_used),
		fixture_test(test_run),       fixture_test(test_shared),
		fixture_test(test_layers),    fixture_test(test_shared_by_images),
		fixture_test(test_reference), fixture_test(test_at_once),
		fixture_test(test_examples),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Embedded images and what is below them: devices, the host's root, restarts, files that change, kernels without. */
#include "embedded_fixture.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_device(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "device");
	struct embedded embedded;
	char device[64], json[256], *id;
	FILE *output;

	embedded_begin(&embedded, fixture->directory);
	embedded_root(&embedded, "root.img", FS_SQUASHFS);
	embedded_filesystem(&embedded, "app.img", FS_SQUASHFS, "echo application >program");
	snprintf(json, sizeof(json), "losetup -rf --show '%s/root.img'", embedded.directory);
	output = popen(json, "re");
	assert_non_null(output);
	assert_non_null(fgets(device, sizeof(device), output));
	assert_int_equal(pclose(output), 0);
	device[strcspn(device, "\n")] = '\0';
	snprintf(json, sizeof(json),
		 "{\"mediaType\":\"" SQUASHFS_TYPE "\",\"size\":0,\"digest\":\"\",\"pathInHost\":\"%s\","
		 "\"pathInContainer\":\"\"}",
		 device);
	embedded_add(&embedded, json);
	embedded_layer(&embedded, SQUASHFS_TYPE, "app.img", "/opt/app");
	embedded_finish(&embedded, "device:v1");
	embedded_import(fixture, &embedded);
	id = embedded_start(fixture, sandbox, "device");
	embedded_expect_output(fixture, id, "cat /marker /opt/app/program", "base\napplication\n");
	/* The test's own, and that of the application. */
	assert_int_equal(embedded_loops(embedded.directory), 2);
	embedded_remove_container(fixture, id);
	embedded_expect_loops(embedded.directory, 1);
	embedded_remove(fixture, &embedded);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	shell("losetup -d '%s'", device);
	embedded_expect_loops(embedded.directory, 0);
	cri_free(sandbox);
}

/* The host's root as the container's, with a writable layer over it: the host's stays as it is. */
static void test_host_root(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "host");
	struct embedded embedded;
	char *id;

	embedded_begin(&embedded, fixture->directory);
	embedded_filesystem(&embedded, "app.img", FS_SQUASHFS, "echo application >program");
	embedded_add(&embedded, "{\"mediaType\":\"" DIRECTORY_TYPE "\",\"pathInHost\":\"/\"}");
	embedded_layer(&embedded, SQUASHFS_TYPE, "app.img", "/opt/libcri-test-app");
	embedded_finish(&embedded, "device:v1");
	embedded_import(fixture, &embedded);
	id = embedded_start(fixture, sandbox, "host");
	embedded_expect_output(fixture, id,
			       "cat /opt/libcri-test-app/program; touch /libcri-test-written && echo written",
			       "application\nwritten\n");
	assert_int_not_equal(access("/libcri-test-written", F_OK), 0);
	assert_int_not_equal(access("/opt/libcri-test-app", F_OK), 0);
	embedded_remove_container(fixture, id);
	embedded_remove(fixture, &embedded);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	embedded_expect_loops(embedded.directory, 0);
	cri_free(sandbox);
}

static void test_restarts(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "restart");
	struct embedded embedded;
	char *id;

	embedded_make(fixture, &embedded);
	embedded_import(fixture, &embedded);
	id = embedded_start(fixture, sandbox, "before");
	/* Of the engine: all stays. */
	fixture_close(fixture);
	assert_int_equal(embedded_loops(embedded.directory), 2);
	fixture_open(fixture);
	embedded_expect_output(fixture, id, "cat /opt/app/program", "application\n");
	assert_int_equal(embedded_loops(embedded.directory), 2);
	embedded_remove_container(fixture, id);
	/* Of the machine: no process, no state directory; what the container left is one directory of its layers. */
	id = embedded_start(fixture, sandbox, "lost");
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	fixture_close(fixture);
	shell("umount -l '%s/sandboxes/'*/* 2>/dev/null; umount -l '%s/ns/'* && umount -l '%s'", fixture->state,
	      fixture->state, fixture->state);
	embedded_expect_loops(embedded.directory, 0);
	fixture_open(fixture);
	embedded_expect_loops(embedded.directory, 0);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
	cri_free(id);
	sandbox = fixture_run_sandbox(fixture, "after");
	id = embedded_start(fixture, sandbox, "after");
	embedded_expect_output(fixture, id, "cat /opt/app/program /marker", "application\nbase\n");
	embedded_remove_container(fixture, id);
	embedded_expect_loops(embedded.directory, 0);
	embedded_remove(fixture, &embedded);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

static void expect_refusal(struct fixture *fixture, const char *sandbox, int code, const char *text)
{
	char *id = NULL;

	expect_code(fixture, code, embedded_create(fixture, sandbox, "refused", "true", &id));
	assert_null(id);
	if (!strstr(cri_call_message(fixture->call), text))
		fail_msg("\"%s\" does not say \"%s\"", cri_call_message(fixture->call), text);
	cri_call_reset(fixture->call);
}

/* What has changed since it was loaded is not run. */
static void test_changed(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	char *sandbox = fixture_run_sandbox(fixture, "changed");
	struct embedded embedded;
	char *id = NULL;

	embedded_make(fixture, &embedded);
	embedded_import(fixture, &embedded);
	shell("cd '%s' && mv app.img saved", embedded.directory);
	expect_refusal(fixture, sandbox, CRI_EPRECONDITION, "app.img of the embedded image is gone");
	shell("cd '%s' && ln -s saved app.img", embedded.directory);
	expect_refusal(fixture, sandbox, CRI_EPRECONDITION, "app.img of the embedded image is gone");
	shell("cd '%s' && rm app.img && head -c 3000 saved >app.img", embedded.directory);
	expect_refusal(fixture, sandbox, CRI_EPRECONDITION, "another one than when");
	embedded_expect_loops(embedded.directory, 0);
	/* Of the same size and with a superblock, so that only its digest tells. */
	shell("cd '%s' && cp saved app.img && printf X | dd of=app.img bs=1 seek=200 conv=notrunc 2>/dev/null",
	      embedded.directory);
	fixture_close(fixture);
	options.verify_embedded_at_mount = true;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
	expect_refusal(fixture, sandbox, CRI_ECORRUPT, "its digest is no longer");
	shell("cd '%s' && mv saved app.img", embedded.directory);
	expect_ok(fixture, embedded_create(fixture, sandbox, "good", "true", &id));
	cri_free(id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
	embedded_expect_loops(embedded.directory, 0);
	fixture_close(fixture);
	fixture_open(fixture);
	embedded_remove(fixture, &embedded);
}

/* A kernel that lacks something, played by a helper that answers as cri-mount does there. */
static void test_kernel_without(void **state)
{
	static const struct {
		int step, error;
		const char *text;
	} cases[] = {
		{ 4, ENODEV, "this kernel has no squashfs" },
		{ 2, ENOENT, "need the kernel's loop devices" },
	};
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	const char *helpers = getenv("LIBCRI_HELPER_DIRECTORY");
	char directory[96], program[128], script[512];
	struct embedded embedded;
	cri_list *list = NULL;

	assert_non_null(helpers);
	snprintf(directory, sizeof(directory), "%s/helpers", fixture->directory);
	snprintf(program, sizeof(program), "%s/cri-mount", directory);
	shell("mkdir '%s' && ln -s '%s'/* '%s/' && rm '%s'", directory, helpers, directory, program);
	embedded_make(fixture, &embedded);
	fixture_close(fixture);
	options.helper_directory = directory;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(script, sizeof(script),
			 "#!/usr/bin/python3\nimport socket, struct\n"
			 "socket.socket(fileno=3).send(struct.pack('IiI', %d, %d, 0))\n",
			 cases[i].step, cases[i].error);
		write_text(program, script);
		shell("chmod 755 '%s'", program);
		expect_code(fixture, CRI_ENOTSUP,
			    cri_image_import(fixture->engine, embedded.manifest, NULL, &list, fixture->call));
		if (!strstr(cri_call_message(fixture->call), cases[i].text))
			fail_msg("\"%s\" does not say \"%s\"", cri_call_message(fixture->call), cases[i].text);
		cri_call_reset(fixture->call);
	}
	/* One that ends without a word. */
	write_text(program, "#!/bin/sh\n");
	expect_code(fixture, CRI_EINTERNAL,
		    cri_image_import(fixture->engine, embedded.manifest, NULL, &list, fixture->call));
	cri_call_reset(fixture->call);
	fixture_close(fixture);
	fixture_open(fixture);
	shell("rm -rf '%s'", directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_device),   fixture_test(test_host_root),      fixture_test(test_changed),
		fixture_test(test_restarts), fixture_test(test_kernel_without),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a pull costs, and who pays: memory, and the cgroup of the pod that it is for. */
#include "pull_fixture.h"

#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With a pod's configuration, all that works for the pull is in a cgroup of the pod's, which goes with it. */
static void test_charged(void **state)
{
	struct fixture *fixture = *state;
	char parent[100];
	const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "pod", .namespace_ = "tests", .uid = "1",
					 .cgroup_parent = parent };
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .sandbox = &pod };
	const cri_sandbox_config bad_pod = { CRI_SANDBOX_CONFIG_INIT, .name = "pod", .cgroup_parent = "/a/../.." };
	const cri_pull_options bad = { CRI_PULL_OPTIONS_INIT, .sandbox = &bad_pod };
	struct builder builder;
	size_t most = 0;
	cri_op *op = NULL;
	char *id = NULL;
	int result;

	snprintf(parent, sizeof(parent), "%s", fixture->cgroup_parent);
	build_image(&builder, fixture->directory, 2, 500);
	push(&builder, pull_url, "charged", "latest", "");
	proxy_rules(&pull_proxy, "GET /blobs/%s slow 500000 1\n", builder.digests[1]);
	expect_code(fixture, CRI_EINVAL,
		    cri_image_pull(fixture->engine, pull_named("charged"), &bad, &id, fixture->call));
	expect_ok(fixture, cri_image_pull_begin(fixture->engine, pull_named("charged"), &options, &op, fixture->call));
	while ((result = cri_op_finish(op, &id, fixture->call)) == CRI_EAGAIN) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };
		size_t n = pull_count_charged(parent, false);

		most = n > most ? n : most;
		assert_true(poll(&ready, 1, 10000) > 0);
	}
	expect_ok(fixture, result);
	cri_op_free(op);
	/* cri-fetch, and a cri-unpack at the least. */
	assert_true(most >= 2);
	assert_int_equal(pull_count_charged(parent, true), 0);
	cri_free(id);
	/* Unchanged: one request over the engine's own connection. */
	proxy_rules(&pull_proxy, "%s", "");
	expect_ok(fixture, cri_image_pull(fixture->engine, pull_named("charged"), &options, &id, fixture->call));
	assert_int_equal(log_count(&pull_proxy, ""), 1);
	pull_remove(fixture, id);
	cri_free(id);
}

/* False: it is run by a script that watches it (tests/watch), and its memory is the watcher's too. */
static bool find_fetch(char helper[static PATH_MAX])
{
	char magic[2] = "";
	FILE *file;

	assert_non_null(realpath(getenv("LIBCRI_HELPER_DIRECTORY"), helper));
	strncat(helper, "/cri-fetch", PATH_MAX - strlen(helper) - 1);
	file = fopen(helper, "re");
	assert_non_null(file);
	assert_int_equal(fread(magic, 1, sizeof(magic), file), sizeof(magic));
	fclose(file);
	return memcmp(magic, "#!", sizeof(magic)) != 0;
}

/* The most that a cri-fetch of this build has had resident, in kilobytes. */
static long most_resident(const char *helper)
{
	long most = 0;
	glob_t found;

	assert_int_equal(glob("/proc/[0-9]*/exe", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char program[PATH_MAX], line[256];
		ssize_t length = readlink(found.gl_pathv[i], program, sizeof(program) - 1);
		FILE *status;

		program[length < 0 ? 0 : length] = '\0';
		if (strcmp(program, helper) != 0)
			continue;
		snprintf(line, sizeof(line), "%.*sstatus", (int)strlen(found.gl_pathv[i]) - 3, found.gl_pathv[i]);
		status = fopen(line, "re");
		while (status && fgets(line, sizeof(line), status))
			if (strncmp(line, "VmHWM:", 6) == 0 && strtol(line + 6, NULL, 10) > most)
				most = strtol(line + 6, NULL, 10);
		if (status)
			fclose(status);
	}
	globfree(&found);
	return most;
}

/* Four layers at once whose zstd windows are as large as a decoder should bear: within 32 MB all the same. */
static void test_memory(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	const size_t size = 10 << 20;
	char helper[PATH_MAX], *bytes, *id;
	uint64_t random = 88172645463325252u;

	if (!find_fetch(helper))
		skip();
	bytes = malloc(size);
	assert_non_null(bytes);
	builder_begin(&builder, fixture->directory);
	for (int i = 0; i < 4; i++) {
		struct tar tar;

		for (size_t j = 0; j < size; j += sizeof(random)) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			memcpy(bytes + j, &random, sizeof(random));
		}
		tar_begin(&tar, builder.directory);
		tar_bytes(&tar, "random", 0644, bytes, size);
		tar_end(&tar);
		builder_layer(&builder, &tar, "zstd -q -1 --long=23 -c");
		assert_int_equal(unlink(tar.path), 0);
	}
	free(bytes);
	builder_manifest(&builder, NULL);
	push(&builder, pull_url, "memory", "latest", "");
	proxy_rules(&pull_proxy, "%s", "");
	id = pull_image(fixture, pull_named("memory"));
	assert_in_range(most_resident(helper), 8 << 10, 32 << 10);
	pull_remove(fixture, id);
	cri_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_charged),
		fixture_test(test_memory),
	};

	return cmocka_run_group_tests(tests, pull_set_up, pull_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 of the helpers of a pull: it fails and says so, and the next one goes on with the layers that are whole. */
#include "registry.h"

#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct server registry, proxy;
static struct builder image;

/* The helper of that name in the cgroup that pulls of these pods have below theirs; 0: none. */
static pid_t find_helper(const struct fixture *fixture, const char *name)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified" };
	pid_t found = 0;

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]) && !found; i++) {
		char pattern[200], line[32], path[64], comm[32];
		glob_t files;

		snprintf(pattern, sizeof(pattern), "%s%s/libcri-pull-*/cgroup.procs", roots[i], fixture->cgroup_parent);
		if (glob(pattern, 0, NULL, &files))
			continue;
		for (size_t j = 0; j < files.gl_pathc; j++) {
			FILE *processes = fopen(files.gl_pathv[j], "re");

			while (processes && fgets(line, sizeof(line), processes)) {
				FILE *file;

				snprintf(path, sizeof(path), "/proc/%d/comm", atoi(line));
				file = fopen(path, "re");
				*comm = '\0';
				if (file && fgets(comm, sizeof(comm), file) && strncmp(comm, name, strlen(name)) == 0)
					found = atoi(line);
				if (file)
					fclose(file);
			}
			if (processes)
				fclose(processes);
		}
		globfree(&files);
	}
	return found;
}

struct seen {
	uint32_t layers;
};

static void watch(const cri_image_progress *progress, void *data)
{
	((struct seen *)data)->layers = progress->layers_done;
}

static int step(cri_op *op, char **id, cri_call *call)
{
	struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };

	assert_true(poll(&ready, 1, 10000) > 0);
	return cri_op_finish(op, id, call);
}

/* Kills one while the second layer is under way and the first is whole. */
static void expect_killed(struct fixture *fixture, const char *helper)
{
	const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "pod",
					 .cgroup_parent = fixture->cgroup_parent };
	struct seen seen = { 0 };
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .sandbox = &pod, .progress = watch,
					   .progress_data = &seen };
	char name[64], *id = NULL;
	pid_t process = 0;
	cri_op *op = NULL;
	int result;

	snprintf(name, sizeof(name), "%s/killed", proxy.host);
	proxy_rules(&proxy, "GET /blobs/%s slow 100000 1\n", image.digests[1]);
	expect_ok(fixture, cri_image_pull_begin(fixture->engine, name, &options, &op, fixture->call));
	while ((result = step(op, &id, fixture->call)) == CRI_EAGAIN && !process)
		if (seen.layers == 1)
			process = find_helper(fixture, helper);
	assert_int_equal(result, CRI_EAGAIN);
	assert_int_equal(kill(process, SIGKILL), 0);
	while ((result = step(op, &id, fixture->call)) == CRI_EAGAIN)
		;
	expect_code(fixture, CRI_EINTERNAL, result);
	assert_non_null(strstr(cri_call_message(fixture->call), "ended"));
	cri_op_free(op);
	assert_null(id);
	assert_int_equal(find_helper(fixture, "cri-"), 0);
	proxy_rules(&proxy, "%s", "");
	expect_ok(fixture, cri_image_pull(fixture->engine, name, &options, &id, fixture->call));
	assert_int_equal(log_count(&proxy, image.digests[0]), 0);
	assert_int_equal(log_count(&proxy, image.digests[1]), 1);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	assert_int_equal(count_layers(fixture), 1);
	cri_free(id);
}

static void test_fetch(void **state)
{
	expect_killed(*state, "cri-fetch");
}

static void test_unpack(void **state)
{
	expect_killed(*state, "cri-unpack");
}

static int set_up(void **state)
{
	struct fixture *fixture;
	char url[64];

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	registry_start(&registry, fixture->directory, "registry", free_port(), "", "");
	proxy_start(&proxy, fixture->directory, "proxy", registry.port);
	snprintf(url, sizeof(url), "http://%s", registry.host);
	build_image(&image, fixture->directory, 2, 300);
	push(&image, url, "killed", "latest", "");
	return 0;
}

static int tear_down(void **state)
{
	server_stop(&proxy);
	server_stop(&registry);
	return fixture_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_fetch),
		fixture_test(test_unpack),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

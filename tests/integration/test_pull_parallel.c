/* SPDX-License-Identifier: Apache-2.0 */
/* How many layers of an image are fetched at once. */
#include "registry.h"

#include <string.h>

#define N_LAYERS 5

static struct server registry, proxy;
static struct builder image;

struct watch {
	int most; /* under way at once */
};

static void watch(const cri_image_progress *progress, void *data)
{
	struct watch *seen = data;
	int requests;

	if (!progress->layers_total)
		return;
	/* The config was the first. */
	requests = log_count(&proxy, "^GET .*/blobs/") - 1;
	if (requests - (int)progress->layers_done > seen->most)
		seen->most = requests - (int)progress->layers_done;
}

static void expect_parallel(struct fixture *fixture, uint32_t option, int expected)
{
	struct watch seen = { 0 };
	const cri_pull_options pull = { CRI_PULL_OPTIONS_INIT, .progress = watch, .progress_data = &seen };
	cri_engine_options options = fixture_options(fixture);
	char name[64], *id = NULL;

	options.max_parallel_layers = option;
	fixture_close(fixture);
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
	snprintf(name, sizeof(name), "%s/parallel", proxy.host);
	proxy_rules(&proxy, "GET /blobs/ slow 15000 99\n");
	expect_ok(fixture, cri_image_pull(fixture->engine, name, &pull, &id, fixture->call));
	assert_int_equal(log_count(&proxy, "^GET .*/blobs/"), N_LAYERS + 1);
	assert_int_equal(seen.most, expected);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

static void test_parallel(void **state)
{
	expect_parallel(*state, 1, 1);
	expect_parallel(*state, 2, 2);
	/* The default, and more than there are. */
	expect_parallel(*state, 0, 4);
	expect_parallel(*state, 100, N_LAYERS);
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
	build_image(&image, fixture->directory, N_LAYERS, 15);
	push(&image, url, "parallel", "latest", "");
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
		fixture_test(test_parallel),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

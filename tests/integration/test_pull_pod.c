/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a pull was for stands in the log, and nothing that is secret. */
#include "registry.h"

#include <string.h>

static struct server registry;
static struct builder image;

/* All lines, each with a newline. */
static void collect(cri_log_level level, const char *message, void *data)
{
	char *lines = data;
	const size_t length = strlen(lines);

	snprintf(lines + length, 8192 - length, "%d %s\n", (int)level, message);
}

static void test_log(void **state)
{
	static char lines[8192];
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "web\n0 forged", .namespace_ = "shop",
					 .uid = "7b1d", .attempt = 3 };
	const cri_auth auth = { CRI_AUTH_INIT, .username = "alice", .password = "secret" };
	const cri_pull_options pull = { CRI_PULL_OPTIONS_INIT, .sandbox = &pod, .auth = &auth };
	char name[64], expected[256], *id = NULL, *line;
	cri_engine *engine = NULL;

	*lines = '\0';
	options.log = collect;
	options.log_data = lines;
	options.log_level = CRI_LOG_DEBUG;
	fixture_close(fixture);
	expect_ok(fixture, cri_engine_open(&options, &engine, fixture->call));
	snprintf(name, sizeof(name), "%s/pod", registry.host);
	for (int i = 0; i < 2; i++) {
		*lines = '\0';
		expect_ok(fixture, cri_image_pull(engine, name, &pull, &id, fixture->call));
		cri_free(id);
		snprintf(expected, sizeof(expected), "2 pulled %s:latest for pod shop/web", name);
		line = strstr(lines, expected);
		assert_non_null(line);
		assert_non_null(strstr(line, "(uid 7b1d, attempt 3)\n"));
		assert_null(strstr(lines, "\n0 forged"));
	}
	expect_ok(fixture, cri_image_remove(engine, name, fixture->call));
	snprintf(name, sizeof(name), "%s/absent", registry.host);
	*lines = '\0';
	id = NULL;
	expect_code(fixture, CRI_ENOTFOUND, cri_image_pull(engine, name, &pull, &id, fixture->call));
	line = strstr(lines, "1 not pulled for pod shop/web");
	assert_non_null(line);
	assert_non_null(strstr(line, "attempt 3)"));
	assert_non_null(strstr(line, "unknown"));
	assert_null(strstr(lines, "alice"));
	assert_null(strstr(lines, "secret"));
	/* For nobody in particular. */
	*lines = '\0';
	snprintf(name, sizeof(name), "%s/pod", registry.host);
	expect_ok(fixture, cri_image_pull(engine, name, NULL, &id, fixture->call));
	cri_free(id);
	assert_null(strstr(lines, " pod "));
	expect_ok(fixture, cri_image_remove(engine, name, fixture->call));
	cri_engine_close(engine);
	fixture_open(fixture);
}

static int set_up(void **state)
{
	struct fixture *fixture;
	char url[64];

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	registry_start(&registry, fixture->directory, "registry", free_port(), "", "");
	snprintf(url, sizeof(url), "http://%s", registry.host);
	build_image(&image, fixture->directory, 1, 10);
	push(&image, url, "pod", "latest", "");
	return 0;
}

static int tear_down(void **state)
{
	server_stop(&registry);
	return fixture_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_log),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

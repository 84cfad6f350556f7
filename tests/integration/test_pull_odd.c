/* SPDX-License-Identifier: Apache-2.0 */
/* Registries and token servers that do what they may, and what they may not, as no docker-registry does. */
#include "registry.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static struct server odd, plain, secure;
static struct builder image;
static char ca[200];

static void forget_log(const struct server *server)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/log", server->directory);
	unlink(path);
}

/* Pulls a repository whose name says what is odd, and removes the image. */
static void expect_pull_as(struct fixture *fixture, const struct server *server, const char *oddities,
			   const cri_auth *auth, int expected, const char *part)
{
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .auth = auth };
	char text[128], *id = NULL;
	int result;

	snprintf(text, sizeof(text), "%s/%s", server->host, oddities);
	forget_log(&odd);
	forget_log(&plain);
	forget_log(&secure);
	result = cri_image_pull(fixture->engine, text, &options, &id, fixture->call);
	fixture_expect(fixture->call, expected, result, oddities, __FILE__, __LINE__);
	if (result == 0) {
		expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
		cri_free(id);
	} else if (!strstr(cri_call_message(fixture->call), part)) {
		fail_msg("%s: \"%s\" lacks \"%s\"", oddities, cri_call_message(fixture->call), part);
	}
	assert_int_equal(count_layers(fixture), 1);
}

static void expect_pull(struct fixture *fixture, const char *oddities, int expected, const char *part)
{
	expect_pull_as(fixture, &odd, oddities, NULL, expected, part);
}

static void test_no_head(void **state)
{
	struct fixture *fixture = *state;
	char text[64], *id = NULL;

	snprintf(text, sizeof(text), "%s/nohead", odd.host);
	for (int i = 0; i < 2; i++) {
		forget_log(&odd);
		expect_ok(fixture, cri_image_pull(fixture->engine, text, NULL, &id, fixture->call));
		cri_free(id);
	}
	assert_int_equal(log_count(&odd, "^HEAD .* 405 "), 1);
	assert_int_equal(log_count(&odd, "^GET .*/manifests/latest 200"), 1);
	expect_ok(fixture, cri_image_remove(fixture->engine, text, fixture->call));
}

/* A date says when to come again: by the registry's clock, of which it tells as well. */
static void test_date(void **state)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	expect_pull(*state, "busy-2", 0, "");
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(log_count(&odd, " 429 "), 2);
	/* The config's, then the layer's. Not sooner than was asked for. */
	assert_true(end.tv_sec - begin.tv_sec >= 3);
}

/* What breaks off is gone on with, or begun anew where ranges are not what was asked for. */
static void test_ranges(void **state)
{
	expect_pull(*state, "cut-1000", 0, "");
	assert_int_equal(log_count(&odd, "206 bytes=1000-"), 1);
	expect_pull(*state, "cut-1000/shifted", 0, "");
	assert_int_equal(log_count(&odd, "206 bytes=1000-"), 1);
	expect_pull(*state, "cut-1000/unsaid", 0, "");
	assert_int_equal(log_count(&odd, "206 bytes=1000-"), 1);
	expect_pull(*state, "cut-1000/unsatisfied", 0, "");
	assert_int_equal(log_count(&odd, "416 bytes=1000-"), 1);
	/* All of it came, and then an error: there is no range after the end. */
	expect_pull(*state, "chunked", 0, "");
	assert_int_equal(log_count(&odd, " 416 "), 2);
}

/* Redirects to another port or another scheme are redirects to another server. */
static void test_redirects(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	const cri_registry_options trusted = { CRI_REGISTRY_OPTIONS_INIT, .host = plain.host, .ca_file = ca,
					       .plain_http = true };
	const cri_registry_options https = { CRI_REGISTRY_OPTIONS_INIT, .host = secure.host, .ca_file = ca };
	const cri_registry_options *list[] = { &trusted, &https };
	const cri_auth auth = { CRI_AUTH_INIT, .username = "alice", .password = "secret" };
	char text[64];

	options.registries = list;
	options.n_registries = 2;
	fixture_close(fixture);
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
	snprintf(text, sizeof(text), "bearer-x/moved-https-%d", secure.port);
	expect_pull_as(fixture, &secure, text, &auth, 0, "");
	/* To itself: nobody sees what was not meant for it. */
	assert_int_equal(log_count(&secure, "/there/blobs/.* 200 - Bearer"), 2);
	/* From TLS to plain text: not at all. */
	snprintf(text, sizeof(text), "bearer-x/moved-http-%d", odd.port);
	expect_pull_as(fixture, &secure, text, &auth, CRI_EREGISTRY, "");
	assert_int_equal(log_count(&odd, ""), 0);
	snprintf(text, sizeof(text), "bearer-x/moved-https-%d", secure.port);
	expect_pull_as(fixture, &plain, text, &auth, 0, "");
	assert_int_equal(log_count(&plain, "/blobs/.* 307 - Bearer"), 2);
	assert_int_equal(log_count(&secure, "/there/blobs/.* 200 - -"), 2);
	fixture_close(fixture);
	fixture_open(fixture);
	/* To another port. */
	snprintf(text, sizeof(text), "bearer-x/moved-http-%d", odd.port);
	expect_pull_as(fixture, &plain, text, &auth, 0, "");
	assert_int_equal(log_count(&odd, "/there/blobs/.* 200 - -"), 2);
	/* To a certificate that nobody vouches for. */
	snprintf(text, sizeof(text), "bearer-y/moved-https-%d", secure.port);
	expect_pull_as(fixture, &odd, text, &auth, CRI_EREGISTRY, "certificate");
	assert_int_equal(log_count(&secure, ""), 0);
}

static void test_challenges(void **state)
{
	static const char *const forms[] = { "several", "headers", "token68", "lower", "query" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "bearer-%s", forms[i]);
		expect_pull(*state, text, 0, "");
		assert_int_equal(log_count(&odd, "/token/.*[?&]service=odd%2C%20%22quoted%22&scope=repository%3A"), 1);
	}
}

static void test_tokens(void **state)
{
	static const struct {
		const char *oddities;
		int code;
		const char *text;
	} cases[] = {
		{ "bearer-x/token-access", 0, "" },
		{ "bearer-x/token-both", 0, "" },
		{ "bearer-x/token-short", 0, "" },
		{ "bearer-x/token-zero", 0, "" },
		{ "bearer-x/token-string", 0, "" },
		{ "bearer-x/token-null", 0, "" },
		{ "bearer-x/token-text", CRI_EREGISTRY, "no JSON" },
		{ "bearer-x/token-none", CRI_EREGISTRY, "no token" },
		{ "bearer-x/token-break", CRI_EREGISTRY, "no token" },
		{ "bearer-x/token-huge", CRI_ECORRUPT, "too large" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect_pull(*state, cases[i].oddities, cases[i].code, cases[i].text);
		assert_int_equal(log_count(&odd, "GET /token/"), 1);
	}
}

/* One that ends in the middle is replaced; one that is never good is not asked for without end. */
static void test_ended_tokens(void **state)
{
	expect_pull(*state, "bearer-x/uses-1", 0, "");
	assert_int_equal(log_count(&odd, "GET /token/"), 3);
	expect_pull(*state, "bearer-x/uses-2", 0, "");
	assert_int_equal(log_count(&odd, "GET /token/"), 2);
	/* While a layer goes on where it broke off. */
	expect_pull(*state, "bearer-x/uses-4/cut-1000", 0, "");
	assert_int_equal(log_count(&odd, " 206 bytes=1000- Bearer"), 1);
	expect_pull(*state, "bearer-x/uses-0", CRI_EPERM, "401");
	assert_in_range(log_count(&odd, "GET /token/"), 1, 3);
}

static int set_up(void **state)
{
	struct fixture *fixture;
	char certificates[160];

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	make_certificates(fixture->directory, certificates);
	snprintf(ca, sizeof(ca), "%s/ca.crt", certificates);
	build_image(&image, fixture->directory, 1, 100);
	builder_index(&image, NULL);
	odd_registry_start(&odd, fixture->directory, "odd", image.directory, "");
	odd_registry_start(&plain, fixture->directory, "plain", image.directory, "");
	odd_registry_start(&secure, fixture->directory, "secure", image.directory, certificates);
	return 0;
}

static int tear_down(void **state)
{
	server_stop(&secure);
	server_stop(&plain);
	server_stop(&odd);
	return fixture_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_no_head),      fixture_test(test_date),       fixture_test(test_ranges),
		fixture_test(test_redirects),    fixture_test(test_challenges), fixture_test(test_tokens),
		fixture_test(test_ended_tokens),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Who may pull, how that is shown to whom, and how a registry is reached. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOGIN "alice:secret"
#define LOGIN_BASE64 "YWxpY2U6c2VjcmV0"

static struct server basic, tls, bearer, tokens, open_registry, basic_proxy, mirror, elsewhere;
static char certificates[160];
static struct builder image;

static void expect_pull(struct fixture *fixture, const struct server *server, const char *repository,
			const cri_auth *auth, int expected)
{
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .auth = auth };
	char text[128], *id = NULL;
	int result;

	snprintf(text, sizeof(text), "%s/%s", server->host, repository);
	result = cri_image_pull(fixture->engine, text, &options, &id, fixture->call);
	fixture_expect(fixture->call, expected, result, text, __FILE__, __LINE__);
	if (result < 0) {
		assert_null(strstr(cri_call_message(fixture->call), "secret"));
		return;
	}
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

/* An engine with registry options instead of the fixture's; those of each test are its own. */
static void reopen(struct fixture *fixture, const cri_engine_options *more)
{
	cri_engine_options options = fixture_options(fixture);

	fixture_close(fixture);
	options.registries = more->registries;
	options.n_registries = more->n_registries;
	options.insecure_registries = more->insecure_registries;
	options.n_insecure_registries = more->n_insecure_registries;
	options.registry_mirrors = more->registry_mirrors;
	options.n_registry_mirrors = more->n_registry_mirrors;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
}

/* --- htpasswd --- */

static void test_basic(void **state)
{
	char address[64];
	const cri_auth right = { CRI_AUTH_INIT, .username = "alice", .password = "secret" };
	const cri_auth encoded = { CRI_AUTH_INIT, .auth = LOGIN_BASE64 };
	const cri_auth wrong = { CRI_AUTH_INIT, .username = "alice", .password = "secretive" };
	const cri_auth stranger = { CRI_AUTH_INIT, .username = "bob", .password = "secret" };
	const cri_auth no_base64 = { CRI_AUTH_INIT, .auth = "!!!!" };
	const cri_auth no_colon = { CRI_AUTH_INIT, .auth = "YWxpY2U=" };
	const cri_auth addressed = { CRI_AUTH_INIT, .auth = LOGIN_BASE64, .server_address = address };
	const cri_auth other = { CRI_AUTH_INIT, .auth = LOGIN_BASE64, .server_address = "registry.example.org" };

	snprintf(address, sizeof(address), "http://%s/v1/", basic.host);
	expect_pull(*state, &basic, "image", NULL, CRI_EPERM);
	expect_pull(*state, &basic, "image", &wrong, CRI_EPERM);
	expect_pull(*state, &basic, "image", &stranger, CRI_EPERM);
	expect_pull(*state, &basic, "image", &right, 0);
	expect_pull(*state, &basic, "image", &encoded, 0);
	/* What was right for one is not lent to another. */
	expect_pull(*state, &basic, "image", &wrong, CRI_EPERM);
	expect_pull(*state, &basic, "image", NULL, CRI_EPERM);
	expect_pull(*state, &basic, "image", &no_base64, CRI_EINVAL);
	expect_pull(*state, &basic, "image", &no_colon, CRI_EINVAL);
	expect_pull(*state, &basic, "image", &addressed, 0);
	expect_pull(*state, &basic, "image", &other, CRI_EPERM);
}

/* Blobs on another host, as cloud registries have them, get no Authorization. */
static void test_redirect_keeps_secrets(void **state)
{
	const cri_auth auth = { CRI_AUTH_INIT, .auth = LOGIN_BASE64 };

	proxy_rules(&basic_proxy, "GET /blobs/ redirect http://%s 9\n", elsewhere.host);
	proxy_rules(&elsewhere, "%s", "");
	expect_pull(*state, &basic_proxy, "image", &auth, 0);
	assert_true(log_count(&basic_proxy, "blobs/.* redirect .* authorized") >= 2);
	assert_int_equal(log_count(&elsewhere, "blobs/.* 200 - -"), 2);
	assert_int_equal(log_count(&elsewhere, "authorized"), 0);
}

/* An unchanged image behind a password is one request as well, once it is known what the registry wants. */
static void test_warm(void **state)
{
	struct fixture *fixture = *state;
	const cri_auth auth = { CRI_AUTH_INIT, .auth = LOGIN_BASE64 };
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .auth = &auth };
	char text[128], *id = NULL;

	snprintf(text, sizeof(text), "%s/image", basic_proxy.host);
	for (int i = 0; i < 2; i++) {
		proxy_rules(&basic_proxy, "%s", "");
		expect_ok(fixture, cri_image_pull(fixture->engine, text, &options, &id, fixture->call));
		cri_free(id);
	}
	assert_int_equal(log_count(&basic_proxy, ""), 1);
	assert_int_equal(log_count(&basic_proxy, "^HEAD .* 200 - authorized"), 1);
	expect_ok(fixture, cri_image_remove(fixture->engine, text, fixture->call));
}

/* The credentials are in the memory of the helper, and nowhere where others look. */
static void test_no_secret_is_left(void **state)
{
	struct fixture *fixture = *state;
	const cri_auth auth = { CRI_AUTH_INIT, .username = "alice", .password = "secret" };
	char command[512];

	expect_pull(fixture, &basic, "image", &auth, 0);
	snprintf(command, sizeof(command),
		 "p=$(pgrep -n -x cri-fetch) && ! grep -qs -e 'alice:' -e secret -e %s /proc/$p/cmdline "
		 "/proc/$p/environ && "
		 "! grep -rqs -e %s -e alice '%s'",
		 LOGIN_BASE64, LOGIN_BASE64, fixture->root);
	assert_int_equal(system(command), 0);
}

/* --- tokens --- */

static void test_tokens(void **state)
{
	const cri_auth password = { CRI_AUTH_INIT, .username = "alice", .password = "secret" };
	const cri_auth wrong = { CRI_AUTH_INIT, .username = "alice", .password = "secretive" };
	const cri_auth identity = { CRI_AUTH_INIT, .identity_token = "refresh-me" };
	const cri_auth old = { CRI_AUTH_INIT, .identity_token = "refresh-me-not" };
	const cri_auth broken = { CRI_AUTH_INIT, .registry_token = "a\r\nHost: b" };
	const cri_auth none = { CRI_AUTH_INIT, .registry_token = "not.a.token" };

	expect_pull(*state, &bearer, "public/image", NULL, 0);
	/* One token for a manifest, a config and layers that come at once. */
	assert_int_equal(log_count(&tokens, "^GET anonymous repository:public/image:pull$"), 1);
	expect_pull(*state, &bearer, "public/image", NULL, 0);
	assert_int_equal(log_count(&tokens, "public/image"), 1);
	expect_pull(*state, &bearer, "private/image", NULL, CRI_EPERM);
	expect_pull(*state, &bearer, "private/image", &wrong, CRI_EPERM);
	expect_pull(*state, &bearer, "private/image", &old, CRI_EPERM);
	expect_pull(*state, &bearer, "private/image", &none, CRI_EPERM);
	expect_pull(*state, &bearer, "private/image", &broken, CRI_EINVAL);
	assert_int_equal(log_count(&tokens, "^GET alice"), 0);
	expect_pull(*state, &bearer, "private/image", &password, 0);
	assert_int_equal(log_count(&tokens, "^GET alice repository:private/image:pull$"), 1);
	expect_pull(*state, &bearer, "private/image", &identity, 0);
	assert_int_equal(log_count(&tokens, "^POST alice repository:private/image:pull$"), 1);
}

static void test_registry_token(void **state)
{
	struct fixture *fixture = *state;
	static char token[8192];
	char command[512];
	const cri_auth auth = { CRI_AUTH_INIT, .registry_token = token };
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "curl -s -u %s 'http://%s/token?service=tests&scope=repository:private/image:pull' | "
		 "sed 's/.*\"token\": \"\\([^\"]*\\)\".*/\\1/'",
		 LOGIN, tokens.host);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	assert_non_null(fgets(token, sizeof(token), pipe));
	pclose(pipe);
	expect_pull(fixture, &bearer, "private/image", &auth, 0);
}

static void test_token_server_down(void **state)
{
	const int port = tokens.port;

	server_stop(&tokens);
	expect_pull(*state, &bearer, "public/other", NULL, CRI_EREGISTRY);
	token_server_start(&tokens, ((struct fixture *)*state)->directory, port);
}

/* --- TLS --- */

static void test_tls(void **state)
{
	struct fixture *fixture = *state;
	char ca[200], certificate[200], key[200];
	cri_registry_options tls_options = { CRI_REGISTRY_OPTIONS_INIT, .host = tls.host };
	const cri_registry_options *list[] = { &tls_options };
	const cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .registries = list, .n_registries = 1 };

	snprintf(ca, sizeof(ca), "%s/ca.crt", certificates);
	snprintf(certificate, sizeof(certificate), "%s/client.crt", certificates);
	snprintf(key, sizeof(key), "%s/client.key", certificates);
	tls_options.certificate_file = certificate;
	tls_options.key_file = key;
	reopen(fixture, &options);
	expect_pull(fixture, &tls, "image", NULL, CRI_EREGISTRY);
	assert_non_null(strstr(cri_call_message(fixture->call), "certificate"));
	tls_options.ca_file = ca;
	reopen(fixture, &options);
	expect_pull(fixture, &tls, "image", NULL, 0);
	tls_options.ca_file = NULL;
	tls_options.skip_verify = true;
	reopen(fixture, &options);
	expect_pull(fixture, &tls, "image", NULL, 0);
	/* Nobody without the client's certificate gets in. */
	tls_options.certificate_file = tls_options.key_file = NULL;
	reopen(fixture, &options);
	expect_pull(fixture, &tls, "image", NULL, CRI_EREGISTRY);
	tls_options.plain_http = true;
	reopen(fixture, &options);
	expect_pull(fixture, &tls, "image", NULL, CRI_EREGISTRY);
	fixture_close(fixture);
}

/* 0.0.0.0 leads to this machine and is no loopback address: not without TLS, unless it is listed. */
static void test_insecure(void **state)
{
	static const char *const malformed[] = { "ftp://mirror", "http://user:password@mirror", "" };
	struct fixture *fixture = *state;
	char text[64], *id = NULL;
	const char *entries[1] = { "0.0.0.0/8" };
	const char *mirrors[1];
	cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .insecure_registries = entries,
				       .n_insecure_registries = 1 };

	snprintf(text, sizeof(text), "0.0.0.0:%d/image", open_registry.port);
	fixture_close(fixture);
	fixture_open(fixture);
	expect_code(fixture, CRI_EREGISTRY, cri_image_pull(fixture->engine, text, NULL, &id, fixture->call));
	reopen(fixture, &options);
	expect_ok(fixture, cri_image_pull(fixture->engine, text, NULL, &id, fixture->call));
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
	options = (cri_engine_options){ CRI_ENGINE_OPTIONS_INIT, .registry_mirrors = mirrors, .n_registry_mirrors = 1 };
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		cri_engine_options whole = fixture_options(fixture);
		cri_engine *engine = NULL;

		mirrors[0] = malformed[i];
		whole.registry_mirrors = options.registry_mirrors;
		whole.n_registry_mirrors = options.n_registry_mirrors;
		fixture_expect(fixture->call, CRI_EINVAL, cri_engine_open(&whole, &engine, fixture->call), malformed[i],
			       __FILE__, __LINE__);
		fixture_expect(fixture->call, CRI_EINVAL, cri_engine_reload(fixture->engine, &whole, fixture->call),
			       malformed[i], __FILE__, __LINE__);
	}
	/* What was refused changed nothing. */
	expect_ok(fixture, cri_image_pull(fixture->engine, text, NULL, &id, fixture->call));
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
	fixture_close(fixture);
}

/* New settings are for the next pull, and the connection that was made by the old ones is not used for it. */
static void test_reload(void **state)
{
	struct fixture *fixture = *state;
	char ca[200], certificate[200], key[200];
	cri_registry_options tls_options = { CRI_REGISTRY_OPTIONS_INIT, .host = tls.host };
	const cri_registry_options *list[] = { &tls_options };
	cri_engine_options options;

	snprintf(ca, sizeof(ca), "%s/ca.crt", certificates);
	snprintf(certificate, sizeof(certificate), "%s/client.crt", certificates);
	snprintf(key, sizeof(key), "%s/client.key", certificates);
	fixture_close(fixture);
	fixture_open(fixture);
	options = fixture_options(fixture);
	options.registries = list;
	options.n_registries = 1;
	tls_options.ca_file = ca;
	tls_options.certificate_file = certificate;
	tls_options.key_file = key;
	expect_ok(fixture, cri_engine_reload(fixture->engine, &options, fixture->call));
	expect_pull(fixture, &tls, "image", NULL, 0);
	tls_options.ca_file = NULL;
	/* The engine has a copy of its own. */
	expect_pull(fixture, &tls, "image", NULL, 0);
	expect_ok(fixture, cri_engine_reload(fixture->engine, &options, fixture->call));
	expect_pull(fixture, &tls, "image", NULL, CRI_EREGISTRY);
	options = fixture_options(fixture);
	expect_ok(fixture, cri_engine_reload(fixture->engine, &options, fixture->call));
	expect_pull(fixture, &tls, "image", NULL, CRI_EREGISTRY);
	fixture_close(fixture);
}

/* --- mirrors --- */

static void test_mirrors(void **state)
{
	struct fixture *fixture = *state;
	const cri_auth auth = { CRI_AUTH_INIT, .auth = LOGIN_BASE64 };
	char down[64], first[64];
	const char *mirrors[2] = { down, first };
	const cri_registry_options registry = { CRI_REGISTRY_OPTIONS_INIT, .host = basic.host, .mirrors = mirrors,
						.n_mirrors = 2 };
	const cri_registry_options *list[] = { &registry };
	const cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .registries = list, .n_registries = 1 };

	snprintf(down, sizeof(down), "http://127.0.0.1:%d", free_port());
	snprintf(first, sizeof(first), "http://%s", mirror.host);
	reopen(fixture, &options);
	/* The mirror has it: the registry itself, which wants a password, is not asked; nor does the mirror see one. */
	proxy_rules(&mirror, "%s", "");
	expect_pull(fixture, &basic, "image", &auth, 0);
	assert_int_equal(log_count(&mirror, "GET .*/blobs/.* 200"), 2);
	assert_int_equal(log_count(&mirror, "authorized"), 0);
	expect_pull(fixture, &basic, "image", NULL, 0);
	/* It lacks it, is ill, or has lost a blob: the registry has the last word. */
	proxy_rules(&mirror, "GET /manifests/ status 404 9\n");
	expect_pull(fixture, &basic, "image", &auth, 0);
	proxy_rules(&mirror, "GET /manifests/ status 500 9\n");
	expect_pull(fixture, &basic, "image", &auth, 0);
	proxy_rules(&mirror, "GET /blobs/ status 404 9\n");
	expect_pull(fixture, &basic, "image", &auth, 0);
	proxy_rules(&mirror, "GET /blobs/%s cut 1000 9\n", image.digests[0]);
	expect_pull(fixture, &basic, "image", &auth, 0);
	proxy_rules(&mirror, "GET /manifests/ status 401 9\n");
	expect_pull(fixture, &basic, "image", NULL, CRI_EPERM);
	fixture_close(fixture);
}

/* Docker Hub by its mirrors only, as on a machine that reaches no other. */
static void test_hub_mirror(void **state)
{
	struct fixture *fixture = *state;
	const char *mirrors[1] = { mirror.host };
	const cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .registry_mirrors = mirrors,
					     .n_registry_mirrors = 1 };
	char *id = NULL;
	cri_list *list = NULL;

	reopen(fixture, &options);
	proxy_rules(&mirror, "%s", "");
	expect_ok(fixture, cri_image_pull(fixture->engine, "hub", NULL, &id, fixture->call));
	assert_int_equal(log_count(&mirror, "GET /v2/library/hub/manifests/latest 200"), 1);
	expect_ok(fixture, cri_image_status(fixture->engine, "docker.io/library/hub:latest", &list, fixture->call));
	cri_list_free(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
	fixture_close(fixture);
}

/* A proxy of the environment is used, but for what is on this machine. */
static void test_environment(void **state)
{
	struct fixture *fixture = *state;
	char text[64], *id = NULL;

	snprintf(text, sizeof(text), "http://%s", mirror.host);
	assert_int_equal(setenv("http_proxy", text, 1), 0);
	proxy_rules(&mirror, "%s", "");
	expect_pull(fixture, &open_registry, "image", NULL, 0);
	assert_int_equal(log_count(&mirror, ""), 0);
	{
		const char *entries[1] = { "registry.invalid" };
		const cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .insecure_registries = entries,
						     .n_insecure_registries = 1 };

		/* The name does not exist: only the proxy can have answered. */
		reopen(fixture, &options);
		proxy_rules(&mirror, "* /manifests/ status 403 9\n");
		expect_code(fixture, CRI_EPERM,
			    cri_image_pull(fixture->engine, "registry.invalid/image", NULL, &id, fixture->call));
		assert_true(log_count(&mirror, "http://registry.invalid/v2/image/manifests/latest 403") > 0);
		assert_int_equal(setenv("no_proxy", "registry.invalid", 1), 0);
		expect_code(fixture, CRI_EREGISTRY,
			    cri_image_pull(fixture->engine, "registry.invalid/image", NULL, &id, fixture->call));
	}
	unsetenv("http_proxy");
	unsetenv("no_proxy");
	fixture_close(fixture);
}

static void start_registries(const char *directory)
{
	char http[1024], auth[1024];
	const int port = free_port(), token_port = free_port();

	registry_start(&open_registry, directory, "open", free_port(), "", "");
	shell("htpasswd -Bbn alice secret >'%s/htpasswd' 2>/dev/null", directory);
	snprintf(auth, sizeof(auth), "  htpasswd:\n    realm: tests\n    path: %s/htpasswd\n", directory);
	registry_start(&basic, directory, "basic", free_port(), "", auth);
	snprintf(http, sizeof(http),
		 "  tls:\n    certificate: %s/server.crt\n    key: %s/server.key\n    clientcas:\n      - %s/ca.crt\n",
		 certificates, certificates, certificates);
	/* Filled without TLS, since who pushes would need the certificate too. */
	registry_start(&tls, directory, "tls", port, "", "");
	snprintf(auth, sizeof(auth), "http://%s", tls.host);
	push(&image, auth, "image", "latest", "");
	server_stop(&tls);
	registry_start(&tls, directory, "tls", port, http, "");
	registry_start(&bearer, directory, "bearer", free_port(), "", "");
	snprintf(auth, sizeof(auth), "http://%s", bearer.host);
	push(&image, auth, "public/image", "latest", "");
	push(&image, auth, "private/image", "latest", "");
	server_stop(&bearer);
	token_server_start(&tokens, directory, token_port);
	snprintf(auth, sizeof(auth),
		 "  token:\n    realm: http://%s/token\n    service: tests\n    issuer: tests\n"
		 "    rootcertbundle: %s/token.crt\n",
		 tokens.host, tokens.directory);
	registry_start(&bearer, directory, "bearer", bearer.port, "", auth);
}

static int set_up(void **state)
{
	struct fixture *fixture;
	char url[64];

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	build_image(&image, fixture->directory, 1, 100);
	make_certificates(fixture->directory, certificates);
	start_registries(fixture->directory);
	proxy_start(&basic_proxy, fixture->directory, "proxy", basic.port);
	proxy_start(&mirror, fixture->directory, "mirror", open_registry.port);
	proxy_start(&elsewhere, fixture->directory, "elsewhere", open_registry.port);
	snprintf(url, sizeof(url), "http://%s", open_registry.host);
	push(&image, url, "image", "latest", "");
	push(&image, url, "library/hub", "latest", "");
	snprintf(url, sizeof(url), "http://%s", basic.host);
	push(&image, url, "image", "latest", LOGIN);
	return 0;
}

static int tear_down(void **state)
{
	struct server *const servers[] = { &basic,         &tls,         &bearer, &tokens,
					   &open_registry, &basic_proxy, &mirror, &elsewhere };

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		server_stop(servers[i]);
	return fixture_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_basic),
		fixture_test(test_redirect_keeps_secrets),
		fixture_test(test_warm),
		fixture_test(test_no_secret_is_left),
		fixture_test(test_tokens),
		fixture_test(test_registry_token),
		fixture_test(test_token_server_down),
		fixture_test(test_tls),
		fixture_test(test_insecure),
		fixture_test(test_reload),
		fixture_test(test_mirrors),
		fixture_test(test_hub_mirror),
		fixture_test(test_environment),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

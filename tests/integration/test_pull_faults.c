/* SPDX-License-Identifier: Apache-2.0 */
/* Registries that stall, break off, lie, or send elsewhere; and images that are none. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct server registry, proxy, elsewhere;
static struct builder image;

static const char *name(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/faulty", proxy.host);
	return text;
}

static int64_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void expect_pull(struct fixture *fixture, int expected, const char *part)
{
	char *id = NULL;
	int result = cri_image_pull(fixture->engine, name(), NULL, &id, fixture->call);

	fixture_expect(fixture->call, expected, result, part, __FILE__, __LINE__);
	if (result == 0) {
		expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
		cri_free(id);
		return;
	}
	if (!strstr(cri_call_message(fixture->call), part))
		fail_msg("\"%s\" lacks \"%s\"", cri_call_message(fixture->call), part);
	/* The deadline was the pull's. */
	cri_call_reset(fixture->call);
	/* What was whole is kept for the next attempt until an image is removed; nothing else is left. */
	expect_ok(fixture, cri_image_remove(fixture->engine, "none", fixture->call));
	fixture_close(fixture);
	fixture_open(fixture);
	assert_int_equal(count_layers(fixture), 1);
}

/* A transfer that breaks is gone on with where it broke, however often. */
static void test_cut_and_resumed(void **state)
{
	proxy_rules(&proxy, "GET /blobs/%s cut 100000 3\nGET /blobs/%s cut 0 2\n", image.digests[0], image.digests[1]);
	expect_pull(*state, 0, "cut");
	assert_int_equal(log_count(&proxy, "cut bytes=100000-"), 1);
	assert_int_equal(log_count(&proxy, "cut bytes=200000-"), 1);
	assert_int_equal(log_count(&proxy, "206 bytes=300000-"), 1);
	/* A registry that knows no ranges begins anew, and what is there is skipped. */
	proxy_rules(&proxy, "GET /blobs/%s cut 100000 1\nGET /blobs/%s norange - 9\n", image.digests[0],
		    image.digests[0]);
	expect_pull(*state, 0, "norange");
	assert_int_equal(log_count(&proxy, "200/norange bytes=100000-"), 1);
}

static void test_always_cut(void **state)
{
	proxy_rules(&proxy, "GET /blobs/%s cut 1000 99\n", image.digests[0]);
	expect_pull(*state, CRI_EREGISTRY, "layer");
}

static void test_busy(void **state)
{
	const int64_t begin = seconds();

	proxy_rules(&proxy, "GET /blobs/%s status 429:2 1\nGET /blobs/%s status 503 2\nGET /manifests/ status 500 1\n",
		    image.digests[0], image.digests[1]);
	expect_pull(*state, 0, "busy");
	/* As long as it asked for. */
	assert_true(seconds() - begin >= 1);
	assert_int_equal(log_count(&proxy, " 429 "), 1);
	assert_int_equal(log_count(&proxy, " 503 "), 2);
	proxy_rules(&proxy, "* /manifests/ status 503 99\n");
	expect_pull(*state, CRI_EREGISTRY, "as told??[31m (status 503)");
}

static void test_refused(void **state)
{
	proxy_rules(&proxy, "GET /manifests/ status 403 9\n");
	expect_pull(*state, CRI_EPERM, "status 403");
	proxy_rules(&proxy, "GET /manifests/ status 401 9\n");
	expect_pull(*state, CRI_EPERM, "status 401");
	proxy_rules(&proxy, "GET /blobs/%s status 404 9\n", image.digests[1]);
	expect_pull(*state, CRI_ENOTFOUND, "status 404");
	assert_int_equal(log_count(&proxy, " 404 "), 1);
}

static void test_silence(void **state)
{
	struct fixture *fixture = *state;
	const int64_t begin = seconds();

	/* The deadline is in force at every point. */
	proxy_rules(&proxy, "GET /blobs/%s stall 5000 9\n", image.digests[0]);
	cri_call_set_timeout(fixture->call, 1000);
	expect_pull(fixture, CRI_ETIMEDOUT, "deadline");
	assert_true(seconds() - begin <= 5);
	/* Without one, silence ends an attempt and the next goes on. */
	proxy_rules(&proxy, "GET /blobs/%s stall 5000 1\n", image.digests[0]);
	expect_pull(fixture, 0, "silence");
	assert_int_equal(log_count(&proxy, "206 bytes=5000-"), 1);
	assert_true(seconds() - begin <= 30);
}

static void test_lies(void **state)
{
	static const char wrong[] = "sha256:0123456789012345678901234567890123456789012345678901234567890123";

	proxy_rules(&proxy, "GET /blobs/%s corrupt 20000 9\n", image.digests[0]);
	expect_pull(*state, CRI_ECORRUPT, "");
	proxy_rules(&proxy, "GET /blobs/%s longer 10 9\n", image.digests[1]);
	expect_pull(*state, CRI_EREGISTRY, "");
	proxy_rules(&proxy, "GET /manifests/ corrupt 20 9\n");
	expect_pull(*state, CRI_ECORRUPT, "digest");
	proxy_rules(&proxy, "GET /manifests/ digest %s 9\n", wrong);
	expect_pull(*state, CRI_ECORRUPT, wrong);
	/* Who gives none is believed by what the bytes are. */
	proxy_rules(&proxy, "* /manifests/ nodigest - 9\n");
	expect_pull(*state, 0, "no digest");
	proxy_rules(&proxy, "GET /manifests/ type text/html 9\n");
	expect_pull(*state, 0, "the document says what it is, by what it has");
}

static void test_redirects(void **state)
{
	proxy_rules(&proxy, "GET /blobs/ redirect http://%s 9\n", elsewhere.host);
	proxy_rules(&elsewhere, "%s", "");
	expect_pull(*state, 0, "redirect");
	assert_int_equal(log_count(&elsewhere, "GET .*/blobs/.* 200"), 3);
	proxy_rules(&proxy, "GET /blobs/ redirect http://%s 9\nGET /blobs/ redirect http://%s 99\n", proxy.host,
		    proxy.host);
	expect_pull(*state, CRI_EREGISTRY, "redirect");
	proxy_rules(&proxy, "GET /blobs/ redirect ftp://%s 9\n", elsewhere.host);
	expect_pull(*state, CRI_EREGISTRY, "");
	proxy_rules(&proxy, "GET /blobs/ redirect file:///etc/passwd 9\n");
	expect_pull(*state, CRI_EREGISTRY, "");
}

/* --- documents --- */

static void expect_document(struct fixture *fixture, const char *text, int expected, const char *part)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/document", proxy.directory);
	if (text)
		write_text(path, text);
	proxy_rules(&proxy, "GET /manifests/ body %s 1\n", path);
	expect_pull(fixture, expected, part);
}

/* {"schemaVersion":2,"manifests":[{…},{…},…]}, bytes in all: no reader may keep it. */
static void write_large(const char *begin, const char *repeated, size_t times, const char *end)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/document", proxy.directory);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(begin, file);
	for (size_t i = 0; i < times; i++)
		fputs(repeated, file);
	fputs(end, file);
	assert_int_equal(fclose(file), 0);
}

static void test_documents(void **state)
{
	static const char config[] = "\"digest\":\"sha256:"
				     "0123456789012345678901234567890123456789012345678901234567890123\",\"size\":10}";
	char text[1024];

	expect_document(*state, "", CRI_ECORRUPT, "");
	expect_document(*state, "no JSON", CRI_ECORRUPT, "");
	expect_document(*state, "{}", CRI_ECORRUPT, "no config");
	expect_document(*state, "{\"schemaVersion\":1,\"fsLayers\":[]}", CRI_ENOTSUP, "schemaVersion");
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.cncf.helm.config.v1+json\",%s,"
		 "\"layers\":[]}",
		 config);
	expect_document(*state, text, CRI_ENOTSUP, "artifact");
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",%s,"
		 "\"layers\":[{\"mediaType\":\"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\",%s]}",
		 config, config);
	expect_document(*state, text, CRI_ENOTSUP, "foreign");
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",%s,"
		 "\"layers\":[]}",
		 config);
	expect_document(*state, text, CRI_ENOTFOUND, "blob");
	write_large("{\"schemaVersion\":2,\"config\":{\"annotations\":{\"x\":\"", "0123456789abcdef", 20 << 16,
		    "\"}}}");
	expect_document(*state, NULL, CRI_EEXHAUSTED, "limit");
	write_large("{\"schemaVersion\":2,\"manifests\":[{}", ",{}", 100000, "]}");
	expect_document(*state, NULL, CRI_ECORRUPT, "");
	write_large("", "[", 100000, "");
	expect_document(*state, NULL, CRI_ECORRUPT, "");
}

/* --- what it does to this machine --- */

/* Directories of layers, and of work in progress, below another root than the fixture's. */
static void expect_empty(const char *directory)
{
	shell("test -z \"$(ls -A '%s/root/l' '%s/root/tmp' 2>/dev/null | grep -v ':$' | grep .)\"", directory,
	      directory);
}

static cri_engine *open_at(struct fixture *fixture, const char *directory, uint64_t max_layer_bytes)
{
	char root[300], engine_state[300];
	cri_engine_options options = fixture_options(fixture);
	cri_engine *engine = NULL;

	snprintf(root, sizeof(root), "%s/root", directory);
	snprintf(engine_state, sizeof(engine_state), "%s/state", directory);
	options.root = root;
	options.state = engine_state;
	options.max_layer_bytes = max_layer_bytes;
	expect_ok(fixture, cri_engine_open(&options, &engine, fixture->call));
	return engine;
}

static void close_at(cri_engine *engine, const char *directory)
{
	cri_engine_close(engine);
	shell("umount -l '%s/state' 2>/dev/null; rm -rf '%s/root' '%s/state'", directory, directory, directory);
}

/* A disk that is full in the middle: the reason is told, nothing of it stays, and with room it works. */
static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;
	char directory[256], url[64], text[128], *id = NULL;
	struct builder large;
	cri_engine *engine;
	cri_list *list;

	snprintf(directory, sizeof(directory), "%s/small", fixture->directory);
	snprintf(url, sizeof(url), "http://%s", registry.host);
	snprintf(text, sizeof(text), "%s/large", proxy.host);
	proxy_rules(&proxy, "%s", "");
	build_image(&large, fixture->directory, 3, 4000);
	push(&large, url, "large", "latest", "");
	shell("mkdir '%s' && mount -t tmpfs -o size=8m small '%s'", directory, directory);
	engine = open_at(fixture, directory, 0);
	expect_code(fixture, CRI_EEXHAUSTED, cri_image_pull(engine, text, NULL, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "No space left"));
	expect_ok(fixture, cri_image_list(engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	cri_engine_close(engine);
	engine = open_at(fixture, directory, 0);
	expect_empty(directory);
	shell("mount -o remount,size=64m '%s'", directory);
	expect_ok(fixture, cri_image_pull(engine, text, NULL, &id, fixture->call));
	cri_free(id);
	close_at(engine, directory);
	shell("umount '%s' && rmdir '%s'", directory, directory);
}

/* Few bytes that become many. */
static void test_bomb(void **state)
{
	struct fixture *fixture = *state;
	char directory[256], url[64], text[128], *id = NULL;
	struct builder bomb;
	struct tar tar;
	cri_engine *engine;
	char *zeros = calloc(1, 20 << 20);

	assert_non_null(zeros);
	snprintf(directory, sizeof(directory), "%s/bomb", fixture->directory);
	snprintf(url, sizeof(url), "http://%s", registry.host);
	snprintf(text, sizeof(text), "%s/bomb", proxy.host);
	proxy_rules(&proxy, "%s", "");
	builder_begin(&bomb, fixture->directory);
	tar_begin(&tar, bomb.directory);
	tar_bytes(&tar, "zeros", 0644, zeros, 20 << 20);
	tar_end(&tar);
	builder_layer(&bomb, &tar, "gzip -9");
	assert_int_equal(unlink(tar.path), 0);
	builder_manifest(&bomb, NULL);
	push(&bomb, url, "bomb", "latest", "");
	shell("mkdir '%s'", directory);
	engine = open_at(fixture, directory, 1 << 20);
	expect_code(fixture, CRI_EEXHAUSTED, cri_image_pull(engine, text, NULL, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "larger than the limit of 1048576 bytes"));
	cri_engine_close(engine);
	engine = open_at(fixture, directory, 32 << 20);
	expect_empty(directory);
	expect_ok(fixture, cri_image_pull(engine, text, NULL, &id, fixture->call));
	cri_free(id);
	close_at(engine, directory);
	shell("rmdir '%s'", directory);
	free(zeros);
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
	proxy_start(&elsewhere, fixture->directory, "elsewhere", registry.port);
	snprintf(url, sizeof(url), "http://%s", registry.host);
	build_image(&image, fixture->directory, 2, 400);
	push(&image, url, "faulty", "latest", "");
	return 0;
}

static int tear_down(void **state)
{
	server_stop(&elsewhere);
	server_stop(&proxy);
	server_stop(&registry);
	return fixture_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_cut_and_resumed),
		fixture_test(test_always_cut),
		fixture_test(test_busy),
		fixture_test(test_refused),
		fixture_test(test_silence),
		fixture_test(test_lies),
		fixture_test(test_redirects),
		fixture_test(test_documents),
		fixture_test(test_full_disk),
		fixture_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

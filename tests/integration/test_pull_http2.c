/* SPDX-License-Identifier: Apache-2.0 */
/* Pulls over HTTP/2: one connection for all layers and for the next pull, and no layer that holds up the others. */
#include "registry.h"

#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define LAYERS 4
#define LAYER_KILOBYTES 4096

/* nghttpx in front of the fault proxy in front of docker-registry. */
static struct server registry, faults, h2;
static char url[64];
static struct builder image;

static const char *named(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", h2.host, name);
	return text;
}

static void forget_log(void)
{
	/* nghttpx has it open, at its end. */
	shell("truncate -s 0 '%s/log'", h2.directory);
}

static void pull_and_remove(struct fixture *fixture, const char *name)
{
	char *id = NULL;

	expect_ok(fixture, cri_image_pull(fixture->engine, named(name), NULL, &id, fixture->call));
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

static void open_with_ca(struct fixture *fixture, const char *ca)
{
	cri_engine_options options = fixture_options(fixture);
	const cri_registry_options tls = { CRI_REGISTRY_OPTIONS_INIT, .host = h2.host, .ca_file = ca };
	const cri_registry_options *list[] = { &tls };

	fixture_close(fixture);
	options.registries = list;
	options.n_registries = 1;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
}

/* As many layers at once as there are: all need a second, and come in little more. */
static void test_one_connection(void **state)
{
	forget_log();
	proxy_rules(&faults, "GET /blobs/ slow 4000000 99\n");
	pull_and_remove(*state, "image");
	assert_int_equal(log_count(&h2, "^[0-9]* h2 GET .*/blobs/.* 200$"), LAYERS + 1);
	assert_int_equal(log_count(&h2, ""), log_count(&h2, " h2 GET "));
	assert_int_equal(log_count_first(&h2, ""), 1);
}

/* The next pull, and the one after, find the connection of the first. */
static void test_warm(void **state)
{
	forget_log();
	proxy_rules(&faults, "%s", "");
	for (int i = 0; i < 3; i++)
		pull_and_remove(*state, "image");
	assert_int_equal(log_count(&h2, "GET .*/blobs/.* 200$"), 3 * (LAYERS + 1));
	assert_int_equal(log_count_first(&h2, ""), 1);
}

/* Where nothing comes for one layer, the others come all the same, over the same connection; the pull ends when it is
 * to. What came is kept for the next, which finds the connection as good as before. */
static void test_stalled_layer(void **state)
{
	struct fixture *fixture = *state;

	forget_log();
	proxy_rules(&faults, "GET /blobs/%s stall 5000 9\nGET /blobs/ slow 4000000 99\n", image.digests[0]);
	cri_call_set_timeout(fixture->call, 7000);
	expect_code(fixture, CRI_ETIMEDOUT,
		    cri_image_pull(fixture->engine, named("image"), NULL, &(char *){ NULL }, fixture->call));
	cri_call_reset(fixture->call);
	for (int i = 1; i < LAYERS; i++)
		assert_int_equal(log_count(&h2, image.digests[i]), 1);
	proxy_rules(&faults, "%s", "");
	pull_and_remove(fixture, "image");
	assert_int_equal(log_count(&faults, "GET .*/blobs/sha256"), 2);
	assert_int_equal(log_count_first(&h2, ""), 1);
}

/* Its silence ends an attempt, not the connection. */
static void test_silence(void **state)
{
	forget_log();
	proxy_rules(&faults, "GET /blobs/%s stall 5000 1\n", image.digests[1]);
	pull_and_remove(*state, "image");
	assert_int_equal(log_count(&faults, "206 bytes=5000-"), 1);
	assert_int_equal(log_count_first(&h2, ""), 1);
}

/* The helpers that unpack layers below the fixture's root, and one of them. */
static int count_unpackers(const struct fixture *fixture, pid_t *found)
{
	int count = 0;
	glob_t roots;

	assert_int_equal(glob("/proc/[0-9]*/root", 0, NULL, &roots), 0);
	for (size_t i = 0; i < roots.gl_pathc; i++) {
		char root[PATH_MAX];
		ssize_t length = readlink(roots.gl_pathv[i], root, sizeof(root) - 1);

		root[length < 0 ? 0 : length] = '\0';
		if (strncmp(root, fixture->root, strlen(fixture->root)) != 0 || !strstr(root, "/fs"))
			continue;
		*found = (pid_t)strtol(roots.gl_pathv[i] + strlen("/proc/"), NULL, 10);
		count++;
	}
	globfree(&roots);
	return count;
}

/* One step of the operation, in a hundredth of a second at most. Whether it is over. */
static bool step(struct fixture *fixture, cri_op *op, char **id)
{
	struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };
	int result;

	(void)poll(&ready, 1, 10);
	result = cri_op_finish(op, id, fixture->call);
	if (result == CRI_EAGAIN)
		return false;
	expect_ok(fixture, result);
	return true;
}

/* A layer that cannot be written down as fast as it comes holds up the others for a moment, and goes on by itself. */
static void test_slow_reader(void **state)
{
	struct fixture *fixture = *state;
	pid_t unpacker = 0, last = 0;
	char *id = NULL;
	cri_op *op;
	bool over = false;

	forget_log();
	proxy_rules(&faults, "GET /blobs/ slow 4000000 99\n");
	expect_ok(fixture, cri_image_pull_begin(fixture->engine, named("image"), NULL, &op, fixture->call));
	for (int i = 0; i < 3000 && count_unpackers(fixture, &unpacker) < LAYERS; i++)
		assert_false(step(fixture, op, &id));
	assert_true(unpacker > 0);
	assert_int_equal(kill(unpacker, SIGSTOP), 0);
	for (int i = 0; i < 3000 && count_unpackers(fixture, &last) > 1; i++)
		assert_false(step(fixture, op, &id));
	assert_int_equal(count_unpackers(fixture, &last), 1);
	assert_int_equal(last, unpacker);
	assert_int_equal(kill(unpacker, SIGCONT), 0);
	for (int i = 0; i < 3000 && !over; i++)
		over = step(fixture, op, &id);
	assert_true(over);
	cri_op_free(op);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
	assert_int_equal(log_count(&faults, "206.* bytes=[0-9]*- "), 1);
	assert_int_equal(log_count(&h2, " http/1.1 GET .*/blobs/.* 206$"), 1);
	assert_int_equal(log_count_first(&h2, " h2 "), 1);
	/* The connection is not kept: what follows shares one again. */
	forget_log();
	proxy_rules(&faults, "%s", "");
	pull_and_remove(fixture, "image");
	assert_int_equal(log_count(&h2, ""), log_count(&h2, " h2 GET "));
	assert_int_equal(log_count_first(&h2, ""), 1);
}

/* Layers that wait for each other's memory: those that have it are not kept waiting by those that have not. */
static void test_windows(void **state)
{
	struct fixture *fixture = *state;
	const size_t size = 10 << 20;
	unsigned char *bytes = malloc(size);
	struct builder builder;

	assert_non_null(bytes);
	builder_begin(&builder, fixture->directory);
	for (int i = 0; i < 4; i++) {
		struct tar tar;

		for (size_t done = 0; done < size; done += 1 << 20)
			assert_int_equal(getrandom(bytes + done, 1 << 20, 0), 1 << 20);
		tar_begin(&tar, builder.directory);
		tar_bytes(&tar, "random", 0644, bytes, size);
		tar_end(&tar);
		builder_layer(&builder, &tar, "zstd -q -1 --long=23 -c");
		assert_int_equal(unlink(tar.path), 0);
	}
	free(bytes);
	builder_manifest(&builder, NULL);
	push(&builder, url, "windows", "latest", "");
	forget_log();
	proxy_rules(&faults, "%s", "");
	pull_and_remove(fixture, "windows");
	assert_int_equal(log_count_first(&h2, " h2 "), 1);
}

static int set_up(void **state)
{
	struct fixture *fixture;
	char certificates[160], ca[200];

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	build_image(&image, fixture->directory, LAYERS, LAYER_KILOBYTES);
	make_certificates(fixture->directory, certificates);
	registry_start(&registry, fixture->directory, "registry", free_port(), "", "");
	proxy_start(&faults, fixture->directory, "faults", registry.port);
	h2_start(&h2, fixture->directory, "h2", faults.port, certificates);
	snprintf(url, sizeof(url), "http://%s", registry.host);
	push(&image, url, "image", "latest", "");
	snprintf(ca, sizeof(ca), "%s/ca.crt", certificates);
	open_with_ca(fixture, ca);
	return 0;
}

static int tear_down(void **state)
{
	server_stop(&h2);
	server_stop(&faults);
	server_stop(&registry);
	return fixture_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_one_connection), fixture_test(test_warm),        fixture_test(test_stalled_layer),
		fixture_test(test_silence),        fixture_test(test_slow_reader), fixture_test(test_windows),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

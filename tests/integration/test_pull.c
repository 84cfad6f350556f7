/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling from a registry: what comes, what is not fetched again, what several pulls at once cost, how one ends. */
#include "registry.h"

#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct server registry, proxy;
static char url[64];

static char *pull(struct fixture *fixture, const char *reference)
{
	char *id = NULL;

	expect_ok(fixture, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	assert_non_null(id);
	return id;
}

/* "127.0.0.1:1234/name", by the proxy. */
static const char *named(const char *name)
{
	static char text[4][256];
	static size_t next;
	char *made = text[next++ % 4];

	snprintf(made, sizeof(text[0]), "%s/%s", proxy.host, name);
	return made;
}

static const cri_image_info *status_of(struct fixture *fixture, const char *reference, cri_list **list)
{
	expect_ok(fixture, cri_image_status(fixture->engine, reference, list, fixture->call));
	assert_int_equal(cri_list_count(*list), 1);
	return cri_image_at(*list, 0);
}

static void remove_image(struct fixture *fixture, const char *reference)
{
	expect_ok(fixture, cri_image_remove(fixture->engine, reference, fixture->call));
}

static void test_pull_and_again(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char text[256], *id, *again;
	cri_list *list;

	build_image(&builder, fixture->directory, 3, 100);
	push(&builder, url, "basic", "v1", "");
	proxy_rules(&proxy, "%s", "");
	id = pull(fixture, named("basic:v1"));
	const cri_image_info *info = status_of(fixture, named("basic:v1"), &list);

	assert_string_equal(info->id, id);
	assert_int_equal(info->n_repo_tags, 1);
	assert_string_equal(info->repo_tags[0], named("basic:v1"));
	assert_int_equal(info->n_repo_digests, 1);
	snprintf(text, sizeof(text), "%s@%s", named("basic"), builder.manifest_digest);
	assert_string_equal(info->repo_digests[0], text);
	cri_list_free(list);
	assert_int_equal(log_count(&proxy, "GET .*/blobs/"), 4);
	/* Unchanged: one HEAD, by tag and by digest. */
	for (int i = 0; i < 2; i++) {
		proxy_rules(&proxy, "%s", "");
		again = pull(fixture, i ? text : named("basic:v1"));
		assert_string_equal(again, id);
		assert_int_equal(log_count(&proxy, ""), 1);
		assert_int_equal(log_count(&proxy, "HEAD .*/manifests/"), 1);
		cri_free(again);
	}
	/* What it wrote is a root file system. */
	expect_ok(fixture, cri_image_info_json(fixture->engine, id, &again, fixture->call));
	assert_non_null(strstr(again, builder.manifest_digest));
	cri_free(again);
	remove_image(fixture, id);
	assert_int_equal(count_layers(fixture), 1);
	cri_free(id);
}

static void test_moved_tag(void **state)
{
	struct fixture *fixture = *state;
	struct builder first, second;
	char *old_id, *id;
	cri_list *list;

	build_image(&first, fixture->directory, 1, 10);
	build_image(&second, fixture->directory, 1, 10);
	push(&first, url, "moved", "latest", "");
	old_id = pull(fixture, named("moved"));
	push(&second, url, "moved", "latest", "");
	id = pull(fixture, named("moved"));
	assert_string_not_equal(id, old_id);
	const cri_image_info *info = status_of(fixture, old_id, &list);

	assert_int_equal(info->n_repo_tags, 0);
	assert_int_equal(info->n_repo_digests, 1);
	cri_list_free(list);
	info = status_of(fixture, named("moved:latest"), &list);
	assert_string_equal(info->id, id);
	cri_list_free(list);
	remove_image(fixture, old_id);
	remove_image(fixture, id);
	cri_free(old_id);
	cri_free(id);
}

static void test_pinned(void **state)
{
	struct fixture *fixture = *state;
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .pinned = true };
	struct builder builder;
	char *id = NULL, *again;
	cri_list *list;

	build_image(&builder, fixture->directory, 1, 10);
	push(&builder, url, "pinned", "latest", "");
	again = pull(fixture, named("pinned"));
	assert_false(status_of(fixture, again, &list)->pinned);
	cri_list_free(list);
	expect_ok(fixture, cri_image_pull(fixture->engine, named("pinned"), &options, &id, fixture->call));
	assert_string_equal(id, again);
	cri_free(again);
	assert_true(status_of(fixture, id, &list)->pinned);
	cri_list_free(list);
	/* And stays so. */
	again = pull(fixture, named("pinned"));
	assert_true(status_of(fixture, again, &list)->pinned);
	cri_list_free(list);
	remove_image(fixture, id);
	cri_free(again);
	cri_free(id);
}

/* An index of the manifests for some platforms, pushed under a tag. */
static void push_index(struct builder *images, const char *const *platforms, size_t n, const char *tag)
{
	static char text[4096];
	char digest[DIGEST_TEXT];
	size_t length = (size_t)snprintf(text, sizeof(text),
					 "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[", OCI_INDEX);

	for (size_t i = 0; i < n; i++) {
		push_document(&images[i], url, "index", "-", images[i].manifest_digest, OCI_MANIFEST, "");
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,\"platform\":%s}",
					   i ? "," : "", OCI_MANIFEST, images[i].manifest_digest,
					   images[i].manifest_size, platforms[i]);
	}
	snprintf(text + length, sizeof(text) - length, "]}");
	builder_add_blob(&images[0], text, digest);
	push_document(&images[0], url, "index", tag, digest, OCI_INDEX, "");
}

static void test_index(void **state)
{
	static const char *const platforms[] = {
		"{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\"}",
		"{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}",
		"{\"os\":\"windows\",\"architecture\":\"amd64\",\"os.version\":\"10\"}"
	};
	static const struct {
		const char *platform;
		int image;
	} wanted[] = { { "linux/arm/v7", 1 },  { "linux/arm/v6", 0 }, { "linux/arm", 1 },   { "linux/arm/v8", 1 },
		       { "linux/arm/v5", -1 }, { "linux/amd64", -1 }, { "linux/s390x", -1 } };
	struct fixture *fixture = *state;
	struct builder images[3];

	for (size_t i = 0; i < 3; i++)
		build_image(&images[i], fixture->directory, 1, 10);
	push_index(images, platforms, 3, "latest");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .platform = wanted[i].platform };
		char *id = NULL, *json = NULL;

		fixture_expect(fixture->call, wanted[i].image < 0 ? CRI_ENOTFOUND : 0,
			       cri_image_pull(fixture->engine, named("index"), &options, &id, fixture->call),
			       wanted[i].platform, __FILE__, __LINE__);
		if (wanted[i].image < 0) {
			assert_non_null(strstr(cri_call_message(fixture->call), wanted[i].platform));
			continue;
		}
		expect_ok(fixture, cri_image_info_json(fixture->engine, id, &json, fixture->call));
		assert_non_null(strstr(json, images[wanted[i].image].manifest_digest));
		cri_free(json);
		remove_image(fixture, id);
		cri_free(id);
	}
	assert_int_equal(count_layers(fixture), 1);
}

static void test_names(void **state)
{
	static const char *const malformed[] = { "",   "Upper", "a b",           "127.0.0.1:99999999/x", "x@y",
						 "-x", "x:",    "x@sha256:0123", "http://x/y",           "x//y" };
	struct fixture *fixture = *state;
	char *id = (char *)fixture, hex[65];

	memset(hex, 'a', 64);
	hex[64] = '\0';
	expect_code(fixture, CRI_EINVAL, cri_image_pull(fixture->engine, hex, NULL, &id, fixture->call));
	expect_code(fixture, CRI_EINVAL, cri_image_pull(fixture->engine, NULL, NULL, &id, fixture->call));
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		fixture_expect(fixture->call, CRI_EINVAL,
			       cri_image_pull(fixture->engine, malformed[i], NULL, &id, fixture->call), malformed[i],
			       __FILE__, __LINE__);
	assert_ptr_equal(id, fixture);
	expect_code(fixture, CRI_ENOTFOUND, cri_image_pull(fixture->engine, named("absent"), NULL, &id, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), "unknown"));
}

static void test_registry_down(void **state)
{
	struct fixture *fixture = *state;
	char text[64], *id = NULL;

	snprintf(text, sizeof(text), "127.0.0.1:%d/x", free_port());
	expect_code(fixture, CRI_EREGISTRY, cri_image_pull(fixture->engine, text, NULL, &id, fixture->call));
	/* RFC 6761: no such name, ever. */
	expect_code(fixture, CRI_EREGISTRY,
		    cri_image_pull(fixture->engine, "registry.invalid/x", NULL, &id, fixture->call));
	assert_null(id);
}

struct watch {
	unsigned calls;
	cri_image_progress last;
	cri_call *cancel;
};

static void watch(const cri_image_progress *progress, void *data)
{
	struct watch *seen = data;

	assert_true(progress->bytes_done <= progress->bytes_total || !progress->bytes_total);
	seen->calls++;
	seen->last = *progress;
	if (seen->cancel && progress->bytes_done > 0)
		cri_call_cancel(seen->cancel);
}

static void test_progress_and_cancel(void **state)
{
	struct fixture *fixture = *state;
	struct watch seen = { 0 };
	cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .progress = watch, .progress_data = &seen };
	struct builder builder;
	cri_list *list = NULL;
	char *id = NULL;

	build_image(&builder, fixture->directory, 2, 1000);
	push(&builder, url, "progress", "latest", "");
	proxy_rules(&proxy, "GET /blobs/%s slow 200000 1\n", builder.digests[1]);
	seen.cancel = fixture->call;
	expect_code(fixture, CRI_ECANCELED,
		    cri_image_pull(fixture->engine, named("progress"), &options, &id, fixture->call));
	assert_null(id);
	cri_call_reset(fixture->call);
	expect_code(fixture, CRI_ENOTFOUND, cri_image_status(fixture->engine, named("progress"), &list, fixture->call));
	/* Goes on with what is there: the first layer came whole. */
	proxy_rules(&proxy, "%s", "");
	seen = (struct watch){ 0 };
	expect_ok(fixture, cri_image_pull(fixture->engine, named("progress"), &options, &id, fixture->call));
	assert_int_equal(log_count(&proxy, builder.digests[0]), 0);
	assert_int_equal(log_count(&proxy, builder.digests[1]), 1);
	assert_true(seen.calls >= 2);
	assert_string_equal(seen.last.step, "commit");
	assert_int_equal(seen.last.layers_done, 2);
	assert_int_equal(seen.last.layers_total, 2);
	assert_int_equal(seen.last.bytes_done, builder.sizes[0] + builder.sizes[1]);
	remove_image(fixture, id);
	cri_free(id);
	/* What a cancelled pull left goes at the next open. */
	proxy_rules(&proxy, "GET /blobs/%s slow 200000 1\n", builder.digests[1]);
	seen = (struct watch){ .cancel = fixture->call };
	expect_code(fixture, CRI_ECANCELED,
		    cri_image_pull(fixture->engine, named("progress"), &options, &id, fixture->call));
	cri_call_reset(fixture->call);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_int_equal(count_layers(fixture), 1);
}

static void test_operation(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	cri_op *op = NULL;
	char *id = NULL;
	int result;

	build_image(&builder, fixture->directory, 2, 500);
	push(&builder, url, "operation", "latest", "");
	expect_ok(fixture, cri_image_pull_begin(fixture->engine, named("operation"), NULL, &op, fixture->call));
	while ((result = cri_op_finish(op, &id, fixture->call)) == CRI_EAGAIN) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };

		assert_true(poll(&ready, 1, 10000) > 0);
	}
	expect_ok(fixture, result);
	cri_op_free(op);
	remove_image(fixture, id);
	cri_free(id);
	/* Let go in the middle. */
	proxy_rules(&proxy, "GET /blobs/ slow 100000 9\n");
	expect_ok(fixture, cri_image_pull_begin(fixture->engine, named("operation"), NULL, &op, fixture->call));
	for (int i = 0; i < 5; i++) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };

		(void)poll(&ready, 1, 100);
		assert_int_equal(cri_op_finish(op, &id, fixture->call), CRI_EAGAIN);
	}
	cri_op_free(op);
	assert_int_equal(count_layers(fixture), 1);
}

/* Processes in a pull's cgroup below a pod's, in the hierarchies that have it; and its directories. */
static size_t count_charged(const char *parent, bool directories)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/memory" };
	size_t most = 0;

	for (size_t i = 0; i < 2; i++) {
		char pattern[200];
		glob_t found;
		size_t n = 0;

		snprintf(pattern, sizeof(pattern), "%s%s/libcri-pull-*/%s", roots[i], parent,
			 directories ? "" : "cgroup.procs");
		if (glob(pattern, 0, NULL, &found))
			continue;
		for (size_t j = 0; j < found.gl_pathc && !directories; j++) {
			FILE *file = fopen(found.gl_pathv[j], "re");
			int c;

			while (file && (c = getc(file)) != EOF)
				n += c == '\n';
			if (file)
				fclose(file);
		}
		n = directories ? found.gl_pathc : n;
		most = n > most ? n : most;
		globfree(&found);
	}
	return most;
}

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
	push(&builder, url, "charged", "latest", "");
	proxy_rules(&proxy, "GET /blobs/%s slow 500000 1\n", builder.digests[1]);
	expect_code(fixture, CRI_EINVAL, cri_image_pull(fixture->engine, named("charged"), &bad, &id, fixture->call));
	expect_ok(fixture, cri_image_pull_begin(fixture->engine, named("charged"), &options, &op, fixture->call));
	while ((result = cri_op_finish(op, &id, fixture->call)) == CRI_EAGAIN) {
		struct pollfd ready = { .fd = cri_op_fd(op), .events = POLLIN };
		size_t n = count_charged(parent, false);

		most = n > most ? n : most;
		assert_true(poll(&ready, 1, 10000) > 0);
	}
	expect_ok(fixture, result);
	cri_op_free(op);
	/* cri-fetch, and a cri-unpack at the least. */
	assert_true(most >= 2);
	assert_int_equal(count_charged(parent, true), 0);
	cri_free(id);
	/* Unchanged: one request over the engine's own connection. */
	proxy_rules(&proxy, "%s", "");
	expect_ok(fixture, cri_image_pull(fixture->engine, named("charged"), &options, &id, fixture->call));
	assert_int_equal(log_count(&proxy, ""), 1);
	remove_image(fixture, id);
	cri_free(id);
}

/* Killed in the middle: the next open leaves no layer, no temporary directory, no cgroup. */
static void test_killed(void **state)
{
	struct fixture *fixture = *state;
	char parent[100], temporary[200];
	struct builder builder;
	struct stat status;
	pid_t process;
	char *id;

	snprintf(parent, sizeof(parent), "%s", fixture->cgroup_parent);
	snprintf(temporary, sizeof(temporary), "%s/tmp", fixture->root);
	build_image(&builder, fixture->directory, 2, 500);
	push(&builder, url, "killed", "latest", "");
	proxy_rules(&proxy, "GET /blobs/%s slow 20000 1\n", builder.digests[1]);
	process = fork();
	assert_true(process >= 0);
	if (process == 0) {
		const cri_engine_options engine_options = fixture_options(fixture);
		const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "pod", .cgroup_parent = parent };
		const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .sandbox = &pod };
		cri_engine *engine;

		if (cri_engine_open(&engine_options, &engine, NULL) == 0)
			(void)cri_image_pull(engine, named("killed"), &options, &id, NULL);
		_exit(1);
	}
	for (int i = 0; count_charged(parent, false) < 2; i++) {
		assert_in_range(i, 0, 1000);
		assert_int_equal(waitpid(process, NULL, WNOHANG), 0);
		usleep(10000);
	}
	assert_int_equal(kill(process, SIGKILL), 0);
	assert_int_equal(waitpid(process, NULL, 0), process);
	/* A helper that was just being started holds its locks until it is. */
	for (int i = 0; i == 0 || count_layers(fixture) > 1 || count_charged(parent, true) > 0; i++) {
		assert_in_range(i, 0, 500);
		usleep(i ? 10000 : 0);
		fixture_close(fixture);
		fixture_open(fixture);
	}
	assert_int_equal(stat(temporary, &status), 0);
	assert_int_equal(status.st_nlink, 2);
	proxy_rules(&proxy, "%s", "");
	id = pull(fixture, named("killed"));
	remove_image(fixture, id);
	cri_free(id);
}

static void *pull_thread(void *data)
{
	struct fixture *fixture = data;
	char *id = NULL;

	return (void *)(intptr_t)(cri_image_pull(fixture->engine, named("together"), NULL, &id, NULL)
					  ? 1
					  : (cri_free(id), 0));
}

/* A second process with an engine of its own. */
static pid_t pull_process(struct fixture *fixture)
{
	const cri_engine_options options = fixture_options(fixture);
	const pid_t pid = fork();
	cri_engine *engine = NULL;
	char *id = NULL;

	if (pid)
		return pid;
	if (cri_engine_open(&options, &engine, NULL) || cri_image_pull(engine, named("together"), NULL, &id, NULL))
		_exit(1);
	cri_engine_close(engine);
	_exit(0);
}

static void test_together(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	pthread_t threads[2];
	pid_t process;
	void *result;
	int status;

	build_image(&builder, fixture->directory, 3, 200);
	push(&builder, url, "together", "latest", "");
	proxy_rules(&proxy, "GET /blobs/%s slow 200000 1\n", builder.digests[2]);
	process = pull_process(fixture);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pull_thread, fixture), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	assert_int_equal(waitpid(process, &status, 0), process);
	assert_int_equal(status, 0);
	/* Three layers and the config, once. */
	assert_int_equal(log_count(&proxy, "GET .*/blobs/"), 4);
	assert_int_equal(count_layers(fixture), 4);
	remove_image(fixture, named("together"));
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
	push(&builder, url, "memory", "latest", "");
	proxy_rules(&proxy, "%s", "");
	id = pull(fixture, named("memory"));
	assert_in_range(most_resident(helper), 8 << 10, 32 << 10);
	remove_image(fixture, id);
	cri_free(id);
}

/* The example, as a program beside this one, on a terminal and without. */
static void test_example(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char output[200], program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	assert_true(length > 0);
	program[length] = '\0';
	*strstr(program, "/tests/integration/") = '\0';
	snprintf(output, sizeof(output), "%s/output", fixture->directory);
	build_image(&builder, fixture->directory, 2, 300);
	push(&builder, url, "example", "latest", "");
	proxy_rules(&proxy, "GET /blobs/%s slow 1000000 1\n", builder.digests[1]);
	shell("script -qec '%s/examples/pull %s %s %s' /dev/null >'%s'", program, named("example"), fixture->root,
	      fixture->state, output);
	shell("grep -q '\\[#####.*\\] .* of 0.6 MB, 1 of 2 layers' '%s' && grep -q 'tag *%s:latest' '%s'", output,
	      named("example"), output);
	shell("%s/examples/pull %s %s %s >'%s' && ! grep -q '#' '%s' && grep -q sha256: '%s'", program,
	      named("example"), fixture->root, fixture->state, output, output, output);
	shell("! %s/examples/pull %s-absent %s %s 2>'%s' && grep -q unknown '%s'", program, named("example"),
	      fixture->root, fixture->state, output, output);
	remove_image(fixture, named("example"));
	assert_int_equal(unlink(output), 0);
}

/* A layer that one image brought is not fetched for another. */
static void test_shared_layers(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	char *first, *second;

	build_image(&builder, fixture->directory, 2, 50);
	push(&builder, url, "shared", "one", "");
	first = pull(fixture, named("shared:one"));
	tar_begin(&tar, builder.directory);
	tar_file(&tar, "more", 0644, "more");
	tar_end(&tar);
	builder_layer(&builder, &tar, "zstd -q");
	assert_int_equal(unlink(tar.path), 0);
	builder_manifest(&builder, NULL);
	push(&builder, url, "shared", "two", "");
	proxy_rules(&proxy, "%s", "");
	second = pull(fixture, named("shared:two"));
	assert_int_equal(log_count(&proxy, "GET .*/blobs/"), 2);
	assert_int_equal(count_layers(fixture), 4);
	remove_image(fixture, first);
	remove_image(fixture, second);
	cri_free(first);
	cri_free(second);
}

static int set_up(void **state)
{
	struct fixture *fixture;

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	registry_start(&registry, fixture->directory, "registry", free_port(), "", "");
	proxy_start(&proxy, fixture->directory, "proxy", registry.port);
	snprintf(url, sizeof(url), "http://%s", registry.host);
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
		fixture_test(test_pull_and_again),
		fixture_test(test_moved_tag),
		fixture_test(test_pinned),
		fixture_test(test_index),
		fixture_test(test_names),
		fixture_test(test_registry_down),
		fixture_test(test_progress_and_cancel),
		fixture_test(test_operation),
		fixture_test(test_charged),
		fixture_test(test_killed),
		fixture_test(test_together),
		fixture_test(test_example),
		fixture_test(test_memory),
		fixture_test(test_shared_layers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

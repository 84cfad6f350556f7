/* SPDX-License-Identifier: Apache-2.0 */
/* Archives that lie, break off or ask for too much: a clear error each, and nothing left. */
#include "fixture.h"
#include "image_builder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_import_by(struct fixture *fixture, cri_engine *engine, const char *path, int code, const char *text)
{
	cri_list *list = NULL;

	expect_code(fixture, code, cri_image_import(engine, path, NULL, &list, fixture->call));
	assert_null(list);
	if (!strstr(cri_call_message(fixture->call), text))
		fail_msg("\"%s\" does not say \"%s\"", cri_call_message(fixture->call), text);
	fixture_assert_only_image(fixture);
}

static void expect_import(struct fixture *fixture, const char *path, int code, const char *text)
{
	expect_import_by(fixture, fixture->engine, path, code, text);
}

/* Two layers, of which the test breaks the second. */
static void make_layers(struct fixture *fixture, struct builder *builder, const char *compression)
{
	static unsigned number;
	char content[64];
	struct tar tar;

	builder_begin(builder, fixture->directory);
	for (int i = 0; i < 2; i++) {
		tar_begin(&tar, builder->directory);
		snprintf(content, sizeof(content), "number %u", number++);
		tar_file(&tar, "file", 0644, content);
		tar_end(&tar);
		builder_layer(builder, &tar, i ? compression : "gzip");
	}
}

static void finish(struct builder *builder)
{
	builder_manifest(builder, NULL);
	builder_index(builder, "bad");
}

static void test_digests(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char path[320];

	make_layers(fixture, &builder, "gzip");
	memcpy(builder.diff_ids[1], builder.digests[1], DIGEST_TEXT);
	finish(&builder);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "unpacked its digest is");

	make_layers(fixture, &builder, "cat");
	builder_blob(&builder, builder.digests[1], path);
	/* In the file's content. */
	shell("printf X | dd of='%s' bs=1 seek=512 conv=notrunc 2>/dev/null", path);
	finish(&builder);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "its digest is");

	make_layers(fixture, &builder, "gzip");
	finish(&builder);
	builder_blob(&builder, builder.manifest_digest, path);
	shell("sed -i 's/schemaVersion/schemaversion/' '%s'", path);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "its digest is");
}

static void test_sizes(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;

	for (int i = 0; i < 2; i++) {
		make_layers(fixture, &builder, "gzip");
		builder.sizes[1] += i ? 1 : (size_t)-1;
		finish(&builder);
		expect_import(fixture, builder.directory, CRI_ECORRUPT, "bytes and should have");
	}
	make_layers(fixture, &builder, "gzip");
	finish(&builder);
	builder.manifest_size++;
	builder_index(&builder, "bad");
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "bytes and should have");
}

static void test_compression(void **state)
{
	static const struct {
		const char *filter;
		int code;
		const char *text;
	} cases[] = {
		{ "gzip | head -c 50", CRI_ECORRUPT, "cut off" },
		{ "zstd | head -c 50", CRI_ECORRUPT, "cut off" },
		{ "gzip; echo rubbish", CRI_ECORRUPT, "damaged" },
		{ "zstd; echo rubbish", CRI_ECORRUPT, "damaged" },
		{ "xz", CRI_ENOTSUP, "xz" },
		{ "bzip2", CRI_ENOTSUP, "bzip2" },
		{ "zstd --ultra --long=27", CRI_ENOTSUP, "window" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct builder builder;

		make_layers(fixture, &builder, cases[i].filter);
		finish(&builder);
		expect_import(fixture, builder.directory, cases[i].code, cases[i].text);
	}
}

/* The digests are right, the bytes are no tar. */
static void test_no_tar(void **state)
{
	static const struct {
		const char *filter, *text;
	} cases[] = {
		{ "echo no tar at all", "Unrecognized archive format" },
		{ "true", "Unrecognized archive format" },
		{ "head -c 515", "runcated" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct builder builder;

		make_layers(fixture, &builder, cases[i].filter);
		memcpy(builder.diff_ids[1], builder.digests[1], DIGEST_TEXT);
		finish(&builder);
		expect_import(fixture, builder.directory, CRI_ECORRUPT, cases[i].text);
	}
}

static void test_limits(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	cri_engine *engine;
	struct builder builder;
	struct tar tar;
	char path[320];

	options.max_layer_bytes = 1u << 20;
	expect_ok(fixture, cri_engine_open(&options, &engine, fixture->call));
	builder_begin(&builder, fixture->directory);
	snprintf(tar.path, sizeof(tar.path), "%s/bomb.tar", builder.directory);
	shell("cd '%s' && truncate -s 64M zeros && tar -cf '%s' zeros", builder.directory, tar.path);
	builder_layer(&builder, &tar, "gzip -9");
	finish(&builder);
	expect_import_by(fixture, engine, builder.directory, CRI_EEXHAUSTED, "larger than the limit of 1048576 bytes");
	/* Neither does an archive pass that holds 16 times as much. */
	snprintf(path, sizeof(path), "%s.tar", builder.directory);
	builder_pack(&builder, path, "gzip");
	expect_import_by(fixture, engine, path, CRI_EEXHAUSTED, "larger than the limit of 16777216 bytes");
	cri_engine_close(engine);
	unlink(path);
}

static void set_index(const struct builder *builder, const char *text)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/index.json", builder->directory);
	write_text(path, text);
}

static void test_indexes(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char *text = calloc(1, 6u << 20);
	size_t length;

	assert_non_null(text);
	builder_begin(&builder, fixture->directory);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "neither index.json");
	set_index(&builder, "");
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "no well-formed JSON");
	set_index(&builder, "[]");
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "no object");
	set_index(&builder, "{}");
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "no manifests");
	set_index(&builder, "{\"schemaVersion\":1,\"manifests\":[]}");
	expect_import(fixture, builder.directory, CRI_ENOTSUP, "schemaVersion");
	set_index(&builder, "{\"schemaVersion\":2,\"manifests\":[]}");
	expect_import(fixture, builder.directory, CRI_ENOTFOUND, "no image for");
	set_index(&builder, "{\"manifests\":[{\"digest\":\"sha256:abc\",\"size\":1}]}");
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "no sha256 digest");
	set_index(&builder, "{\"manifests\":[{\"digest\":\"sha512:abc\",\"size\":1}]}");
	expect_import(fixture, builder.directory, CRI_ENOTSUP, "no sha256 digest");
	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	set_index(&builder, text);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "deeper");
	memset(text, ' ', 5u << 20);
	set_index(&builder, text);
	expect_import(fixture, builder.directory, CRI_EEXHAUSTED, "limit");
	length = (size_t)sprintf(text, "{\"manifests\":[{}");
	while (length < 3u << 20)
		length += (size_t)sprintf(text + length, ",{}");
	sprintf(text + length, "]}");
	set_index(&builder, text);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "lists more than");
	free(text);
}

static void test_manifests(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	struct stat status;
	struct tar tar;
	char path[320];

	make_layers(fixture, &builder, "gzip");
	builder_manifest(&builder, "application/vnd.cncf.helm.config.v1+json");
	builder_index(&builder, "chart");
	expect_import(fixture, builder.directory, CRI_ENOTSUP, "an artifact and no image");

	make_layers(fixture, &builder, "gzip");
	finish(&builder);
	builder_blob(&builder, builder.manifest_digest, path);
	shell("sed -i 's/layer.v1.tar/layer.nondistributable.v1.tar/' '%s'", path);
	digest_of(path, builder.manifest_digest);
	assert_int_equal(stat(path, &status), 0);
	builder.manifest_size = (size_t)status.st_size;
	shell("mv '%s' '%s/blobs/sha256/%s'", path, builder.directory, builder.manifest_digest + strlen("sha256:"));
	builder_index(&builder, "foreign");
	expect_import(fixture, builder.directory, CRI_ENOTSUP, "foreign");

	/* More layers than overlayfs takes; nothing of them is read. */
	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_end(&tar);
	builder_layer(&builder, &tar, "gzip");
	for (builder.n_layers = 1; builder.n_layers < 128; builder.n_layers++) {
		memcpy(builder.diff_ids[builder.n_layers], builder.diff_ids[0], DIGEST_TEXT);
		memcpy(builder.digests[builder.n_layers], builder.digests[0], DIGEST_TEXT);
		builder.sizes[builder.n_layers] = builder.sizes[0];
	}
	finish(&builder);
	expect_import(fixture, builder.directory, CRI_ENOTSUP, "128 layers");
}

static void test_files(void **state)
{
	struct fixture *fixture = *state;
	struct builder builder;
	char blob[320], path[320];

	/* A blob that is missing, a pipe that nobody writes to, a link that leads out. */
	make_layers(fixture, &builder, "gzip");
	finish(&builder);
	builder_blob(&builder, builder.digests[1], blob);
	shell("mv '%s' '%s/moved'", blob, fixture->directory);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "missing");
	shell("ln -s '%s/moved' '%s'", fixture->directory, blob);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "missing");
	shell("rm '%s' && mkfifo '%s'", blob, blob);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "is no file");
	snprintf(path, sizeof(path), "%s/index.json", builder.directory);
	shell("rm '%s' && mkfifo '%s'", path, path);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "is no file");
	expect_import(fixture, path, CRI_EINVAL, "neither a file nor a directory");
	shell("rm '%s/moved'", fixture->directory);
}

static void test_archives(void **state)
{
	static const char *const contents[] = { "no archive", "" };
	struct fixture *fixture = *state;
	struct builder builder;
	struct tar tar;
	char path[320];

	snprintf(path, sizeof(path), "%s/bad.tar", fixture->directory);
	for (size_t i = 0; i < 2; i++) {
		write_text(path, contents[i]);
		expect_import(fixture, path, CRI_ECORRUPT, "archive");
	}
	write_text(path, "{\"mediaType\":\"application/embedded.manifest+json\"}");
	expect_import(fixture, path, CRI_ECORRUPT, "bad.sgn is missing");
	shell("tar -C '%s' -cf '%s' bad.tar 2>/dev/null || true", fixture->directory, path);
	make_layers(fixture, &builder, "gzip");
	finish(&builder);
	builder_pack(&builder, path, "head -c 3000");
	expect_import(fixture, path, CRI_ECORRUPT, "runcated");
	builder_pack(&builder, path, "gzip | head -c 500");
	expect_import(fixture, path, CRI_ECORRUPT, "cut off");
	/* What is in it cannot reach out of it. */
	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_file(&tar, "manifest.json", 0644,
		 "[{\"Config\":\"../../../../etc/hostname\",\"Layers\":[\"/etc/passwd\"]}]");
	tar_end(&tar);
	expect_import(fixture, tar.path, CRI_ECORRUPT, "is missing");
	tar_begin(&tar, builder.directory);
	tar_symlink(&tar, "manifest.json", "/etc/passwd");
	tar_end(&tar);
	expect_import(fixture, tar.path, CRI_ECORRUPT, "neither index.json");
	tar_begin(&tar, builder.directory);
	tar_device(&tar, "manifest.json", '3', 1, 5);
	tar_end(&tar);
	expect_import(fixture, tar.path, CRI_ECORRUPT, "is a device");
	tar_begin(&tar, builder.directory);
	tar_file(&tar, "../manifest.json", 0644, "x");
	tar_end(&tar);
	expect_import(fixture, tar.path, CRI_ECORRUPT, "leaves the root");
	/* A config whose name is not its digest. */
	make_layers(fixture, &builder, "gzip");
	builder_docker(&builder, "bad");
	shell("for f in '%s'/blobs/sha256/*; do head -c 1 $f | grep -q '{' && echo >>$f; done; true",
	      builder.directory);
	expect_import(fixture, builder.directory, CRI_ECORRUPT, "its digest is");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests),   cmocka_unit_test(test_sizes),  cmocka_unit_test(test_compression),
		cmocka_unit_test(test_no_tar),    cmocka_unit_test(test_limits), cmocka_unit_test(test_indexes),
		cmocka_unit_test(test_manifests), cmocka_unit_test(test_files),  cmocka_unit_test(test_archives),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

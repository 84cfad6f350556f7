/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of an embedded image, its checksum file's name, and the texts that stand for layers in the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/embedded.h"

#include <string.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD "{\"schemaVersion\":1,\"mediaType\":\"application/embedded.manifest+json\",\"imageName\":\"app:v1\","
#define ROOT                                                                                                           \
	"{\"mediaType\":\"application/bind.image.rootfs.diff.dir\",\"size\":0,\"digest\":\"\",\"pathInHost\":\"/\"}"

static void test_manifest(void **state)
{
	static const char json[] =
		HEAD "\"layers\":[{\"mediaType\":\"application/squashfs.image.rootfs.diff.img\",\"size\":0,"
		     "\"digest\":\"\",\"pathInHost\":\"/dev/sda1\",\"pathInContainer\":\"\"},"
		     "{\"mediaType\":\"application/erofs.image.rootfs.diff.img\",\"size\":4096,\"digest\":\"" DIGEST
		     "\",\"pathInHost\":\"app.img\",\"pathInContainer\":\"//\"},"
		     "{\"mediaType\":\"application/bind.image.rootfs.diff.dir\",\"pathInHost\":\"a/b\","
		     "\"pathInContainer\":\"/data\"}]}";
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct embedded_manifest manifest;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(embedded_manifest_parse(&arena, json, strlen(json), &manifest, &call), 0);
	assert_string_equal(manifest.name, "app:v1");
	assert_int_equal(manifest.n_layers, 3);
	assert_string_equal(manifest.layers[0].filesystem, "squashfs");
	assert_string_equal(manifest.layers[0].path_in_container, "/");
	assert_true(manifest.layers[0].size == UINT64_MAX);
	assert_string_equal(manifest.layers[1].filesystem, "erofs");
	assert_string_equal(manifest.layers[1].digest, DIGEST);
	assert_string_equal(manifest.layers[1].path_in_container, "/");
	assert_int_equal(manifest.layers[1].size, 4096);
	assert_string_equal(manifest.layers[2].filesystem, "");
	assert_string_equal(manifest.layers[2].path_in_container, "/data");
}

/* Both spellings of the config's keys. */
static void test_config(void **state)
{
	static const char *const texts[] = {
		HEAD "\"config\":{\"Env\":[\"A=b\"],\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\"],\"WorkingDir\":\"/w\"},"
		     "\"layers\":[" ROOT "]}",
		HEAD "\"config\":{\"ENV\":[\"A=b\"],\"ENTRYPOINT\":[\"/e\"],\"CMD\":[\"c\"],\"WORKDIR\":\"/w\"},"
		     "\"layers\":[" ROOT "]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct embedded_manifest manifest;
		struct image_config config;
		cri_call call;

		call_init(&call);
		assert_int_equal(embedded_manifest_parse(&arena, texts[i], strlen(texts[i]), &manifest, &call), 0);
		assert_int_equal(image_config_parse(&arena, manifest.config, strlen(manifest.config), &config, &call),
				 0);
		assert_string_equal(config.environment[0], "A=b");
		assert_string_equal(config.entrypoint[0], "/e");
		assert_string_equal(config.command[0], "c");
		assert_string_equal(config.working_dir, "/w");
		assert_string_equal(config.os, "linux");
		assert_string_equal(config.architecture, "");
	}
}

static void test_checksum_path(void **state)
{
	static const char *const cases[][2] = {
		{ "/a/app.manifest", "/a/app.sgn" },
		{ "/a.b/manifest", "/a.b/manifest.sgn" },
		{ "/a/x.y.z", "/a/x.y.sgn" },
		{ "/a/.x", "/a/.sgn" },
	};
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(embedded_checksum_path(&arena, cases[i][0]), cases[i][1]);
}

static void test_source(void **state)
{
	static const struct embedded_source sources[] = {
		{ EMBEDDED_FILE, "squashfs", DIGEST, 4096, "/a:b/c d" },
		{ EMBEDDED_DEVICE, "erofs", "", 1, "/dev/sda1" },
		{ EMBEDDED_DIRECTORY, "", "", 0, "/" },
	};
	static const char *const bad[] = {
		"",
		DIGEST,
		"embedded:",
		"embedded:file:squashfs::4096",
		"embedded:file:squashfs:0123:4096:/a",
		"embedded:file:squashfs::x:/a",
		"embedded:file:squashfs::4096:a",
		"embedded:other:squashfs::4096:/a",
	};
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct embedded_source source;

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const char *text = embedded_source_text(&arena, &sources[i]);

		assert_true(embedded_source_parse(&arena, text, &source));
		assert_int_equal(source.kind, sources[i].kind);
		assert_int_equal(source.size, sources[i].size);
		assert_string_equal(source.filesystem, sources[i].filesystem);
		assert_string_equal(source.digest, sources[i].digest);
		assert_string_equal(source.path, sources[i].path);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(embedded_source_parse(&arena, bad[i], &source));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_checksum_path),
		cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Configs, manifests, indexes and platforms of images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/document.h"
#include "image/image.h"

#include <stdio.h>
#include <string.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar+gzip"
#define DESCRIPTOR(type) "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST "\",\"size\":12}"

static void test_config(void **state)
{
	static const char json[] =
		"{\"architecture\":\"arm\",\"os\":\"linux\",\"variant\":\"v7\",\"config\":{"
		"\"Env\":[\"A=b\",\"C=\"],\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\",\"\"],\"User\":\"1:2\","
		"\"WorkingDir\":\"/w\",\"StopSignal\":\"SIGQUIT\",\"Labels\":{\"x\":\"y\"}},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST "\"]},\"history\":[]}";
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct image_config config;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(image_config_parse(&arena, json, strlen(json), &config, &call), 0);
	assert_int_equal(config.n_environment, 2);
	assert_string_equal(config.environment[1], "C=");
	assert_int_equal(config.n_entrypoint, 1);
	assert_string_equal(config.entrypoint[0], "/e");
	assert_int_equal(config.n_command, 2);
	assert_string_equal(config.command[1], "");
	assert_string_equal(config.user, "1:2");
	assert_string_equal(config.working_dir, "/w");
	assert_string_equal(config.stop_signal, "SIGQUIT");
	assert_string_equal(config.architecture, "arm");
	assert_string_equal(config.os, "linux");
	assert_string_equal(config.variant, "v7");
	assert_int_equal(config.n_diff_ids, 1);
	assert_string_equal(config.diff_ids[0], DIGEST);
}

/* Absent and null are the same everywhere. */
static void test_sparse_config(void **state)
{
	static const char *const texts[] = {
		"{}", "{\"config\":null,\"rootfs\":null,\"os\":null}",
		"{\"config\":{\"Env\":null,\"Entrypoint\":null,\"Cmd\":null,\"User\":null},\"rootfs\":{}}"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct image_config config;
		cri_call call;

		call_init(&call);
		assert_int_equal(image_config_parse(&arena, texts[i], strlen(texts[i]), &config, &call), 0);
		assert_int_equal(config.n_entrypoint + config.n_command + config.n_environment + config.n_diff_ids, 0);
		assert_string_equal(config.user, "");
		assert_string_equal(config.working_dir, "");
		assert_string_equal(config.stop_signal, "");
		assert_string_equal(config.architecture, "");
		assert_string_equal(config.os, "");
		assert_string_equal(config.variant, "");
	}
}

static void test_bad_configs(void **state)
{
	static const char *const texts[] = {
		"",
		"nothing",
		"7",
		"\"text\"",
		"{\"config\":[]}",
		"{\"config\":{\"Env\":\"A=b\"}}",
		"{\"config\":{\"Cmd\":[1]}}",
		"{\"config\":{\"Cmd\":[null]}}",
		"{\"config\":{\"User\":0}}",
		"{\"os\":[]}",
		"{\"rootfs\":[]}",
		"{\"rootfs\":{\"diff_ids\":{}}}",
		"{\"rootfs\":{\"diff_ids\":[\"sha256:short\"]}}",
		"{} {}",
		"{\"os\":\"\\u0000\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct image_config config;
		cri_call call;

		call_init(&call);
		if (image_config_parse(&arena, texts[i], strlen(texts[i]), &config, &call) != CRI_ECORRUPT)
			fail_msg("%s is taken", texts[i]);
		assert_int_equal(call.code, CRI_ECORRUPT);
	}
}

static void test_manifest(void **state)
{
	static const char json[] =
		"{\"schemaVersion\":2,\"config\":" DESCRIPTOR(CONFIG_TYPE) ",\"layers\":[" DESCRIPTOR(
			LAYER_TYPE) "," DESCRIPTOR("application/vnd.docker.image.rootfs.diff."
						   "tar.gzip") "]}";
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct manifest manifest;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(manifest_parse(&arena, json, strlen(json), &manifest, &call), 0);
	assert_string_equal(manifest.config.digest, DIGEST);
	assert_int_equal(manifest.config.size, 12);
	assert_int_equal(manifest.n_layers, 2);
	assert_string_equal(manifest.layers[1].digest, DIGEST);
}

static void test_bad_manifests(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{ "{}", CRI_ECORRUPT },
		{ "[]", CRI_ECORRUPT },
		{ "{\"schemaVersion\":1,\"fsLayers\":[]}", CRI_ENOTSUP },
		{ "{\"schemaVersion\":\"two\"}", CRI_ENOTSUP },
		{ "{\"config\":" DESCRIPTOR(CONFIG_TYPE) "}", CRI_ECORRUPT },
		{ "{\"config\":" DESCRIPTOR(CONFIG_TYPE) ",\"layers\":{}}", CRI_ECORRUPT },
		{ "{\"config\":" DESCRIPTOR(CONFIG_TYPE) ",\"layers\":[1]}", CRI_ECORRUPT },
		{ "{\"config\":" DESCRIPTOR(CONFIG_TYPE) ",\"layers\":[{\"mediaType\":\"" LAYER_TYPE
							 "\",\"digest\":\"" DIGEST "\"}]}",
		  CRI_ECORRUPT },
		{ "{\"config\":" DESCRIPTOR(CONFIG_TYPE) ",\"layers\":[{\"mediaType\":\"" LAYER_TYPE
							 "\",\"digest\":\"" DIGEST "\",\"size\":-1}]}",
		  CRI_ECORRUPT },
		{ "{\"config\":" DESCRIPTOR(CONFIG_TYPE) ",\"layers\":[{\"mediaType\":\"" LAYER_TYPE
							 "\",\"digest\":\"../../etc/passwd\",\"size\":1}]}",
		  CRI_ECORRUPT },
		{ "{\"config\":" DESCRIPTOR("application/vnd.oci.empty.v1+json") ",\"layers\":[]}", CRI_ENOTSUP },
		{ "{\"config\":" DESCRIPTOR(CONFIG_TYPE) ",\"layers\":[" DESCRIPTOR("text/plain") "]}", CRI_ENOTSUP },
		{ "{\"config\":" DESCRIPTOR(CONFIG_TYPE) ",\"layers\":[" DESCRIPTOR(
			  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip") "]}",
		  CRI_ENOTSUP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct manifest manifest;
		cri_call call;
		int result;

		call_init(&call);
		result = manifest_parse(&arena, cases[i].text, strlen(cases[i].text), &manifest, &call);
		if (result != cases[i].code)
			fail_msg("%s: %d", cases[i].text, result);
	}
}

static void test_index_names(void **state)
{
	static const struct {
		const char *annotations, *name;
	} cases[] = {
		{ "", "" },
		{ ",\"annotations\":null", "" },
		{ ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"a:1\"}", "a:1" },
		{ ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"1\",\"io.containerd.image.name\":\"a:1\"}",
		  "a:1" },
		{ ",\"annotations\":{\"io.containerd.image.name\":\"\",\"org.opencontainers.image.ref.name\":\"b\"}",
		  "b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct index index;
		char text[1024];
		cri_call call;

		call_init(&call);
		snprintf(text, sizeof(text),
			 "{\"manifests\":[{\"mediaType\":\"application/"
			 "vnd.oci.image.manifest.v1+json\",\"digest\":\"" DIGEST
			 "\",\"size\":3,\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\"}%s}]}",
			 cases[i].annotations);
		assert_int_equal(index_parse(&arena, text, strlen(text), &index, &call), 0);
		assert_int_equal(index.n_manifests, 1);
		assert_int_equal(index.manifests[0].content, CONTENT_MANIFEST);
		assert_true(index.manifests[0].has_platform);
		assert_string_equal(index.manifests[0].platform.architecture, "arm");
		assert_string_equal(index.manifests[0].platform.variant, "");
		assert_string_equal(index.manifests[0].name, cases[i].name);
	}
}

static void test_docker_manifest(void **state)
{
	static const char json[] = "[{\"Config\":\"c.json\",\"RepoTags\":null,\"Layers\":[\"a/layer.tar\"]},"
				   "{\"Config\":\"d.json\",\"RepoTags\":[\"x:1\",\"y:2\"],\"Layers\":[]}]";
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct docker_image *images;
	size_t n_images;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(docker_manifest_parse(&arena, json, strlen(json), &images, &n_images, &call), 0);
	assert_int_equal(n_images, 2);
	assert_int_equal(images[0].n_names, 0);
	assert_string_equal(images[0].layers[0], "a/layer.tar");
	assert_string_equal(images[1].config, "d.json");
	assert_string_equal(images[1].names[1], "y:2");
	assert_int_equal(docker_manifest_parse(&arena, "{}", 2, &images, &n_images, &call), CRI_ECORRUPT);
	assert_int_equal(docker_manifest_parse(&arena, "[{}]", 4, &images, &n_images, &call), CRI_ECORRUPT);
	assert_int_equal(docker_manifest_parse(&arena, "[[]]", 4, &images, &n_images, &call), CRI_ECORRUPT);
}

static int rank(const char *wanted, const char *offered)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct platform a, b;
	cri_call call;

	call_init(&call);
	assert_int_equal(platform_parse(&arena, wanted, &a, &call), 0);
	assert_int_equal(platform_parse(&arena, offered, &b, &call), 0);
	return platform_rank(&a, &b);
}

static void test_platforms(void **state)
{
	(void)state;
	assert_true(rank("linux/amd64", "linux/amd64") > 0);
	assert_true(rank("linux/x86_64", "linux/amd64") > 0);
	assert_true(rank("linux/arm64", "linux/arm64/v8") > 0);
	assert_true(rank("linux/arm64/v8", "linux/aarch64") > 0);
	assert_true(rank("linux/arm", "linux/arm/v7") > 0);
	assert_true(rank("linux/arm/v7", "linux/arm/v7") > rank("linux/arm/v7", "linux/arm/v6"));
	assert_true(rank("linux/arm/v7", "linux/arm/v6") > rank("linux/arm/v7", "linux/arm/v5"));
	assert_true(rank("linux/arm/v7", "linux/arm/v5") > 0);
	assert_true(rank("linux/amd64/v3", "linux/amd64") > 0);
	assert_int_equal(rank("linux/amd64", "linux/amd64/v3"), 0);
	assert_int_equal(rank("linux/arm/v6", "linux/arm/v7"), 0);
	assert_int_equal(rank("linux/amd64", "linux/386"), 0);
	assert_int_equal(rank("linux/amd64", "windows/amd64"), 0);
	assert_int_equal(rank("linux/arm64", "linux/arm/v7"), 0);
	assert_true(rank("", "") > 0);
}

static void test_bad_platforms(void **state)
{
	static const char *const texts[] = { "linux", "/", "linux/", "/amd64", "linux/arm/", "linux/arm/v7/x" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct platform platform;
		cri_call call;

		call_init(&call);
		assert_int_equal(platform_parse(&arena, texts[i], &platform, &call), CRI_EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),          cmocka_unit_test(test_sparse_config),
		cmocka_unit_test(test_bad_configs),     cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_bad_manifests),   cmocka_unit_test(test_index_names),
		cmocka_unit_test(test_docker_manifest), cmocka_unit_test(test_platforms),
		cmocka_unit_test(test_bad_platforms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

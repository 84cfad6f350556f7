/* SPDX-License-Identifier: Apache-2.0 */
/* What an index is chosen from, and documents that could be read in two ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/document.h"

#include <stdio.h>
#include <string.h>

#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define INDEX "application/vnd.oci.image.index.v1+json"
#define CONFIG "application/vnd.oci.image.config.v1+json"
/* Of size N, by which they are told apart. */
#define LISTED(type, n, platform)                                                                                      \
	"{\"mediaType\":\"" type                                                                                       \
	"\",\"digest\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\"size\":" n        \
	"" platform "}"
#define PLATFORM(architecture, variant)                                                                                \
	",\"platform\":{\"os\":\"linux\",\"architecture\":\"" architecture "\",\"variant\":\"" variant                 \
	"\",\"os.version\":\"5.4\",\"os.features\":[\"x\"]}"

static void test_choice(void **state)
{
	static const struct {
		const char *platform, *list;
		int chosen; /* 0: none */
	} cases[] = {
		{ "linux/arm/v7",
		  LISTED(MANIFEST, "1", PLATFORM("arm", "v5")) "," LISTED(MANIFEST, "2", PLATFORM("arm", "v6")), 2 },
		{ "linux/arm/v7", LISTED(MANIFEST, "1", PLATFORM("arm", "v8")), 0 },
		/* Of equal ones the first. */
		{ "linux/amd64",
		  LISTED(MANIFEST, "1", PLATFORM("amd64", "")) "," LISTED(MANIFEST, "2", PLATFORM("amd64", "v1")), 1 },
		/* What is for anybody is the last choice, and one all the same. */
		{ "linux/arm/v7", LISTED(MANIFEST, "1", "") "," LISTED(MANIFEST, "2", PLATFORM("arm", "v5")), 2 },
		{ "linux/arm/v7", LISTED(MANIFEST, "1", PLATFORM("amd64", "")) "," LISTED(MANIFEST, "2", ""), 2 },
		{ "linux/arm/v7", LISTED(MANIFEST, "1", "") "," LISTED(MANIFEST, "2", ""), 1 },
		/* Attestations and artifacts beside images are none. */
		{ "linux/amd64", LISTED(MANIFEST, "1", PLATFORM("unknown", "")), 0 },
		{ "linux/amd64", LISTED("application/vnd.in-toto+json", "1", PLATFORM("amd64", "")), 0 },
		/* An index within. */
		{ "linux/amd64", LISTED(INDEX, "1", "") "," LISTED(MANIFEST, "2", PLATFORM("amd64", "")), 2 },
		{ "linux/amd64", LISTED(INDEX, "1", "") "," LISTED(MANIFEST, "2", PLATFORM("arm64", "")), 1 },
		{ "linux/amd64",
		  LISTED(INDEX, "1", PLATFORM("arm64", "")) "," LISTED(INDEX, "2", PLATFORM("amd64", "")), 2 },
		{ "linux/amd64", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		const struct descriptor *chosen;
		struct platform wanted;
		struct index index;
		char text[2048];
		cri_call call;

		call_init(&call);
		snprintf(text, sizeof(text), "{\"schemaVersion\":2,\"manifests\":[%s]}", cases[i].list);
		assert_int_equal(platform_parse(&arena, cases[i].platform, &wanted, &call), 0);
		assert_int_equal(index_parse(&arena, text, strlen(text), &index, &call), 0);
		chosen = index_choose(&index, &wanted);
		if ((chosen ? (int)chosen->size : 0) != cases[i].chosen)
			fail_msg("case %zu: %d", i, chosen ? (int)chosen->size : 0);
	}
}

static void test_two_meanings(void **state)
{
	static const struct {
		const char *more;
		bool index, manifest;
	} cases[] = {
		{ "\"manifests\":[]", true, false },
		{ "\"manifests\":[],\"config\":null,\"layers\":null", true, false },
		{ "\"manifests\":[],\"mediaType\":\"" INDEX "\"", true, false },
		{ "\"manifests\":[],\"mediaType\":\"application/vnd.docker.distribution.manifest.list.v2+json\"", true,
		  false },
		{ "\"manifests\":[],\"mediaType\":\"" MANIFEST "\"", false, false },
		{ "\"manifests\":[],\"mediaType\":7", false, false },
		{ "\"manifests\":[],\"layers\":[]", false, false },
		{ "\"manifests\":[],\"Layers\":[]", false, false },
		{ "\"manifests\":[],\"fsLayers\":[]", false, false },
		{ "\"manifests\":[],\"config\":" LISTED(CONFIG, "1", "") ",\"layers\":[]", false, false },
		{ "\"config\":" LISTED(CONFIG, "1", "") ",\"layers\":[]", false, true },
		{ "\"config\":" LISTED(CONFIG, "1", "") ",\"layers\":[],\"manifests\":null", false, true },
		{ "\"config\":" LISTED(CONFIG, "1", "") ",\"layers\":[],\"mediaType\":\"" MANIFEST "\"", false, true },
		{ "\"config\":" LISTED(CONFIG, "1", "") ",\"layers\":[],\"mediaType\":\"" INDEX "\"", false, false },
		{ "\"config\":" LISTED(CONFIG, "1", "") ",\"layers\":[],\"mediaType\":\"text/html\"", false, false },
		{ "\"config\":" LISTED(CONFIG, "1", "") ",\"layers\":[],\"MANIFESTS\":[]", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct manifest manifest;
		struct index index;
		char text[1024];
		cri_call call;
		int result;

		call_init(&call);
		snprintf(text, sizeof(text), "{\"schemaVersion\":2,%s}", cases[i].more);
		result = index_parse(&arena, text, strlen(text), &index, &call);
		if (result != (cases[i].index ? 0 : CRI_ECORRUPT))
			fail_msg("%s as an index: %d", text, result);
		result = manifest_parse(&arena, text, strlen(text), &manifest, &call);
		if (result != (cases[i].manifest ? 0 : CRI_ECORRUPT))
			fail_msg("%s as a manifest: %d", text, result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_two_meanings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

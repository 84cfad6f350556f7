/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed layers in several pieces: members of gzip, frames of zstd, with whatever stands between them. */
#include "registry.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEGABYTE ((size_t)1 << 20)
/* Four bytes that mean nothing to a decoder. */
#define SKIPPABLE "printf 'Z*M\\030\\004\\000\\000\\000abcd'"

static void expect_import(struct fixture *fixture, const char *filter, int expected, const char *part)
{
	struct builder builder;
	struct tar tar;
	cri_list *list = NULL;
	int result;

	builder_begin(&builder, fixture->directory);
	tar_begin(&tar, builder.directory);
	tar_directory(&tar, "./", 0755);
	tar_copy(&tar, "program", 0755, "/proc/self/exe");
	tar_end(&tar);
	builder_layer(&builder, &tar, filter);
	assert_int_equal(unlink(tar.path), 0);
	builder_manifest(&builder, NULL);
	builder_index(&builder, "frames:1");
	result = cri_image_import(fixture->engine, builder.directory, NULL, &list, fixture->call);
	fixture_expect(fixture->call, expected, result, filter, __FILE__, __LINE__);
	if (expected) {
		if (!strstr(cri_call_message(fixture->call), part))
			fail_msg("%s: \"%s\" lacks \"%s\"", filter, cri_call_message(fixture->call), part);
		return;
	}
	cri_list_free(list);
	expect_ok(fixture, cri_image_remove(fixture->engine, "frames:1", fixture->call));
}

static void test_pieces(void **state)
{
	expect_import(*state, "dd bs=1000 count=1 status=none | gzip; gzip </dev/null; cat | gzip", 0, "");
	expect_import(*state, "split -b 1000 --filter='gzip -1' -", 0, "");
	expect_import(*state, "dd bs=1000 count=1 status=none | zstd -q; zstd -q </dev/null; zstd -q", 0, "");
	/* Each with a window of its own, ever larger. */
	expect_import(*state,
		      "dd bs=10 count=1 status=none | zstd -q; dd bs=3000 count=1 status=none | zstd -q; "
		      "dd bs=30000 count=1 status=none | zstd -q -9; zstd -q -19 --long=23",
		      0, "");
	expect_import(*state, "split -b 100 --filter='zstd -q -1' -", 0, "");
	/* As pzstd and zstd:chunked have them. */
	expect_import(*state, SKIPPABLE "; zstd -q", 0, "");
	expect_import(*state, "zstd -q; " SKIPPABLE, 0, "");
	expect_import(*state,
		      SKIPPABLE "; dd bs=1000 count=1 status=none | zstd -q; " SKIPPABLE "; " SKIPPABLE "; zstd -q", 0,
		      "");
	expect_import(*state, "pzstd -q -p 2 -c", 0, "");
}

static void test_broken_pieces(void **state)
{
	expect_import(*state, "gzip; printf '\\000\\000'", CRI_ECORRUPT, "damaged");
	expect_import(*state, "gzip; printf '\\037\\213'", CRI_ECORRUPT, "cut off");
	expect_import(*state, "zstd -q; printf 'abc'", CRI_ECORRUPT, "damaged");
	expect_import(*state, "zstd -q; printf 'abcdefghijklmnopqrstuvwxyz'", CRI_ECORRUPT, "damaged");
	expect_import(*state, "zstd -q; printf '(\\265/\\375'", CRI_ECORRUPT, "cut off");
	expect_import(*state, "zstd -q; printf 'Z*M\\030\\004\\000\\000\\000abc'", CRI_ECORRUPT, "cut off");
	expect_import(*state, "dd bs=1000 count=1 status=none | zstd -q; zstd -q --ultra --long=25 -22", CRI_ENOTSUP,
		      "window");
}

/* That the first frame is small says nothing of the next: four layers at once stay within 32 MB all the same. */
static void test_memory(void **state)
{
	struct fixture *fixture = *state;
	struct server registry;
	struct builder builder;
	char url[64], text[128], helper[PATH_MAX], *id = NULL, *bytes = malloc(20 * MEGABYTE);
	uint64_t random = 88172645463325252u;
	char magic[2] = "";
	FILE *file;

	assert_non_null(bytes);
	assert_non_null(realpath(getenv("LIBCRI_HELPER_DIRECTORY"), helper));
	strncat(helper, "/cri-fetch", PATH_MAX - strlen(helper) - 1);
	file = fopen(helper, "re");
	assert_non_null(file);
	assert_int_equal(fread(magic, 1, sizeof(magic), file), sizeof(magic));
	fclose(file);
	/* Run by a script that watches it (tests/watch), whose memory is the watcher's too. */
	if (memcmp(magic, "#!", sizeof(magic)) == 0) {
		free(bytes);
		skip();
	}
	registry_start(&registry, fixture->directory, "registry", free_port(), "", "");
	builder_begin(&builder, fixture->directory);
	for (int i = 0; i < 4; i++) {
		struct tar tar;

		for (size_t j = 0; j < 20 * MEGABYTE; j += sizeof(random)) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			memcpy(bytes + j, &random, sizeof(random));
		}
		tar_begin(&tar, builder.directory);
		tar_bytes(&tar, "random", 0644, bytes, 20 * MEGABYTE);
		tar_end(&tar);
		builder_layer(&builder, &tar,
			      "dd bs=100 count=1 status=none | zstd -q; zstd -q -1 --long=24 --no-check -c");
		assert_int_equal(unlink(tar.path), 0);
	}
	free(bytes);
	builder_manifest(&builder, NULL);
	snprintf(url, sizeof(url), "http://%s", registry.host);
	push(&builder, url, "frames", "latest", "");
	snprintf(text, sizeof(text), "%s/frames", registry.host);
	expect_ok(fixture, cri_image_pull(fixture->engine, text, NULL, &id, fixture->call));
	shell("for p in /proc/[0-9]*; do [ \"$(readlink $p/exe)\" = '%s' ] || continue; "
	      "m=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' $p/status); [ ${m:-0} -le 32768 ] || { echo \"$m "
	      "kB\"; exit 1; }; "
	      "seen=$m; done; [ ${seen:-0} -gt 8192 ]",
	      helper);
	expect_ok(fixture, cri_image_remove(fixture->engine, id, fixture->call));
	cri_free(id);
	server_stop(&registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_pieces),
		fixture_test(test_broken_pieces),
		fixture_test(test_memory),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

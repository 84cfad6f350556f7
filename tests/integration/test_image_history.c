/* SPDX-License-Identifier: Apache-2.0 */
/* What a saved image's config tells of how it was made fits the layers that it has. */
#include "fixture.h"
#include "image_builder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "docker.io/test/history:1"

static const cri_save_options as_layout = { CRI_SAVE_OPTIONS_INIT, .format = CRI_IMAGE_OCI_LAYOUT };

/* Layers by the letters of their one file; the same letter is the same layer. With `bound` they lack a directory, and
 * so depend on what is below them. */
static void build(struct fixture *fixture, const char *letters, bool bound, const char *history)
{
	struct builder builder;

	builder_begin(&builder, fixture->directory);
	snprintf(builder.config, sizeof(builder.config), "},\"history\":%s,\"more\":{\"x\":1", history);
	for (const char *letter = letters; *letter; letter++) {
		char name[16];
		struct tar tar;

		snprintf(name, sizeof(name), "%s%c", bound ? "directory/" : "", *letter);
		tar_begin(&tar, builder.directory);
		tar_file(&tar, name, 0644, name);
		tar_end(&tar);
		builder_layer(&builder, &tar, "gzip -n");
		assert_int_equal(unlink(tar.path), 0);
	}
	builder_manifest(&builder, NULL);
	builder_index(&builder, NAME);
	{
		cri_list *list = NULL;

		expect_ok(fixture, cri_image_import(fixture->engine, builder.directory, NULL, &list, fixture->call));
		cri_list_free(list);
	}
}

/* Saves the image, imports it in its place, and says what its config and its layers are. */
static void save_and_import(struct fixture *fixture, char id[DIGEST_TEXT], char history[512], int *layers)
{
	char path[128], *json = NULL, *begin, *end;
	cri_list *list = NULL;

	snprintf(path, sizeof(path), "%s/saved", fixture->directory);
	expect_ok(fixture, cri_image_save(fixture->engine, NAME, path, &as_layout, fixture->call));
	expect_ok(fixture, cri_image_remove(fixture->engine, NAME, fixture->call));
	expect_ok(fixture, cri_image_import(fixture->engine, path, NULL, &list, fixture->call));
	snprintf(id, DIGEST_TEXT, "%s", cri_image_at(list, 0)->id);
	cri_list_free(list);
	shell("rm -r '%s'", path);
	expect_ok(fixture, cri_image_info_json(fixture->engine, NAME, &json, fixture->call));
	*history = '\0';
	begin = strstr(json, "\"history\":");
	if (begin) {
		end = strchr(begin, ']');
		snprintf(history, 512, "%.*s", (int)(end + 1 - begin) - 10, begin + 10);
	}
	*layers = 0;
	for (begin = strstr(json, "\"diff_ids\":["); *begin != ']'; begin++)
		*layers += strncmp(begin, "sha256:", 7) == 0;
	cri_free(json);
}

static void test_history(void **state)
{
	static const struct {
		const char *letters;
		bool bound;
		const char *history, *saved; /* NULL: the same */
		int layers;
	} cases[] = {
		{ "ab", false, "[{\"by\":\"a\"},{\"empty_layer\":true},{\"by\":\"b\"}]", NULL, 2 },
		/* The lower "a" is gone. */
		{ "aba", false, "[{\"by\":\"1\"},{\"empty_layer\":true},{\"by\":\"2\"},{\"by\":\"3\"}]",
		  "[{\"by\":\"1\",\"empty_layer\":true},{\"empty_layer\":true},{\"by\":\"2\"},{\"by\":\"3\"}]", 2 },
		{ "abab", false, "[{\"by\":\"1\"},{\"by\":\"2\",\"empty_layer\":false},{\"by\":\"3\"},{\"by\":\"4\"}]",
		  "[{\"by\":\"1\",\"empty_layer\":true},{\"by\":\"2\",\"empty_layer\":true},{\"by\":\"3\"},{\"by\":"
		  "\"4\"}]",
		  2 },
		/* The first makes the directory, and what comes again is another layer for it. */
		{ "aba", true, "[{\"by\":\"1\"},{\"by\":\"2\"},{\"by\":\"3\"}]", NULL, 3 },
		/* It told of something else. */
		{ "aba", false, "[{\"by\":\"1\"},{\"by\":\"2\"}]", "", 2 },
		{ "ab", false, "[{\"by\":\"1\"},{\"by\":\"2\"},{\"by\":\"3\"}]", "", 2 },
		{ "ab", false, "[1,2]", "", 2 },
		{ "ab", false, "[{\"by\":\"1\"},{\"by\":\"2\"}]", NULL, 2 },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *expected = cases[i].saved ? cases[i].saved : cases[i].history;
		char id[DIGEST_TEXT], again[DIGEST_TEXT], history[512];
		int layers;

		build(fixture, cases[i].letters, cases[i].bound, cases[i].history);
		save_and_import(fixture, id, history, &layers);
		if (strcmp(history, expected) != 0)
			fail_msg("case %zu: %s and not %s", i, history, expected);
		assert_int_equal(layers, cases[i].layers);
		save_and_import(fixture, again, history, &layers);
		assert_string_equal(again, id);
		expect_ok(fixture, cri_image_remove(fixture->engine, NAME, fixture->call));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_history),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Embedded images that lie, lack something or lead elsewhere: a clear error each, and nothing left. */
#include "embedded_builder.h"
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_clean(struct fixture *fixture, const struct embedded *embedded)
{
	cri_list *list = NULL;

	expect_ok(fixture, cri_image_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	cri_list_free(list);
	shell("test $(ls '%s/l' | wc -l) -eq 1", fixture->root);
	embedded_expect_loops(embedded->directory, 0);
}

static void expect_import(struct fixture *fixture, const struct embedded *embedded, int code, const char *text)
{
	cri_list *list = NULL;

	expect_code(fixture, code, cri_image_import(fixture->engine, embedded->manifest, NULL, &list, fixture->call));
	assert_null(list);
	if (!strstr(cri_call_message(fixture->call), text))
		fail_msg("\"%s\" does not say \"%s\"", cri_call_message(fixture->call), text);
	cri_call_reset(fixture->call);
	expect_clean(fixture, embedded);
}

static void begin(struct fixture *fixture, struct embedded *embedded)
{
	embedded_begin(embedded, fixture->directory);
	embedded_filesystem(embedded, "root.img", FS_SQUASHFS, "echo root >file");
	embedded_filesystem(embedded, "app.img", FS_SQUASHFS, "echo application >file");
	embedded_layer(embedded, SQUASHFS_TYPE, "root.img", "/");
}

/* A second layer as it is said, beside the good first one. */
static void expect_layer(struct fixture *fixture, const char *json, int code, const char *text)
{
	struct embedded embedded;

	begin(fixture, &embedded);
	embedded_add(&embedded, json);
	embedded_finish(&embedded, "bad:v1");
	expect_import(fixture, &embedded, code, text);
	shell("rm -rf '%s'", embedded.directory);
}

#define LAYER(type, host, container, more)                                                                             \
	"{\"mediaType\":\"" type "\",\"pathInHost\":\"" host "\",\"pathInContainer\":\"" container "\"" more "}"

static void test_layers(void **state)
{
	static const struct {
		const char *json;
		int code;
		const char *text;
	} cases[] = {
		{ LAYER(SQUASHFS_TYPE, "gone.img", "/a", ""), CRI_ECORRUPT, "gone.img is missing" },
		{ LAYER(SQUASHFS_TYPE, "../x.img", "/a", ""), CRI_ECORRUPT, "leads out" },
		{ LAYER(SQUASHFS_TYPE, "a/../../x.img", "/a", ""), CRI_ECORRUPT, "leads out" },
		{ LAYER(SQUASHFS_TYPE, "/etc/passwd", "/a", ""), CRI_ECORRUPT, "is not relative" },
		{ LAYER(SQUASHFS_TYPE, "", "/a", ""), CRI_ECORRUPT, "no pathInHost" },
		{ LAYER(SQUASHFS_TYPE, "app.img", "a", ""), CRI_ECORRUPT, "is not absolute" },
		{ LAYER(SQUASHFS_TYPE, "app.img", "", ""), CRI_ECORRUPT, "is not absolute" },
		{ LAYER(SQUASHFS_TYPE, "app.img", "/a/../..", ""), CRI_ECORRUPT, "is not absolute" },
		{ LAYER(SQUASHFS_TYPE, "root.img", "/", ""), CRI_ECORRUPT, "layers 0 and 1 are the same" },
		{ LAYER(SQUASHFS_TYPE, "./root.img", "/", ""), CRI_ECORRUPT, "leads out" },
		{ LAYER(SQUASHFS_TYPE, "app.img", "/a", ",\"size\":4095"), CRI_ECORRUPT, "should have 4095" },
		{ LAYER(SQUASHFS_TYPE, "app.img", "/a", ",\"size\":-1"), CRI_ECORRUPT, "no number of bytes" },
		{ LAYER(SQUASHFS_TYPE, "app.img", "/a", ",\"size\":\"x\""), CRI_ECORRUPT, "no number of bytes" },
		{ LAYER(SQUASHFS_TYPE, "app.img", "/a",
			",\"digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\""),
		  CRI_ECORRUPT, "and should be sha256:0000" },
		{ LAYER(SQUASHFS_TYPE, "app.img", "/a", ",\"digest\":\"sha256:00\""), CRI_ECORRUPT, "no sha256" },
		{ LAYER(EROFS_TYPE, "app.img", "/a", ""), CRI_ECORRUPT, "app.img is no erofs" },
		{ LAYER("application/vnd.oci.image.layer.v1.tar", "app.img", "/a", ""), CRI_ENOTSUP, "unknown kind" },
		{ LAYER(DIRECTORY_TYPE, "app.img", "/a", ""), CRI_ECORRUPT, "is no directory" },
		{ LAYER(DIRECTORY_TYPE, ".", "/a", ""), CRI_ECORRUPT, "leads out" },
		{ "7", CRI_ECORRUPT, "layer 1 is no object" },
		{ "{}", CRI_ENOTSUP, "unknown kind" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_layer(*state, cases[i].json, cases[i].code, cases[i].text);
}

static void test_what_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct embedded embedded;

	begin(fixture, &embedded);
	embedded_add(&embedded, LAYER(SQUASHFS_TYPE, "layer", "/a", ""));
	embedded_finish(&embedded, "bad:v1");
	shell("ln -s /etc/passwd '%s/layer'", embedded.directory);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "leads out");
	shell("cd '%s' && ln -sfn ../../root.img layer", embedded.directory);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "leads out");
	shell("cd '%s' && ln -sfn layer layer", embedded.directory);
	expect_import(fixture, &embedded, CRI_EINTERNAL, "open layer layer");
	shell("cd '%s' && rm layer && mkfifo layer", embedded.directory);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "no regular file");
	shell("cd '%s' && rm layer && mkdir layer", embedded.directory);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "no regular file");
	/* The same file by another name: overlayfs would refuse it. */
	embedded.layers[0] = '\0';
	embedded.n_layers = 0;
	embedded_layer(&embedded, SQUASHFS_TYPE, "root.img", "/");
	embedded_add(&embedded, LAYER(SQUASHFS_TYPE, "link.img", "/", ""));
	embedded_finish(&embedded, "bad:v1");
	shell("ln -s root.img '%s/link.img'", embedded.directory);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "layers 0 and 1 are both");
	/* A superblock and nothing behind it. */
	shell("cd '%s' && rm link.img && { printf hsqs; head -c 8188 /dev/zero; } >link.img", embedded.directory);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "the kernel cannot mount it as squashfs");
	shell("cd '%s' && : >link.img", embedded.directory);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "link.img is no squashfs");
}

static void test_first_layer(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
		{ LAYER(DIRECTORY_TYPE, "/etc", "", ""), "is not \\\"/\\\"" },
		{ LAYER(SQUASHFS_TYPE, "/dev/null", "", ""), "is no block device" },
		{ LAYER(SQUASHFS_TYPE, "/no-such-device", "", ""), "is missing" },
		{ LAYER(SQUASHFS_TYPE, "/", "", ""), "is no block device" },
		{ LAYER(SQUASHFS_TYPE, "root.img", "/opt", ""), "layer 0 is the root" },
		{ LAYER(DIRECTORY_TYPE, "/", "",
			",\"digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\""),
		  "cannot have a digest" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct embedded embedded;
		const char *text = strcmp(cases[i].text, "is not \\\"/\\\"") ? cases[i].text : "is not \"/\"";

		begin(fixture, &embedded);
		embedded.layers[0] = '\0';
		embedded.n_layers = 0;
		embedded_add(&embedded, cases[i].json);
		embedded_finish(&embedded, "bad:v1");
		expect_import(fixture, &embedded, CRI_ECORRUPT, text);
		shell("rm -rf '%s'", embedded.directory);
	}
}

static void test_checksum(void **state)
{
	struct fixture *fixture = *state;
	struct embedded embedded;
	char text[2 * DIGEST_TEXT];

	begin(fixture, &embedded);
	embedded_finish(&embedded, "bad:v1");
	assert_int_equal(unlink(embedded.checksum), 0);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "app.sgn is missing");
	write_text(embedded.checksum, "");
	expect_import(fixture, &embedded, CRI_ECORRUPT, "does not hold");
	write_text(embedded.checksum, embedded.digest + strlen("sha256:"));
	expect_import(fixture, &embedded, CRI_ECORRUPT, "does not hold");
	snprintf(text, sizeof(text), "%s %s", embedded.digest, embedded.digest);
	write_text(embedded.checksum, text);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "does not hold");
	shell("head -c 1000000 /dev/zero | tr '\\0' a >'%s'", embedded.checksum);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "does not hold");
	shell("rm '%s' && mkdir '%s'", embedded.checksum, embedded.checksum);
	expect_import(fixture, &embedded, CRI_EINTERNAL, "read the checksum file");
	assert_int_equal(rmdir(embedded.checksum), 0);
	write_text(embedded.checksum, "sha256:0000000000000000000000000000000000000000000000000000000000000000");
	expect_import(fixture, &embedded, CRI_ECORRUPT, embedded.digest);
	/* Changed after it was summed. */
	write_text(embedded.checksum, embedded.digest);
	shell("sed -i s/bad:v1/bad:v2/ '%s'", embedded.manifest);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "its digest is");
}

static void test_documents(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{ "{", CRI_ECORRUPT, "no well-formed JSON" },
		{ "{\"schemaVersion\":1}", CRI_ENOTSUP, "its mediaType is \"\"" },
		{ "{\"mediaType\":\"" EMBEDDED_TYPE "\"}", CRI_ENOTSUP, "schemaVersion" },
		{ "{\"mediaType\":\"" EMBEDDED_TYPE "\",\"schemaVersion\":2}", CRI_ENOTSUP, "schemaVersion" },
		{ "{\"mediaType\":\"" EMBEDDED_TYPE "\",\"schemaVersion\":1}", CRI_ECORRUPT, "no imageName" },
		{ "{\"mediaType\":\"" EMBEDDED_TYPE "\",\"schemaVersion\":1,\"imageName\":\"x\"}", CRI_ECORRUPT,
		  "no layers" },
		{ "{\"mediaType\":\"" EMBEDDED_TYPE "\",\"schemaVersion\":1,\"imageName\":\"x\",\"layers\":[]}",
		  CRI_ECORRUPT, "no layers" },
		{ "{\"mediaType\":\"" EMBEDDED_TYPE "\",\"schemaVersion\":1,\"imageName\":\"UPPER case\",\"layers\":["
		  "{\"mediaType\":\"" DIRECTORY_TYPE "\",\"pathInHost\":\"/\"}]}",
		  CRI_EINVAL, "UPPER" },
		{ "{\"mediaType\":\"" EMBEDDED_TYPE "\",\"schemaVersion\":1,\"imageName\":\"x\",\"config\":[],"
		  "\"layers\":[]}",
		  CRI_ECORRUPT, "config is no object" },
		{ "{\"mediaType\":\"" EMBEDDED_TYPE "\",\"schemaVersion\":1,\"imageName\":\"x\",\"config\":"
		  "{\"Env\":\"A=b\"},\"layers\":[{\"mediaType\":\"" DIRECTORY_TYPE "\",\"pathInHost\":\"/\"}]}",
		  CRI_ECORRUPT, "Env is no list" },
		{ "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"schemaVersion\":2}", CRI_ENOTSUP,
		  "mediaType" },
	};
	struct fixture *fixture = *state;
	struct embedded embedded;
	static char deep[20000];

	embedded_begin(&embedded, fixture->directory);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		embedded_write(&embedded, cases[i].text);
		expect_import(fixture, &embedded, cases[i].code, cases[i].says);
	}
	strcpy(deep, "{\"a\":");
	memset(deep + 5, '[', 9000);
	embedded_write(&embedded, deep);
	expect_import(fixture, &embedded, CRI_ECORRUPT, "nested deeper");
	/* 5 MB. */
	shell("{ printf '{\"a\":\"'; head -c 5000000 /dev/zero | tr '\\0' a; printf '\"}'; } >'%s'; "
	      "printf sha256:%%s $(sha256sum '%s' | cut -c 1-64) >'%s'",
	      embedded.manifest, embedded.manifest, embedded.checksum);
	expect_import(fixture, &embedded, CRI_EEXHAUSTED, "limit");
	/* One layer too many. */
	for (int i = 0; i < 128; i++) {
		char json[200];

		snprintf(json, sizeof(json),
			 "{\"mediaType\":\"" SQUASHFS_TYPE "\",\"pathInHost\":\"f%d\",\"pathInContainer\":\"/\"}", i);
		embedded_add(&embedded, json);
	}
	embedded_finish(&embedded, "many");
	expect_import(fixture, &embedded, CRI_ENOTSUP, "128 layers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_layers),   fixture_test(test_what_is_there), fixture_test(test_first_layer),
		fixture_test(test_checksum), fixture_test(test_documents),
	};

	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "embedded_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void embedded_import(struct fixture *fixture, const struct embedded *embedded)
{
	cri_list *list = NULL;

	expect_ok(fixture, cri_image_import(fixture->engine, embedded->manifest, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 1);
	assert_string_equal(cri_image_at(list, 0)->id, embedded->digest);
	cri_list_free(list);
}

void embedded_remove(struct fixture *fixture, const struct embedded *embedded)
{
	expect_ok(fixture, cri_image_remove(fixture->engine, embedded->digest, fixture->call));
}

int embedded_create(struct fixture *fixture, const char *sandbox, const char *name, const char *script, char **id)
{
	const char *const command[] = { "/bin/sh", "-c", script };
	char log[96];
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = name,   .image = EMBEDDED_NAME,
		.command = command,        .n_command = 3, .log_path = log,
	};

	snprintf(log, sizeof(log), "%s.log", name);
	return cri_container_create(fixture->engine, sandbox, &config, id, fixture->call);
}

char *embedded_start(struct fixture *fixture, const char *sandbox, const char *name)
{
	char *id = NULL;

	expect_ok(fixture, embedded_create(fixture, sandbox, name, "sleep 1000", &id));
	expect_ok(fixture, cri_container_start(fixture->engine, id, fixture->call));
	return id;
}

void embedded_expect_output(struct fixture *fixture, const char *container, const char *script, const char *expected)
{
	char *output = fixture_exec(fixture, container, script, NULL);

	assert_string_equal(output, expected);
	free(output);
}

void embedded_remove_container(struct fixture *fixture, char *id)
{
	expect_ok(fixture, cri_container_stop(fixture->engine, id, 0, fixture->call));
	expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

void embedded_make(struct fixture *fixture, struct embedded *embedded)
{
	embedded_begin(embedded, fixture->directory);
	embedded_root(embedded, "platform.img", FS_SQUASHFS);
	embedded_filesystem(embedded, "app.img", FS_SQUASHFS, "echo application >program && mkdir data");
	embedded_layer(embedded, SQUASHFS_TYPE, "platform.img", NULL);
	embedded_layer(embedded, SQUASHFS_TYPE, "app.img", "/opt/app");
	embedded_finish(embedded, "device:v1");
}

void embedded_expect_untouched(const struct embedded *embedded)
{
	char path[320], digest[DIGEST_TEXT];

	snprintf(path, sizeof(path), "%s/platform.img", embedded->directory);
	digest_of(path, digest);
	assert_non_null(strstr(embedded->layers, digest));
	snprintf(path, sizeof(path), "%s/app.img", embedded->directory);
	digest_of(path, digest);
	assert_non_null(strstr(embedded->layers, digest));
	assert_int_equal(access(embedded->manifest, F_OK), 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "embedded_builder.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#define WAIT_ROUNDS 500

void embedded_begin(struct embedded *embedded, const char *parent)
{
	memset(embedded, 0, sizeof(*embedded));
	snprintf(embedded->directory, sizeof(embedded->directory), "%s/device.XXXXXX", parent);
	assert_non_null(mkdtemp(embedded->directory));
	snprintf(embedded->manifest, sizeof(embedded->manifest), "%s/app.manifest", embedded->directory);
	snprintf(embedded->checksum, sizeof(embedded->checksum), "%s/app.sgn", embedded->directory);
	embedded->config = "{\"Env\":[\"DEVICE=yes\"],\"Entrypoint\":[\"/bin/sh\"],\"Cmd\":[\"-c\",\"pwd; echo "
			   "$DEVICE\"],\"WorkingDir\":\"/etc\"}";
}

void embedded_filesystem(const struct embedded *embedded, const char *file, const char *filesystem, const char *script)
{
	const char *directory = embedded->directory;

	shell("mkdir '%s/tree' && cd '%s/tree' && chmod 755 . && (%s)", directory, directory, script);
	if (strcmp(filesystem, FS_SQUASHFS) == 0)
		shell("mksquashfs '%s/tree' '%s/%s' -noappend -quiet -no-progress >/dev/null", directory, directory,
		      file);
	else
		shell("mkfs.erofs -x0 '%s/%s' '%s/tree' >/dev/null 2>&1", directory, file, directory);
	shell("rm -rf '%s/tree'", directory);
}

void embedded_root(const struct embedded *embedded, const char *file, const char *filesystem)
{
	embedded_filesystem(embedded, file, filesystem,
			    "mkdir -p bin dev etc proc sys tmp opt && cp /bin/busybox bin/busybox && "
			    "for applet in sh cat id ls echo sleep touch stat mkdir rm true; do "
			    "ln -s busybox bin/$applet; done && "
			    "echo root:x:0:0:root:/:/bin/sh >etc/passwd && "
			    "echo device:x:1234:4321:device:/:/bin/sh >>etc/passwd && "
			    "echo root:x:0: >etc/group && echo base >marker");
}

void embedded_add(struct embedded *embedded, const char *json)
{
	const size_t length = strlen(embedded->layers);

	snprintf(embedded->layers + length, sizeof(embedded->layers) - length, "%s%s", embedded->n_layers++ ? "," : "",
		 json);
}

void embedded_layer(struct embedded *embedded, const char *type, const char *file, const char *target)
{
	char path[320], digest[DIGEST_TEXT], json[1024];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", embedded->directory, file);
	assert_int_equal(stat(path, &status), 0);
	digest_of(path, digest);
	snprintf(json, sizeof(json),
		 "{\"mediaType\":\"%s\",\"size\":%lld,\"digest\":\"%s\",\"pathInHost\":\"%s\",\"pathInContainer\":\"%"
		 "s\"}",
		 type, (long long)status.st_size, digest, file, target ? target : "");
	embedded_add(embedded, json);
}

void embedded_write(struct embedded *embedded, const char *text)
{
	write_text(embedded->manifest, text);
	digest_of(embedded->manifest, embedded->digest);
	write_text(embedded->checksum, embedded->digest);
}

void embedded_finish(struct embedded *embedded, const char *name)
{
	static char text[32768];

	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":1,\"mediaType\":\"" EMBEDDED_TYPE "\",\"imageName\":\"%s\",\"created\":"
		 "\"2020-01-01T00:00:00Z\",\"config\":%s,\"layers\":[%s]}",
		 name, embedded->config, embedded->layers);
	embedded_write(embedded, text);
}

size_t embedded_loops(const char *directory)
{
	glob_t found;
	size_t n = 0;

	if (glob("/sys/block/loop*/loop/backing_file", GLOB_NOSORT, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char backing[512] = "";
		FILE *file = fopen(found.gl_pathv[i], "re");

		/* It may have gone meanwhile. */
		if (file && fgets(backing, sizeof(backing), file) && !strncmp(backing, directory, strlen(directory)))
			n++;
		if (file)
			fclose(file);
	}
	globfree(&found);
	return n;
}

void embedded_expect_loops(const char *directory, size_t expected)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	size_t n = embedded_loops(directory);

	for (int i = 0; i < WAIT_ROUNDS && n != expected; i++) {
		nanosleep(&pause, NULL);
		n = embedded_loops(directory);
	}
	assert_int_equal(n, expected);
}

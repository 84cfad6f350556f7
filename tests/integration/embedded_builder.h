/* SPDX-License-Identifier: Apache-2.0 */
/* Embedded images made to measure: file systems in files, and a manifest with its checksum beside them. */
#ifndef LIBCRI_TESTS_INTEGRATION_EMBEDDED_BUILDER_H
#define LIBCRI_TESTS_INTEGRATION_EMBEDDED_BUILDER_H

#include "image_builder.h"

#include <stdbool.h>

#define FS_SQUASHFS "squashfs"
#define FS_EROFS "erofs"

#define EMBEDDED_TYPE "application/embedded.manifest+json"
#define SQUASHFS_TYPE "application/squashfs.image.rootfs.diff.img"
#define EROFS_TYPE "application/erofs.image.rootfs.diff.img"
#define DIRECTORY_TYPE "application/bind.image.rootfs.diff.dir"

struct embedded {
	char directory[160];
	char manifest[200], checksum[200];
	char digest[DIGEST_TEXT]; /* of the manifest, once it is written */
	char layers[16384];       /* JSON */
	unsigned n_layers;
	const char *config; /* JSON */
};

void embedded_begin(struct embedded *embedded, const char *parent);
/* A file system with busybox, /etc/passwd with user "device" (1234:4321), and /marker. */
void embedded_root(const struct embedded *embedded, const char *file, const char *filesystem);
/* One of the directory's content, which a shell script makes in its working directory. */
void embedded_filesystem(const struct embedded *embedded, const char *file, const char *filesystem, const char *script);
/* Adds a layer as the file is. `target` NULL: no pathInContainer. */
void embedded_layer(struct embedded *embedded, const char *type, const char *file, const char *target);
/* Adds a layer as it is said. */
void embedded_add(struct embedded *embedded, const char *json);
/* The manifest, with the name, and its checksum. */
void embedded_finish(struct embedded *embedded, const char *name);
/* Any text as the manifest, and its checksum. */
void embedded_write(struct embedded *embedded, const char *text);

/* How many loop devices stand before files below a directory. */
size_t embedded_loops(const char *directory);
/* Fails unless that is so within ten seconds: what a process held goes a moment after it. */
void embedded_expect_loops(const char *directory, size_t expected);

#endif

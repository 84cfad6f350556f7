/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images made to measure: tars written byte by byte, so that they may hold what no tool would write, and layouts and
 * archives around them. Every function fails the test when it cannot do its work.
 */
#ifndef LIBCRI_TESTS_INTEGRATION_IMAGE_BUILDER_H
#define LIBCRI_TESTS_INTEGRATION_IMAGE_BUILDER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define BUILDER_MAX_LAYERS 130
#define DIGEST_TEXT 72 /* "sha256:" and 64 digits */

/* A tar on its way to a file. */
struct tar {
	FILE *file;
	char path[256];
	/* For the members that follow. */
	uid_t uid;
	gid_t gid;
	int64_t time;
};
void tar_begin(struct tar *tar, const char *directory);
void tar_end(struct tar *tar);
void tar_directory(struct tar *tar, const char *name, mode_t mode);
void tar_file(struct tar *tar, const char *name, mode_t mode, const char *content);
void tar_bytes(struct tar *tar, const char *name, mode_t mode, const void *bytes, size_t length);
/* A file of this machine, of at most 8 MiB. */
void tar_copy(struct tar *tar, const char *name, mode_t mode, const char *path);
void tar_symlink(struct tar *tar, const char *name, const char *target);
void tar_hardlink(struct tar *tar, const char *name, const char *target);
void tar_device(struct tar *tar, const char *name, char type, unsigned major_number, unsigned minor_number);
void tar_fifo(struct tar *tar, const char *name);
/* A record of a pax header for the next member. */
void tar_pax(struct tar *tar, const char *key, const void *value, size_t length);
/* GNU's way to a long name, before the member. */
void tar_gnu_long_name(struct tar *tar, const char *name);

/* An image layout or docker-archive in the making: a directory with its files. */
struct builder {
	char directory[200];
	char user[64];         /* of the config */
	char architecture[16]; /* "": none in the config */
	char config[160];      /* further members of the config's "config": ",\"Cmd\":[\"sh\"]" */
	size_t n_layers;
	char diff_ids[BUILDER_MAX_LAYERS][DIGEST_TEXT];
	char digests[BUILDER_MAX_LAYERS][DIGEST_TEXT];
	size_t sizes[BUILDER_MAX_LAYERS];
	char manifest_digest[DIGEST_TEXT];
	size_t manifest_size;
};
void builder_begin(struct builder *builder, const char *parent);
/* Takes a finished tar as the next layer; compression "cat", "gzip", "zstd", or any other filter. */
void builder_layer(struct builder *builder, const struct tar *tar, const char *compression);
/* Config and manifest as blobs. `config_type` NULL: an image's. */
void builder_manifest(struct builder *builder, const char *config_type);
/* oci-layout, and an index that lists the manifest under a name; name NULL: none. */
void builder_index(struct builder *builder, const char *name);
/* manifest.json and what it names; `name` NULL: no tag. */
void builder_docker(struct builder *builder, const char *name);
/* A blob's path. */
void builder_blob(const struct builder *builder, const char *digest, char path[320]);
/* Stores text as a blob. */
void builder_add_blob(struct builder *builder, const char *text, char digest[DIGEST_TEXT]);
/* Packs the directory; `filter` as for builder_layer. */
void builder_pack(const struct builder *builder, const char *path, const char *filter);

void write_text(const char *path, const char *text);
void digest_of(const char *path, char digest[DIGEST_TEXT]);
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "image_builder.h"

#include "fixture.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BLOCK 512

void shell(const char *format, ...)
{
	char command[2048];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_in_range(length, 1, sizeof(command) - 1);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

void digest_of(const char *path, char digest[DIGEST_TEXT])
{
	char command[512], hex[65] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "sha256sum '%s'", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%64s", hex), 1);
	pclose(pipe);
	snprintf(digest, DIGEST_TEXT, "sha256:%s", hex);
}

static size_t size_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return (size_t)status.st_size;
}

/* --- tar --- */

static void put(struct tar *tar, const void *bytes, size_t length)
{
	static const char zeros[BLOCK];
	size_t padding = (BLOCK - length % BLOCK) % BLOCK;

	assert_int_equal(fwrite(bytes, 1, length, tar->file), length);
	assert_int_equal(fwrite(zeros, 1, padding, tar->file), padding);
}

static void octal(char *field, size_t size, uint64_t value)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%0*llo", (int)size - 1, (unsigned long long)value);
	memcpy(field, digits, size - 1);
}

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], time[12], checksum[8], type, link[100], magic[8];
	char user[32], group[32], major_number[8], minor_number[8], prefix[155], rest[12];
};

static void header(struct tar *tar, const char *name, char type, mode_t mode, size_t size, const char *link,
		   dev_t device)
{
	struct header block;
	unsigned sum = 0;

	memset(&block, 0, sizeof(block));
	memcpy(block.name, name, strnlen(name, sizeof(block.name)));
	octal(block.mode, sizeof(block.mode), mode);
	octal(block.uid, sizeof(block.uid), tar->uid);
	octal(block.gid, sizeof(block.gid), tar->gid);
	octal(block.size, sizeof(block.size), size);
	octal(block.time, sizeof(block.time), (uint64_t)tar->time);
	memset(block.checksum, ' ', sizeof(block.checksum));
	block.type = type;
	memcpy(block.link, link, strnlen(link, sizeof(block.link)));
	memcpy(block.magic, "ustar\00000", 8);
	octal(block.major_number, sizeof(block.major_number), major(device));
	octal(block.minor_number, sizeof(block.minor_number), minor(device));
	for (size_t i = 0; i < sizeof(block); i++)
		sum += ((unsigned char *)&block)[i];
	snprintf(block.checksum, sizeof(block.checksum), "%06o", sum);
	put(tar, &block, sizeof(block));
}

void tar_begin(struct tar *tar, const char *directory)
{
	static unsigned number;

	*tar = (struct tar){ .time = 1000000000 };
	snprintf(tar->path, sizeof(tar->path), "%s/layer-%u.tar", directory, number++);
	tar->file = fopen(tar->path, "w");
	assert_non_null(tar->file);
}

void tar_end(struct tar *tar)
{
	static const char zeros[2 * BLOCK];

	put(tar, zeros, sizeof(zeros));
	assert_int_equal(fclose(tar->file), 0);
}

void tar_directory(struct tar *tar, const char *name, mode_t mode)
{
	header(tar, name, '5', mode, 0, "", 0);
}

void tar_bytes(struct tar *tar, const char *name, mode_t mode, const void *bytes, size_t length)
{
	header(tar, name, '0', mode, length, "", 0);
	put(tar, bytes, length);
}

void tar_file(struct tar *tar, const char *name, mode_t mode, const char *content)
{
	tar_bytes(tar, name, mode, content, strlen(content));
}

void tar_copy(struct tar *tar, const char *name, mode_t mode, const char *path)
{
	static char bytes[8 << 20];
	FILE *file = fopen(path, "re");
	size_t length;

	assert_non_null(file);
	length = fread(bytes, 1, sizeof(bytes), file);
	assert_true(length < sizeof(bytes));
	fclose(file);
	tar_bytes(tar, name, mode, bytes, length);
}

void tar_symlink(struct tar *tar, const char *name, const char *target)
{
	header(tar, name, '2', 0777, 0, target, 0);
}

void tar_hardlink(struct tar *tar, const char *name, const char *target)
{
	header(tar, name, '1', 0644, 0, target, 0);
}

void tar_device(struct tar *tar, const char *name, char type, unsigned major_number, unsigned minor_number)
{
	header(tar, name, type, 0600, 0, "", makedev(major_number, minor_number));
}

void tar_fifo(struct tar *tar, const char *name)
{
	header(tar, name, '6', 0600, 0, "", 0);
}

void tar_pax(struct tar *tar, const char *key, const void *value, size_t length)
{
	char record[8192];
	size_t size = length + strlen(key) + 3, digits = 1;

	/* The length counts its own digits. */
	for (size_t total = size + digits; total >= 10; total /= 10)
		digits++;
	digits = (size_t)snprintf(record, sizeof(record), "%zu", size + digits);
	assert_in_range(size + digits, 1, sizeof(record));
	snprintf(record, sizeof(record), "%zu %s=", size + digits, key);
	memcpy(record + digits + 1 + strlen(key) + 1, value, length);
	record[size + digits - 1] = '\n';
	header(tar, "pax", 'x', 0644, size + digits, "", 0);
	put(tar, record, size + digits);
}

void tar_gnu_long_name(struct tar *tar, const char *name)
{
	header(tar, "././@LongLink", 'L', 0644, strlen(name) + 1, "", 0);
	put(tar, name, strlen(name) + 1);
}

/* --- images --- */

void builder_begin(struct builder *builder, const char *parent)
{
	memset(builder, 0, sizeof(*builder));
	snprintf(builder->directory, sizeof(builder->directory), "%s/image.XXXXXX", parent);
	assert_non_null(mkdtemp(builder->directory));
	shell("mkdir -p '%s/blobs/sha256'", builder->directory);
}

void builder_blob(const struct builder *builder, const char *digest, char path[320])
{
	snprintf(path, 320, "%s/blobs/sha256/%s", builder->directory, digest + strlen("sha256:"));
}

static void take_blob(const struct builder *builder, const char *path, char digest[DIGEST_TEXT])
{
	char blob[320];

	digest_of(path, digest);
	builder_blob(builder, digest, blob);
	assert_int_equal(rename(path, blob), 0);
}

void builder_add_blob(struct builder *builder, const char *text, char digest[DIGEST_TEXT])
{
	char path[320];

	snprintf(path, sizeof(path), "%s/blob", builder->directory);
	write_text(path, text);
	take_blob(builder, path, digest);
}

void builder_layer(struct builder *builder, const struct tar *tar, const char *compression)
{
	const size_t n = builder->n_layers++;
	char path[320];

	assert_in_range(n, 0, BUILDER_MAX_LAYERS - 1);
	digest_of(tar->path, builder->diff_ids[n]);
	snprintf(path, sizeof(path), "%s/blob", builder->directory);
	shell("(%s) <'%s' >'%s'", compression, tar->path, path);
	builder->sizes[n] = size_of(path);
	take_blob(builder, path, builder->digests[n]);
}

static size_t write_config(const struct builder *builder, char *text, size_t size)
{
	size_t length = (size_t)snprintf(text, size, "{\"os\":\"linux\",\"config\":{\"User\":\"%s\"%s}", builder->user,
					 builder->config);

	if (*builder->architecture)
		length += (size_t)snprintf(text + length, size - length, ",\"architecture\":\"%s\"",
					   builder->architecture);
	length += (size_t)snprintf(text + length, size - length, ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (size_t i = 0; i < builder->n_layers; i++)
		length +=
			(size_t)snprintf(text + length, size - length, "%s\"%s\"", i ? "," : "", builder->diff_ids[i]);
	return length + (size_t)snprintf(text + length, size - length, "]}}");
}

#define DOCUMENT_SIZE 65536

void builder_manifest(struct builder *builder, const char *config_type)
{
	static char text[DOCUMENT_SIZE];
	char digest[DIGEST_TEXT];
	size_t length = write_config(builder, text, sizeof(text));

	builder_add_blob(builder, text, digest);
	length = (size_t)snprintf(
		text, sizeof(text),
		"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[",
		config_type ? config_type : "application/vnd.oci.image.config.v1+json", digest, length);
	for (size_t i = 0; i < builder->n_layers; i++)
		length += (size_t)snprintf(
			text + length, sizeof(text) - length,
			"%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\","
			"\"size\":%zu}",
			i ? "," : "", builder->digests[i], builder->sizes[i]);
	builder->manifest_size = length + (size_t)snprintf(text + length, sizeof(text) - length, "]}");
	builder_add_blob(builder, text, builder->manifest_digest);
}

void builder_index(struct builder *builder, const char *name)
{
	char path[320], text[1024];

	snprintf(path, sizeof(path), "%s/oci-layout", builder->directory);
	write_text(path, "{\"imageLayoutVersion\":\"1.0.0\"}");
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		 "\"digest\":\"%s\",\"size\":%zu%s%s%s}]}",
		 builder->manifest_digest, builder->manifest_size,
		 name ? ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" : "", name ? name : "",
		 name ? "\"}" : "");
	snprintf(path, sizeof(path), "%s/index.json", builder->directory);
	write_text(path, text);
}

void builder_docker(struct builder *builder, const char *name)
{
	static char text[DOCUMENT_SIZE];
	char digest[DIGEST_TEXT], path[320];
	size_t length;

	write_config(builder, text, sizeof(text));
	builder_add_blob(builder, text, digest);
	length = (size_t)snprintf(
		text, sizeof(text), "[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":%s%s%s,\"Layers\":[",
		digest + strlen("sha256:"), name ? "[\"" : "null", name ? name : "", name ? "\"]" : "");
	for (size_t i = 0; i < builder->n_layers; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s\"blobs/sha256/%s\"", i ? "," : "",
					   builder->digests[i] + strlen("sha256:"));
	snprintf(text + length, sizeof(text) - length, "]}]");
	snprintf(path, sizeof(path), "%s/manifest.json", builder->directory);
	write_text(path, text);
}

void builder_pack(const struct builder *builder, const char *path, const char *filter)
{
	shell("tar -C '%s' -cf - . | (%s) >'%s'", builder->directory, filter, path);
}

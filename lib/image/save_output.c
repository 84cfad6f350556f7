/* SPDX-License-Identifier: Apache-2.0 */
#include "image/save_output.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "image/fetch_protocol.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static const char step[] = "write the image";

#define BLOBS "blobs/sha256"
#define BLOCK_SIZE 512

/* --- tar: POSIX.1-1988, which all names of a layout fit --- */

static void put_octal(char *field, size_t size, uint64_t value)
{
	/* A size beyond eleven digits is written as GNU does: a marked byte, then the number, big end first. */
	if (size == 12 && value >> 33) {
		memset(field, 0, size);
		field[0] = (char)0x80;
		for (size_t i = size - 1; i > 0 && value; i--, value >>= 8)
			field[i] = (char)value;
		return;
	}
	for (size_t i = size - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
	field[size - 1] = '\0';
}

static void make_header(char block[BLOCK_SIZE], const char *name, bool directory, uint64_t size)
{
	static const char magic_and_version[8] = { 'u', 's', 't', 'a', 'r', '\0', '0', '0' };
	unsigned sum = 0;

	memset(block, 0, BLOCK_SIZE);
	snprintf(block, 100, "%s", name);
	put_octal(block + 100, 8, directory ? 0755 : 0644);
	put_octal(block + 108, 8, 0);
	put_octal(block + 116, 8, 0);
	put_octal(block + 124, 12, size);
	put_octal(block + 136, 12, 0);
	memset(block + 148, ' ', 8);
	block[156] = directory ? '5' : '0';
	memcpy(block + 257, magic_and_version, sizeof(magic_and_version));
	for (size_t i = 0; i < BLOCK_SIZE; i++)
		sum += (unsigned char)block[i];
	put_octal(block + 148, 7, sum);
}

static int write_failed(int error, cri_call *call)
{
	return call_fail_errno(call, error, step, "write");
}

static int write_blocks(struct save_output *output, const void *bytes, size_t length, cri_call *call)
{
	int error = fs_write_full(output->file, bytes, length);

	return error ? write_failed(error, call) : 0;
}

static int add_directory(struct save_output *output, const char *name, cri_call *call)
{
	char block[BLOCK_SIZE];

	make_header(block, name, true, 0);
	return write_blocks(output, block, sizeof(block), call);
}

/* Room for the header, whose size comes later. */
static int begin_member(struct save_output *output, cri_call *call)
{
	static const char zeros[BLOCK_SIZE];

	output->header = lseek(output->file, 0, SEEK_CUR);
	return output->header < 0 ? write_failed(errno, call) : write_blocks(output, zeros, sizeof(zeros), call);
}

static int end_member(struct save_output *output, const char *name, cri_call *call)
{
	static const char zeros[BLOCK_SIZE];
	char block[BLOCK_SIZE];
	const off_t end = lseek(output->file, 0, SEEK_CUR);
	const off_t size = end - output->header - BLOCK_SIZE;

	if (end < 0)
		return write_failed(errno, call);
	make_header(block, name, false, (uint64_t)size);
	if (pwrite(output->file, block, sizeof(block), output->header) != (ssize_t)sizeof(block))
		return write_failed(errno, call);
	return size % BLOCK_SIZE ? write_blocks(output, zeros, (size_t)(BLOCK_SIZE - size % BLOCK_SIZE), call) : 0;
}

/* --- begin --- */

static int split_path(struct save_output *output, const char *path, cri_call *call)
{
	const char *slash = strrchr(path, '/');
	struct stat status;
	int error;

	output->name = slash + 1;
	if (!*output->name || strcmp(output->name, ".") == 0 || strcmp(output->name, "..") == 0)
		return call_fail(call, CRI_EINVAL, step, "path: \"%s\" names no file", path);
	error = fs_path(output->parent_path, sizeof(output->parent_path), "%.*s", (int)(slash - path + 1), path);
	if (error)
		return call_fail_errno(call, error, step, "path");
	output->parent = open(output->parent_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (output->parent < 0)
		return call_fail_errno(call, errno, step, "open %s", output->parent_path);
	if (fstatat(output->parent, output->name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return call_fail(call, CRI_EEXIST, step, "path: there is something at %s", path);
	return 0;
}

static int begin_archive(struct save_output *output, cri_call *call)
{
	int result;

	output->file = openat(output->parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (output->file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
		result = fs_temporary_name(output->temporary);
		if (result)
			return call_fail_errno(call, result, step, "make a name");
		output->file = openat(output->parent, output->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	}
	if (output->file < 0)
		return call_fail_errno(call, errno, step, "make a file in %s", output->parent_path);
	result = add_directory(output, "blobs/", call);
	return result < 0 ? result : add_directory(output, BLOBS "/", call);
}

static int begin_layout(struct save_output *output, cri_call *call)
{
	char name[FS_TEMPORARY_SIZE];
	int error = fs_temporary_name(name);

	if (error)
		return call_fail_errno(call, error, step, "make a name");
	if (mkdirat(output->parent, name, 0777))
		return call_fail_errno(call, errno, step, "make a directory in %s", output->parent_path);
	memcpy(output->temporary, name, sizeof(name));
	output->directory = openat(output->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (output->directory < 0 || mkdirat(output->directory, "blobs", 0777) ||
	    mkdirat(output->directory, BLOBS, 0777))
		return call_fail_errno(call, errno, step, "make a directory in %s", output->parent_path);
	output->blobs = openat(output->directory, BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return output->blobs < 0 ? call_fail_errno(call, errno, step, "open a directory") : 0;
}

int save_output_begin(struct save_output *output, const char *path, cri_image_format format, cri_call *call)
{
	int result = split_path(output, path, call);

	if (result < 0)
		return result;
	output->archive = format == CRI_IMAGE_OCI_ARCHIVE;
	return output->archive ? begin_archive(output, call) : begin_layout(output, call);
}

/* --- content --- */

int save_output_blob(struct save_output *output, int *fd, cri_call *call)
{
	int result = 0;

	if (output->archive)
		result = begin_member(output, call);
	else
		output->file = openat(output->blobs, "new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (output->file < 0)
		return call_fail_errno(call, errno, step, "make a blob");
	*fd = output->file;
	return result;
}

int save_output_blob_end(struct save_output *output, const char *digest, cri_call *call)
{
	const char *hex = digest + strlen(DIGEST_PREFIX);
	char path[128];

	if (output->archive) {
		snprintf(path, sizeof(path), BLOBS "/%s", hex);
		return end_member(output, path, call);
	}
	cleanup_close_fd(&output->file);
	output->file = -1;
	if (renameat(output->blobs, "new", output->blobs, hex))
		return call_fail_errno(call, errno, step, "rename a blob");
	return 0;
}

int save_output_file(struct save_output *output, const char *name, const char *text, cri_call *call)
{
	int result;

	if (!output->archive) {
		result = fs_write_atomic(output->directory, name, text, strlen(text), 0644, false);
		return result ? write_failed(result, call) : 0;
	}
	result = begin_member(output, call);
	if (result == 0)
		result = write_blocks(output, text, strlen(text), call);
	return result < 0 ? result : end_member(output, name, call);
}

/* --- end --- */

static int commit_archive(struct save_output *output, cri_call *call)
{
	static const char zeros[2 * BLOCK_SIZE];
	char path[64];
	int result = write_blocks(output, zeros, sizeof(zeros), call);

	if (result < 0)
		return result;
	if (fsync(output->file))
		return write_failed(errno, call);
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", output->file);
	if (*output->temporary)
		result = renameat2(output->parent, output->temporary, output->parent, output->name, RENAME_NOREPLACE);
	else
		result = linkat(AT_FDCWD, path, output->parent, output->name, AT_SYMLINK_FOLLOW);
	return result ? -errno : 0;
}

static int commit_layout(struct save_output *output, cri_call *call)
{
	if (syncfs(output->directory))
		return write_failed(errno, call);
	return renameat2(output->parent, output->temporary, output->parent, output->name, RENAME_NOREPLACE) ? -errno
													    : 0;
}

int save_output_commit(struct save_output *output, cri_call *call)
{
	int result = output->archive ? commit_archive(output, call) : commit_layout(output, call);

	if (call->code)
		return result;
	if (result == -EEXIST)
		return call_fail(call, CRI_EEXIST, step, "path: there is something at %s%s", output->parent_path,
				 output->name);
	if (result)
		return call_fail_errno(call, result, step, "name it %s%s", output->parent_path, output->name);
	*output->temporary = '\0';
	return fsync(output->parent) ? write_failed(errno, call) : 0;
}

void save_output_end(struct save_output *output)
{
	cleanup_close_fd(&output->file);
	cleanup_close_fd(&output->blobs);
	cleanup_close_fd(&output->directory);
	if (*output->temporary)
		(void)fs_remove_tree(output->parent, output->temporary);
	cleanup_close_fd(&output->parent);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "image/embedded.h"

#include "base/fs.h"
#include "base/text.h"
#include "image/reference.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

static const char step[] = "find the layer";

static const char *const kinds[] = {
	[EMBEDDED_FILE] = "file",
	[EMBEDDED_DEVICE] = "device",
	[EMBEDDED_DIRECTORY] = "directory",
};

static const struct {
	const char *filesystem;
	off_t offset;
	unsigned char magic[4];
} superblocks[] = {
	{ "squashfs", 0, { 'h', 's', 'q', 's' } },
	{ "erofs", 1024, { 0xe2, 0xe1, 0xf5, 0xe0 } },
};

#define N_SUPERBLOCKS (sizeof(superblocks) / sizeof(superblocks[0]))
#define N_FIELDS 4 /* before the path, which may hold any character */

/* --- text --- */

const char *embedded_source_text(struct arena *arena, const struct embedded_source *source)
{
	return arena_printf(arena, LAYER_EMBEDDED_PREFIX "%s:%s:%s:%llu:%s", kinds[source->kind], source->filesystem,
			    *source->digest ? source->digest + strlen(DIGEST_PREFIX) : "",
			    (unsigned long long)source->size, source->path);
}

static bool parse_digest(struct arena *arena, const char *digits, struct embedded_source *source)
{
	source->digest = *digits ? arena_printf(arena, DIGEST_PREFIX "%s", digits) : "";
	return source->digest && (!*source->digest || digest_is_valid(source->digest));
}

static bool parse_kind(const char *name, struct embedded_source *source)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i], name) != 0)
			continue;
		source->kind = (enum embedded_kind)i;
		return true;
	}
	return false;
}

bool embedded_source_parse(struct arena *arena, const char *text, struct embedded_source *source)
{
	const char *fields[N_FIELDS];
	char *rest;

	if (!text_starts(text, LAYER_EMBEDDED_PREFIX))
		return false;
	rest = arena_strdup(arena, text + strlen(LAYER_EMBEDDED_PREFIX));
	if (!rest)
		return false;
	for (size_t i = 0; i < N_FIELDS; i++) {
		char *colon = strchr(rest, ':');

		if (!colon)
			return false;
		*colon = '\0';
		fields[i] = rest;
		rest = colon + 1;
	}
	source->filesystem = fields[1];
	source->path = rest;
	return parse_kind(fields[0], source) && parse_digest(arena, fields[2], source) &&
	       text_to_uint64(fields[3], &source->size) == 0 && *source->path == '/';
}

/* --- what is there --- */

/* Kind and size of what is open; -ENOTSUP: a socket, a FIFO … */
static int look(int fd, enum embedded_kind *kind, uint64_t *size)
{
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	*size = 0;
	if (S_ISREG(status.st_mode)) {
		*kind = EMBEDDED_FILE;
		*size = (uint64_t)status.st_size;
		return 0;
	}
	if (S_ISDIR(status.st_mode)) {
		*kind = EMBEDDED_DIRECTORY;
		return 0;
	}
	*kind = EMBEDDED_DEVICE;
	if (!S_ISBLK(status.st_mode))
		return -ENOTSUP;
	return ioctl(fd, BLKGETSIZE64, size) ? -errno : 0;
}

static bool has_superblock(int fd, const char *filesystem)
{
	unsigned char found[sizeof(superblocks[0].magic)];

	for (size_t i = 0; i < N_SUPERBLOCKS; i++) {
		if (strcmp(superblocks[i].filesystem, filesystem) != 0)
			continue;
		return pread(fd, found, sizeof(found), superblocks[i].offset) == (ssize_t)sizeof(found) &&
		       !memcmp(found, superblocks[i].magic, sizeof(found));
	}
	return false;
}

/* --- from a manifest --- */

/* What a descriptor's file is called, without links. */
static int real_path(struct arena *arena, int fd, const char **path, cri_call *call)
{
	char target[PATH_MAX];
	int error = fs_real_path(fd, target, sizeof(target));

	if (error)
		return call_fail_errno(call, error, step, "its path");
	*path = arena_strdup(arena, target);
	return *path ? 0 : call_no_memory(call, step);
}

static int open_named(int directory, const struct embedded_layer *layer, int *fd, cri_call *call)
{
	const char *path = layer->path_in_host;
	int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;

	if (*path == '/') {
		*fd = open(path, flags);
		if (*fd < 0)
			*fd = -errno;
	} else {
		*fd = fs_open_beneath(directory, path, flags);
	}
	if (*fd == -ENOENT || *fd == -ENOTDIR)
		return call_fail(call, CRI_ECORRUPT, step, "layer %s is missing", path);
	if (*fd == -EXDEV)
		return call_fail(call, CRI_ECORRUPT, step, "layer %s leads out of the manifest's directory", path);
	return *fd < 0 ? call_fail_errno(call, *fd, step, "open layer %s", path) : 0;
}

/* `known`: it is a file, a device or a directory, and the source says which. Of the first layer an absolute path is a
 * device or "/". */
static int check_kind(const struct embedded_layer *layer, const struct embedded_source *source, bool first, bool known,
		      cri_call *call)
{
	const char *path = layer->path_in_host;
	const bool device = first && *path == '/';

	if (!*layer->filesystem && source->kind != EMBEDDED_DIRECTORY)
		return call_fail(call, CRI_ECORRUPT, step, "layer %s is no directory", path);
	if (*layer->filesystem && (!known || source->kind != (device ? EMBEDDED_DEVICE : EMBEDDED_FILE)))
		return call_fail(call, CRI_ECORRUPT, step, "layer %s is no %s", path,
				 device ? "block device" : "regular file");
	return 0;
}

int embedded_source_find(struct arena *arena, int directory, const struct embedded_layer *layer, bool first,
			 struct embedded_source *source, int *fd, cri_call *call)
{
	CLEANUP_CLOSE int opened = -1;
	int result = open_named(directory, layer, &opened, call);
	int error;

	if (result < 0)
		return result;
	*source = (struct embedded_source){ .filesystem = layer->filesystem, .digest = "" };
	error = look(opened, &source->kind, &source->size);
	if (error && error != -ENOTSUP)
		return call_fail_errno(call, error, step, "look at layer %s", layer->path_in_host);
	result = check_kind(layer, source, first, error == 0, call);
	if (result < 0)
		return result;
	if (*layer->filesystem && layer->size != UINT64_MAX && layer->size != source->size)
		return call_fail(call, CRI_ECORRUPT, step, "layer %s has %llu bytes and should have %llu",
				 layer->path_in_host, (unsigned long long)source->size,
				 (unsigned long long)layer->size);
	if (*layer->filesystem && !has_superblock(opened, layer->filesystem))
		return call_fail(call, CRI_ECORRUPT, step, "layer %s is no %s", layer->path_in_host, layer->filesystem);
	/* The names of devices that stay are links (/dev/disk). */
	if (source->kind == EMBEDDED_DEVICE)
		source->path = layer->path_in_host;
	else
		result = real_path(arena, opened, &source->path, call);
	if (result == 0)
		*fd = take_fd(&opened);
	return result;
}

static int open_again(const struct embedded_source *source)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
	int fd;

	if (source->kind != EMBEDDED_DEVICE)
		return fs_open_without_links(source->path, flags);
	fd = open(source->path, flags);
	return fd < 0 ? -errno : fd;
}

int embedded_source_open(const struct embedded_source *source, int *fd, cri_call *call)
{
	CLEANUP_CLOSE int opened = open_again(source);
	enum embedded_kind kind = EMBEDDED_FILE;
	uint64_t size = 0;
	int error = opened < 0 ? opened : look(opened, &kind, &size);

	if (error == -ENOENT || error == -ENOTDIR || error == -ELOOP)
		return call_fail(call, CRI_EPRECONDITION, step, "%s of the embedded image is gone: put it back",
				 source->path);
	if (error && error != -ENOTSUP)
		return call_fail_errno(call, error, step, "open %s of the embedded image", source->path);
	if (error || kind != source->kind || size != source->size ||
	    (*source->filesystem && !has_superblock(opened, source->filesystem)))
		return call_fail(call, CRI_EPRECONDITION, step,
				 "%s is another one than when the embedded image was loaded: load its manifest again",
				 source->path);
	*fd = take_fd(&opened);
	return 0;
}

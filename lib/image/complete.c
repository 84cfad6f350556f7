/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer's tar leaves to the layers below it, done as if it had been unpacked on top of them.
 *
 * Directories that it does not list have the mode, owner and time that they have below; where a link stands below, what
 * the layer has there belongs to the directory that the link leads to. A hard link to a file below brings a copy of
 * that file with it.
 */
#include "image/layer.h"

#include "base/fs.h"
#include "core/paths.h"
#include "image/document.h"
#include "image/merged.h"
#include "image/transfer.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "complete a layer";

struct completion {
	struct layer *layer;
	int directories[IMAGE_MAX_LAYERS]; /* [0] is the layer itself, the rest those below, highest first */
	size_t n_directories;
	struct merged all, below;
};

static void completion_close(struct completion *completion)
{
	for (size_t i = 0; i < completion->n_directories; i++)
		close(completion->directories[i]);
}

static int completion_open(struct layer_set *set, size_t index, struct completion *completion, cri_call *call)
{
	char path[PATH_MAX];

	completion->layer = &set->layers[index];
	for (size_t i = index + 1; i-- > 0;) {
		const struct layer *layer = &set->layers[i];
		int fd;

		if (layer->state == LAYER_REPEATED)
			layer = &set->layers[layer->same];
		fd = open(path_layer_fs(set->engine, layer->row, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return call_fail_errno(call, errno, step, "open %s", path);
		completion->directories[completion->n_directories++] = fd;
	}
	completion->all = (struct merged){ completion->directories, completion->n_directories };
	completion->below = (struct merged){ completion->directories + 1, completion->n_directories - 1 };
	return 0;
}

/* Opens a directory of the layer, making it and its parents with what they are below. */
static int open_made(const struct completion *completion, const char *path, int *fd)
{
	char part[PATH_MAX];
	size_t length = 0;
	int error;

	do {
		CLEANUP_ENTRY struct merged_entry entry = MERGED_ENTRY_EMPTY;

		length += strcspn(path + length, "/");
		memcpy(part, path, length);
		part[length] = '\0';
		*fd = fs_open_in_root(completion->directories[0], length ? part : ".", O_RDONLY | O_DIRECTORY, 0);
		if (*fd == -ENOENT) {
			error = transfer_make_directory(completion->directories[0], part);
			if (error)
				return error;
			*fd = fs_open_in_root(completion->directories[0], part, O_RDONLY | O_DIRECTORY, 0);
			if (*fd >= 0 && merged_find(&completion->below, part, &entry) == 0 &&
			    S_ISDIR(entry.status.st_mode)) {
				error = transfer_directory_metadata(&entry, *fd);
				if (error) {
					close(*fd);
					return error;
				}
			}
		}
		if (*fd < 0)
			return *fd;
		if (!path[length])
			return 0;
		close(*fd);
		length++;
	} while (true);
}

/* What the layer has in a directory that is a link below goes to where that leads. */
static int move_directory(const struct completion *completion, const char *path, const char *resolved)
{
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_CLOSE int moved = -1;
	int error;

	fd = fs_open_in_root(completion->directories[0], path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	/* It went along with a directory above it, or a link of this layer has taken its place. */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0)
		return fd;
	error = open_made(completion, resolved, &moved);
	if (!error)
		error = transfer_children(fd, moved);
	return error ? error : transfer_remove_directory(completion->directories[0], path);
}

static int complete_directory(const struct completion *completion, const char *path)
{
	CLEANUP_ENTRY struct merged_entry entry = MERGED_ENTRY_EMPTY;
	CLEANUP_CLOSE int fd = -1;
	char resolved[PATH_MAX];
	int error = merged_resolve(&completion->below, path, true, resolved);

	if (!error)
		error = merged_find(&completion->below, resolved, &entry);
	/* New with this layer, or in place of something else: it stays as it was made. */
	if (error == -ENOENT || error == -ELOOP || (!error && !S_ISDIR(entry.status.st_mode)))
		return 0;
	if (!error && strcmp(resolved, path) != 0)
		error = move_directory(completion, path, resolved);
	if (error)
		return error;
	fd = fs_open_in_root(completion->directories[0], resolved, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
	return transfer_directory_metadata(&entry, fd);
}

/* Makes the target part of the layer, if it is not. */
static int bring_target(const struct completion *completion, const struct merged_entry *target, const char *path,
			cri_call *call)
{
	CLEANUP_CLOSE int directory = -1;
	char parent[PATH_MAX];
	char *slash;
	int error;

	if (target->layer == 0)
		return 0;
	memcpy(parent, path, strlen(path) + 1);
	slash = strrchr(parent, '/');
	*(slash ? slash : parent) = '\0';
	error = open_made(completion, parent, &directory);
	if (error)
		return call_fail_errno(call, error, step, "make \"%s\"", parent);
	return transfer_copy(target, directory, slash ? slash + 1 : path, call);
}

static int split_resolved(const struct completion *completion, const char *path, char resolved[PATH_MAX], int *parent,
			  const char **name)
{
	char *slash;
	int error = merged_resolve(&completion->all, path, false, resolved);

	if (error)
		return error;
	slash = strrchr(resolved, '/');
	if (slash)
		*slash = '\0';
	error = open_made(completion, slash ? resolved : "", parent);
	if (slash)
		*slash = '/';
	*name = slash ? slash + 1 : resolved;
	return error;
}

static bool is_copy_of(const struct stat *copy, const struct stat *original)
{
	return copy->st_mode == original->st_mode && copy->st_uid == original->st_uid &&
	       copy->st_gid == original->st_gid && copy->st_size == original->st_size &&
	       copy->st_rdev == original->st_rdev && copy->st_mtim.tv_sec == original->st_mtim.tv_sec &&
	       copy->st_mtim.tv_nsec == original->st_mtim.tv_nsec;
}

/* What a link leads to. Its target was not in the layer when the link came, so it is one from below, also where
 * something that came later has hidden or replaced it (*replaced). Else it came later itself. */
static int find_target(const struct completion *completion, const struct layer_link *link, char source[PATH_MAX],
		       struct merged_entry *target, bool *replaced)
{
	CLEANUP_ENTRY struct merged_entry below = MERGED_ENTRY_EMPTY;
	char path[PATH_MAX];
	int error = merged_resolve(&completion->all, link->target, false, source);
	int error_below = merged_resolve(&completion->below, link->target, false, path);

	if (!error)
		error = merged_find(&completion->all, source, target);
	if (!error_below)
		error_below = merged_find(&completion->below, path, &below);
	*replaced = false;
	if (error_below || S_ISDIR(below.status.st_mode))
		return error;
	/* A copy that an earlier link has brought is no replacement. */
	if (!error && (target->layer > 0 || is_copy_of(&target->status, &below.status)))
		return 0;
	if (error && error != -ENOENT)
		return error;
	/* Its name is in the path. */
	memcpy(source, path, sizeof(path));
	error = merged_find(&completion->below, source, target);
	*replaced = !error;
	return error;
}

static int link_to(const struct completion *completion, const struct merged_entry *target, char source[PATH_MAX],
		   int to, const char *name, cri_call *call)
{
	CLEANUP_CLOSE int from = -1;
	const char *source_name;
	int error, result = bring_target(completion, target, source, call);

	if (result < 0)
		return result;
	error = split_resolved(completion, source, source, &from, &source_name);
	if (!error)
		error = transfer_link(from, source_name, to, name);
	return error ? call_fail_errno(call, error, step, "link \"%s\" to \"%s\"", name, source) : 0;
}

static int complete_link(const struct completion *completion, const struct layer_link *link, cri_call *call)
{
	CLEANUP_ENTRY struct merged_entry target = MERGED_ENTRY_EMPTY;
	CLEANUP_CLOSE int to = -1;
	char source[PATH_MAX], destination[PATH_MAX];
	const char *name;
	bool replaced;
	int error = find_target(completion, link, source, &target, &replaced);

	if (error == -ENOENT)
		return call_fail(call, CRI_ECORRUPT, step, "\"%s\" is a hard link to \"%s\", which does not exist",
				 link->name, link->target);
	if (error)
		return call_fail_errno(call, error, step, "find \"%s\"", link->target);
	if (S_ISDIR(target.status.st_mode))
		return call_fail(call, CRI_ECORRUPT, step, "\"%s\" is a hard link to the directory \"%s\"", link->name,
				 link->target);
	error = split_resolved(completion, link->name, destination, &to, &name);
	/* What came later stands in the place of its directory. */
	if (error == -ENOTDIR)
		return 0;
	if (error)
		return call_fail_errno(call, error, step, "make the place of \"%s\"", link->name);
	if (!replaced)
		return link_to(completion, &target, source, to, name, call);
	error = fs_remove_tree(to, name);
	if (error && error != -ENOENT)
		return call_fail_errno(call, error, step, "remove \"%s\"", link->name);
	return transfer_copy(&target, to, name, call);
}

static int complete(const struct completion *completion, cri_call *call)
{
	const struct layer *layer = completion->layer;
	int result = 0;

	for (size_t i = 0; i < layer->n_missing && result == 0; i++) {
		int error = complete_directory(completion, layer->missing[i]);

		if (error)
			return call_fail_errno(call, error, step, "directory \"%s\"", layer->missing[i]);
		if (i % 256 == 255)
			result = call_check(call, step);
	}
	for (size_t i = 0; i < layer->n_links && result == 0; i++) {
		result = complete_link(completion, &layer->links[i], call);
		if (result == 0 && i % 256 == 255)
			result = call_check(call, step);
	}
	return result;
}

int layer_complete(struct layer_set *set, size_t index, cri_call *call)
{
	struct completion completion = { .n_directories = 0 };
	int result = completion_open(set, index, &completion, call);

	if (result == 0)
		result = complete(&completion, call);
	completion_close(&completion);
	set->layers[index].recount = true;
	return result;
}

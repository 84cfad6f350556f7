/* SPDX-License-Identifier: Apache-2.0 */
#include "image/transfer.h"

#include "base/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

static const char step[] = "copy a file of a lower layer";

#define MAX_DEPTH 64
#define COPY_CHUNK ((size_t)16 << 20)
#define ATTRIBUTE_NAMES_MAX 65536 /* the kernel's XATTR_LIST_MAX */
#define ATTRIBUTE_VALUE_MAX 65536 /* and XATTR_SIZE_MAX */

static int open_parent(int root, const char *path, char parent[PATH_MAX], const char **name)
{
	char *slash;

	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(parent, path, strlen(path) + 1);
	slash = strrchr(parent, '/');
	*name = path;
	if (slash) {
		*slash = '\0';
		*name = path + (slash + 1 - parent);
	}
	return fs_open_in_root(root, slash ? parent : ".", O_RDONLY | O_DIRECTORY, 0);
}

/* The times to put back once something was made in, or taken from, a directory. */
static int keep_time(int directory, struct timespec times[2])
{
	struct stat status;

	if (fstat(directory, &status))
		return -errno;
	times[0] = (struct timespec){ .tv_nsec = UTIME_OMIT };
	times[1] = status.st_mtim;
	return 0;
}

int transfer_make_directory(int root, const char *path)
{
	char parent[PATH_MAX];
	const char *name;
	CLEANUP_CLOSE int fd = open_parent(root, path, parent, &name);
	struct timespec times[2];
	int error;

	if (fd < 0)
		return fd;
	error = keep_time(fd, times);
	if (error)
		return error;
	/* The mode whatever the host's umask is. */
	if (mkdirat(fd, name, 0755) || fchmodat(fd, name, 0755, 0))
		return -errno;
	return futimens(fd, times) ? -errno : 0;
}

int transfer_remove_directory(int root, const char *path)
{
	char parent[PATH_MAX];
	const char *name;
	CLEANUP_CLOSE int fd = open_parent(root, path, parent, &name);
	struct timespec times[2];
	int error;

	if (fd < 0)
		return fd;
	error = keep_time(fd, times);
	if (error)
		return error;
	if (unlinkat(fd, name, AT_REMOVEDIR))
		return -errno;
	return futimens(fd, times) ? -errno : 0;
}

/* Those that cri-unpack keeps; overlay's marks say how one layer stands to its own lower ones. */
static bool is_kept(const char *name)
{
	return strcmp(name, "security.capability") == 0 ||
	       (strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0);
}

struct attribute_buffers {
	char names[ATTRIBUTE_NAMES_MAX];
	char value[ATTRIBUTE_VALUE_MAX];
};

static int copy_attributes_through(struct attribute_buffers *buffers, int from, int to)
{
	ssize_t length = flistxattr(from, buffers->names, sizeof(buffers->names));

	if (length < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (const char *name = buffers->names; name < buffers->names + length; name += strlen(name) + 1) {
		ssize_t size;

		if (!is_kept(name))
			continue;
		size = fgetxattr(from, name, buffers->value, sizeof(buffers->value));
		if (size < 0 || fsetxattr(to, name, buffers->value, (size_t)size, 0))
			return -errno;
	}
	return 0;
}

static int copy_attributes(int from, int to)
{
	struct attribute_buffers *buffers = malloc(sizeof(*buffers));
	int error;

	if (!buffers)
		return -ENOMEM;
	error = copy_attributes_through(buffers, from, to);
	free(buffers);
	return error;
}

static int set_metadata(const struct stat *status, int from, int to)
{
	const struct timespec times[2] = { status->st_atim, status->st_mtim };
	int error;

	if (fchown(to, status->st_uid, status->st_gid) || fchmod(to, status->st_mode & 07777))
		return -errno;
	error = copy_attributes(from, to);
	if (error)
		return error;
	return futimens(to, times) ? -errno : 0;
}

int transfer_directory_metadata(const struct merged_entry *entry, int fd)
{
	CLEANUP_CLOSE int from = openat(entry->directory, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return from < 0 ? -errno : set_metadata(&entry->status, from, fd);
}

static int transfer_directories(int from, int to, unsigned depth);

static int move_child(int from, int to, const char *name, unsigned depth)
{
	CLEANUP_CLOSE int below_from = -1;
	CLEANUP_CLOSE int below_to = -1;
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int error;

	if (renameat2(from, name, to, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	below_from = openat(from, name, flags);
	below_to = openat(to, name, flags);
	if (below_from >= 0 && below_to >= 0) {
		error = transfer_directories(below_from, below_to, depth + 1);
		if (error)
			return error;
		return unlinkat(from, name, AT_REMOVEDIR) ? -errno : 0;
	}
	error = fs_remove_tree(to, name);
	if (error)
		return error;
	return renameat(from, name, to, name) ? -errno : 0;
}

static int move_children(DIR *children, int from, int to, unsigned depth)
{
	struct dirent *child;
	int error = 0;

	while (!error && (errno = 0, child = readdir(children))) {
		if (strcmp(child->d_name, ".") != 0 && strcmp(child->d_name, "..") != 0)
			error = move_child(from, to, child->d_name, depth);
	}
	return error ? error : -errno;
}

/* What hides all below one directory hides all below the other. */
static int copy_opaqueness(int from, int to)
{
	return merged_is_opaque(from) && fsetxattr(to, MERGED_OPAQUE_ATTRIBUTE, "y", 1, 0) ? -errno : 0;
}

static int transfer_directories(int from, int to, unsigned depth)
{
	CLEANUP_DIR DIR *children = NULL;
	struct timespec times[2];
	int own, error = keep_time(to, times);

	if (error)
		return error;
	if (depth > MAX_DEPTH)
		return -ELOOP;
	error = copy_opaqueness(from, to);
	if (error)
		return error;
	own = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own < 0)
		return -errno;
	children = fdopendir(own);
	if (!children) {
		close(own);
		return -ENOMEM;
	}
	error = move_children(children, from, to, depth);
	if (error)
		return error;
	return futimens(to, times) ? -errno : 0;
}

int transfer_children(int from, int to)
{
	return transfer_directories(from, to, 0);
}

static int copy_bytes(int from, int to, cri_call *call)
{
	CLEANUP_FREE char *buffer = NULL;
	ssize_t length;
	int result;

	while ((length = copy_file_range(from, NULL, to, NULL, COPY_CHUNK, 0)) > 0) {
		result = call_check(call, step);
		if (result < 0)
			return result;
	}
	if (length == 0)
		return 0;
	/* File systems without it. */
	buffer = malloc(1 << 20);
	if (!buffer)
		return call_no_memory(call, step);
	while ((length = fs_read_full(from, buffer, 1 << 20)) > 0) {
		result = fs_write_full(to, buffer, (size_t)length);
		if (result)
			return call_fail_errno(call, result, step, "write");
		result = call_check(call, step);
		if (result < 0)
			return result;
	}
	return length < 0 ? call_fail_errno(call, (int)length, step, "read") : 0;
}

static int copy_file(const struct merged_entry *entry, int directory, const char *name, cri_call *call)
{
	CLEANUP_CLOSE int from = openat(entry->directory, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	CLEANUP_CLOSE int to = -1;
	int result;

	if (from < 0)
		return call_fail_errno(call, errno, step, "open \"%s\"", name);
	to = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return call_fail_errno(call, errno, step, "make \"%s\"", name);
	result = copy_bytes(from, to, call);
	if (result < 0)
		return result;
	result = set_metadata(&entry->status, from, to);
	return result ? call_fail_errno(call, result, step, "metadata of \"%s\"", name) : 0;
}

/* Links, devices and pipes. */
static int copy_node(const struct merged_entry *entry, int directory, const char *name)
{
	const struct stat *status = &entry->status;
	const struct timespec times[2] = { status->st_atim, status->st_mtim };
	char target[PATH_MAX];
	ssize_t length;

	if (S_ISLNK(status->st_mode)) {
		length = readlinkat(entry->directory, entry->name, target, sizeof(target) - 1);
		if (length < 0)
			return -errno;
		target[length] = '\0';
		if (symlinkat(target, directory, name))
			return -errno;
	} else if (mknodat(directory, name, status->st_mode, status->st_rdev)) {
		return -errno;
	}
	if (fchownat(directory, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISLNK(status->st_mode) && fchmodat(directory, name, status->st_mode & 07777, 0))
		return -errno;
	return utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

int transfer_copy(const struct merged_entry *entry, int directory, const char *name, cri_call *call)
{
	struct timespec times[2];
	int error = keep_time(directory, times);
	int result;

	if (error)
		return call_fail_errno(call, error, step, "look at a directory");
	if (S_ISREG(entry->status.st_mode)) {
		result = copy_file(entry, directory, name, call);
		if (result < 0)
			return result;
	} else {
		error = copy_node(entry, directory, name);
		if (error)
			return call_fail_errno(call, error, step, "copy \"%s\"", name);
	}
	return futimens(directory, times) ? call_fail_errno(call, errno, step, "set a directory's time") : 0;
}

int transfer_link(int from, const char *target, int to, const char *name)
{
	struct timespec times[2];
	int error = keep_time(to, times);

	if (error)
		return error;
	if (linkat(from, target, to, name, 0)) {
		if (errno != EEXIST)
			return -errno;
		error = fs_remove_tree(to, name);
		if (error)
			return error;
		if (linkat(from, target, to, name, 0))
			return -errno;
	}
	return futimens(to, times) ? -errno : 0;
}

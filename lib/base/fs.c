/* SPDX-License-Identifier: Apache-2.0 */
#include "fs.h"

#include "random.h"
#include "text.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define SMALLEST_READ 4096
#define OPEN_ATTEMPTS 128

int fs_path(char *path, size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(path, size, format, arguments);
	va_end(arguments);
	if (length < 0)
		return -EINVAL;
	if ((size_t)length >= size || length >= PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* The umask is the host's: it is not changed, what it took away is given back. */
static int make_directory(const char *path, mode_t mode)
{
	struct stat status;

	if (!mkdir(path, mode)) {
		if (lstat(path, &status))
			return -errno;
		if ((status.st_mode & 07777) != mode && chmod(path, mode))
			return -errno;
		return 0;
	}
	if (errno != EEXIST) {
		int error = -errno;

		/* A read-only file system may say so before it says that the directory is there. */
		return !stat(path, &status) && S_ISDIR(status.st_mode) ? 0 : error;
	}
	return 0;
}

int fs_make_directories(const char *path, mode_t mode)
{
	char copy[PATH_MAX];
	struct stat status;
	size_t length = strlen(path);
	int error;

	if (!length)
		return -ENOENT;
	if (length >= sizeof(copy))
		return -ENAMETOOLONG;
	if (!stat(path, &status))
		return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
	memcpy(copy, path, length + 1);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		error = make_directory(copy, mode);
		if (error)
			return error;
		*slash = '/';
	}
	error = make_directory(copy, mode);
	if (error)
		return error;
	if (stat(path, &status))
		return -errno;
	return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

/* Reads to the end of file behind what `content` holds; one byte more than `limit` is asked for, to tell the end. */
static int read_to_end(int fd, size_t limit, size_t hint, struct buffer *content)
{
	size_t start = content->length, chunk = hint < SMALLEST_READ ? SMALLEST_READ : hint;

	for (;;) {
		size_t had = content->length - start, room;
		ssize_t n;

		if (had > limit)
			return -EFBIG;
		if (buffer_reserve(content, chunk))
			return -ENOMEM;
		room = content->capacity - content->length - 1;
		if (room > limit - had)
			room = limit - had + 1;
		n = read(fd, content->data + content->length, room);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return 0;
		content->length += (size_t)n;
		content->data[content->length] = '\0';
		chunk = SMALLEST_READ;
	}
}

int fs_read(int directory_fd, const char *path, size_t limit, struct buffer *content)
{
	CLEANUP_CLOSE int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t start = content->length, hint = 0;
	struct stat status;
	int error;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status))
		return -errno;
	if (S_ISREG(status.st_mode) && status.st_size > 0) {
		if ((uintmax_t)status.st_size > limit)
			return -EFBIG;
		hint = (size_t)status.st_size + 1;
	}
	/* Space for the NUL is there even when nothing is read. */
	error = limit < SIZE_MAX ? read_to_end(fd, limit, hint, content) : -EINVAL;
	if (error && content->data && !content->failed) {
		content->length = start;
		content->data[start] = '\0';
	}
	return error;
}

int fs_write(int directory_fd, const char *path, const void *bytes, size_t length)
{
	CLEANUP_CLOSE int fd = openat(directory_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = write(fd, bytes, length);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -EIO;
}

int fs_write_text(int directory_fd, const char *path, const char *text)
{
	return fs_write(directory_fd, path, text, strlen(text));
}

/* The directory that holds `path`, as a descriptor; *name is the rest. */
static int open_parent(int directory_fd, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];
	size_t length;
	int fd;

	*name = slash ? slash + 1 : path;
	if (!**name || !strcmp(*name, ".") || !strcmp(*name, ".."))
		return -EINVAL;
	if (!slash) {
		parent[0] = '.';
		length = 1;
	} else {
		length = slash == path ? 1 : (size_t)(slash - path);
		if (length >= sizeof(parent))
			return -ENAMETOOLONG;
		memcpy(parent, path, length);
	}
	parent[length] = '\0';
	fd = openat(directory_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int fill_file(int fd, const void *bytes, size_t length, mode_t mode, bool durable)
{
	int error = fs_write_full(fd, bytes, length);

	if (error)
		return error;
	if (fchmod(fd, mode))
		return -errno;
	return durable && fsync(fd) ? -errno : 0;
}

int fs_write_atomic(int directory_fd, const char *path, const void *bytes, size_t length, mode_t mode, bool durable)
{
	char temporary[FS_TEMPORARY_SIZE];
	const char *name;
	CLEANUP_CLOSE int parent = open_parent(directory_fd, path, &name);
	CLEANUP_CLOSE int fd = -1;
	int error;

	if (parent < 0)
		return parent;
	error = fs_temporary_name(temporary);
	if (error)
		return error;
	fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	error = fill_file(fd, bytes, length, mode, durable);
	if (!error && renameat(parent, temporary, parent, name))
		error = -errno;
	if (error) {
		unlinkat(parent, temporary, 0);
		return error;
	}
	return durable && fsync(parent) ? -errno : 0;
}

int fs_temporary_name(char name[FS_TEMPORARY_SIZE])
{
	unsigned char bytes[8];
	int error = random_bytes(bytes, sizeof(bytes));

	if (error)
		return error;
	memcpy(name, FS_TEMPORARY_PREFIX, sizeof(FS_TEMPORARY_PREFIX));
	text_hex(bytes, sizeof(bytes), name + sizeof(FS_TEMPORARY_PREFIX) - 1);
	return 0;
}

/* EAGAIN: something was renamed or mounted while ".." was resolved, and the kernel could not tell whether the root was
 * left. One who does that on purpose all the time gets the error. */
static int open_resolved(int directory_fd, const char *path, const struct open_how *how)
{
	for (int attempt = 0;; attempt++) {
		long fd = syscall(SYS_openat2, directory_fd, path, how, sizeof(*how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EINTR && (errno != EAGAIN || attempt >= OPEN_ATTEMPTS))
			return -errno;
	}
}

int fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		/* openat2 refuses a mode that nothing would use. */
		.mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return open_resolved(root_fd, path, &how);
}

int fs_open_beneath(int directory_fd, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return open_resolved(directory_fd, path, &how);
}

int fs_open_without_links(const char *path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};

	return open_resolved(AT_FDCWD, path, &how);
}

int fs_real_path(int fd, char *path, size_t size)
{
	char link[32];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, size);
	if (length < 0)
		return -errno;
	/* A full buffer may hold a part; what has no path, or is in no tree that is seen here, begins otherwise. */
	if ((size_t)length >= size || *path != '/')
		return -ENAMETOOLONG;
	path[length] = '\0';
	return 0;
}

ssize_t fs_read_full(int fd, void *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = read(fd, (char *)bytes + done, length - done);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int write_all(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t n = write(fd, at, length);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

/* The disposition of SIGPIPE is the host's. write(2) raises it for the calling thread, so it is blocked here and taken
 * off the thread again, unless one was pending before, which is not ours. */
int fs_write_full(int fd, const void *bytes, size_t length)
{
	const struct timespec now = { 0 };
	sigset_t broken_pipe, pending, mask;
	int error;

	sigemptyset(&broken_pipe);
	sigaddset(&broken_pipe, SIGPIPE);
	sigemptyset(&pending);
	sigpending(&pending);
	error = -pthread_sigmask(SIG_BLOCK, &broken_pipe, &mask);
	if (error)
		return error;
	error = write_all(fd, bytes, length);
	if (error == -EPIPE && !sigismember(&pending, SIGPIPE)) {
		while (sigtimedwait(&broken_pipe, NULL, &now) < 0 && errno == EINTR)
			;
	}
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return error;
}

int fs_set_nonblocking(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

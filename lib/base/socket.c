/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

#include "cleanup.h"
#include "fs.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(SOCKET_MAX_FDS * sizeof(int))];
};

int socket_send(int fd, const void *bytes, size_t length, const int *fds, size_t n_fds)
{
	struct iovec data = { .iov_base = (void *)bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	union control control;
	ssize_t n;

	/* An empty message could not be told from the end of file. */
	if (!length || n_fds > SOCKET_MAX_FDS)
		return -EINVAL;
	if (n_fds) {
		struct cmsghdr *header;

		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(header), fds, n_fds * sizeof(int));
	}
	do {
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static size_t take_descriptors(struct msghdr *message, int fds[SOCKET_MAX_FDS])
{
	size_t n = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		size_t size;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		/* The kernel sends one such header; a second one could not fit into `control` beside a full one. */
		size = header->cmsg_len - CMSG_LEN(0);
		memcpy(fds + n, CMSG_DATA(header), size);
		n += size / sizeof(int);
	}
	return n;
}

ssize_t socket_receive(int fd, void *bytes, size_t size, int *fds, size_t *n_fds, int flags)
{
	struct iovec data = { .iov_base = bytes, .iov_len = size };
	union control control;
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int received[SOCKET_MAX_FDS];
	size_t n_received;
	ssize_t n;

	*n_fds = 0;
	do {
		n = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	n_received = take_descriptors(&message, received);
	if (message.msg_flags & MSG_TRUNC)
		n = -EMSGSIZE;
	else if (message.msg_flags & MSG_CTRUNC)
		n = n_received == SOCKET_MAX_FDS ? -EMSGSIZE : -EMFILE;
	if (n <= 0) {
		while (n_received)
			close(received[--n_received]);
		return n;
	}
	memcpy(fds, received, n_received * sizeof(int));
	*n_fds = n_received;
	return n;
}

/* The address of a path relative to a directory, or of a descriptor when `name` is NULL, whatever the directory's own
 * path is: sun_path takes 107 bytes. thread-self, since a thread may have a descriptor table of its own. */
static int address_below(int fd, const char *name, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return fs_path(address->sun_path, sizeof(address->sun_path), "/proc/thread-self/fd/%d%s%s", fd, name ? "/" : "",
		       name ? name : "");
}

/* Binds beside the path and renames over it, so that a client finds the old socket or the new one, ready. */
static int bind_and_listen(int fd, int directory_fd, const char *name, mode_t mode, int backlog)
{
	char temporary[FS_TEMPORARY_SIZE];
	struct sockaddr_un address;
	int error = fs_temporary_name(temporary);

	if (!error)
		error = address_below(directory_fd, temporary, &address);
	if (error)
		return error;
	/* The mode of the descriptor and the umask make the one of the file: never too wide, not even for a moment. */
	if (fchmod(fd, mode))
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return -errno;
	if (fchmodat(directory_fd, temporary, mode, 0) || listen(fd, backlog) ||
	    renameat(directory_fd, temporary, directory_fd, name)) {
		error = -errno;
		unlinkat(directory_fd, temporary, 0);
	}
	return error;
}

int socket_listen(const char *path, mode_t mode, int backlog)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	CLEANUP_CLOSE int directory_fd = -1;
	CLEANUP_CLOSE int fd = -1;
	char directory[PATH_MAX];
	int error;

	if (!*name)
		return -EINVAL;
	error = fs_path(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	if (error)
		return error;
	directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return -errno;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	error = bind_and_listen(fd, directory_fd, name, mode, backlog);
	return error ? error : take_fd(&fd);
}

int socket_connect(const char *path)
{
	CLEANUP_CLOSE int path_fd = open(path, O_PATH | O_CLOEXEC);
	CLEANUP_CLOSE int fd = -1;
	struct sockaddr_un address;
	int error;

	if (path_fd < 0)
		return -errno;
	error = address_below(path_fd, NULL, &address);
	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return -errno;
	error = fs_set_nonblocking(fd, false);
	return error ? error : take_fd(&fd);
}

int socket_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) ? -errno : 0;
}

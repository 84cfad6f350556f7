/* SPDX-License-Identifier: Apache-2.0 */
/* Unix SOCK_SEQPACKET sockets: one message, up to SOCKET_MAX_FDS descriptors with it. */
#ifndef LIBCRI_BASE_SOCKET_H
#define LIBCRI_BASE_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

#define SOCKET_MAX_FDS 16

/* Sends one message of at least one byte; never raises SIGPIPE. 0 or -errno (-EAGAIN on a full non-blocking socket). */
int socket_send(int fd, const void *bytes, size_t length, const int *fds, size_t n_fds);

/* Receives one message into `bytes`. Descriptors that came with it are stored in fds[SOCKET_MAX_FDS] as O_CLOEXEC and
 * counted in *n_fds. Length >= 1; 0 at end of file; -errno, and the descriptors that came are closed: -EMSGSIZE when
 * the message was longer or had more descriptors, -EMFILE when the process's table had no room for them. `flags` as for
 * recvmsg: MSG_PEEK duplicates the descriptors and leaves the message. */
ssize_t socket_receive(int fd, void *bytes, size_t size, int *fds, size_t *n_fds, int flags);

/* Binds a listening SEQPACKET socket at a path, replacing what is there at once; works for paths over 107 bytes through
 * /proc. The descriptor is non-blocking. */
int socket_listen(const char *path, mode_t mode, int backlog);

/* Connects to one, without waiting beyond the kernel's backlog; -EAGAIN when the backlog is full. Blocking mode. */
int socket_connect(const char *path);

/* A connected SEQPACKET pair, O_CLOEXEC. */
int socket_pair(int fds[2]);

#endif

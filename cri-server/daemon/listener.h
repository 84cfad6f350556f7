/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that clients connect to. */
#ifndef CRI_SERVER_DAEMON_LISTENER_H
#define CRI_SERVER_DAEMON_LISTENER_H

#include "grpc/loop.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Where: a unix socket's path, or an address and a port. */
struct listener_address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t length;
};

/* unix:///PATH or tcp://ADDRESS:PORT, an address of IPv6 in brackets. -1: neither. */
int listener_parse(const char *url, struct listener_address *address);
bool listener_is_loopback(const struct listener_address *address);
bool listener_is_same(const struct listener_address *a, const struct listener_address *b);

struct listener {
	struct loop_source source; /* must stay first */
	struct loop *loop;
	struct listener_address address;
	int spare;    /* given up for a moment when descriptors run out, so that clients can be turned away */
	bool ours;    /* the unix socket's file goes with the listener */
	dev_t device; /* of that file */
	ino_t inode;
	/* Takes the connected, non-blocking descriptor. */
	void (*connected)(int fd, struct listener *listener);
	void *data;
};

/*
 * Listens there. A unix socket has mode 0660 and the group (-1: the process's); a file that nobody listens to is
 * replaced. 0, or -errno (-EADDRINUSE: somebody does listen).
 */
int listener_bind(struct listener *listener, const struct listener_address *address, int gid);
/* Takes a listening socket that was passed to us. 0, or -errno: it is none. */
int listener_adopt(struct listener *listener, int fd);
int listener_start(struct listener *listener, struct loop *loop);
void listener_close(struct listener *listener);

#endif

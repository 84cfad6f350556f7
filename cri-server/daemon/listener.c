/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 256
/* What one turn of the loop takes in. */
#define ACCEPTS 64

static int parse_unix(const char *path, struct listener_address *address)
{
	size_t length = strlen(path);

	if (*path != '/' || length < 2 || length >= sizeof(address->un.sun_path) || path[length - 1] == '/')
		return -1;
	address->un.sun_family = AF_UNIX;
	memcpy(address->un.sun_path, path, length + 1);
	address->length = sizeof(address->un);
	return 0;
}

static int parse_port(const char *text, in_port_t *port)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	value = strtoul(text, &end, 10);
	if (*end || !value || value > 65535)
		return -1;
	*port = htons((in_port_t)value);
	return 0;
}

static int parse_tcp(const char *text, struct listener_address *address)
{
	const char *colon = strrchr(text, ':');
	char host[64];

	if (!colon || colon == text || (size_t)(colon - text) >= sizeof(host))
		return -1;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (host[0] != '[') {
		address->in.sin_family = AF_INET;
		address->length = sizeof(address->in);
		return inet_pton(AF_INET, host, &address->in.sin_addr) == 1
			       ? parse_port(colon + 1, &address->in.sin_port)
			       : -1;
	}
	if (host[strlen(host) - 1] != ']')
		return -1;
	host[strlen(host) - 1] = '\0';
	address->in6.sin6_family = AF_INET6;
	address->length = sizeof(address->in6);
	return inet_pton(AF_INET6, host + 1, &address->in6.sin6_addr) == 1
		       ? parse_port(colon + 1, &address->in6.sin6_port)
		       : -1;
}

int listener_parse(const char *url, struct listener_address *address)
{
	*address = (struct listener_address){ .length = 0 };
	if (!strncmp(url, "unix://", 7))
		return parse_unix(url + 7, address);
	if (!strncmp(url, "tcp://", 6))
		return parse_tcp(url + 6, address);
	return -1;
}

bool listener_is_loopback(const struct listener_address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohl(address->in.sin_addr.s_addr) >> 24 == 127;
	return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
}

bool listener_is_same(const struct listener_address *a, const struct listener_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_UNIX)
		return !strcmp(a->un.sun_path, b->un.sun_path);
	if (a->any.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port && IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

/* The file of a listener that is gone may be in the way; one that still listens is not ours to remove. */
static int clear_path(const struct listener_address *address)
{
	struct stat status;
	int fd, result;

	if (lstat(address->un.sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	result = connect(fd, &address->any, address->length) < 0 ? errno : 0;
	close(fd);
	if (result != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->un.sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int make_parent(const char *path)
{
	char parent[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash == parent)
		return 0;
	*slash = '\0';
	return mkdir(parent, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int bind_unix(struct listener *listener, int gid)
{
	const struct listener_address *address = &listener->address;
	struct stat status;
	int error = make_parent(address->un.sun_path);

	if (!error)
		error = clear_path(address);
	if (error)
		return error;
	/* The file takes its mode from the socket (unix_bind in the kernel), so nobody can connect before it is right;
	 * the umask can only take bits away. */
	if (fchmod(listener->source.fd, 0660) < 0 || bind(listener->source.fd, &address->any, address->length) < 0)
		return -errno;
	listener->ours = true;
	if (chown(address->un.sun_path, (uid_t)-1, (gid_t)gid) < 0 || chmod(address->un.sun_path, 0660) < 0 ||
	    stat(address->un.sun_path, &status) < 0)
		return -errno;
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	return 0;
}

static int bind_tcp(struct listener *listener)
{
	const int on = 1;

	if (setsockopt(listener->source.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(listener->source.fd, &listener->address.any, listener->address.length) < 0)
		return -errno;
	return 0;
}

int listener_bind(struct listener *listener, const struct listener_address *address, int gid)
{
	int family = address->any.sa_family, error;

	*listener = (struct listener){ .address = *address, .spare = -1 };
	listener->source.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->source.fd < 0)
		return -errno;
	error = family == AF_UNIX ? bind_unix(listener, gid) : bind_tcp(listener);
	if (!error && listen(listener->source.fd, BACKLOG) < 0)
		error = -errno;
	if (error)
		listener_close(listener);
	return error;
}

int listener_adopt(struct listener *listener, int fd)
{
	socklen_t length = sizeof(int);
	int type, listening;

	*listener = (struct listener){ .source.fd = fd, .spare = -1, .address.length = sizeof(struct sockaddr_un) };
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0 ||
	    getsockname(fd, &listener->address.any, &listener->address.length) < 0)
		return -errno;
	if (type != SOCK_STREAM || !listening)
		return -EINVAL;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* A listener is readable as long as a client waits: with no descriptor left to take it, the loop would turn for
 * nothing. */
static void turn_away(struct listener *listener)
{
	int fd;

	close(listener->spare);
	fd = accept4(listener->source.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct listener *listener = (struct listener *)source;
	const int on = 1;

	(void)events;
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				turn_away(listener);
			if (errno == ECONNABORTED || errno == EINTR)
				continue;
			return;
		}
		if (listener->address.any.sa_family != AF_UNIX)
			(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		listener->connected(fd, listener);
	}
}

int listener_start(struct listener *listener, struct loop *loop)
{
	int error;

	listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	listener->source.ready = on_ready;
	error = loop_add(loop, &listener->source, EPOLLIN);
	if (!error)
		listener->loop = loop;
	return error;
}

void listener_close(struct listener *listener)
{
	const char *path = listener->address.un.sun_path;
	struct stat status;

	if (listener->loop)
		loop_remove(listener->loop, &listener->source);
	/* Not the file of a daemon that has taken the path over. */
	if (listener->ours && (!listener->inode || (lstat(path, &status) == 0 && status.st_dev == listener->device &&
						    status.st_ino == listener->inode)))
		(void)unlink(path);
	if (listener->source.fd >= 0)
		close(listener->source.fd);
	if (listener->spare >= 0)
		close(listener->spare);
	*listener = (struct listener){ .source.fd = -1, .spare = -1 };
}

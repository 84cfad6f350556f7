/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKETS_MAX 32

int notify_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;
	int fd, error = 0;

	if (!length)
		return 0;
	if (length >= sizeof(address.sun_path) || (*path != '/' && *path != '@'))
		return -EINVAL;
	memcpy(address.sun_path, path, length);
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* A whole positive number; 0: it is none. */
static unsigned long number_of(const char *name)
{
	const char *text = getenv(name);
	unsigned long value;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	value = strtoul(text, &end, 10);
	return *end || errno ? 0 : value;
}

size_t notify_passed_sockets(void)
{
	unsigned long count = number_of("LISTEN_FDS");
	int ours = number_of("LISTEN_PID") == (unsigned long)getpid();

	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	return ours && count <= SOCKETS_MAX ? count : 0;
}

int notify_watchdog(void)
{
	unsigned long microseconds = number_of("WATCHDOG_USEC");
	unsigned long pid = number_of("WATCHDOG_PID");

	if (pid && pid != (unsigned long)getpid())
		return 0;
	/* Half of it, as sd_watchdog_enabled(3) recommends. */
	return microseconds / 2000 > INT_MAX ? INT_MAX : (int)(microseconds / 2000);
}

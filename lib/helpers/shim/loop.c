/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <stddef.h>

int loop_init(struct loop *loop)
{
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd < 0 ? -errno : 0;
}

int loop_add(struct loop *loop, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) < 0)
		return -errno;
	source->added = true;
	return 0;
}

void loop_remove(struct loop *loop, struct source *source)
{
	if (source->added)
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->added = false;
}

int loop_once(struct loop *loop, int milliseconds)
{
	struct epoll_event event;
	int n = epoll_wait(loop->epoll_fd, &event, 1, milliseconds);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n > 0) {
		struct source *source = event.data.ptr;

		source->ready(source, event.events);
	}
	return n;
}

int loop_run(struct loop *loop)
{
	while (!loop->stopped) {
		int result = loop_once(loop, 0);

		if (result == 0 && !loop->stopped) {
			loop->idle(loop->idle_context);
			result = loop_once(loop, -1);
		}
		if (result < 0)
			return result;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TURN_MAX 64

struct loop {
	int fd;
	/* The events of the running turn: a source that is removed is taken out of them. */
	struct epoll_event events[TURN_MAX];
	int n_events;
};

int loop_open(struct loop **loop)
{
	struct loop *made = calloc(1, sizeof(*made));
	int error;

	if (!made)
		return -ENOMEM;
	made->fd = epoll_create1(EPOLL_CLOEXEC);
	if (made->fd < 0) {
		error = -errno;
		free(made);
		return error;
	}
	*loop = made;
	return 0;
}

void loop_close(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->fd);
	free(loop);
}

static int control(struct loop *loop, int operation, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(loop->fd, operation, source->fd, &event) < 0 ? -errno : 0;
}

int loop_add(struct loop *loop, struct loop_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, source, events);
}

int loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, source, events);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	(void)control(loop, EPOLL_CTL_DEL, source, 0);
	for (int i = 0; i < loop->n_events; i++) {
		if (loop->events[i].data.ptr == source)
			loop->events[i].data.ptr = NULL;
	}
}

int loop_turn(struct loop *loop, int milliseconds)
{
	int count = epoll_wait(loop->fd, loop->events, TURN_MAX, milliseconds);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	loop->n_events = count;
	for (int i = 0; i < count; i++) {
		struct loop_source *source = loop->events[i].data.ptr;

		if (source)
			source->ready(source, loop->events[i].events);
	}
	loop->n_events = 0;
	return 0;
}

int64_t loop_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

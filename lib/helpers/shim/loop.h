/* SPDX-License-Identifier: Apache-2.0 */
/* The shim's event loop: epoll, one event at a time, so that a handler may free any source, its own too. */
#ifndef LIBCRI_HELPERS_SHIM_LOOP_H
#define LIBCRI_HELPERS_SHIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* Embedded in what it belongs to (SOURCE_OWNER). The descriptor stays its owner's. */
struct source {
	int fd; /* -1: none */
	bool added;
	void (*ready)(struct source *source, uint32_t events);
};

#define SOURCE_OWNER(source, type, member) ((type *)((char *)(source) - __builtin_offsetof(type, member)))

struct loop {
	int epoll_fd;
	bool stopped;
	void (*idle)(void *context); /* called before it waits with nothing to do */
	void *idle_context;
};

int loop_init(struct loop *loop); /* 0 or -errno */

/* Watches source->fd (EPOLLIN, …). 0 or -errno. */
int loop_add(struct loop *loop, struct source *source, uint32_t events);
void loop_remove(struct loop *loop, struct source *source);

/* Until loop->stopped. 0 or -errno. */
int loop_run(struct loop *loop);

/* Handles what is ready within `milliseconds`. 1: something was; 0: nothing; -errno. */
int loop_once(struct loop *loop, int milliseconds);

#endif

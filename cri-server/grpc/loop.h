/* SPDX-License-Identifier: Apache-2.0 */
/* The one loop of the daemon: epoll, in one thread. */
#ifndef CRI_SERVER_GRPC_LOOP_H
#define CRI_SERVER_GRPC_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

struct loop;

/* Part of whatever owns the descriptor. */
struct loop_source {
	int fd;
	void (*ready)(struct loop_source *source, uint32_t events);
};

/* Answer 0 or -errno. A source may be removed, and its memory freed, at any time in the loop's thread. */
int loop_open(struct loop **loop);
void loop_close(struct loop *loop);
int loop_add(struct loop *loop, struct loop_source *source, uint32_t events);
int loop_change(struct loop *loop, struct loop_source *source, uint32_t events);
void loop_remove(struct loop *loop, struct loop_source *source);

/* Waits at most so many milliseconds (-1: for ever) and serves what is ready. */
int loop_turn(struct loop *loop, int milliseconds);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t loop_now(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on their way from the thread of all transfers (transfers.c) to the job that hashes and inflates them: as many
 * as the ring holds and no more, in order.
 */
#ifndef LIBCRI_HELPERS_FETCH_RING_H
#define LIBCRI_HELPERS_FETCH_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t filled, drained;
	char *bytes; /* made with the first that come */
	size_t begin, length;
	bool asleep; /* who takes */
	bool full;   /* somebody could not put, and waits to hear of room */
	bool ended;  /* nothing more comes */
	bool closed; /* nobody takes any more */
};

void ring_init(struct ring *ring);
void ring_free(struct ring *ring);

/* --- who puts: never waits but in ring_wait --- */

enum ring_put { RING_TAKEN, RING_FULL, RING_CLOSED, RING_NO_MEMORY };
/* All or nothing. */
enum ring_put ring_put(struct ring *ring, const void *bytes, size_t length);
/* Waits for room: the milliseconds that it took. */
int64_t ring_wait(struct ring *ring, size_t length, int64_t milliseconds);
/* What is there may be taken, though it be little. */
void ring_flush(struct ring *ring);
void ring_end(struct ring *ring);
bool ring_is_closed(struct ring *ring);

/* --- who takes --- */

/* Waits for bytes, which stay where they are until ring_taken. 0: there are no more. */
size_t ring_take(struct ring *ring, const char **bytes);
/* True: who puts has been refused, and has room now. */
bool ring_taken(struct ring *ring, size_t length);
/* Takes no more, and waits for the end. */
void ring_close(struct ring *ring);
void ring_wait_end(struct ring *ring);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Jobs may be many; it has to hold what libcurl gives at a time, and what a switch of threads is worth. */
#define SIZE ((size_t)256 << 10)
/* Less is not worth a switch to the other thread, unless nothing more is there for now. */
#define BATCH ((size_t)64 << 10)

void ring_init(struct ring *ring)
{
	pthread_condattr_t attributes;

	*ring = (struct ring){ .bytes = NULL };
	pthread_mutex_init(&ring->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&ring->filled, &attributes);
	pthread_cond_init(&ring->drained, &attributes);
	pthread_condattr_destroy(&attributes);
}

void ring_free(struct ring *ring)
{
	free(ring->bytes);
	pthread_cond_destroy(&ring->drained);
	pthread_cond_destroy(&ring->filled);
	pthread_mutex_destroy(&ring->lock);
}

/* --- who puts --- */

static void copy_in(struct ring *ring, const char *bytes, size_t length)
{
	const size_t at = (ring->begin + ring->length) % SIZE;
	const size_t first = SIZE - at < length ? SIZE - at : length;

	memcpy(ring->bytes + at, bytes, first);
	memcpy(ring->bytes, bytes + first, length - first);
	ring->length += length;
}

enum ring_put ring_put(struct ring *ring, const void *bytes, size_t length)
{
	enum ring_put result = RING_TAKEN;

	pthread_mutex_lock(&ring->lock);
	if (ring->closed)
		result = RING_CLOSED;
	else if (!ring->bytes && !(ring->bytes = malloc(SIZE)))
		result = RING_NO_MEMORY;
	else if (length > SIZE - ring->length)
		result = RING_FULL;
	if (result == RING_TAKEN)
		copy_in(ring, bytes, length);
	ring->full = result == RING_FULL;
	if (ring->asleep && (ring->full || ring->length >= BATCH))
		pthread_cond_signal(&ring->filled);
	pthread_mutex_unlock(&ring->lock);
	return result;
}

int64_t ring_wait(struct ring *ring, size_t length, int64_t milliseconds)
{
	const int64_t begin = clock_boot();
	struct timespec until;
	int64_t nanoseconds;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	nanoseconds = until.tv_nsec + milliseconds % 1000 * NANOSECONDS_PER_MILLISECOND;
	until.tv_sec += milliseconds / 1000 + nanoseconds / NANOSECONDS_PER_SECOND;
	until.tv_nsec = nanoseconds % NANOSECONDS_PER_SECOND;
	pthread_mutex_lock(&ring->lock);
	while (!ring->closed && length > SIZE - ring->length && result == 0)
		result = pthread_cond_timedwait(&ring->drained, &ring->lock, &until);
	pthread_mutex_unlock(&ring->lock);
	return (clock_boot() - begin) / NANOSECONDS_PER_MILLISECOND;
}

void ring_flush(struct ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	if (ring->asleep && ring->length > 0)
		pthread_cond_signal(&ring->filled);
	pthread_mutex_unlock(&ring->lock);
}

void ring_end(struct ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	ring->ended = true;
	pthread_cond_signal(&ring->filled);
	pthread_mutex_unlock(&ring->lock);
}

bool ring_is_closed(struct ring *ring)
{
	bool closed;

	pthread_mutex_lock(&ring->lock);
	closed = ring->closed;
	pthread_mutex_unlock(&ring->lock);
	return closed;
}

/* --- who takes --- */

size_t ring_take(struct ring *ring, const char **bytes)
{
	size_t length;

	pthread_mutex_lock(&ring->lock);
	ring->asleep = true;
	while (ring->length == 0 && !ring->ended)
		pthread_cond_wait(&ring->filled, &ring->lock);
	ring->asleep = false;
	length = ring->length < SIZE - ring->begin ? ring->length : SIZE - ring->begin;
	*bytes = ring->bytes + ring->begin;
	pthread_mutex_unlock(&ring->lock);
	return length;
}

bool ring_taken(struct ring *ring, size_t length)
{
	bool roomy;

	pthread_mutex_lock(&ring->lock);
	ring->begin = (ring->begin + length) % SIZE;
	ring->length -= length;
	/* Half, so that who puts is not woken for each piece. */
	roomy = ring->full && ring->length <= SIZE / 2;
	if (roomy) {
		ring->full = false;
		pthread_cond_signal(&ring->drained);
	}
	pthread_mutex_unlock(&ring->lock);
	return roomy;
}

void ring_close(struct ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	ring->closed = true;
	pthread_cond_signal(&ring->drained);
	pthread_mutex_unlock(&ring->lock);
}

void ring_wait_end(struct ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	while (!ring->ended)
		pthread_cond_wait(&ring->filled, &ring->lock);
	pthread_mutex_unlock(&ring->lock);
}

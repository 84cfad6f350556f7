/* SPDX-License-Identifier: Apache-2.0 */
/* Locks between processes and threads: open-file-description locks (F_OFD_SETLK) on single bytes of a file that is
 * never unlinked. They go when their holder dies, and never with an unrelated close(2) of the same file. */
#ifndef LIBCRI_BASE_LOCK_H
#define LIBCRI_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Opens an own description of `path` (made with mode 0600) and takes byte `offset` for writing without waiting.
 * >= 0: a descriptor that holds the lock; -EAGAIN: somebody else holds it; -errno.
 * lock_release unlocks before it closes: a child that was being spawned may still hold a copy of the descriptor. */
int lock_try(const char *path, uint64_t offset);
void lock_release(int fd);

/* The same for reading: any number hold it at once, and lock_try and lock_is_held meet it. */
int lock_share(const char *path, uint64_t offset);

/* A holder's one byte more, and one less. 0, -EAGAIN or -errno. */
int lock_take_byte(int fd, uint64_t offset);
int lock_give_byte(int fd, uint64_t offset);

/* Whether anybody holds byte `offset`: 1, 0 or -errno. A file that does not exist is not held. */
int lock_is_held(const char *path, uint64_t offset);

/* The byte that stands for a name: FNV-1a, cut to 62 bits. */
uint64_t lock_byte(const char *name);

static inline void cleanup_lock(int *fd)
{
	if (*fd >= 0)
		lock_release(*fd);
}
#define CLEANUP_LOCK __attribute__((cleanup(cleanup_lock)))

#endif

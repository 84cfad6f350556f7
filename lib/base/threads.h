/* SPDX-License-Identifier: Apache-2.0 */
/* Threads in a program that is not ours: short, and not to be seen by its signals. */
#ifndef LIBCRI_BASE_THREADS_H
#define LIBCRI_BASE_THREADS_H

#include <pthread.h>

/* Starts a thread with a small stack and all signals blocked; whoever starts it joins it before returning to the
 * program. 0 or -errno. */
int thread_start(pthread_t *thread, void *(*function)(void *), void *argument);

#endif

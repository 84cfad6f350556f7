/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that run methods, started when they are needed and ended when they are not, and a bounded queue before them.
 */
#ifndef CRI_SERVER_GRPC_WORKERS_H
#define CRI_SERVER_GRPC_WORKERS_H

#include "call.h"

struct workers;

/* A thread that idles for so many milliseconds ends, unless it is the last. 0 or -errno. */
int workers_new(unsigned threads, size_t queue_limit, int idle_timeout, struct workers **workers);

/* Ends the threads when what is queued is run. NULL is allowed. */
void workers_free(struct workers *workers);

/* Takes a reference. False: the queue is full, or no thread can be started. */
bool workers_submit(struct workers *workers, struct grpc_call *call);

/* Ends the queued calls whose deadline has passed. */
void workers_expire(struct workers *workers, int64_t now);

struct workers_figures {
	size_t threads, queued, running;
	int64_t oldest; /* loop_now() when the first of the queue came; 0: none is queued */
};
void workers_look(struct workers *workers, struct workers_figures *figures);

#endif

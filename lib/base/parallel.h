/* SPDX-License-Identifier: Apache-2.0 */
/* Much of the same, by two processors. */
#ifndef LIBCRI_BASE_PARALLEL_H
#define LIBCRI_BASE_PARALLEL_H

#include <stddef.h>

#define PARALLEL_WORKERS 2

/* `worker` is below PARALLEL_WORKERS: what belongs to it, one thread uses. Worker 0 is the caller's thread. */
typedef void (*parallel_function)(void *context, size_t worker, size_t index);

/* Calls the function for each index below n, once, in no order. If that pays, a second thread takes part: it has all
 * signals blocked and is joined before this returns. Where none can be made the caller's does all. */
void parallel_run(size_t n, parallel_function function, void *context);

#endif

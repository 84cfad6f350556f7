/* SPDX-License-Identifier: Apache-2.0 */
#include "parallel.h"

#include "threads.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Starting a thread costs as much as a few indices. */
#define LEAST_INDICES 16

struct run {
	parallel_function function;
	void *context;
	size_t n;
	atomic_size_t next;
};

static void take(struct run *run, size_t worker)
{
	size_t index;

	while ((index = atomic_fetch_add(&run->next, 1)) < run->n)
		run->function(run->context, worker, index);
}

static void *second(void *run)
{
	take(run, 1);
	return NULL;
}

static bool has_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

void parallel_run(size_t n, parallel_function function, void *context)
{
	struct run run = { .function = function, .context = context, .n = n };
	pthread_t thread;
	bool started;

	atomic_init(&run.next, 0);
	started = n >= LEAST_INDICES && has_processors() && thread_start(&thread, second, &run) == 0;
	take(&run, 0);
	if (started)
		pthread_join(thread, NULL);
}

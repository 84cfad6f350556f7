/* SPDX-License-Identifier: Apache-2.0 */
#include "workers.h"

#include "loop.h"
#include "metadata.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/* A thread's place. Those that idle are a stack: under little load the lower ones have nothing to do for long, and end.
 */
struct worker {
	struct workers *workers;
	pthread_t thread;
	pthread_cond_t wake;
	SLIST_ENTRY(worker) idle;
	struct grpc_call *call; /* handed to a thread that idles or begins */
	enum { FREE, RUNS, ENDED /* to be joined */ } state;
};

struct workers {
	pthread_mutex_t mutex;
	SLIST_HEAD(idle_workers, worker) idle;
	STAILQ_HEAD(, grpc_call) queue;
	size_t n_queued, queue_limit;
	unsigned n_threads, n_idle, max_threads;
	int idle_timeout;
	bool stopping;
	struct worker workers[];
};

static void make_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

int workers_new(unsigned threads, size_t queue_limit, int idle_timeout, struct workers **workers)
{
	struct workers *made = calloc(1, sizeof(*made) + threads * sizeof(made->workers[0]));

	if (!made)
		return -ENOMEM;
	pthread_mutex_init(&made->mutex, NULL);
	SLIST_INIT(&made->idle);
	STAILQ_INIT(&made->queue);
	made->max_threads = threads;
	made->queue_limit = queue_limit;
	made->idle_timeout = idle_timeout;
	for (unsigned i = 0; i < threads; i++) {
		made->workers[i].workers = made;
		make_condition(&made->workers[i].wake);
	}
	*workers = made;
	return 0;
}

static void join(struct workers *workers, struct worker *worker)
{
	bool began;

	pthread_mutex_lock(&workers->mutex);
	began = worker->state != FREE;
	pthread_mutex_unlock(&workers->mutex);
	if (began)
		pthread_join(worker->thread, NULL);
}

void workers_free(struct workers *workers)
{
	struct worker *worker;

	if (!workers)
		return;
	pthread_mutex_lock(&workers->mutex);
	workers->stopping = true;
	SLIST_FOREACH(worker, &workers->idle, idle)
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&workers->mutex);
	for (unsigned i = 0; i < workers->max_threads; i++) {
		join(workers, &workers->workers[i]);
		pthread_cond_destroy(&workers->workers[i].wake);
	}
	pthread_mutex_destroy(&workers->mutex);
	free(workers);
}

static struct grpc_call *take_queued(struct workers *workers)
{
	struct grpc_call *call = STAILQ_FIRST(&workers->queue);

	if (call) {
		STAILQ_REMOVE_HEAD(&workers->queue, queued);
		workers->n_queued--;
	}
	return call;
}

static void wait_for_call(struct worker *worker)
{
	struct workers *workers = worker->workers;
	struct timespec until;
	int64_t end = loop_now() + workers->idle_timeout;
	int error = 0;

	until = (struct timespec){ .tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000 };
	SLIST_INSERT_HEAD(&workers->idle, worker, idle);
	workers->n_idle++;
	while (!worker->call && !workers->stopping && !error)
		error = pthread_cond_timedwait(&worker->wake, &workers->mutex, &until);
	/* Who hands over a call takes the worker off the stack. */
	if (!worker->call) {
		SLIST_REMOVE(&workers->idle, worker, worker, idle);
		workers->n_idle--;
	}
}

/* Under the mutex. NULL: the thread is not needed any more. */
static struct grpc_call *next(struct worker *worker)
{
	struct workers *workers = worker->workers;
	struct grpc_call *call = worker->call;

	if (!call)
		call = take_queued(workers);
	while (!call && !workers->stopping) {
		wait_for_call(worker);
		call = worker->call;
		/* The next call is quicker when one thread stays. */
		if (!call && workers->n_threads > 1)
			break;
	}
	worker->call = NULL;
	return call;
}

static void run(struct grpc_call *call, cri_call **cri)
{
	if (*cri || !cri_call_new(cri)) {
		grpc_call_run(call, *cri);
	} else {
		grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "no memory or descriptor is left for the call");
		grpc_server_wake(call);
	}
	grpc_call_release(call);
}

static void *work(void *data)
{
	struct worker *worker = data;
	struct workers *workers = worker->workers;
	cri_call *cri = NULL;
	struct grpc_call *call;

	pthread_mutex_lock(&workers->mutex);
	while ((call = next(worker))) {
		pthread_mutex_unlock(&workers->mutex);
		run(call, &cri);
		pthread_mutex_lock(&workers->mutex);
	}
	workers->n_threads--;
	worker->state = ENDED;
	pthread_mutex_unlock(&workers->mutex);
	cri_call_free(cri);
	return NULL;
}

static struct worker *find_place(struct workers *workers)
{
	for (unsigned i = 0; i < workers->max_threads; i++) {
		struct worker *worker = &workers->workers[i];

		if (worker->state == RUNS)
			continue;
		if (worker->state == ENDED)
			pthread_join(worker->thread, NULL);
		worker->state = FREE;
		return worker;
	}
	return NULL;
}

/* False: there may be no more, or the machine has none. */
static bool add_thread(struct workers *workers, struct grpc_call *call)
{
	struct worker *worker = find_place(workers);
	sigset_t all, before;
	pthread_attr_t attributes;
	int error;

	if (!worker || pthread_attr_init(&attributes))
		return false;
	worker->call = call;
	pthread_attr_setstacksize(&attributes, GRPC_WORKER_STACK);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, &attributes, work, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (error) {
		worker->call = NULL;
		return false;
	}
	worker->state = RUNS;
	workers->n_threads++;
	return true;
}

static bool hand_over(struct workers *workers, struct grpc_call *call)
{
	struct worker *worker = SLIST_FIRST(&workers->idle);

	if (!worker)
		return add_thread(workers, call);
	SLIST_REMOVE_HEAD(&workers->idle, idle);
	workers->n_idle--;
	worker->call = call;
	pthread_cond_signal(&worker->wake);
	return true;
}

bool workers_submit(struct workers *workers, struct grpc_call *call)
{
	bool taken;

	grpc_call_hold(call);
	pthread_mutex_lock(&workers->mutex);
	taken = hand_over(workers, call);
	if (!taken && workers->n_threads && workers->n_queued < workers->queue_limit) {
		STAILQ_INSERT_TAIL(&workers->queue, call, queued);
		workers->n_queued++;
		taken = true;
	}
	pthread_mutex_unlock(&workers->mutex);
	if (!taken)
		grpc_call_release(call);
	return taken;
}

void workers_expire(struct workers *workers, int64_t now)
{
	STAILQ_HEAD(, grpc_call) expired = STAILQ_HEAD_INITIALIZER(expired), kept = STAILQ_HEAD_INITIALIZER(kept);
	struct grpc_call *call;

	pthread_mutex_lock(&workers->mutex);
	while ((call = STAILQ_FIRST(&workers->queue))) {
		STAILQ_REMOVE_HEAD(&workers->queue, queued);
		if (call->deadline <= now) {
			STAILQ_INSERT_TAIL(&expired, call, queued);
			workers->n_queued--;
		} else {
			STAILQ_INSERT_TAIL(&kept, call, queued);
		}
	}
	STAILQ_CONCAT(&workers->queue, &kept);
	pthread_mutex_unlock(&workers->mutex);
	while ((call = STAILQ_FIRST(&expired))) {
		STAILQ_REMOVE_HEAD(&expired, queued);
		grpc_call_end(call, GRPC_DEADLINE_EXCEEDED, "the deadline passed before the call was run");
		grpc_server_wake(call);
		grpc_call_release(call);
	}
}

void workers_look(struct workers *workers, struct workers_figures *figures)
{
	pthread_mutex_lock(&workers->mutex);
	figures->threads = workers->n_threads;
	figures->queued = workers->n_queued;
	figures->running = workers->n_threads - workers->n_idle;
	figures->oldest = STAILQ_EMPTY(&workers->queue) ? 0 : STAILQ_FIRST(&workers->queue)->began;
	pthread_mutex_unlock(&workers->mutex);
}

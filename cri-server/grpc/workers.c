/* SPDX-License-Identifier: Apache-2.0 */
#include "workers.h"

#include "loop.h"
#include "metadata.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct workers {
	pthread_mutex_t mutex;
	pthread_cond_t work;
	STAILQ_HEAD(, grpc_call) queue;
	size_t n_queued, queue_limit;
	unsigned n_threads, n_idle, max_threads;
	bool stopping;
	pthread_t threads[];
};

int workers_new(unsigned threads, size_t queue_limit, struct workers **workers)
{
	struct workers *made = calloc(1, sizeof(*made) + threads * sizeof(made->threads[0]));

	if (!made)
		return -ENOMEM;
	pthread_mutex_init(&made->mutex, NULL);
	pthread_cond_init(&made->work, NULL);
	STAILQ_INIT(&made->queue);
	made->max_threads = threads;
	made->queue_limit = queue_limit;
	*workers = made;
	return 0;
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->mutex);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->work);
	pthread_mutex_unlock(&workers->mutex);
	for (unsigned i = 0; i < workers->n_threads; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_cond_destroy(&workers->work);
	pthread_mutex_destroy(&workers->mutex);
	free(workers);
}

static struct grpc_call *next(struct workers *workers)
{
	struct grpc_call *call;

	pthread_mutex_lock(&workers->mutex);
	workers->n_idle++;
	while (STAILQ_EMPTY(&workers->queue) && !workers->stopping)
		pthread_cond_wait(&workers->work, &workers->mutex);
	workers->n_idle--;
	call = STAILQ_FIRST(&workers->queue);
	if (call) {
		STAILQ_REMOVE_HEAD(&workers->queue, queued);
		workers->n_queued--;
	}
	pthread_mutex_unlock(&workers->mutex);
	return call;
}

static void *work(void *data)
{
	struct workers *workers = data;
	cri_call *cri = NULL;
	struct grpc_call *call;

	for (call = next(workers); call; call = next(workers)) {
		if (cri || !cri_call_new(&cri)) {
			grpc_call_run(call, cri);
		} else {
			grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "no memory or descriptor is left for the call");
			grpc_server_wake(call);
		}
		grpc_call_release(call);
	}
	cri_call_free(cri);
	return NULL;
}

/* Signals are the loop's. */
static bool add_thread(struct workers *workers)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&workers->threads[workers->n_threads], NULL, work, workers);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		workers->n_threads++;
	return !error;
}

bool workers_submit(struct workers *workers, struct grpc_call *call)
{
	bool taken;

	pthread_mutex_lock(&workers->mutex);
	if (workers->n_queued >= workers->n_idle && workers->n_threads < workers->max_threads)
		add_thread(workers);
	taken = workers->n_threads && workers->n_queued < workers->queue_limit;
	if (taken) {
		grpc_call_hold(call);
		STAILQ_INSERT_TAIL(&workers->queue, call, queued);
		workers->n_queued++;
		pthread_cond_signal(&workers->work);
	}
	pthread_mutex_unlock(&workers->mutex);
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
	figures->queued = workers->n_queued;
	figures->running = workers->n_threads - workers->n_idle;
	figures->oldest = STAILQ_EMPTY(&workers->queue) ? 0 : STAILQ_FIRST(&workers->queue)->began;
	pthread_mutex_unlock(&workers->mutex);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that all transfers of the helper are in: one multi handle of libcurl, which is one pool of connections.
 * Jobs submit transfers and take what comes from a ring each (ring.h); hashing, inflating and writing go on in their
 * threads, side by side. Connections stay when transfers end, so that the next pull finds them warm, and HTTP/2
 * carries any number of transfers over one. libcurl does not share connections of unlike TLS settings or proxies.
 */
#include "transfer.h"

#include "base/clock.h"

#define CONNECTIONS_MAX 16L
#define LOOK_INTERVAL 250 /* milliseconds: silence, which nothing wakes for */
#define IDLE_INTERVAL 60000

static struct {
	pthread_once_t once;
	_Atomic(CURLM *) multi; /* NULL: there is no thread */
	CURLSH *share;          /* what TLS remembers of servers; NULL: nothing */
	pthread_mutex_t lock;
	struct transfer *submitted; /* under the lock, the last first */
	struct transfer *running;   /* the thread's */
} transfers = { .once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER };

static void begin(struct transfer *transfer)
{
	if (!transfer_prepare(transfer, transfers.share) ||
	    curl.multi_add_handle(transfers.multi, transfer->easy) != CURLM_OK) {
		transfer_finish(transfer, CURLE_OUT_OF_MEMORY);
		return;
	}
	transfer->next = transfers.running;
	transfers.running = transfer;
}

static void begin_submitted(void)
{
	struct transfer *transfer, *next, *first = NULL;

	pthread_mutex_lock(&transfers.lock);
	transfer = transfers.submitted;
	transfers.submitted = NULL;
	pthread_mutex_unlock(&transfers.lock);
	for (; transfer; transfer = next) {
		next = transfer->next;
		transfer->next = first;
		first = transfer;
	}
	for (transfer = first; transfer; transfer = next) {
		next = transfer->next;
		begin(transfer);
	}
}

static void end(struct transfer **place, CURLcode code)
{
	struct transfer *transfer = *place;

	*place = transfer->next;
	curl.multi_remove_handle(transfers.multi, transfer->easy);
	transfer_finish(transfer, code);
}

static struct transfer **place_of(const CURL *easy)
{
	struct transfer **place = &transfers.running;

	while (*place && (*place)->easy != easy)
		place = &(*place)->next;
	return place;
}

static void end_done(void)
{
	CURLMsg *message;
	int left;

	while ((message = curl.multi_info_read(transfers.multi, &left)) != NULL) {
		struct transfer **place = place_of(message->easy_handle);

		if (message->msg == CURLMSG_DONE && *place)
			end(place, message->data.result);
	}
}

/* Those that nobody waits for, or that nothing comes for; the others have what came. */
static void look_after_running(void)
{
	struct transfer **place = &transfers.running;

	while (*place) {
		struct transfer *transfer = *place;

		transfer->silent = transfer_is_silent(transfer);
		if (transfer->silent || transfer->request->session->ended || ring_is_closed(&transfer->ring)) {
			end(place, CURLE_ABORTED_BY_CALLBACK);
			continue;
		}
		ring_flush(&transfer->ring);
		place = &transfer->next;
	}
}

static void resume_running(void)
{
	for (struct transfer *transfer = transfers.running; transfer; transfer = transfer->next)
		if (atomic_exchange(&transfer->resume, false))
			transfer_resume(transfer);
}

static void *run(void *multi)
{
	transfers.multi = multi;
	transfers.share = curl.share_init();
	/* No locks: it does not leave this thread. */
	if (transfers.share)
		curl.share_setopt(transfers.share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	for (;;) {
		int running;

		begin_submitted();
		resume_running();
		curl.multi_perform(multi, &running);
		end_done();
		look_after_running();
		curl.multi_poll(multi, NULL, 0, transfers.running ? LOOK_INTERVAL : IDLE_INTERVAL, NULL);
	}
	return NULL;
}

/* Not before the helper is confined: a thread has its own filter of system calls. */
static void start(void)
{
	CURLM *multi = curl.multi_init();
	pthread_attr_t attributes;
	pthread_t thread;

	if (!multi)
		return;
	curl.multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl.multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	if (pthread_attr_init(&attributes) == 0) {
		pthread_attr_setstacksize(&attributes, STACK_SIZE);
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		if (pthread_create(&thread, &attributes, run, multi) == 0)
			transfers.multi = multi;
		pthread_attr_destroy(&attributes);
	}
	if (!transfers.multi)
		curl.multi_cleanup(multi);
}

bool transfers_submit(struct transfer *transfer)
{
	pthread_once(&transfers.once, start);
	if (!transfers.multi)
		return false;
	pthread_mutex_lock(&transfers.lock);
	transfer->next = transfers.submitted;
	transfers.submitted = transfer;
	pthread_mutex_unlock(&transfers.lock);
	transfers_wake();
	return true;
}

void transfers_wake(void)
{
	CURLM *multi = transfers.multi;

	if (multi)
		curl.multi_wakeup(multi);
}

void transfers_excuse(int64_t nanoseconds)
{
	for (struct transfer *transfer = transfers.running; transfer; transfer = transfer->next)
		transfer->heard += nanoseconds;
}

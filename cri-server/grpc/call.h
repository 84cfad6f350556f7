/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call: a stream of a connection, from its headers to its trailers.
 *
 * The loop's thread owns the stream. A worker runs the method, and hands messages and the end over through what the
 * mutex guards. The loop, the worker's queue and the list of calls with news each hold a reference.
 */
#ifndef CRI_SERVER_GRPC_CALL_H
#define CRI_SERVER_GRPC_CALL_H

#include "frame.h"
#include "limits.h"
#include "rpc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

struct grpc_connection;
struct grpc_server;

/* A message with its prefix; subscribers share one. */
struct grpc_message {
	atomic_uint references;
	size_t length;
	uint8_t bytes[];
};

/* NULL without memory. */
struct grpc_message *grpc_message_new(const uint8_t *message, size_t length);
void grpc_message_release(struct grpc_message *message);

struct grpc_unsent {
	STAILQ_ENTRY(grpc_unsent) entry;
	struct grpc_message *message;
};

/* What the headers said. */
struct grpc_head {
	char path[GRPC_MAX_PATH];
	bool has_method, has_path; /* :method and :path were seen, whatever they said */
	bool is_post, is_grpc, path_cut, timeout_malformed;
	bool has_timeout;
	int64_t timeout; /* milliseconds */
	size_t size;     /* of the header list */
};

struct grpc_call {
	struct rpc rpc;
	struct grpc_server *server;
	const struct rpc_method *method;
	atomic_uint references;

	/* The loop's. */
	struct grpc_connection *connection; /* NULL: the stream is closed. Others read it under the mutex if !gone */
	LIST_ENTRY(grpc_call) of_connection;
	LIST_ENTRY(grpc_call) of_subscribers;
	int32_t stream_id;
	struct grpc_head head;
	struct frame_reader reader;
	int64_t began;    /* loop_now() at the headers */
	int64_t progress; /* when last a byte of the answer was taken, or was there to be taken */
	int http_status;  /* not 0: it is no gRPC; this is all that is answered */
	bool request_ended, answering, subscribed;

	/* The queue's and the news list's. */
	STAILQ_ENTRY(grpc_call) queued;
	STAILQ_ENTRY(grpc_call) news;
	bool has_news;

	/* Set before a worker sees the call. */
	int64_t deadline; /* loop_now(), INT64_MAX: none */
	struct timespec dispatched;

	pthread_mutex_t mutex; /* guards the rest */
	pthread_cond_t taken;  /* bytes were taken, or the client is gone */
	STAILQ_HEAD(, grpc_unsent) unsent;
	size_t first_sent;   /* bytes of the first one that are sent */
	size_t unsent_bytes; /* of all */
	size_t n_sent;       /* messages */
	bool gone;           /* the client */
	bool ended;          /* status and text stand */
	int status;
	char *text; /* percent-encoded; NULL: none */
	cri_call *running;
};

/* Made by the loop with one reference. NULL without memory. */
struct grpc_call *grpc_call_new(struct grpc_connection *connection, int32_t stream_id);
void grpc_call_hold(struct grpc_call *call);
void grpc_call_release(struct grpc_call *call);

/* Queues a message, whose reference it takes. False: the client is gone, or there is no memory. */
bool grpc_call_queue(struct grpc_call *call, struct grpc_message *message);

/* Ends it with a status and tells those who count. The first end counts. Any thread. */
void grpc_call_end(struct grpc_call *call, int status, const char *text);

/* The stream is closed: cancels what runs, and forgets the connection. The loop's. */
void grpc_call_detach(struct grpc_call *call);

/* Runs the method, in a worker. */
void grpc_call_run(struct grpc_call *call, cri_call *cri);

/* Takes at most `size` bytes of the answer. *over: what follows are the trailers. The loop's. */
size_t grpc_call_take(struct grpc_call *call, uint8_t *bytes, size_t size, bool *over);

/* Tells the loop that it has news: messages, or its end. Any thread; server.c. */
void grpc_server_wake(struct grpc_call *call);

/* Frees the request's message. Under the mutex, or in the loop while nobody else has the call. */
void grpc_call_drop_request(struct grpc_call *call);

/* Counts bytes of requests and answers; under the mutex, or in the loop. */
void grpc_call_account(struct grpc_call *call, size_t more, size_t less);

#endif

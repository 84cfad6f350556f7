/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection, and the server as its parts see it. All in the loop's thread, but for what is atomic. */
#ifndef CRI_SERVER_GRPC_CONNECTION_H
#define CRI_SERVER_GRPC_CONNECTION_H

#include "call.h"
#include "loop.h"
#include "server.h"
#include "workers.h"

#include <nghttp2/nghttp2.h>

#define GRPC_BUFFER (64U << 10)

struct tls;

struct grpc_connection {
	struct loop_source source; /* must stay first */
	struct grpc_server *server;
	struct tls *tls; /* NULL: plain */
	nghttp2_session *session;
	LIST_ENTRY(grpc_connection) of_server;
	TAILQ_ENTRY(grpc_connection) dirty; /* has something to send */
	bool is_dirty, greeted, pinged, writing;
	bool turned_away; /* nothing is read any more; it goes when its GOAWAY is sent */
	LIST_HEAD(, grpc_call) calls;
	size_t n_calls;
	atomic_size_t bytes;
	/* What the socket did not take. */
	uint8_t *pending;
	size_t pending_length, pending_sent;
	int64_t opened, heard, wrote, ping_at; /* loop_now() */
	/* The bucket of frames that cost the client nothing. */
	double tokens;
	int64_t tokens_at;
};

struct grpc_server {
	struct loop *loop;
	struct loop_source wake;
	struct loop_source events;
	struct grpc_server_options options;
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *session_options;
	struct workers *pools[RPC_POOLS];
	LIST_HEAD(, grpc_connection) connections;
	TAILQ_HEAD(, grpc_connection) dirty;
	size_t n_connections;
	LIST_HEAD(, grpc_call) subscribers;
	size_t n_subscribers;
	bool draining, events_wait;
	uint64_t last_request;
	int64_t refusal_logged, next_tick, events_pause;
	atomic_size_t bytes;
	pthread_mutex_t mutex; /* guards news */
	STAILQ_HEAD(, grpc_call) news;
	uint8_t buffer[GRPC_BUFFER];
};

/* connection.c */
void grpc_connection_open(struct grpc_server *server, int fd, struct tls *tls);
void grpc_connection_close(struct grpc_connection *connection);
void grpc_connection_mark(struct grpc_connection *connection);  /* has something to send: flush it at the turn's end */
void grpc_connection_flush(struct grpc_connection *connection); /* may close it */
void grpc_connection_tick(struct grpc_connection *connection, int64_t now); /* may close it */

/* session.c */
int session_prepare(struct grpc_server *server); /* 0 or -errno */
int session_open(struct grpc_connection *connection);
/* Takes tokens for a frame; without any left the client is told to calm down and goes. */
void session_charge(struct grpc_connection *connection, double tokens);

/* request.c: what becomes of a request */
int request_header(struct grpc_call *call, const uint8_t *name, size_t name_length, const uint8_t *value,
		   size_t value_length); /* 0, or -1: reset the stream */
void request_headers_end(struct grpc_call *call);
void request_data(struct grpc_call *call, const uint8_t *bytes, size_t length);
void request_end(struct grpc_call *call);

/* answer.c */
void answer_news(struct grpc_call *call); /* messages were queued, or it ended */
void answer_sent_end(struct grpc_call *call);

/* subscribers.c */
void subscribers_add(struct grpc_call *call);
void subscribers_remove(struct grpc_call *call);
void subscribers_end(struct grpc_call *call, int status, const char *text);
void subscribers_end_all(struct grpc_server *server, const char *text);
/* Sends events that wait. Answers after how many milliseconds there is more to do, -1: when the source is ready. */
int subscribers_serve(struct grpc_server *server);

/* server.c: something has begun that may time out soon. */
void grpc_server_hurry(struct grpc_server *server, int64_t now);

#endif

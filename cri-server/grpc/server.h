/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC server over nghttp2: one thread (the loop's) owns every connection, workers run the methods of rpc.h. */
#ifndef CRI_SERVER_GRPC_SERVER_H
#define CRI_SERVER_GRPC_SERVER_H

#include "loop.h"
#include "rpc.h"

struct grpc_server;
struct tls_context;

/* A call that is over. */
struct grpc_finished {
	const struct rpc_method *method; /* NULL: the path named none */
	uint64_t request_id;
	const char *path;
	const char *object;
	int status;
	const char *text; /* of a failure */
	double milliseconds;
};

/* Milliseconds. */
struct grpc_timeouts {
	int greeting; /* from accept to the client's SETTINGS, TLS included */
	int request;  /* from the headers of a request to its last byte */
	int stall;    /* an answer of which the client takes nothing */
	int idle;     /* a connection that says nothing is pinged, */
	int ping;     /* and closed when it does not answer */
	int tick;     /* how often these are looked at while calls or greetings are under way */
	int worker;   /* a worker that has nothing to do ends; one of each pool stays */
};
extern const struct grpc_timeouts grpc_default_timeouts;

struct grpc_server_options {
	struct rpc_service *service;
	struct grpc_timeouts timeouts;
	void (*finished)(const struct grpc_finished *finished); /* any thread; it must not wait */
	void (*log)(cri_log_level level, const char *message);  /* any thread */
};

/* 0 or -errno. */
int grpc_server_new(struct loop *loop, const struct grpc_server_options *options, struct grpc_server **server);

/* Cancels what runs and waits until the workers are idle. NULL is allowed. */
void grpc_server_free(struct grpc_server *server);

/* Takes a connected, non-blocking socket. @param tls NULL: plain */
void grpc_server_connect(struct grpc_server *server, int fd, struct tls_context *tls);

/* Looks after timeouts; call it when so many milliseconds as it answered have passed (-1: when anything happens). */
int grpc_server_tick(struct grpc_server *server);

/* Tells the clients to go, and ends the subscriptions. What runs goes on. */
void grpc_server_drain(struct grpc_server *server);

struct grpc_figures {
	size_t connections, subscribers, calls;
	struct {
		size_t threads, queued, running;
	} pools[RPC_POOLS];
	size_t bytes;    /* of requests and answers */
	int64_t waiting; /* milliseconds that the oldest queued quick call waits; 0: none does */
};
void grpc_server_look(struct grpc_server *server, struct grpc_figures *figures);

#endif

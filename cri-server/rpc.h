/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the gRPC transport (cri-server/grpc/) and the calls of the CRI (cri-server/service/): one table of methods,
 * and what a method may do.
 */
#ifndef CRI_SERVER_RPC_H
#define CRI_SERVER_RPC_H

#include <libcri/libcri.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of the CRI's packages a client speaks: the part of the path before the service. */
enum rpc_dialect {
	RPC_V1,       /* runtime.v1 */
	RPC_V1ALPHA2, /* runtime.v1alpha2 */
	RPC_2019,     /* runtime, of 2019 */
};

struct rpc_service; /* the engine, its settings and subscribers (service/service.h) */

/* One call in progress, made by the transport. */
struct rpc {
	struct rpc_service *service;
	enum rpc_dialect dialect;
	const char *method; /* "RunPodSandbox" */
	uint64_t request_id;
	cri_call *call;         /* carries the client's deadline; cancelled when the client goes away */
	const uint8_t *request; /* one packed message */
	size_t request_length;
	char object[80]; /* what it is about, for the log line; set by the method */
};

/* Sends one packed message; unary methods send exactly one. Waits while the client reads too slowly. 0, or a cri_code
 * when the client is gone. The transport provides it. */
int rpc_send(struct rpc *rpc, const uint8_t *message, size_t length);

/* The gRPC status of a failure. Texts are sanitised and percent-encoded by the transport. */
struct rpc_status {
	int code; /* 0 to 16 */
	char message[1024];
};

/* Who runs a call. Each kind of call has workers of its own, so that those which wait keep no others waiting. */
enum rpc_pool {
	RPC_QUICK,   /* waits for nothing but the store */
	RPC_LASTING, /* may wait for a container, a command, a network plugin or a grace period */
	RPC_PULLS,   /* waits for a registry */
};
#define RPC_POOLS 3

enum rpc_kind {
	RPC_UNARY,
	RPC_STREAM, /* several messages, then it ends: runs in a worker like a unary call */
	RPC_EVENTS, /* goes on until the client leaves: served by the subscriber list, never by a worker */
};

struct rpc_method {
	const char *service; /* "RuntimeService" or "ImageService" */
	const char *name;
	enum rpc_kind kind;
	enum rpc_pool pool;
	bool reads; /* changes nothing: a success is logged at debug level only */
	/* Runs the call and sends its messages; a failure is described in *status. For RPC_EVENTS: NULL. */
	void (*handle)(struct rpc *rpc, struct rpc_status *status);
};

/* What the calls need to know beside the engine. Borrowed until service_close. */
struct service_settings {
	cri_engine *engine;
	/* Where Exec, Attach and PortForward would stream, as configured. */
	const cri_stream_server_options *stream;
	/* Writes one line of the daemon's log. Any thread. */
	void (*log)(cri_log_level level, const char *message);
	/* The effective configuration as a JSON object, for Status when it is asked to be verbose; NULL without memory.
	 * Freed with free(). Any thread. */
	char *(*configuration)(void);
};

/* 0 or a cri_code, described in `call`. */
int service_open(const struct service_settings *settings, struct rpc_service **service, cri_call *call);
/* When no call runs any more; before the engine is closed. NULL is allowed. */
void service_close(struct rpc_service *service);

/* The method of a path such as "/runtime.v1.RuntimeService/Version", with its dialect; NULL: UNIMPLEMENTED, which
 * methods that a dialect does not have are as well. */
const struct rpc_method *rpc_find(const char *path, enum rpc_dialect *dialect);

/*
 * Events (GetContainerEvents). While there are subscribers, the transport polls service_events_fd in its loop; when it
 * is readable, and when a first subscriber comes, it calls service_events_next until that answers 0, and queues each
 * packed message to every subscriber. Without subscribers events wait in the store for the next one, for a few minutes.
 * A subscriber that falls behind by more than 4 MB is ended with RESOURCE_EXHAUSTED. service_events_fd may be -1 until
 * service_events_next was called. 1: *message, to be freed with free(); 0: none now. One thread.
 */
int service_events_fd(struct rpc_service *service);
int service_events_next(struct rpc_service *service, uint8_t **message, size_t *length);

#endif

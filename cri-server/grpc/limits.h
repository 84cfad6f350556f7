/* SPDX-License-Identifier: Apache-2.0 */
/* What one client, and all of them together, may take of the server. */
#ifndef CRI_SERVER_GRPC_LIMITS_H
#define CRI_SERVER_GRPC_LIMITS_H

#define GRPC_MAX_MESSAGE (16U << 20) /* of one request; kubelet's own limit for answers */
#define GRPC_MAX_HEADER_LIST                                                                                           \
	(16U << 10)                        /* name + value + 32 of each, as RFC 9113 counts; above: RESOURCE_EXHAUSTED \
					    */
#define GRPC_MAX_HEADER_ABUSE (256U << 10) /* above, the connection is closed: only a header bomb is that long */
#define GRPC_MAX_PATH 128
#define GRPC_MAX_CONNECTIONS 256
#define GRPC_MAX_STREAMS 1000 /* at once, of one connection */
#define GRPC_MAX_SUBSCRIBERS 64

/* Bytes of requests and of answers that are not sent yet. Above, new calls are RESOURCE_EXHAUSTED. */
#define GRPC_CONNECTION_BYTES (64U << 20)
#define GRPC_SERVER_BYTES (256U << 20)
/* Unsent bytes of one call: a method that streams waits, a subscriber is ended. */
#define GRPC_CALL_BYTES (4U << 20)

#define GRPC_STREAM_WINDOW (1 << 20)
#define GRPC_CONNECTION_WINDOW (4 << 20)

/* Frames that cost the client nothing and us some work: PING, SETTINGS, PRIORITY, RST_STREAM, empty and invalid ones.
 * A bucket of tokens; every request adds some, since Go clients ping for each answer to measure the bandwidth. */
#define GRPC_CONTROL_BURST 2000
#define GRPC_CONTROL_PER_SECOND 100
#define GRPC_CONTROL_PER_REQUEST 4
#define GRPC_RESET_BURST 1000
#define GRPC_RESET_PER_SECOND 100

#define GRPC_QUICK_WORKERS 8
#define GRPC_QUICK_QUEUE 4096
/* A kubelet stops all of its pods at once when its node is drained, and goes on probing. */
#define GRPC_LASTING_WORKERS 128
#define GRPC_LASTING_QUEUE 1024
#define GRPC_PULLS_WORKERS 8
#define GRPC_PULLS_QUEUE 256
/* As libcri's own for its operations. */
#define GRPC_WORKER_STACK (1U << 20)

#endif

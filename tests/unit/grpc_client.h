/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC client on nghttp2, for tests and benchmarks: it can do wrong what a real one would do right. */
#ifndef TESTS_UNIT_GRPC_CLIENT_H
#define TESTS_UNIT_GRPC_CLIENT_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_field {
	const char *name, *value;
};

/* One call of a client. */
struct client_stream {
	int32_t id;
	int http_status, grpc_status; /* -1: none came */
	char message[512];            /* grpc-message */
	uint8_t *body;
	size_t length, allocated;
	bool closed;
	uint32_t reset; /* the error that closed it */
	/* What is sent. */
	const uint8_t *request;
	size_t request_length, request_sent;
	bool request_open; /* after it, more will come */
};

struct client {
	int fd;
	nghttp2_session *session;
	bool ended; /* the server closed the connection */
	bool went;  /* it said GOAWAY */
	uint32_t goaway;
	bool paused; /* reads nothing */
};

/* Takes a connected socket; its SETTINGS are sent with the first run. */
struct client *client_new(int fd);
void client_free(struct client *client);

/* A request with the usual headers, in which `changed` (NULL-terminated names) replace or add some; value NULL removes.
 * @param request the body, prefix included; borrowed. */
struct client_stream *client_begin(struct client *client, const char *path, const struct client_field *changed,
				   const void *request, size_t length);
/* The same with the message `text` in its frame, run to its end; freed by client_end. */
struct client_stream *client_call(struct client *client, const char *path, const char *text);
void client_end(struct client_stream *stream);

/* Sends and receives for so many milliseconds, or until *condition. */
void client_run(struct client *client, const bool *condition, int milliseconds);

/* A frame with its prefix; to be freed. */
uint8_t *client_frame(const char *text, size_t *length);

#endif

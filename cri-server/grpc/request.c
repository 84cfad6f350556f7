/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a request: its headers, its message, and who runs it. */
#include "connection.h"
#include "metadata.h"

#include <stdio.h>
#include <string.h>

static bool is(const uint8_t *text, size_t length, const char *expected)
{
	return length == strlen(expected) && memcmp(text, expected, length) == 0;
}

static int take_path(struct grpc_head *head, const uint8_t *value, size_t length)
{
	if (head->has_path)
		return -1;
	head->has_path = true;
	head->path_cut = length >= sizeof(head->path) || memchr(value, '\0', length);
	if (!head->path_cut)
		memcpy(head->path, value, length);
	return 0;
}

int request_header(struct grpc_call *call, const uint8_t *name, size_t name_length, const uint8_t *value,
		   size_t value_length)
{
	struct grpc_head *head = &call->head;

	if (is(name, name_length, ":path"))
		return take_path(head, value, value_length);
	if (is(name, name_length, ":method")) {
		if (head->has_method)
			return -1;
		head->has_method = true;
		head->is_post = is(value, value_length, "POST");
	} else if (is(name, name_length, "content-type")) {
		head->is_grpc = metadata_is_grpc((const char *)value, value_length);
	} else if (is(name, name_length, "grpc-timeout")) {
		head->has_timeout = metadata_timeout((const char *)value, value_length, &head->timeout);
		head->timeout_malformed = !head->has_timeout;
	} else if (is(name, name_length, "grpc-encoding")) {
		call->reader.encoded = !is(value, value_length, "identity");
	}
	return 0;
}

/* Nobody but the loop has the call yet. */
static void refuse(struct grpc_call *call, int status, const char *text)
{
	grpc_call_drop_request(call);
	grpc_call_end(call, status, text);
	answer_news(call);
}

static void refuse_http(struct grpc_call *call, int http_status)
{
	call->http_status = http_status;
	refuse(call, GRPC_INTERNAL, "the request is no gRPC");
}

static bool is_overloaded(const struct grpc_call *call)
{
	return atomic_load(&call->connection->bytes) > GRPC_CONNECTION_BYTES ||
	       atomic_load(&call->server->bytes) > GRPC_SERVER_BYTES;
}

void request_headers_end(struct grpc_call *call)
{
	const struct grpc_head *head = &call->head;
	char text[GRPC_MAX_PATH + 32];

	if (head->size > GRPC_MAX_HEADER_LIST) {
		refuse(call, GRPC_RESOURCE_EXHAUSTED, "the request's metadata is longer than 16384 bytes");
	} else if (!head->is_post) {
		refuse_http(call, 405);
	} else if (!head->is_grpc) {
		refuse_http(call, 415);
	} else if (head->timeout_malformed) {
		refuse(call, GRPC_INTERNAL, "grpc-timeout is malformed");
	} else if (is_overloaded(call)) {
		refuse(call, GRPC_RESOURCE_EXHAUSTED, "too many bytes wait to be worked on or to be read by clients");
	} else {
		if (head->has_timeout)
			call->deadline = call->began + head->timeout;
		if (!head->path_cut)
			call->method = rpc_find(head->path, &call->rpc.dialect);
		if (call->method) {
			call->rpc.method = call->method->name;
			return;
		}
		snprintf(text, sizeof(text), "unknown method %s", head->path_cut ? "(too long)" : head->path);
		refuse(call, GRPC_UNIMPLEMENTED, text);
	}
}

void request_data(struct grpc_call *call, const uint8_t *bytes, size_t length)
{
	size_t before = call->reader.allocated;
	const char *text;
	int status;

	/* Nobody else has the call before its request is whole. */
	if (call->request_ended || call->ended)
		return;
	status = frame_read(&call->reader, bytes, length, &text);
	grpc_call_account(call, call->reader.allocated - before, 0);
	if (!status && is_overloaded(call)) {
		status = GRPC_RESOURCE_EXHAUSTED;
		text = "too many bytes wait to be worked on or to be read by clients";
	}
	if (status)
		refuse(call, status, text);
}

void request_end(struct grpc_call *call)
{
	struct grpc_server *server = call->server;
	const char *text;
	int status;

	call->request_ended = true;
	if (call->ended)
		return;
	status = frame_end(&call->reader, &text);
	if (status) {
		refuse(call, status, text);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &call->dispatched);
	if (call->deadline <= loop_now())
		refuse(call, GRPC_DEADLINE_EXCEEDED, "the deadline passed before the call was run");
	else if (call->method->kind == RPC_EVENTS)
		subscribers_add(call);
	else if (!workers_submit(server->pools[call->method->pool], call))
		refuse(call, GRPC_RESOURCE_EXHAUSTED, "too many calls wait to be run");
}

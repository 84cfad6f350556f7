/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a call: headers, messages, trailers; or, when it failed before it said anything, trailers alone. */
#include "connection.h"
#include "metadata.h"

#include <stdio.h>
#include <string.h>

#define HEADERS_MAX 8
#define STATIC (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)

struct headers {
	nghttp2_nv fields[HEADERS_MAX];
	size_t count;
	char status[4], http_status[4];
};

/* Names are static; values that nghttp2 must copy have other flags. */
static void add(struct headers *headers, const char *name, const char *value, uint8_t flags)
{
	headers->fields[headers->count++] = (nghttp2_nv){ .name = (uint8_t *)name,
							  .value = (uint8_t *)value,
							  .namelen = strlen(name),
							  .valuelen = strlen(value),
							  .flags = flags };
}

static void add_head(struct headers *headers)
{
	add(headers, ":status", "200", STATIC);
	add(headers, "content-type", "application/grpc", STATIC);
	add(headers, "grpc-accept-encoding", "identity", STATIC);
}

/* Only when the call has ended: status and text do not change any more. */
static void add_trailers(struct headers *headers, const struct grpc_call *call)
{
	snprintf(headers->status, sizeof(headers->status), "%d", call->status);
	add(headers, "grpc-status", headers->status, NGHTTP2_NV_FLAG_NO_COPY_NAME);
	if (call->text && *call->text)
		add(headers, "grpc-message", call->text, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_INDEX);
}

static ssize_t read_answer(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t size, uint32_t *flags,
			   nghttp2_data_source *source, void *data)
{
	struct grpc_call *call = source->ptr;
	struct headers trailers = { .count = 0 };
	bool over;
	size_t taken = grpc_call_take(call, bytes, size, &over);

	(void)data;
	if (!over)
		return taken ? (ssize_t)taken : NGHTTP2_ERR_DEFERRED;
	add_trailers(&trailers, call);
	*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	if (nghttp2_submit_trailer(session, stream_id, trailers.fields, trailers.count))
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	return (ssize_t)taken;
}

static int submit(struct grpc_call *call, bool has_messages)
{
	nghttp2_data_provider provider = { .source.ptr = call, .read_callback = read_answer };
	struct headers headers = { .count = 0 };

	if (call->http_status) {
		snprintf(headers.http_status, sizeof(headers.http_status), "%d", call->http_status);
		add(&headers, ":status", headers.http_status, NGHTTP2_NV_FLAG_NO_COPY_NAME);
		if (call->http_status == 405)
			add(&headers, "allow", "POST", STATIC);
	} else {
		add_head(&headers);
		if (!has_messages)
			add_trailers(&headers, call);
	}
	return nghttp2_submit_response(call->connection->session, call->stream_id, headers.fields, headers.count,
				       has_messages ? &provider : NULL);
}

void answer_news(struct grpc_call *call)
{
	struct grpc_connection *connection = call->connection;
	bool has_messages, ended;
	int error;

	if (!connection)
		return;
	pthread_mutex_lock(&call->mutex);
	has_messages = !STAILQ_EMPTY(&call->unsent) || (call->subscribed && !call->ended);
	ended = call->ended;
	pthread_mutex_unlock(&call->mutex);
	if (call->answering) {
		error = nghttp2_session_resume_data(connection->session, call->stream_id);
		/* It is not deferred when it has more to send anyway. */
		if (error == NGHTTP2_ERR_INVALID_ARGUMENT)
			error = 0;
	} else if (has_messages || ended) {
		call->answering = true;
		call->progress = loop_now();
		error = submit(call, has_messages && !call->http_status);
	} else {
		error = 0;
	}
	if (error)
		nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, call->stream_id,
					  NGHTTP2_INTERNAL_ERROR);
	grpc_connection_mark(connection);
}

/* A client that is still sending its request learns that nobody listens (RFC 9113, 8.1). */
void answer_sent_end(struct grpc_call *call)
{
	if (!call->request_ended)
		nghttp2_submit_rst_stream(call->connection->session, NGHTTP2_FLAG_NONE, call->stream_id,
					  NGHTTP2_NO_ERROR);
}

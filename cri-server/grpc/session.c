/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nghttp2 sessions: their settings, and what their callbacks do.
 *
 * nghttp2's own checks of HTTP messages are off: Go clients of 2019 send the socket's path as :authority, which nghttp2
 * refuses for its slashes (and resets the stream). What gRPC needs of the headers, request.c checks itself.
 */
#include "connection.h"
#include "metadata.h"

#include <errno.h>
#include <string.h>

/* A stream that we reset because of the client's mistake costs it more than one that it resets itself. */
#define TOKENS_OF_MISTAKE 10
/* PING and SETTINGS acknowledgements that the client leaves unread. */
#define UNREAD_ACKS 200

static void turn_away(struct grpc_connection *connection)
{
	nghttp2_session_terminate_session(connection->session, NGHTTP2_ENHANCE_YOUR_CALM);
	connection->turned_away = true;
	grpc_connection_mark(connection);
}

void session_charge(struct grpc_connection *connection, double tokens)
{
	int64_t now = loop_now();

	connection->tokens += (double)(now - connection->tokens_at) * GRPC_CONTROL_PER_SECOND / 1000;
	connection->tokens_at = now;
	if (connection->tokens > GRPC_CONTROL_BURST)
		connection->tokens = GRPC_CONTROL_BURST;
	connection->tokens -= tokens;
	if (connection->tokens < 0 && !connection->turned_away)
		turn_away(connection);
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *frame, void *data)
{
	struct grpc_connection *connection = data;

	(void)session;
	switch (frame->type) {
	case NGHTTP2_DATA:
		if (!frame->length && !(frame->flags & NGHTTP2_FLAG_END_STREAM))
			session_charge(connection, 1);
		break;
	case NGHTTP2_HEADERS:
	case NGHTTP2_WINDOW_UPDATE:
	case NGHTTP2_CONTINUATION:
		/* The first adds tokens when it begins a request; the second comes with what we send; nghttp2 bounds
		 * the third. */
		break;
	default:
		session_charge(connection, 1);
	}
	return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct grpc_connection *connection = data;
	struct grpc_call *call;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	call = grpc_call_new(connection, frame->hd.stream_id);
	if (!call)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call)) {
		grpc_call_detach(call);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	session_charge(connection, -GRPC_CONTROL_PER_REQUEST);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
		     const uint8_t *value, size_t value_length, uint8_t flags, void *data)
{
	struct grpc_connection *connection = data;
	struct grpc_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	(void)flags;
	if (!call || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	call->head.size += name_length + value_length + 32;
	if (call->head.size > GRPC_MAX_HEADER_ABUSE) {
		turn_away(connection);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	/* Trailers have nothing that we need. */
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST || call->head.size > GRPC_MAX_HEADER_LIST)
		return 0;
	return request_header(call, name, name_length, value, value_length) ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct grpc_connection *connection = data;
	struct grpc_call *call;

	if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
		connection->greeted = true;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (!call)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		request_headers_end(call);
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		request_end(call);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes, size_t length,
		   void *data)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(session, stream_id);

	(void)flags;
	(void)data;
	if (call)
		request_data(call, bytes, length);
	return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *data)
{
	(void)session;
	(void)frame;
	(void)error;
	session_charge(data, TOKENS_OF_MISTAKE);
	return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct grpc_call *call;

	if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
		session_charge(data, TOKENS_OF_MISTAKE);
	if (frame->hd.type != NGHTTP2_HEADERS || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (call)
		answer_sent_end(call);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error, void *data)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(session, stream_id);

	(void)error;
	(void)data;
	if (call)
		grpc_call_detach(call);
	return 0;
}

int session_prepare(struct grpc_server *server)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;

	if (nghttp2_session_callbacks_new(&server->callbacks) || nghttp2_option_new(&server->session_options))
		return -ENOMEM;
	callbacks = server->callbacks;
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	option = server->session_options;
	nghttp2_option_set_no_http_messaging(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_max_outbound_ack(option, UNREAD_ACKS);
	nghttp2_option_set_stream_reset_rate_limit(option, GRPC_RESET_BURST, GRPC_RESET_PER_SECOND);
	return 0;
}

int session_open(struct grpc_connection *connection)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, GRPC_MAX_STREAMS },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, GRPC_STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_MAX_HEADER_LIST },
	};
	struct grpc_server *server = connection->server;
	nghttp2_session *session;

	if (nghttp2_session_server_new2(&session, server->callbacks, connection, server->session_options))
		return -ENOMEM;
	connection->session = session;
	connection->tokens = GRPC_CONTROL_BURST;
	connection->tokens_at = loop_now();
	if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, sizeof(settings) / sizeof(settings[0])) ||
	    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, GRPC_CONNECTION_WINDOW))
		return -ENOMEM;
	return 0;
}

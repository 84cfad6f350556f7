/* SPDX-License-Identifier: Apache-2.0 */
#include "grpc_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIELDS_MAX 16

static void *must(void *pointer)
{
	if (!pointer)
		abort();
	return pointer;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
		     const uint8_t *value, size_t value_length, uint8_t flags, void *data)
{
	struct client_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	(void)name_length;
	(void)flags;
	(void)data;
	if (!stream)
		return 0;
	if (!strcmp((const char *)name, ":status"))
		stream->http_status = atoi((const char *)value);
	else if (!strcmp((const char *)name, "grpc-status"))
		stream->grpc_status = atoi((const char *)value);
	else if (!strcmp((const char *)name, "grpc-message"))
		snprintf(stream->message, sizeof(stream->message), "%.*s", (int)value_length, (const char *)value);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *bytes, size_t length,
		   void *data)
{
	struct client_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);

	(void)flags;
	(void)data;
	if (!stream)
		return 0;
	if (stream->length + length > stream->allocated) {
		stream->allocated = (stream->length + length) * 2;
		stream->body = must(realloc(stream->body, stream->allocated));
	}
	memcpy(stream->body + stream->length, bytes, length);
	stream->length += length;
	return 0;
}

static int on_close(nghttp2_session *session, int32_t stream_id, uint32_t error, void *data)
{
	struct client_stream *stream = nghttp2_session_get_stream_user_data(session, stream_id);

	(void)data;
	if (stream) {
		stream->closed = true;
		stream->reset = error;
	}
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct client *client = data;

	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		client->went = true;
		client->goaway = frame->goaway.error_code;
	}
	return 0;
}

static ssize_t read_request(nghttp2_session *session, int32_t stream_id, uint8_t *bytes, size_t size, uint32_t *flags,
			    nghttp2_data_source *source, void *data)
{
	struct client_stream *stream = source->ptr;
	size_t part = stream->request_length - stream->request_sent;

	(void)session;
	(void)stream_id;
	(void)data;
	if (part > size)
		part = size;
	if (part)
		memcpy(bytes, stream->request + stream->request_sent, part);
	stream->request_sent += part;
	if (stream->request_sent < stream->request_length)
		return (ssize_t)part;
	if (!stream->request_open)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	else if (!part)
		return NGHTTP2_ERR_DEFERRED;
	return (ssize_t)part;
}

struct client *client_new(int fd)
{
	struct client *client = must(calloc(1, sizeof(*client)));
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;

	client->fd = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_option_new(&option);
	nghttp2_option_set_no_http_messaging(option, 1);
	nghttp2_option_set_peer_max_concurrent_streams(option, 1000);
	nghttp2_session_client_new2(&client->session, callbacks, client, option);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, NULL, 0);
	return client;
}

void client_free(struct client *client)
{
	nghttp2_session_del(client->session);
	close(client->fd);
	free(client);
}

static void set_field(struct client_field *fields, size_t *count, const struct client_field *field)
{
	size_t i = 0;

	while (i < *count && strcmp(fields[i].name, field->name) != 0)
		i++;
	if (i == *count)
		(*count)++;
	fields[i] = *field;
}

struct client_stream *client_begin(struct client *client, const char *path, const struct client_field *changed,
				   const void *request, size_t length)
{
	struct client_field fields[FIELDS_MAX] = { { ":method", "POST" },
						   { ":scheme", "http" },
						   { ":path", path },
						   { ":authority", "localhost" },
						   { "content-type", "application/grpc" },
						   { "te", "trailers" } };
	struct client_stream *stream = must(calloc(1, sizeof(*stream)));
	nghttp2_data_provider provider = { .source.ptr = stream, .read_callback = read_request };
	nghttp2_nv values[FIELDS_MAX];
	size_t count = 6, n_values = 0;

	for (; changed && changed->name; changed++)
		set_field(fields, &count, changed);
	for (size_t i = 0; i < count; i++) {
		if (fields[i].value)
			values[n_values++] = (nghttp2_nv){ (uint8_t *)fields[i].name, (uint8_t *)fields[i].value,
							   strlen(fields[i].name), strlen(fields[i].value), 0 };
	}
	stream->grpc_status = -1;
	stream->request = request;
	stream->request_length = length;
	stream->id = nghttp2_submit_request(client->session, NULL, values, n_values, &provider, stream);
	if (stream->id < 0)
		abort();
	return stream;
}

uint8_t *client_frame(const char *text, size_t *length)
{
	size_t size = strlen(text);
	uint8_t *frame = must(malloc(size + 5));

	frame[0] = 0;
	frame[1] = (uint8_t)(size >> 24);
	frame[2] = (uint8_t)(size >> 16);
	frame[3] = (uint8_t)(size >> 8);
	frame[4] = (uint8_t)size;
	memcpy(frame + 5, text, size);
	*length = size + 5;
	return frame;
}

struct client_stream *client_call(struct client *client, const char *path, const char *text)
{
	struct client_stream *stream;
	size_t length;
	uint8_t *frame = client_frame(text, &length);

	stream = client_begin(client, path, NULL, frame, length);
	client_run(client, &stream->closed, 5000);
	free(frame);
	return stream;
}

void client_end(struct client_stream *stream)
{
	free(stream->body);
	free(stream);
}

static void send_all(struct client *client)
{
	const uint8_t *bytes;
	ssize_t length;

	while (!client->ended && (length = nghttp2_session_mem_send(client->session, &bytes)) > 0) {
		while (length > 0) {
			ssize_t sent = send(client->fd, bytes, (size_t)length, MSG_NOSIGNAL);

			if (sent < 0 && errno == EAGAIN) {
				poll(&(struct pollfd){ .fd = client->fd, .events = POLLOUT }, 1, 1000);
				continue;
			}
			if (sent < 0) {
				client->ended = true;
				return;
			}
			bytes += sent;
			length -= sent;
		}
	}
}

static void receive(struct client *client)
{
	uint8_t bytes[65536];
	ssize_t length = recv(client->fd, bytes, sizeof(bytes), 0);

	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0 || nghttp2_session_mem_recv(client->session, bytes, (size_t)length) < 0)
		client->ended = true;
}

void client_run(struct client *client, const bool *condition, int milliseconds)
{
	int64_t end = now() + milliseconds;

	send_all(client);
	while (!client->ended && !(condition && *condition) && now() < end) {
		struct pollfd event = { .fd = client->fd, .events = client->paused ? 0 : POLLIN };

		poll(&event, 1, (int)(end - now()));
		if (event.revents & (POLLIN | POLLHUP | POLLERR))
			receive(client);
		send_all(client);
	}
}

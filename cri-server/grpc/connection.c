/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes between the socket and the session, and how long a silent client is believed to be there. */
#include "connection.h"

#include "metadata.h"
#include "tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What one client may send before others are served. */
#define READS_A_TURN 16

static ssize_t receive(struct grpc_connection *connection, uint8_t *bytes, size_t size)
{
	ssize_t got;

	if (connection->tls)
		return tls_read(connection->tls, bytes, size);
	got = recv(connection->source.fd, bytes, size, 0);
	return got < 0 ? -errno : got;
}

static ssize_t transmit(struct grpc_connection *connection, const uint8_t *bytes, size_t size)
{
	ssize_t sent;

	if (connection->tls)
		return tls_write(connection->tls, bytes, size);
	sent = send(connection->source.fd, bytes, size, MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

void grpc_connection_mark(struct grpc_connection *connection)
{
	if (connection->is_dirty)
		return;
	connection->is_dirty = true;
	TAILQ_INSERT_TAIL(&connection->server->dirty, connection, dirty);
}

void grpc_connection_close(struct grpc_connection *connection)
{
	struct grpc_server *server = connection->server;

	while (!LIST_EMPTY(&connection->calls))
		grpc_call_detach(LIST_FIRST(&connection->calls));
	loop_remove(server->loop, &connection->source);
	if (connection->is_dirty)
		TAILQ_REMOVE(&server->dirty, connection, dirty);
	LIST_REMOVE(connection, of_server);
	server->n_connections--;
	nghttp2_session_del(connection->session);
	tls_free(connection->tls);
	close(connection->source.fd);
	free(connection->pending);
	free(connection);
}

/* False: the connection is broken. */
static bool receive_some(struct grpc_connection *connection)
{
	struct grpc_server *server = connection->server;

	for (int i = 0; i < READS_A_TURN || (connection->tls && tls_pending(connection->tls)); i++) {
		ssize_t got = receive(connection, server->buffer, sizeof(server->buffer));

		if (got == -EAGAIN || got == -EINTR)
			return true;
		if (got <= 0)
			return false;
		connection->heard = loop_now();
		connection->pinged = false;
		if (nghttp2_session_mem_recv(connection->session, server->buffer, (size_t)got) < 0)
			return false;
		grpc_connection_mark(connection);
		if (connection->turned_away || ((size_t)got < sizeof(server->buffer) && !connection->tls))
			return true;
	}
	return true;
}

/* Sends what it can of the bytes. How many, or -errno. */
static ssize_t transmit_some(struct grpc_connection *connection, const uint8_t *bytes, size_t length)
{
	size_t sent = 0;

	while (sent < length) {
		ssize_t part = transmit(connection, bytes + sent, length - sent);

		if (part == -EINTR)
			continue;
		if (part == -EAGAIN)
			break;
		if (part < 0)
			return part;
		sent += (size_t)part;
		connection->wrote = loop_now();
	}
	return (ssize_t)sent;
}

static bool transmit_pending(struct grpc_connection *connection)
{
	ssize_t sent = transmit_some(connection, connection->pending + connection->pending_sent,
				     connection->pending_length - connection->pending_sent);

	if (sent < 0)
		return false;
	connection->pending_sent += (size_t)sent;
	if (connection->pending_sent == connection->pending_length) {
		free(connection->pending);
		connection->pending = NULL;
	}
	return true;
}

static bool transmit_or_keep(struct grpc_connection *connection, const uint8_t *bytes, size_t length)
{
	ssize_t sent = transmit_some(connection, bytes, length);

	if (sent < 0)
		return false;
	if ((size_t)sent == length)
		return true;
	connection->pending = malloc(length - (size_t)sent);
	if (!connection->pending)
		return false;
	connection->wrote = loop_now();
	connection->pending_length = length - (size_t)sent;
	connection->pending_sent = 0;
	memcpy(connection->pending, bytes + sent, connection->pending_length);
	return true;
}

/* Fills the buffer with frames. How many bytes, or -1 when the session is broken. */
static ssize_t collect(struct grpc_connection *connection)
{
	struct grpc_server *server = connection->server;
	/* nghttp2 hands out single frames of at most 16 KB and their heads. */
	const size_t room = 20U << 10;
	size_t used = 0;

	while (used + room <= sizeof(server->buffer)) {
		const uint8_t *bytes;
		ssize_t length = nghttp2_session_mem_send(connection->session, &bytes);

		if (length < 0 || (size_t)length > sizeof(server->buffer) - used)
			return -1;
		if (!length)
			break;
		memcpy(server->buffer + used, bytes, (size_t)length);
		used += (size_t)length;
	}
	return (ssize_t)used;
}

/* False: the connection is over. */
static bool transmit_all(struct grpc_connection *connection)
{
	ssize_t length = 1;

	if (connection->pending && !transmit_pending(connection))
		return false;
	while (!connection->pending && length > 0) {
		length = collect(connection);
		if (length < 0 || !transmit_or_keep(connection, connection->server->buffer, (size_t)length))
			return false;
	}
	return connection->pending || nghttp2_session_want_read(connection->session) ||
	       nghttp2_session_want_write(connection->session);
}

void grpc_connection_flush(struct grpc_connection *connection)
{
	bool writing;

	if (connection->is_dirty) {
		connection->is_dirty = false;
		TAILQ_REMOVE(&connection->server->dirty, connection, dirty);
	}
	if (!transmit_all(connection)) {
		grpc_connection_close(connection);
		return;
	}
	writing = connection->pending || (connection->tls && tls_wants_write(connection->tls));
	if (writing != connection->writing) {
		connection->writing = writing;
		(void)loop_change(connection->server->loop, &connection->source, EPOLLIN | (writing ? EPOLLOUT : 0));
	}
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct grpc_connection *connection = (struct grpc_connection *)source;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !receive_some(connection)) {
		grpc_connection_close(connection);
		return;
	}
	if (events & EPOLLOUT || (connection->tls && tls_wants_write(connection->tls)))
		grpc_connection_mark(connection);
}

void grpc_connection_open(struct grpc_server *server, int fd, struct tls *tls)
{
	struct grpc_connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		tls_free(tls);
		close(fd);
		return;
	}
	connection->source = (struct loop_source){ .fd = fd, .ready = on_ready };
	connection->server = server;
	connection->tls = tls;
	connection->opened = connection->heard = connection->wrote = loop_now();
	LIST_INIT(&connection->calls);
	LIST_INSERT_HEAD(&server->connections, connection, of_server);
	grpc_server_hurry(server, connection->opened);
	server->n_connections++;
	if (session_open(connection) || loop_add(server->loop, &connection->source, EPOLLIN))
		grpc_connection_close(connection);
	else if (!tls)
		grpc_connection_mark(connection);
}

static void look_after_call(struct grpc_call *call, int64_t now)
{
	const struct grpc_timeouts *timeouts = &call->server->options.timeouts;
	bool stalled = false;

	pthread_mutex_lock(&call->mutex);
	if (!call->unsent_bytes && !(call->ended && call->answering))
		call->progress = now;
	else
		stalled = now - call->progress > timeouts->stall;
	pthread_mutex_unlock(&call->mutex);
	if (stalled)
		nghttp2_submit_rst_stream(call->connection->session, NGHTTP2_FLAG_NONE, call->stream_id,
					  NGHTTP2_CANCEL);
	if (call->subscribed && call->deadline <= now)
		subscribers_end(call, GRPC_DEADLINE_EXCEEDED, "the deadline passed");
	if (!call->request_ended && !call->ended && now - call->began > timeouts->request) {
		grpc_call_end(call, GRPC_DEADLINE_EXCEEDED, "the request did not come in time");
		answer_news(call);
	}
}

void grpc_connection_tick(struct grpc_connection *connection, int64_t now)
{
	const struct grpc_timeouts *timeouts = &connection->server->options.timeouts;
	struct grpc_call *call;
	bool dead = (!connection->greeted && now - connection->opened > timeouts->greeting) ||
		    (connection->pending && now - connection->wrote > timeouts->stall) ||
		    (connection->pinged && now - connection->ping_at > timeouts->ping);

	if (dead) {
		grpc_connection_close(connection);
		return;
	}
	LIST_FOREACH (call, &connection->calls, of_connection)
		look_after_call(call, now);
	if (!connection->pinged && now - connection->heard > timeouts->idle) {
		nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL);
		connection->pinged = true;
		connection->ping_at = now;
	}
	/* After what the calls had to say, too. */
	grpc_connection_mark(connection);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that receive events until their client leaves: no worker waits for them. */
#include "connection.h"
#include "metadata.h"

#include <stdlib.h>

/* So much a turn of the loop: others want to be served too, and what is queued to be sent. */
#define EVENTS_A_TURN 64
#define BYTES_A_TURN (512U << 10)
/* When a subscriber has so much to read, it is given milliseconds for it before more comes: what waited in the store
 * for a first subscriber may be many times what it may have unread. */
#define UNREAD_BYTES (1U << 20)
#define UNREAD_PAUSE 10
/* Milliseconds until the service is asked again for events that it cannot give. */
#define EVENTS_RETRY 1000

void subscribers_add(struct grpc_call *call)
{
	struct grpc_server *server = call->server;

	if (server->n_subscribers == GRPC_MAX_SUBSCRIBERS || server->draining) {
		if (server->draining)
			grpc_call_end(call, GRPC_UNAVAILABLE, "the server is shutting down");
		else
			grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "too many clients receive events");
	} else {
		LIST_INSERT_HEAD(&server->subscribers, call, of_subscribers);
		server->n_subscribers++;
		call->subscribed = true;
		server->events_wait = server->n_subscribers == 1;
	}
	/* The headers go at once: the client waits for them before it trusts the subscription. */
	answer_news(call);
}

static void forget_source(struct grpc_server *server)
{
	if (server->events.fd >= 0)
		loop_remove(server->loop, &server->events);
	server->events.fd = -1;
}

static void leave(struct grpc_call *call, int status, const char *text)
{
	struct grpc_server *server = call->server;

	LIST_REMOVE(call, of_subscribers);
	call->subscribed = false;
	/* Without subscribers, events wait in the store. */
	if (!--server->n_subscribers) {
		server->events_wait = false;
		forget_source(server);
	}
	grpc_call_end(call, status, text);
}

void subscribers_remove(struct grpc_call *call)
{
	leave(call, GRPC_CANCELLED, "the client went");
}

void subscribers_end(struct grpc_call *call, int status, const char *text)
{
	leave(call, status, text);
	answer_news(call);
}

void subscribers_end_all(struct grpc_server *server, const char *text)
{
	while (!LIST_EMPTY(&server->subscribers))
		subscribers_end(LIST_FIRST(&server->subscribers), GRPC_UNAVAILABLE, text);
}

static void send_to(struct grpc_call *call, struct grpc_message *message)
{
	bool queued = false, late;

	pthread_mutex_lock(&call->mutex);
	late = call->unsent_bytes && call->unsent_bytes + message->length > GRPC_CALL_BYTES;
	if (!late) {
		atomic_fetch_add(&message->references, 1);
		queued = grpc_call_queue(call, message);
	}
	pthread_mutex_unlock(&call->mutex);
	if (queued)
		answer_news(call);
	else
		subscribers_end(call, GRPC_RESOURCE_EXHAUSTED,
				late ? "the client reads its events too slowly" : "there is no memory for an event");
}

static void send_to_all(struct grpc_server *server, const uint8_t *packed, size_t length)
{
	struct grpc_message *message = grpc_message_new(packed, length);
	struct grpc_call *call, *following;

	for (call = LIST_FIRST(&server->subscribers); call; call = following) {
		following = LIST_NEXT(call, of_subscribers);
		if (message)
			send_to(call, message);
		else
			subscribers_end(call, GRPC_RESOURCE_EXHAUSTED, "there is no memory for an event");
	}
	grpc_message_release(message);
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct grpc_server *server = (struct grpc_server *)((char *)source - offsetof(struct grpc_server, events));

	(void)events;
	/* Watched again when all is read: it would turn the loop while slow readers are given time. */
	server->events_wait = true;
	forget_source(server);
}

/* The descriptor may be another one than before the events were read. */
static void watch_source(struct grpc_server *server)
{
	forget_source(server);
	server->events = (struct loop_source){ .fd = service_events_fd(server->options.service), .ready = on_ready };
	if (server->events.fd >= 0 && loop_add(server->loop, &server->events, EPOLLIN))
		server->events.fd = -1;
}

static bool is_somebody_behind(struct grpc_server *server)
{
	bool behind = false;
	struct grpc_call *call;

	LIST_FOREACH (call, &server->subscribers, of_subscribers) {
		pthread_mutex_lock(&call->mutex);
		behind = behind || call->unsent_bytes > UNREAD_BYTES;
		pthread_mutex_unlock(&call->mutex);
	}
	return behind;
}

static int pause_for(struct grpc_server *server, int64_t now, int milliseconds)
{
	server->events_pause = now + milliseconds;
	return milliseconds;
}

int subscribers_serve(struct grpc_server *server)
{
	int64_t now = loop_now();
	size_t length, sent = 0;
	uint8_t *packed;

	if (server->events_wait && now < server->events_pause)
		return (int)(server->events_pause - now);
	for (int i = 0; i < EVENTS_A_TURN && sent < BYTES_A_TURN && server->events_wait; i++) {
		if (service_events_next(server->options.service, &packed, &length) > 0) {
			send_to_all(server, packed, length);
			free(packed);
			sent += length;
		} else {
			watch_source(server);
			server->events_wait = server->events.fd < 0;
			if (server->events_wait)
				return pause_for(server, now, EVENTS_RETRY);
		}
	}
	if (!server->events_wait)
		return -1;
	return is_somebody_behind(server) ? pause_for(server, now, UNREAD_PAUSE) : 0;
}

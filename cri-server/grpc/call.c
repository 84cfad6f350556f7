/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include "connection.h"
#include "loop.h"
#include "metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX 1024

struct grpc_message *grpc_message_new(const uint8_t *message, size_t length)
{
	struct grpc_message *made = malloc(sizeof(*made) + FRAME_PREFIX + length);

	if (!made)
		return NULL;
	atomic_init(&made->references, 1);
	made->length = FRAME_PREFIX + length;
	frame_write_prefix(made->bytes, length);
	if (length)
		memcpy(made->bytes + FRAME_PREFIX, message, length);
	return made;
}

void grpc_message_release(struct grpc_message *message)
{
	if (message && atomic_fetch_sub(&message->references, 1) == 1)
		free(message);
}

struct grpc_call *grpc_call_new(struct grpc_connection *connection, int32_t stream_id)
{
	struct grpc_server *server = connection->server;
	struct grpc_call *call = calloc(1, sizeof(*call));
	pthread_condattr_t attributes;

	if (!call)
		return NULL;
	atomic_init(&call->references, 1);
	pthread_mutex_init(&call->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&call->taken, &attributes);
	pthread_condattr_destroy(&attributes);
	STAILQ_INIT(&call->unsent);
	call->rpc.service = server->options.service;
	call->rpc.request_id = ++server->last_request;
	call->server = server;
	call->connection = connection;
	call->stream_id = stream_id;
	call->began = loop_now();
	call->progress = call->began;
	call->deadline = INT64_MAX;
	clock_gettime(CLOCK_MONOTONIC, &call->dispatched);
	LIST_INSERT_HEAD(&connection->calls, call, of_connection);
	connection->n_calls++;
	grpc_server_hurry(server, call->began);
	return call;
}

void grpc_call_hold(struct grpc_call *call)
{
	atomic_fetch_add(&call->references, 1);
}

static void drop_first(struct grpc_call *call)
{
	struct grpc_unsent *first = STAILQ_FIRST(&call->unsent);

	STAILQ_REMOVE_HEAD(&call->unsent, entry);
	grpc_message_release(first->message);
	free(first);
	call->first_sent = 0;
}

static void drop_unsent(struct grpc_call *call)
{
	while (!STAILQ_EMPTY(&call->unsent))
		drop_first(call);
	grpc_call_account(call, 0, call->unsent_bytes);
	call->unsent_bytes = 0;
}

void grpc_call_drop_request(struct grpc_call *call)
{
	grpc_call_account(call, 0, call->reader.allocated);
	frame_reader_clear(&call->reader);
}

void grpc_call_release(struct grpc_call *call)
{
	if (atomic_fetch_sub(&call->references, 1) != 1)
		return;
	drop_unsent(call);
	grpc_call_drop_request(call);
	pthread_cond_destroy(&call->taken);
	pthread_mutex_destroy(&call->mutex);
	free(call->text);
	free(call);
}

void grpc_call_account(struct grpc_call *call, size_t more, size_t less)
{
	atomic_fetch_add(&call->server->bytes, more - less);
	if (!call->gone)
		atomic_fetch_add(&call->connection->bytes, more - less);
}

bool grpc_call_queue(struct grpc_call *call, struct grpc_message *message)
{
	struct grpc_unsent *unsent = malloc(sizeof(*unsent));

	if (!unsent || call->gone || call->ended) {
		free(unsent);
		grpc_message_release(message);
		return false;
	}
	unsent->message = message;
	STAILQ_INSERT_TAIL(&call->unsent, unsent, entry);
	call->unsent_bytes += message->length;
	call->n_sent++;
	grpc_call_account(call, message->length, 0);
	return true;
}

static double milliseconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) * 1e3 + (double)(now.tv_nsec - then->tv_nsec) / 1e6;
}

static void tell_finished(struct grpc_call *call, int status, const char *text)
{
	struct grpc_finished finished = { .method = call->method,
					  .request_id = call->rpc.request_id,
					  .path = call->head.path,
					  .object = call->rpc.object,
					  .status = status,
					  .text = text,
					  .milliseconds = milliseconds_since(&call->dispatched) };

	call->server->options.finished(&finished);
}

void grpc_call_end(struct grpc_call *call, int status, const char *text)
{
	bool first;

	pthread_mutex_lock(&call->mutex);
	first = !call->ended;
	if (first) {
		call->ended = true;
		call->status = status;
		/* Without memory the status goes without its text. */
		if (status)
			call->text = metadata_encode_message(text, TEXT_MAX);
		/* A unary call answers a message or a failure. */
		if (status && call->method && call->method->kind == RPC_UNARY)
			drop_unsent(call);
	}
	pthread_mutex_unlock(&call->mutex);
	if (first)
		tell_finished(call, status, text);
}

void grpc_call_detach(struct grpc_call *call)
{
	if (call->subscribed)
		subscribers_remove(call);
	pthread_mutex_lock(&call->mutex);
	drop_unsent(call);
	/* The request stays for the worker that may have it, and counts for the server until it is freed. */
	atomic_fetch_sub(&call->connection->bytes, call->reader.allocated);
	call->gone = true;
	if (call->running)
		cri_call_cancel(call->running);
	pthread_cond_broadcast(&call->taken);
	pthread_mutex_unlock(&call->mutex);
	LIST_REMOVE(call, of_connection);
	call->connection->n_calls--;
	call->connection = NULL;
	grpc_call_release(call);
}

/* False: it is over before it began. */
static bool start(struct grpc_call *call, cri_call *cri)
{
	int64_t left = call->deadline == INT64_MAX ? -1 : call->deadline - loop_now();
	bool gone;

	if (call->deadline != INT64_MAX && left <= 0) {
		grpc_call_end(call, GRPC_DEADLINE_EXCEEDED, "the deadline passed before the call was run");
		return false;
	}
	cri_call_reset(cri);
	cri_call_set_timeout(cri, left);
	call->rpc.call = cri;
	call->rpc.request = call->reader.message;
	call->rpc.request_length = call->reader.length;
	pthread_mutex_lock(&call->mutex);
	gone = call->gone;
	if (!gone && !call->ended)
		call->running = cri;
	else
		gone = true;
	pthread_mutex_unlock(&call->mutex);
	if (gone)
		grpc_call_end(call, GRPC_CANCELLED, "the client went before the call was run");
	return !gone;
}

void grpc_call_run(struct grpc_call *call, cri_call *cri)
{
	struct rpc_status status = { 0 };

	if (start(call, cri)) {
		call->method->handle(&call->rpc, &status);
		pthread_mutex_lock(&call->mutex);
		call->running = NULL;
		grpc_call_drop_request(call);
		if (!status.code && call->method->kind == RPC_UNARY && call->n_sent != 1 && !call->gone) {
			status.code = GRPC_INTERNAL;
			snprintf(status.message, sizeof(status.message), "the method gave no answer");
		}
		pthread_mutex_unlock(&call->mutex);
		status.message[sizeof(status.message) - 1] = '\0';
		grpc_call_end(call, status.code, status.message);
	}
	grpc_server_wake(call);
}

size_t grpc_call_take(struct grpc_call *call, uint8_t *bytes, size_t size, bool *over)
{
	size_t taken = 0;

	pthread_mutex_lock(&call->mutex);
	while (taken < size && !STAILQ_EMPTY(&call->unsent)) {
		struct grpc_message *message = STAILQ_FIRST(&call->unsent)->message;
		size_t part = message->length - call->first_sent;

		if (part > size - taken)
			part = size - taken;
		memcpy(bytes + taken, message->bytes + call->first_sent, part);
		taken += part;
		call->first_sent += part;
		if (call->first_sent == message->length)
			drop_first(call);
	}
	call->unsent_bytes -= taken;
	grpc_call_account(call, 0, taken);
	*over = call->ended && STAILQ_EMPTY(&call->unsent);
	if (taken) {
		call->progress = loop_now();
		pthread_cond_broadcast(&call->taken);
	}
	pthread_mutex_unlock(&call->mutex);
	return taken;
}

/* Under the mutex: waits until the client has taken enough. 0 or a cri_code. */
static int wait_for_room(struct grpc_call *call, size_t length)
{
	struct timespec until = { .tv_sec = call->deadline / 1000, .tv_nsec = call->deadline % 1000 * 1000000 };
	int error = 0;

	while (!call->gone && call->unsent_bytes && call->unsent_bytes + length > GRPC_CALL_BYTES && !error) {
		if (call->deadline == INT64_MAX)
			error = pthread_cond_wait(&call->taken, &call->mutex);
		else
			error = pthread_cond_timedwait(&call->taken, &call->mutex, &until);
	}
	if (call->gone)
		return CRI_ECANCELED;
	return error ? CRI_ETIMEDOUT : 0;
}

int rpc_send(struct rpc *rpc, const uint8_t *message, size_t length)
{
	struct grpc_call *call = (struct grpc_call *)((char *)rpc - offsetof(struct grpc_call, rpc));
	bool unary = call->method->kind == RPC_UNARY;
	struct grpc_message *made = grpc_message_new(message, length);
	int result;

	if (!made)
		return CRI_ENOMEM;
	pthread_mutex_lock(&call->mutex);
	result = unary && call->n_sent ? CRI_EINTERNAL : wait_for_room(call, made->length);
	if (result)
		grpc_message_release(made);
	else if (!grpc_call_queue(call, made))
		result = call->gone ? CRI_ECANCELED : CRI_ENOMEM;
	pthread_mutex_unlock(&call->mutex);
	/* A unary answer goes out with its end, in one piece. */
	if (!result && !unary)
		grpc_server_wake(call);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"
#include "tls.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

const struct grpc_timeouts grpc_default_timeouts = {
	.greeting = 10000, .request = 60000, .stall = 60000, .idle = 60000, .ping = 20000, .tick = 1000, .worker = 10000
};

static const struct {
	unsigned threads;
	size_t queue;
} pool_sizes[RPC_POOLS] = {
	[RPC_QUICK] = { GRPC_QUICK_WORKERS, GRPC_QUICK_QUEUE },
	[RPC_LASTING] = { GRPC_LASTING_WORKERS, GRPC_LASTING_QUEUE },
	[RPC_PULLS] = { GRPC_PULLS_WORKERS, GRPC_PULLS_QUEUE },
};

/* How much rarer timeouts are looked at when nothing is under way. */
#define IDLE_TICKS 10

/* Milliseconds between two log lines about clients that are turned away. */
#define REFUSAL_LOG 10000

void grpc_server_wake(struct grpc_call *call)
{
	struct grpc_server *server = call->server;
	bool first = false;

	pthread_mutex_lock(&server->mutex);
	if (!call->has_news) {
		first = STAILQ_EMPTY(&server->news);
		call->has_news = true;
		grpc_call_hold(call);
		STAILQ_INSERT_TAIL(&server->news, call, news);
	}
	pthread_mutex_unlock(&server->mutex);
	if (first)
		(void)eventfd_write(server->wake.fd, 1);
}

static struct grpc_call *next_news(struct grpc_server *server)
{
	struct grpc_call *call;

	pthread_mutex_lock(&server->mutex);
	call = STAILQ_FIRST(&server->news);
	if (call) {
		STAILQ_REMOVE_HEAD(&server->news, news);
		call->has_news = false;
	}
	pthread_mutex_unlock(&server->mutex);
	return call;
}

static void on_wake(struct loop_source *source, uint32_t events)
{
	struct grpc_server *server = (struct grpc_server *)((char *)source - offsetof(struct grpc_server, wake));
	struct grpc_call *call;
	eventfd_t count;

	(void)events;
	(void)eventfd_read(source->fd, &count);
	while ((call = next_news(server))) {
		answer_news(call);
		grpc_call_release(call);
	}
}

static int open_wake(struct grpc_server *server)
{
	server->wake.ready = on_wake;
	server->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->wake.fd < 0)
		return -errno;
	return loop_add(server->loop, &server->wake, EPOLLIN);
}

int grpc_server_new(struct loop *loop, const struct grpc_server_options *options, struct grpc_server **server)
{
	struct grpc_server *made = calloc(1, sizeof(*made));
	int error;

	if (!made)
		return -ENOMEM;
	made->loop = loop;
	made->options = *options;
	made->wake.fd = made->events.fd = -1;
	LIST_INIT(&made->connections);
	TAILQ_INIT(&made->dirty);
	LIST_INIT(&made->subscribers);
	STAILQ_INIT(&made->news);
	pthread_mutex_init(&made->mutex, NULL);
	error = session_prepare(made);
	for (size_t i = 0; i < RPC_POOLS && !error; i++)
		error = workers_new(pool_sizes[i].threads, pool_sizes[i].queue, options->timeouts.worker,
				    &made->pools[i]);
	if (!error)
		error = open_wake(made);
	if (error)
		grpc_server_free(made);
	else
		*server = made;
	return error;
}

void grpc_server_free(struct grpc_server *server)
{
	struct grpc_call *call;

	if (!server)
		return;
	while (!LIST_EMPTY(&server->connections))
		grpc_connection_close(LIST_FIRST(&server->connections));
	for (size_t i = 0; i < RPC_POOLS; i++)
		workers_free(server->pools[i]);
	while ((call = next_news(server)))
		grpc_call_release(call);
	if (server->wake.fd >= 0) {
		loop_remove(server->loop, &server->wake);
		close(server->wake.fd);
	}
	nghttp2_session_callbacks_del(server->callbacks);
	nghttp2_option_del(server->session_options);
	pthread_mutex_destroy(&server->mutex);
	free(server);
}

static void log_refusal(struct grpc_server *server, const char *message)
{
	int64_t now = loop_now();

	if (server->refusal_logged && now - server->refusal_logged < REFUSAL_LOG)
		return;
	server->refusal_logged = now;
	server->options.log(CRI_LOG_WARNING, message);
}

void grpc_server_connect(struct grpc_server *server, int fd, struct tls_context *context)
{
	struct tls *tls = NULL;

	if (server->n_connections == GRPC_MAX_CONNECTIONS) {
		log_refusal(server, "a client was turned away: too many connections");
		close(fd);
	} else if (context && tls_accept(context, fd, &tls)) {
		log_refusal(server, "a client was turned away: no memory for TLS");
		close(fd);
	} else {
		grpc_connection_open(server, fd, tls);
	}
}

/* Something has begun that may time out soon. */
void grpc_server_hurry(struct grpc_server *server, int64_t now)
{
	if (server->next_tick > now + server->options.timeouts.tick)
		server->next_tick = now + server->options.timeouts.tick;
}

static void flush_dirty(struct grpc_server *server)
{
	while (!TAILQ_EMPTY(&server->dirty))
		grpc_connection_flush(TAILQ_FIRST(&server->dirty));
}

int grpc_server_tick(struct grpc_server *server)
{
	struct grpc_connection *connection, *following;
	bool busy = false;
	int64_t now = loop_now();
	int events = subscribers_serve(server);

	flush_dirty(server);
	if (now >= server->next_tick) {
		for (size_t i = 0; i < RPC_POOLS; i++)
			workers_expire(server->pools[i], now);
		for (connection = LIST_FIRST(&server->connections); connection; connection = following) {
			following = LIST_NEXT(connection, of_server);
			grpc_connection_tick(connection, now);
		}
		flush_dirty(server);
		LIST_FOREACH (connection, &server->connections, of_server)
			busy = busy || connection->n_calls || !connection->greeted;
		server->next_tick = now + server->options.timeouts.tick * (busy ? 1 : IDLE_TICKS);
	}
	if (LIST_EMPTY(&server->connections))
		return -1;
	return events >= 0 ? events : (int)(server->next_tick - now);
}

void grpc_server_drain(struct grpc_server *server)
{
	struct grpc_connection *connection;

	server->draining = true;
	subscribers_end_all(server, "the server is shutting down");
	LIST_FOREACH (connection, &server->connections, of_server) {
		nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE,
				      nghttp2_session_get_last_proc_stream_id(connection->session), NGHTTP2_NO_ERROR,
				      NULL, 0);
		grpc_connection_mark(connection);
	}
}

void grpc_server_look(struct grpc_server *server, struct grpc_figures *figures)
{
	struct grpc_connection *connection;

	*figures = (struct grpc_figures){ .connections = server->n_connections,
					  .subscribers = server->n_subscribers,
					  .bytes = atomic_load(&server->bytes) };
	for (size_t i = 0; i < RPC_POOLS; i++) {
		struct workers_figures pool;

		workers_look(server->pools[i], &pool);
		figures->pools[i].threads = pool.threads;
		figures->pools[i].queued = pool.queued;
		figures->pools[i].running = pool.running;
		if (i == RPC_QUICK && pool.oldest)
			figures->waiting = loop_now() - pool.oldest;
	}
	LIST_FOREACH (connection, &server->connections, of_server)
		figures->calls += connection->n_calls;
}

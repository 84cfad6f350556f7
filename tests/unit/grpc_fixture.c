/* SPDX-License-Identifier: Apache-2.0 */
#include "grpc_fixture.h"

#include "core/call.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* Orders to the loop's thread, in its pipe; what is not negative is a socket to serve. */
enum { ORDER_STOP = -1, ORDER_DRAIN = -2, ORDER_LOOK = -3 };

atomic_int fixture_waiting, fixture_cancelled, fixture_timed_out, fixture_finished, fixture_last_status;

static struct {
	struct loop *loop;
	struct grpc_server *server;
	struct loop_source orders;
	int send_order;
	pthread_t thread;
	bool stopped;
	struct grpc_figures figures;
	int answers; /* an eventfd: an order was carried out */
	/* Events that wait for service_events_next. */
	pthread_mutex_t mutex;
	char events[256][64];
	size_t n_events, n_fat_events;
	int events_fd;
} fixture = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* --- the service --- */

static void echo(struct rpc *rpc, struct rpc_status *status)
{
	status->code = rpc_send(rpc, rpc->request, rpc->request_length) ? GRPC_INTERNAL : 0;
}

static void find_nothing(struct rpc *rpc, struct rpc_status *status)
{
	snprintf(rpc->object, sizeof(rpc->object), "thing");
	status->code = 5;
	snprintf(status->message, sizeof(status->message), "no %.*s", (int)rpc->request_length,
		 (const char *)rpc->request);
}

/* An engine's call that waits for nothing but its deadline and its cancellation. */
static void wait_for_end(struct rpc *rpc, struct rpc_status *status)
{
	int result;

	atomic_fetch_add(&fixture_waiting, 1);
	result = call_wait(rpc->call, "wait", NULL, 0, -1);
	atomic_fetch_add(result == CRI_ECANCELED ? &fixture_cancelled : &fixture_timed_out, 1);
	atomic_fetch_sub(&fixture_waiting, 1);
	status->code = cri_code_grpc(result);
	snprintf(status->message, sizeof(status->message), "it waited");
}

static void stream_out(struct rpc *rpc, struct rpc_status *status)
{
	uint8_t *message = calloc(1, STREAM_MESSAGE);
	int result = 0;

	atomic_fetch_add(&fixture_waiting, 1);
	for (size_t i = 0; i < rpc->request_length && !result; i++)
		result = rpc_send(rpc, message, STREAM_MESSAGE);
	atomic_fetch_sub(&fixture_waiting, 1);
	if (result == CRI_ECANCELED)
		atomic_fetch_add(&fixture_cancelled, 1);
	status->code = result ? cri_code_grpc(result) : 0;
	free(message);
}

static void silent(struct rpc *rpc, struct rpc_status *status)
{
	(void)rpc;
	(void)status;
}

static const struct rpc_method methods[] = {
	{ .service = "RuntimeService", .name = "Echo", .kind = RPC_UNARY, .handle = echo },
	{ .service = "RuntimeService", .name = "Fail", .kind = RPC_UNARY, .handle = find_nothing },
	{ .service = "RuntimeService", .name = "Wait", .kind = RPC_UNARY, .handle = wait_for_end },
	{ .service = "RuntimeService", .name = "Slow", .kind = RPC_UNARY, .pool = RPC_PULLS, .handle = wait_for_end },
	{ .service = "RuntimeService", .name = "Last", .kind = RPC_UNARY, .pool = RPC_LASTING, .handle = wait_for_end },
	{ .service = "RuntimeService", .name = "Silent", .kind = RPC_UNARY, .handle = silent },
	{ .service = "RuntimeService", .name = "Stream", .kind = RPC_STREAM, .handle = stream_out },
	{ .service = "RuntimeService", .name = "Events", .kind = RPC_EVENTS },
};

const struct rpc_method *rpc_find(const char *path, enum rpc_dialect *dialect)
{
	static const char prefix[] = "/runtime.v1.RuntimeService/";

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	*dialect = RPC_V1;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(path + sizeof(prefix) - 1, methods[i].name))
			return &methods[i];
	}
	return NULL;
}

int service_events_fd(struct rpc_service *service)
{
	(void)service;
	return fixture.events_fd;
}

int service_events_next(struct rpc_service *service, uint8_t **message, size_t *length)
{
	eventfd_t count;
	int any;

	(void)service;
	pthread_mutex_lock(&fixture.mutex);
	any = fixture.n_events || fixture.n_fat_events;
	if (fixture.n_fat_events) {
		fixture.n_fat_events--;
		*length = STREAM_MESSAGE;
		*message = calloc(1, STREAM_MESSAGE);
	} else if (any) {
		*length = strlen(fixture.events[0]);
		*message = malloc(*length + 1);
		memcpy(*message, fixture.events[0], *length);
		memmove(fixture.events, fixture.events + 1, --fixture.n_events * sizeof(fixture.events[0]));
	} else {
		(void)eventfd_read(fixture.events_fd, &count);
	}
	pthread_mutex_unlock(&fixture.mutex);
	return any;
}

void fixture_event(const char *text)
{
	pthread_mutex_lock(&fixture.mutex);
	snprintf(fixture.events[fixture.n_events++], sizeof(fixture.events[0]), "%s", text);
	(void)eventfd_write(fixture.events_fd, 1);
	pthread_mutex_unlock(&fixture.mutex);
}

void fixture_fat_events(size_t count)
{
	pthread_mutex_lock(&fixture.mutex);
	fixture.n_fat_events = count;
	(void)eventfd_write(fixture.events_fd, 1);
	pthread_mutex_unlock(&fixture.mutex);
}

/* --- the server --- */

static void on_finished(const struct grpc_finished *finished)
{
	atomic_store(&fixture_last_status, finished->status);
	atomic_fetch_add(&fixture_finished, 1);
}

static void on_log(cri_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

static void on_order(struct loop_source *source, uint32_t events)
{
	int order;

	(void)events;
	if (read(source->fd, &order, sizeof(order)) != sizeof(order))
		return;
	if (order >= 0)
		grpc_server_connect(fixture.server, order, NULL);
	else if (order == ORDER_DRAIN)
		grpc_server_drain(fixture.server);
	else if (order == ORDER_LOOK)
		grpc_server_look(fixture.server, &fixture.figures);
	else
		fixture.stopped = true;
	(void)eventfd_write(fixture.answers, 1);
}

static void *serve(void *data)
{
	(void)data;
	while (!fixture.stopped)
		(void)loop_turn(fixture.loop, grpc_server_tick(fixture.server));
	grpc_server_free(fixture.server);
	return NULL;
}

static void give_order(int order)
{
	eventfd_t count;

	assert_int_equal(write(fixture.send_order, &order, sizeof(order)), sizeof(order));
	assert_int_equal(eventfd_read(fixture.answers, &count), 0);
}

static int set_up(const struct grpc_timeouts *timeouts)
{
	const struct grpc_server_options options = { .timeouts = *timeouts, .finished = on_finished, .log = on_log };
	int ends[2];

	atomic_store(&fixture_waiting, 0);
	atomic_store(&fixture_cancelled, 0);
	atomic_store(&fixture_timed_out, 0);
	atomic_store(&fixture_finished, 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fixture.events_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fixture.answers = eventfd(0, EFD_CLOEXEC);
	fixture.n_events = 0;
	fixture.stopped = false;
	fixture.orders = (struct loop_source){ .fd = ends[0], .ready = on_order };
	fixture.send_order = ends[1];
	assert_int_equal(loop_open(&fixture.loop), 0);
	assert_int_equal(loop_add(fixture.loop, &fixture.orders, EPOLLIN), 0);
	assert_int_equal(grpc_server_new(fixture.loop, &options, &fixture.server), 0);
	assert_int_equal(pthread_create(&fixture.thread, NULL, serve, NULL), 0);
	return 0;
}

int fixture_setup(void **state)
{
	(void)state;
	return set_up(&grpc_default_timeouts);
}

int fixture_setup_impatient(void **state)
{
	const struct grpc_timeouts timeouts = {
		.greeting = 300, .request = 300, .stall = 300, .idle = 300, .ping = 300, .tick = 10, .worker = 300
	};

	(void)state;
	return set_up(&timeouts);
}

int fixture_teardown(void **state)
{
	(void)state;
	give_order(ORDER_STOP);
	assert_int_equal(pthread_join(fixture.thread, NULL), 0);
	loop_close(fixture.loop);
	close(fixture.orders.fd);
	close(fixture.send_order);
	close(fixture.events_fd);
	close(fixture.answers);
	return 0;
}

void fixture_drain(void)
{
	give_order(ORDER_DRAIN);
}

struct grpc_figures fixture_look(void)
{
	give_order(ORDER_LOOK);
	return fixture.figures;
}

int fixture_connect(void)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	give_order(ends[0]);
	return ends[1];
}

struct client *fixture_client(void)
{
	return client_new(fixture_connect());
}

void fixture_await(atomic_int *counter, int value)
{
	for (int i = 0; i < 5000 && atomic_load(counter) != value; i++)
		usleep(1000);
	assert_int_equal(atomic_load(counter), value);
}

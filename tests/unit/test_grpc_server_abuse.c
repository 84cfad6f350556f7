/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that do not behave: they are turned away, the others are served, and nothing stays of them. */
#include "grpc_fixture.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"

/* Others are served, and nothing is kept for those who went. */
static void check_serves(void)
{
	struct client *client = fixture_client();
	struct client_stream *stream = client_call(client, PATH("Echo"), "hello");

	assert_int_equal(stream->grpc_status, 0);
	client_end(stream);
	client_free(client);
	for (int i = 0; i < 5000 && (fixture_look().connections || fixture_look().bytes); i++)
		usleep(1000);
	assert_int_equal(fixture_look().connections, 0);
	assert_int_equal(fixture_look().calls, 0);
	assert_int_equal(fixture_look().bytes, 0);
}

/* True: the server closes within so many milliseconds. */
static bool is_closed(int fd, int milliseconds)
{
	uint8_t bytes[4096];
	struct pollfd event = { .fd = fd, .events = POLLIN };

	while (poll(&event, 1, milliseconds) > 0) {
		ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (!got || (got < 0 && errno != EAGAIN))
			return true;
	}
	return false;
}

static void say(int fd, const void *bytes, size_t length)
{
	/* It may have closed already. */
	(void)!send(fd, bytes, length, MSG_NOSIGNAL);
}

static void test_other_protocols_are_closed(void **state)
{
	static const char http[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int fd = fixture_connect();

	(void)state;
	say(fd, http, sizeof(http) - 1);
	assert_true(is_closed(fd, 5000));
	close(fd);
	check_serves();
}

static void test_random_bytes(void **state)
{
	uint8_t bytes[512];

	(void)state;
	srandom(1);
	for (int i = 0; i < 300; i++) {
		int fd = fixture_connect();

		if (i % 3)
			say(fd, PREFACE SETTINGS, sizeof(PREFACE SETTINGS) - 1);
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (uint8_t)random();
		/* Half of them are frames of some kind at least. */
		if (i % 2) {
			bytes[0] = bytes[1] = 0;
			bytes[2] = 64;
			bytes[3] %= 10;
			bytes[5] = bytes[6] = bytes[7] = 0;
		}
		say(fd, bytes, sizeof(bytes));
		close(fd);
	}
	check_serves();
}

static void test_a_header_bomb_ends_the_connection(void **state)
{
	/* A name and value of 4000 bytes in the dynamic table, then one byte for each of its repetitions. */
	struct client *client = fixture_client();
	char value[3801];
	struct client_field fields[2] = { { "x-bomb", value } };
	nghttp2_nv bomb[400];
	int64_t id;

	(void)state;
	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (size_t i = 0; i < 400; i++)
		bomb[i] = (nghttp2_nv){ (uint8_t *)fields[0].name, (uint8_t *)value, 6, sizeof(value) - 1, 0 };
	id = nghttp2_submit_request(client->session, NULL, bomb, 16, NULL, NULL);
	assert_true(id > 0);
	client_run(client, NULL, 50);
	assert_false(client->ended);
	for (int i = 0; i < 20 && !client->ended; i++) {
		nghttp2_submit_headers(client->session, NGHTTP2_FLAG_END_STREAM, -1, NULL, bomb, 15, NULL);
		client_run(client, NULL, 5);
	}
	assert_false(client->ended);
	client_free(client);

	client = fixture_client();
	client_run(client, NULL, 10);
	{
		/* By hand, since nghttp2 sends no more than 64 KB of headers: a literal to be indexed, then its index.
		 */
		static uint8_t frame[9 + 5 + 3800 + 9 + 200];
		uint8_t *at = frame;
		size_t length = 2 + 5 + 3 + 3800 + 200;

		*at++ = (uint8_t)(length >> 16);
		*at++ = (uint8_t)(length >> 8);
		*at++ = (uint8_t)length;
		*at++ = 1;
		*at++ = 5;
		memcpy(at, "\0\0\0\1", 4);
		at += 4;
		*at++ = 0x40;
		*at++ = 5;
		memcpy(at, "x-bom", 5);
		at += 5;
		/* 3800 = 127 + 3673 in HPACK's integers */
		*at++ = 0x7f;
		*at++ = (3673 & 127) | 128;
		*at++ = 3673 >> 7;
		memset(at, 'a', 3800);
		at += 3800;
		memset(at, 0x80 | 62, 200);
		at += 200;
		say(client->fd, frame, (size_t)(at - frame));
		client_run(client, &client->ended, 5000);
	}
	assert_true(client->ended);
	assert_true(client->went);
	assert_int_equal(client->goaway, NGHTTP2_ENHANCE_YOUR_CALM);
	client_free(client);
	check_serves();
}

static void test_rapid_resets_end_the_connection(void **state)
{
	struct client *client = fixture_client();
	const uint8_t empty[5] = { 0 };
	int begun = 0;

	(void)state;
	for (; begun < 20000 && !client->ended; begun++) {
		struct client_stream *stream = client_begin(client, PATH("Wait"), NULL, empty, 5);

		client_run(client, NULL, 0);
		nghttp2_submit_rst_stream(client->session, 0, stream->id, NGHTTP2_CANCEL);
		client_run(client, NULL, 0);
		nghttp2_session_set_stream_user_data(client->session, stream->id, NULL);
		client_end(stream);
		if (begun % 100 == 0)
			client_run(client, NULL, 1);
	}
	client_run(client, &client->ended, 1000);
	assert_true(client->ended);
	assert_in_range(begun, GRPC_RESET_BURST, 10 * GRPC_RESET_BURST);
	client_free(client);
	fixture_await(&fixture_waiting, 0);
	check_serves();
}

static void flood(int (*submit)(nghttp2_session *session))
{
	struct client *client = fixture_client();

	for (int i = 0; i < 100 && !client->ended; i++) {
		for (int j = 0; j < 100; j++)
			submit(client->session);
		client_run(client, NULL, 1);
	}
	client_run(client, &client->ended, 1000);
	assert_true(client->ended);
	client_free(client);
	check_serves();
}

static int submit_ping(nghttp2_session *session)
{
	return nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, NULL);
}

static int submit_settings(nghttp2_session *session)
{
	const nghttp2_settings_entry entry = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535 };

	return nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &entry, 1);
}

static int submit_priority(nghttp2_session *session)
{
	nghttp2_priority_spec priority;

	nghttp2_priority_spec_init(&priority, 1, 16, 0);
	return nghttp2_submit_priority(session, NGHTTP2_FLAG_NONE, 3, &priority);
}

static void test_floods_end_the_connection(void **state)
{
	(void)state;
	flood(submit_ping);
	flood(submit_settings);
	flood(submit_priority);
}

static void test_pings_of_a_busy_client_are_fine(void **state)
{
	struct client *client = fixture_client();

	(void)state;
	/* As Go's client does: one for every answer. */
	for (int i = 0; i < 3 * GRPC_CONTROL_BURST; i++) {
		struct client_stream *stream = client_call(client, PATH("Echo"), "a");

		assert_int_equal(stream->grpc_status, 0);
		client_end(stream);
		submit_ping(client->session);
	}
	assert_false(client->ended);
	client_free(client);
	check_serves();
}

static void test_too_many_connections_are_closed(void **state)
{
	int fds[GRPC_MAX_CONNECTIONS + 5];

	(void)state;
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		fds[i] = fixture_connect();
	assert_int_equal(fixture_look().connections, GRPC_MAX_CONNECTIONS);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (i >= GRPC_MAX_CONNECTIONS)
			assert_true(is_closed(fds[i], 1000));
		close(fds[i]);
	}
	for (int i = 0; i < 1000 && fixture_look().connections; i++)
		usleep(1000);
	check_serves();
}

static void test_streams_above_the_limit_are_refused(void **state)
{
	struct client *client = fixture_client();
	enum { CALLS = GRPC_MAX_STREAMS + 10 };
	struct client_stream **streams = calloc(CALLS, sizeof(struct client_stream *));
	const uint8_t empty[5] = { 0 };
	int refused = 0;

	(void)state;
	/* The server's SETTINGS have not come yet, so the client may begin as many as it likes. */
	for (int i = 0; i < CALLS; i++) {
		streams[i] = client_begin(client, PATH("Echo"), NULL, empty, 5);
		streams[i]->request_open = true;
	}
	nghttp2_session_set_local_window_size(client->session, 0, 0, 1 << 20);
	client_run(client, NULL, 300);
	assert_true(fixture_look().calls <= GRPC_MAX_STREAMS);
	for (int i = 0; i < CALLS; i++)
		refused += streams[i]->closed;
	assert_int_equal(refused, 0);
	client_free(client);
	for (int i = 0; i < CALLS; i++)
		client_end(streams[i]);
	free(streams);
	check_serves();
}

static void test_half_closed_sockets_are_closed(void **state)
{
	struct client *client = fixture_client();
	const uint8_t empty[5] = { 0 };
	struct client_stream *stream = client_begin(client, PATH("Wait"), NULL, empty, 5);

	(void)state;
	client_run(client, NULL, 10);
	fixture_await(&fixture_waiting, 1);
	shutdown(client->fd, SHUT_WR);
	client_run(client, &client->ended, 5000);
	assert_true(client->ended);
	fixture_await(&fixture_cancelled, 1);
	client_end(stream);
	client_free(client);
	check_serves();
}

static void test_large_requests_are_bounded_together(void **state)
{
	struct client *client = fixture_client();
	enum { CALLS = 8 };
	size_t length = GRPC_MAX_MESSAGE + 5, exhausted = 0;
	uint8_t *body = calloc(1, length);
	struct client_stream *streams[CALLS];

	(void)state;
	/* All but the last byte of each: nobody can run them, all must be kept. */
	body[1] = 1;
	for (int i = 0; i < CALLS; i++) {
		streams[i] = client_begin(client, PATH("Echo"), NULL, body, length - 1);
		streams[i]->request_open = true;
	}
	for (int i = 0; i < 200 && !exhausted; i++) {
		client_run(client, NULL, 100);
		assert_true(fixture_look().bytes <= GRPC_CONNECTION_BYTES + GRPC_MAX_MESSAGE);
		for (int j = 0; j < CALLS; j++)
			exhausted += streams[j]->grpc_status == GRPC_RESOURCE_EXHAUSTED;
	}
	assert_in_range(exhausted, 1, CALLS - 1);
	client_free(client);
	for (int i = 0; i < CALLS; i++)
		client_end(streams[i]);
	free(body);
	check_serves();
}

static void test_an_unread_subscriber_is_ended(void **state)
{
	struct client *lazy = fixture_client(), *good = fixture_client();
	const nghttp2_settings_entry entry = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0 };
	const uint8_t empty[5] = { 0 };
	struct client_stream *streams[2];

	(void)state;
	nghttp2_submit_settings(lazy->session, NGHTTP2_FLAG_NONE, &entry, 1);
	streams[0] = client_begin(lazy, PATH("Events"), NULL, empty, 5);
	streams[1] = client_begin(good, PATH("Events"), NULL, empty, 5);
	client_run(lazy, NULL, 20);
	client_run(good, NULL, 20);
	assert_int_equal(fixture_look().subscribers, 2);
	/* Few at a time: on a slow machine the good one could fall behind, too. */
	for (size_t told = 10; told <= 100; told += 10) {
		fixture_fat_events(10);
		for (int i = 0; i < 2000 && streams[1]->length < told * (STREAM_MESSAGE + 5); i++)
			client_run(good, NULL, 10);
		assert_int_equal(streams[1]->length, told * (STREAM_MESSAGE + 5));
	}
	assert_false(streams[1]->closed);
	assert_int_equal(fixture_look().subscribers, 1);
	/* Its status comes after what it may still read. */
	nghttp2_session_set_local_window_size(lazy->session, 0, streams[0]->id, 1 << 30);
	nghttp2_session_set_local_window_size(lazy->session, 0, 0, 1 << 30);
	client_run(lazy, &streams[0]->closed, 5000);
	assert_int_equal(streams[0]->grpc_status, GRPC_RESOURCE_EXHAUSTED);
	client_free(lazy);
	client_free(good);
	client_end(streams[0]);
	client_end(streams[1]);
	check_serves();
}

/* --- timeouts --- */

static void test_a_client_that_says_nothing_is_closed(void **state)
{
	int silent = fixture_connect(), polite = fixture_connect();

	(void)state;
	/* The second greets, and is asked later whether it is still there. */
	say(polite, PREFACE SETTINGS, sizeof(PREFACE SETTINGS) - 1);
	assert_true(is_closed(silent, 500));
	assert_true(is_closed(polite, 1000));
	close(silent);
	close(polite);
	check_serves();
}

static void test_a_client_that_answers_pings_stays(void **state)
{
	struct client *client = fixture_client();

	(void)state;
	client_run(client, &client->ended, 1500);
	assert_false(client->ended);
	client_free(client);
	check_serves();
}

static void test_a_request_that_never_ends_is_ended(void **state)
{
	struct client *client = fixture_client();
	const uint8_t begun[] = { 0, 0, 0, 1, 0, 'a' };
	struct client_stream *stream = client_begin(client, PATH("Echo"), NULL, begun, sizeof(begun));

	(void)state;
	stream->request_open = true;
	client_run(client, &stream->closed, 2000);
	assert_true(stream->closed);
	assert_int_equal(stream->grpc_status, GRPC_DEADLINE_EXCEEDED);
	client_end(stream);
	client_free(client);
	check_serves();
}

static void test_an_answer_that_nobody_reads_is_dropped(void **state)
{
	struct client *client = fixture_client();
	char text[1001] = "";
	struct client_stream *streams[2];
	size_t length;
	uint8_t *frame;

	(void)state;
	memset(text, 'x', 1000);
	frame = client_frame(text, &length);
	/* One that keeps its window closed but answers pings, then one whose socket is full. */
	nghttp2_session_set_local_window_size(client->session, 0, 0, 1);
	streams[0] = client_begin(client, PATH("Stream"), NULL, frame, length);
	client_run(client, &streams[0]->closed, 5000);
	client_free(client);
	client = fixture_client();
	streams[1] = client_begin(client, PATH("Stream"), NULL, frame, length);
	nghttp2_session_set_local_window_size(client->session, 0, 0, 1 << 30);
	client->paused = true;
	client_run(client, NULL, 1500);
	assert_int_equal(fixture_look().connections, 0);
	fixture_await(&fixture_waiting, 0);
	client_free(client);
	client_end(streams[0]);
	client_end(streams[1]);
	free(frame);
	check_serves();
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
static void test_workers_that_have_nothing_to_do_end(void **state)
{
	struct client *client = fixture_client();
	struct client_stream *streams[40];
	const uint8_t empty[5] = { 0 };

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 40; i++)
			streams[i] = client_begin(client, PATH("Last"), NULL, empty, 5);
		client_run(client, NULL, 10);
		fixture_await(&fixture_waiting, 40);
		assert_int_equal(fixture_look().pools[RPC_LASTING].threads, 40);
		client_free(client);
		fixture_await(&fixture_cancelled, 40 * (round + 1));
		for (int i = 0; i < 40; i++)
			client_end(streams[i]);
		for (int i = 0; i < 500 && fixture_look().pools[RPC_LASTING].threads > 1; i++)
			usleep(10000);
		assert_int_equal(fixture_look().pools[RPC_LASTING].threads, 1);
		client = fixture_client();
	}
	client_free(client);
	check_serves();
}

#define WITH_IMPATIENT(test) cmocka_unit_test_setup_teardown(test, fixture_setup_impatient, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_other_protocols_are_closed),
		WITH_SERVER(test_random_bytes),
		WITH_SERVER(test_a_header_bomb_ends_the_connection),
		WITH_SERVER(test_rapid_resets_end_the_connection),
		WITH_SERVER(test_floods_end_the_connection),
		WITH_SERVER(test_pings_of_a_busy_client_are_fine),
		WITH_SERVER(test_too_many_connections_are_closed),
		WITH_SERVER(test_streams_above_the_limit_are_refused),
		WITH_SERVER(test_half_closed_sockets_are_closed),
		WITH_SERVER(test_large_requests_are_bounded_together),
		WITH_SERVER(test_an_unread_subscriber_is_ended),
		WITH_IMPATIENT(test_a_client_that_says_nothing_is_closed),
		WITH_IMPATIENT(test_a_client_that_answers_pings_stays),
		WITH_IMPATIENT(test_a_request_that_never_ends_is_ended),
		WITH_IMPATIENT(test_an_answer_that_nobody_reads_is_dropped),
		WITH_IMPATIENT(test_workers_that_have_nothing_to_do_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

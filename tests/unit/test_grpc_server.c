/* SPDX-License-Identifier: Apache-2.0 */
/* Calls over HTTP/2: what a well-behaved client sees, and what it sees of its own mistakes. */
#include "grpc_fixture.h"

static void check_ended(const struct client_stream *stream, int status)
{
	assert_true(stream->closed);
	assert_int_equal(stream->http_status, 200);
	assert_int_equal(stream->grpc_status, status);
}

static void check_answer(const struct client_stream *stream, const char *text)
{
	check_ended(stream, 0);
	assert_int_equal(stream->length, strlen(text) + 5);
	assert_memory_equal(stream->body + 5, text, strlen(text));
}

/* Runs a call with changed headers and body. */
static struct client_stream *run(struct client *client, const char *path, const struct client_field *changed,
				 const void *body, size_t length)
{
	struct client_stream *stream = client_begin(client, path, changed, body, length);

	client_run(client, &stream->closed, 5000);
	return stream;
}

static void check_status(struct client *client, const char *path, const struct client_field *changed, const void *body,
			 size_t length, int status)
{
	struct client_stream *stream = run(client, path, changed, body, length);

	check_ended(stream, status);
	assert_true(!status || stream->message[0]);
	client_end(stream);
}

static void test_unary(void **state)
{
	struct client *client = fixture_client();
	struct client_stream *stream;

	(void)state;
	for (int i = 0; i < 3; i++) {
		stream = client_call(client, PATH("Echo"), i ? "hello" : "");
		check_answer(stream, i ? "hello" : "");
		client_end(stream);
	}
	fixture_await(&fixture_finished, 3);
	client_free(client);
}

static void test_a_failure_has_its_text_encoded(void **state)
{
	struct client *client = fixture_client();
	struct client_stream *stream = client_call(client, PATH("Fail"), "caf\xc3\xa9 \xff%");

	(void)state;
	check_ended(stream, 5);
	assert_int_equal(stream->length, 0);
	assert_string_equal(stream->message, "no caf%C3%A9 %EF%BF%BD%25");
	client_end(stream);
	client_free(client);
}

static void test_an_authority_may_be_a_path(void **state)
{
	struct client *client = fixture_client();
	const struct client_field fields[] = { { ":authority", "/run/libcri/cri.sock" }, { NULL, NULL } };
	const uint8_t empty[5] = { 0 };

	(void)state;
	check_status(client, PATH("Echo"), fields, empty, 5, 0);
	client_free(client);
}

static void test_unknown_methods(void **state)
{
	struct client *client = fixture_client();
	const uint8_t empty[5] = { 0 };
	char path[400] = "/";

	(void)state;
	check_status(client, PATH("Nothing"), NULL, empty, 5, GRPC_UNIMPLEMENTED);
	check_status(client, "/other.Service/Echo", NULL, empty, 5, GRPC_UNIMPLEMENTED);
	check_status(client, "", NULL, empty, 5, GRPC_UNIMPLEMENTED);
	memset(path + 1, 'a', sizeof(path) - 2);
	check_status(client, path, NULL, empty, 5, GRPC_UNIMPLEMENTED);
	client_free(client);
}

static void test_what_is_no_grpc_has_an_http_status(void **state)
{
	struct client *client = fixture_client();
	const struct client_field get[] = { { ":method", "GET" }, { NULL, NULL } };
	const struct client_field json[] = { { "content-type", "application/json" }, { NULL, NULL } };
	const struct client_field none[] = { { "content-type", NULL }, { NULL, NULL } };
	const struct {
		const struct client_field *fields;
		int status;
	} cases[] = { { get, 405 }, { json, 415 }, { none, 415 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct client_stream *stream = run(client, PATH("Echo"), cases[i].fields, NULL, 0);

		assert_true(stream->closed);
		assert_int_equal(stream->http_status, cases[i].status);
		assert_int_equal(stream->grpc_status, -1);
		client_end(stream);
	}
	client_free(client);
}

static void test_bad_messages(void **state)
{
	struct client *client = fixture_client();
	const struct client_field gzip[] = { { "grpc-encoding", "gzip" }, { NULL, NULL } };
	const struct client_field identity[] = { { "grpc-encoding", "identity" }, { NULL, NULL } };
	const uint8_t compressed[] = { 1, 0, 0, 0, 1, 'a' }, plain[] = { 0, 0, 0, 0, 1, 'a' };
	const uint8_t huge[] = { 0, 1, 0, 0, 1, 'a' }, two[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	(void)state;
	check_status(client, PATH("Echo"), gzip, compressed, 6, GRPC_UNIMPLEMENTED);
	check_status(client, PATH("Echo"), gzip, plain, 6, 0);
	check_status(client, PATH("Echo"), identity, plain, 6, 0);
	check_status(client, PATH("Echo"), NULL, compressed, 6, GRPC_INTERNAL);
	check_status(client, PATH("Echo"), NULL, huge, 6, GRPC_RESOURCE_EXHAUSTED);
	check_status(client, PATH("Echo"), NULL, two, 10, GRPC_UNIMPLEMENTED);
	check_status(client, PATH("Echo"), NULL, NULL, 0, GRPC_UNIMPLEMENTED);
	check_status(client, PATH("Echo"), NULL, plain, 5, GRPC_INTERNAL);
	check_status(client, PATH("Echo"), NULL, plain, 3, GRPC_INTERNAL);
	client_free(client);
}

static void test_a_message_of_16_megabytes_is_taken(void **state)
{
	struct client *client = fixture_client();
	uint8_t *body = calloc(1, GRPC_MAX_MESSAGE + 5);
	struct client_stream *stream;

	(void)state;
	assert_non_null(body);
	body[1] = 1;
	/* The answer is longer than a client's default window: it is read as it comes. */
	stream = run(client, PATH("Echo"), NULL, body, GRPC_MAX_MESSAGE + 5);
	check_ended(stream, 0);
	assert_int_equal(stream->length, GRPC_MAX_MESSAGE + 5);
	client_end(stream);
	free(body);
	client_free(client);
	for (int i = 0; i < 1000 && fixture_look().bytes; i++)
		usleep(1000);
	assert_int_equal(fixture_look().bytes, 0);
}

static void test_a_refused_upload_is_stopped(void **state)
{
	struct client *client = fixture_client();
	const uint8_t huge[] = { 0, 2, 0, 0, 0, 'a' };
	struct client_stream *stream = client_begin(client, PATH("Echo"), NULL, huge, sizeof(huge));

	(void)state;
	stream->request_open = true;
	client_run(client, &stream->closed, 5000);
	check_ended(stream, GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(stream->reset, NGHTTP2_NO_ERROR);
	client_end(stream);
	client_free(client);
}

static void test_long_metadata_is_refused(void **state)
{
	struct client *client = fixture_client();
	char value[GRPC_MAX_HEADER_LIST + 1] = "";
	const struct client_field fields[] = { { "x-long", value }, { NULL, NULL } };
	const uint8_t empty[5] = { 0 };

	(void)state;
	memset(value, 'a', GRPC_MAX_HEADER_LIST - 600);
	check_status(client, PATH("Echo"), fields, empty, 5, 0);
	memset(value, 'a', GRPC_MAX_HEADER_LIST);
	check_status(client, PATH("Echo"), fields, empty, 5, GRPC_RESOURCE_EXHAUSTED);
	check_status(client, PATH("Echo"), NULL, empty, 5, 0);
	client_free(client);
}

/* --- deadlines and cancellation --- */

static void test_a_deadline_ends_the_call(void **state)
{
	struct client *client = fixture_client();
	const struct client_field fields[] = { { "grpc-timeout", "50m" }, { NULL, NULL } };
	const struct client_field bad[] = { { "grpc-timeout", "50x" }, { NULL, NULL } };
	const uint8_t empty[5] = { 0 };

	(void)state;
	check_status(client, PATH("Wait"), fields, empty, 5, GRPC_DEADLINE_EXCEEDED);
	assert_int_equal(atomic_load(&fixture_timed_out), 1);
	check_status(client, PATH("Echo"), bad, empty, 5, GRPC_INTERNAL);
	client_free(client);
}

static void test_calls_whose_deadline_is_past_are_not_run(void **state)
{
	struct client *client = fixture_client();
	const struct client_field fields[] = { { "grpc-timeout", "0n" }, { NULL, NULL } };
	const uint8_t empty[5] = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++)
		check_status(client, PATH("Wait"), fields, empty, 5, GRPC_DEADLINE_EXCEEDED);
	assert_int_equal(atomic_load(&fixture_timed_out), 0);
	client_free(client);
}

static void test_a_deadline_passes_in_the_queue_too(void **state)
{
	struct client *client = fixture_client();
	const struct client_field fields[] = { { "grpc-timeout", "100m" }, { NULL, NULL } };
	struct client_stream *slow[GRPC_PULLS_WORKERS], *queued;
	const uint8_t empty[5] = { 0 };

	(void)state;
	for (size_t i = 0; i < GRPC_PULLS_WORKERS; i++)
		slow[i] = client_begin(client, PATH("Slow"), NULL, empty, 5);
	client_run(client, NULL, 10);
	fixture_await(&fixture_waiting, GRPC_PULLS_WORKERS);
	queued = run(client, PATH("Slow"), fields, empty, 5);
	check_ended(queued, GRPC_DEADLINE_EXCEEDED);
	assert_int_equal(atomic_load(&fixture_waiting), GRPC_PULLS_WORKERS);
	client_end(queued);
	client_free(client);
	fixture_await(&fixture_cancelled, GRPC_PULLS_WORKERS);
	for (size_t i = 0; i < GRPC_PULLS_WORKERS; i++)
		client_end(slow[i]);
}

static void test_a_reset_cancels_the_call(void **state)
{
	struct client *client = fixture_client();
	const uint8_t empty[5] = { 0 };
	struct client_stream *stream = client_begin(client, PATH("Wait"), NULL, empty, 5);

	(void)state;
	client_run(client, NULL, 10);
	fixture_await(&fixture_waiting, 1);
	assert_int_equal(nghttp2_submit_rst_stream(client->session, 0, stream->id, NGHTTP2_CANCEL), 0);
	client_run(client, NULL, 10);
	fixture_await(&fixture_cancelled, 1);
	assert_int_equal(fixture_look().connections, 1);
	client_end(stream);
	client_free(client);
}

static void test_a_vanished_client_cancels_its_calls(void **state)
{
	struct client *client = fixture_client();
	struct client_stream *streams[20];
	const uint8_t empty[5] = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		streams[i] = client_begin(client, PATH("Wait"), NULL, empty, 5);
	client_run(client, NULL, 10);
	fixture_await(&fixture_waiting, GRPC_QUICK_WORKERS);
	client_free(client);
	/* Those that were queued are not run at all. */
	fixture_await(&fixture_finished, 20);
	assert_int_equal(atomic_load(&fixture_cancelled), GRPC_QUICK_WORKERS);
	assert_int_equal(fixture_look().connections, 0);
	assert_int_equal(fixture_look().bytes, 0);
	for (int i = 0; i < 20; i++)
		client_end(streams[i]);
}

/* --- many calls --- */

static void test_slow_calls_leave_the_quick_ones_alone(void **state)
{
	struct client *client = fixture_client();
	struct client_stream *slow[10], *lasting[20], *quick[900];
	const uint8_t empty[5] = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++)
		slow[i] = client_begin(client, PATH("Slow"), NULL, empty, 5);
	client_run(client, NULL, 10);
	fixture_await(&fixture_waiting, GRPC_PULLS_WORKERS);
	for (int i = 0; i < 20; i++)
		lasting[i] = client_begin(client, PATH("Last"), NULL, empty, 5);
	client_run(client, NULL, 10);
	fixture_await(&fixture_waiting, GRPC_PULLS_WORKERS + 20);
	for (int i = 0; i < 900; i++)
		quick[i] = client_begin(client, PATH("Echo"), NULL, empty, 5);
	for (int i = 0; i < 900; i++) {
		client_run(client, &quick[i]->closed, 5000);
		check_ended(quick[i], 0);
		client_end(quick[i]);
	}
	assert_int_equal(atomic_load(&fixture_waiting), GRPC_PULLS_WORKERS + 20);
	client_free(client);
	fixture_await(&fixture_finished, 930);
	for (int i = 0; i < 10; i++)
		client_end(slow[i]);
	for (int i = 0; i < 20; i++)
		client_end(lasting[i]);
}

static void test_a_full_queue_says_so(void **state)
{
	struct client *client = fixture_client();
	enum { CALLS = GRPC_PULLS_WORKERS + GRPC_PULLS_QUEUE + 20 };
	struct client_stream **streams = calloc(CALLS, sizeof(struct client_stream *));
	const uint8_t empty[5] = { 0 };
	int refused = 0;

	(void)state;
	for (int i = 0; i < GRPC_PULLS_WORKERS; i++)
		streams[i] = client_begin(client, PATH("Slow"), NULL, empty, 5);
	client_run(client, NULL, 10);
	fixture_await(&fixture_waiting, GRPC_PULLS_WORKERS);
	for (int i = GRPC_PULLS_WORKERS; i < CALLS; i++)
		streams[i] = client_begin(client, PATH("Slow"), NULL, empty, 5);
	client_run(client, &streams[CALLS - 1]->closed, 5000);
	for (int i = 0; i < CALLS; i++)
		refused += streams[i]->grpc_status == GRPC_RESOURCE_EXHAUSTED;
	assert_int_equal(refused, 20);
	client_free(client);
	for (int i = 0; i < CALLS; i++)
		client_end(streams[i]);
	free(streams);
}

/* --- streams --- */

static void test_streams(void **state)
{
	struct client *client = fixture_client();
	struct client_stream *stream = client_call(client, PATH("Stream"), "0123456789");

	(void)state;
	check_ended(stream, 0);
	assert_int_equal(stream->length, 10 * (STREAM_MESSAGE + 5));
	client_end(stream);
	stream = client_call(client, PATH("Stream"), "");
	check_ended(stream, 0);
	assert_int_equal(stream->length, 0);
	client_end(stream);
	client_free(client);
}

static void test_a_slow_reader_is_waited_for_in_bounded_memory(void **state)
{
	struct client *client = fixture_client();
	char text[1001] = "";
	struct client_stream *stream;
	size_t length;
	uint8_t *frame;

	(void)state;
	memset(text, 'x', 1000);
	frame = client_frame(text, &length);
	stream = client_begin(client, PATH("Stream"), NULL, frame, length);
	client->paused = true;
	client_run(client, NULL, 300);
	assert_int_equal(atomic_load(&fixture_waiting), 1);
	assert_true(fixture_look().bytes <= GRPC_CALL_BYTES + STREAM_MESSAGE);
	client->paused = false;
	client_run(client, &stream->closed, 10000);
	check_ended(stream, 0);
	assert_int_equal(stream->length, 1000 * (STREAM_MESSAGE + 5));
	client_end(stream);
	/* One that goes is not waited for. */
	stream = client_begin(client, PATH("Stream"), NULL, frame, length);
	client->paused = true;
	client_run(client, NULL, 100);
	client_free(client);
	fixture_await(&fixture_cancelled, 1);
	free(frame);
	client_end(stream);
	assert_int_equal(fixture_look().bytes, 0);
}

static void test_events_reach_every_subscriber(void **state)
{
	struct client *first = fixture_client(), *second = fixture_client();
	const uint8_t empty[5] = { 0 };
	struct client_stream *streams[2];

	(void)state;
	/* What came before anybody listened is kept for the first. */
	fixture_event("early");
	usleep(10000);
	streams[0] = client_begin(first, PATH("Events"), NULL, empty, 5);
	client_run(first, NULL, 50);
	assert_int_equal(streams[0]->http_status, 200);
	assert_int_equal(streams[0]->length, 10);
	assert_memory_equal(streams[0]->body + 5, "early", 5);
	streams[1] = client_begin(second, PATH("Events"), NULL, empty, 5);
	client_run(second, NULL, 50);
	assert_int_equal(streams[1]->http_status, 200);
	assert_int_equal(fixture_look().subscribers, 2);
	fixture_event("one");
	fixture_event("two");
	client_run(first, NULL, 50);
	client_run(second, NULL, 50);
	assert_int_equal(streams[0]->length, 26);
	assert_int_equal(streams[1]->length, 16);
	assert_memory_equal(streams[1]->body + 13, "two", 3);
	client_free(second);
	for (int i = 0; i < 1000 && fixture_look().subscribers != 1; i++)
		usleep(1000);
	assert_int_equal(fixture_look().subscribers, 1);
	assert_int_equal(fixture_look().pools[RPC_QUICK].running, 0);
	client_free(first);
	client_end(streams[0]);
	client_end(streams[1]);
}

static void test_draining_lets_calls_end_and_clients_go(void **state)
{
	struct client *client = fixture_client();
	const struct client_field fields[] = { { "grpc-timeout", "200m" }, { NULL, NULL } };
	const uint8_t empty[5] = { 0 };
	struct client_stream *events = client_begin(client, PATH("Events"), NULL, empty, 5);
	struct client_stream *call = client_begin(client, PATH("Wait"), fields, empty, 5);

	(void)state;
	client_run(client, NULL, 20);
	fixture_await(&fixture_waiting, 1);
	fixture_drain();
	client_run(client, &events->closed, 5000);
	check_ended(events, GRPC_UNAVAILABLE);
	assert_true(client->went);
	assert_int_equal(client->goaway, NGHTTP2_NO_ERROR);
	assert_false(call->closed);
	client_run(client, &call->closed, 5000);
	check_ended(call, GRPC_DEADLINE_EXCEEDED);
	client_run(client, &client->ended, 5000);
	assert_true(client->ended);
	client_end(events);
	client_end(call);
	client_free(client);
}

static void test_a_method_without_an_answer_is_internal(void **state)
{
	struct client *client = fixture_client();
	const uint8_t empty[5] = { 0 };

	(void)state;
	check_status(client, PATH("Silent"), NULL, empty, 5, GRPC_INTERNAL);
	client_free(client);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_unary),
		WITH_SERVER(test_a_failure_has_its_text_encoded),
		WITH_SERVER(test_an_authority_may_be_a_path),
		WITH_SERVER(test_unknown_methods),
		WITH_SERVER(test_what_is_no_grpc_has_an_http_status),
		WITH_SERVER(test_bad_messages),
		WITH_SERVER(test_a_message_of_16_megabytes_is_taken),
		WITH_SERVER(test_a_refused_upload_is_stopped),
		WITH_SERVER(test_long_metadata_is_refused),
		WITH_SERVER(test_a_deadline_ends_the_call),
		WITH_SERVER(test_calls_whose_deadline_is_past_are_not_run),
		WITH_SERVER(test_a_deadline_passes_in_the_queue_too),
		WITH_SERVER(test_a_reset_cancels_the_call),
		WITH_SERVER(test_a_vanished_client_cancels_its_calls),
		WITH_SERVER(test_slow_calls_leave_the_quick_ones_alone),
		WITH_SERVER(test_a_full_queue_says_so),
		WITH_SERVER(test_streams),
		WITH_SERVER(test_a_slow_reader_is_waited_for_in_bounded_memory),
		WITH_SERVER(test_events_reach_every_subscriber),
		WITH_SERVER(test_draining_lets_calls_end_and_clients_go),
		WITH_SERVER(test_a_method_without_an_answer_is_internal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

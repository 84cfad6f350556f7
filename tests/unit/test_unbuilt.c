/* SPDX-License-Identifier: Apache-2.0 */
/* Every function that is not built yet says so, and touches nothing. Whoever builds one takes its lines out. */
#include "core_fixture.h"

#include "core/list.h"

/* Calls it with a handle and without; `output` is handed in wherever the function has one. */
#define REFUSES(handle, output, ...)                                                                                   \
	do {                                                                                                           \
		cri_call *call_;                                                                                       \
                                                                                                                       \
		assert_int_equal(cri_call_new(&call_), 0);                                                             \
		for (int with_call = 0; with_call < 2; with_call++) {                                                  \
			cri_call *call = with_call ? call_ : NULL;                                                     \
                                                                                                                       \
			handle = handle##_given;                                                                       \
			assert_int_equal(__VA_ARGS__, CRI_ENOTSUP);                                                    \
			if (call) {                                                                                    \
				assert_int_equal(cri_call_code(call), CRI_ENOTSUP);                                    \
				assert_non_null(strstr(cri_call_message(call), "not built yet"));                      \
			}                                                                                              \
			handle = NULL;                                                                                 \
			assert_int_equal(__VA_ARGS__, CRI_EINVAL);                                                     \
			if (call)                                                                                      \
				assert_non_null(strstr(cri_call_message(call), #handle));                              \
		}                                                                                                      \
		assert_ptr_equal(output, untouched);                                                                   \
		cri_call_free(call_);                                                                                  \
	} while (0)

static void *const untouched = (void *)&untouched;

static void test_engine_and_sandbox(void **state)
{
	struct core_fixture *fixture = *state;
	cri_engine *const engine_given = &fixture->engine;
	cri_engine *engine;
	cri_list *list = untouched;
	cri_op *op = untouched;

	REFUSES(engine, list, cri_sandbox_checkpoint(engine, "abcd", "/x", NULL, 0, NULL, 0, call));
	REFUSES(engine, list, cri_sandbox_restore(engine, "/x", NULL, "", NULL, 0, NULL, 0, &list, call));
	REFUSES(engine, list, cri_container_checkpoint(engine, "abcd", "/x", call));
	REFUSES(engine, op, cri_sandbox_checkpoint_begin(engine, "abcd", "/x", NULL, 0, NULL, 0, &op, call));
	REFUSES(engine, op, cri_sandbox_restore_begin(engine, "/x", NULL, "", NULL, 0, NULL, 0, &op, call));
	REFUSES(engine, op, cri_container_checkpoint_begin(engine, "abcd", "/x", &op, call));
}

static void test_streams(void **state)
{
	struct core_fixture *fixture = *state;
	cri_engine *const engine_given = &fixture->engine;
	cri_engine *engine;
	cri_stream *stream = untouched;
	cri_op *op = untouched;
	cri_stream_server *server = untouched;

	REFUSES(engine, stream, cri_stream_exec(engine, "abcd", NULL, &stream, call));
	REFUSES(engine, stream, cri_stream_attach(engine, "abcd", NULL, &stream, call));
	REFUSES(engine, stream, cri_stream_port_forward(engine, "abcd", 80, &stream, call));
	REFUSES(engine, op, cri_stream_exec_begin(engine, "abcd", NULL, &op, call));
	REFUSES(engine, op, cri_stream_attach_begin(engine, "abcd", NULL, &op, call));
	REFUSES(engine, op, cri_stream_port_forward_begin(engine, "abcd", 80, &op, call));
	REFUSES(engine, server, cri_stream_server_start(engine, NULL, &server, call));
	assert_int_equal(cri_stream_fd(NULL, CRI_STDOUT), -1);
	assert_int_equal(cri_stream_exit_fd(NULL), -1);
	cri_stream_free(NULL);
	cri_stream_server_stop(NULL);
}

/* Nothing makes these handles yet; whoever has one is told the same. */
static void test_functions_of_streams_and_servers(void **state)
{
	cri_stream *const stream_given = untouched;
	cri_stream_server *const server_given = untouched;
	cri_stream *stream;
	cri_stream_server *server;
	char *url = untouched;
	int32_t exit_code = 77;

	(void)state;
	REFUSES(stream, url, cri_stream_close_stdin(stream, call));
	REFUSES(stream, url, cri_stream_resize(stream, 80, 25, call));
	REFUSES(stream, url, cri_stream_signal(stream, "TERM", call));
	REFUSES(stream, url, cri_stream_wait(stream, &exit_code, call));
	assert_int_equal(exit_code, 77);
	REFUSES(server, url, cri_stream_server_exec(server, "abcd", NULL, &url, call));
	REFUSES(server, url, cri_stream_server_attach(server, "abcd", NULL, &url, call));
	REFUSES(server, url, cri_stream_server_port_forward(server, "abcd", NULL, 0, &url, call));
}

static void test_lists_of_their_kinds(void **state)
{
	CLEANUP_LIST cri_list *stats = list_new(LIST_SANDBOX_STATS, sizeof(cri_sandbox_stats));
	CLEANUP_LIST cri_list *metrics = list_new(LIST_METRIC, sizeof(cri_metric));
	CLEANUP_LIST cri_list *descriptors = list_new(LIST_METRIC_DESCRIPTOR, sizeof(cri_metric_descriptor));

	(void)state;
	assert_null(cri_sandbox_stats_at(stats, 0));
	assert_non_null(list_add(stats));
	assert_non_null(list_add(metrics));
	assert_non_null(list_add(descriptors));
	assert_non_null(cri_sandbox_stats_at(stats, 0));
	assert_non_null(cri_metric_at(metrics, 0));
	assert_non_null(cri_metric_descriptor_at(descriptors, 0));
	assert_null(cri_metric_at(descriptors, 0));
	assert_null(cri_metric_descriptor_at(stats, 0));
	assert_null(cri_sandbox_stats_at(metrics, 0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_engine_and_sandbox),
		TEST(test_streams),
		TEST(test_functions_of_streams_and_servers),
		TEST(test_lists_of_their_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

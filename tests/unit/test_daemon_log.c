/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines and metrics: what others parse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/log.h"
#include "daemon/metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a function writes on standard error. */
static char captured[1 << 20];

static void capture(void (*function)(void))
{
	int saved = dup(STDERR_FILENO);
	char path[] = "/tmp/libcri-log-XXXXXX";
	int fd = mkstemp(path);
	ssize_t length;

	assert_true(fd >= 0);
	unlink(path);
	dup2(fd, STDERR_FILENO);
	function();
	dup2(saved, STDERR_FILENO);
	close(saved);
	length = pread(fd, captured, sizeof(captured) - 1, 0);
	assert_true(length >= 0);
	captured[length] = '\0';
	close(fd);
}

static void check_value(const char *value, const char *expected)
{
	char line[256];
	size_t length = log_add(line, sizeof(line), 0, "k", value);

	assert_int_equal(length, strlen(line));
	assert_string_equal(line, expected);
}

static void test_values_are_quoted_where_they_must_be(void **state)
{
	(void)state;
	check_value("plain-1.0/x", "k=plain-1.0/x");
	check_value("", "k=\"\"");
	check_value("two words", "k=\"two words\"");
	check_value("a=b", "k=\"a=b\"");
	check_value("say \"x\\y\"", "k=\"say \\\"x\\\\y\\\"\"");
	check_value("a\nb\x01", "k=\"a\\nb\\x01\"");
	check_value("caf\xc3\xa9", "k=\"caf\xc3\xa9\"");
	check_value("bad\xff", "k=\"bad?\"");
}

static void test_a_line_never_overflows(void **state)
{
	char value[300], line[64];

	(void)state;
	for (size_t size = 0; size < sizeof(value) - 1; size++) {
		size_t length = 0;

		memset(value, size % 2 ? 'a' : '"', size);
		value[size] = '\0';
		for (int i = 0; i < 5; i++)
			length = log_add(line, sizeof(line), length, "key", value);
		assert_true(length < sizeof(line));
	}
}

static const struct rpc_method changes = { .service = "RuntimeService", .name = "StopContainer" };
static const struct rpc_method looks = { .service = "RuntimeService", .name = "ListContainers", .reads = true };

static void log_some_calls(void)
{
	struct grpc_finished finished = {
		.method = &changes, .request_id = 7, .object = "container a", .text = "", .milliseconds = 1.5
	};

	log_call(&finished);
	finished.method = &looks;
	log_call(&finished);
	finished.status = 13;
	finished.text = "it is \"broken\"";
	log_call(&finished);
	finished.method = NULL;
	finished.path = "/x/y";
	finished.object = "";
	finished.status = 12;
	log_call(&finished);
}

static void test_calls_are_logged_with_what_identifies_them(void **state)
{
	(void)state;
	log_set_level(CRI_LOG_INFO);
	capture(log_some_calls);
	assert_non_null(strstr(captured, "level=info msg=call request=7 call=StopContainer object=\"container a\" "
					 "code=OK ms=1.500\n"));
	assert_null(strstr(captured, "call=ListContainers object=\"container a\" code=OK"));
	assert_non_null(strstr(captured, "level=warning msg=call request=7 call=ListContainers object=\"container a\" "
					 "code=INTERNAL ms=1.500 error=\"it is \\\"broken\\\"\"\n"));
	assert_non_null(strstr(captured, "call=/x/y code=UNIMPLEMENTED"));
	log_set_level(CRI_LOG_DEBUG);
	capture(log_some_calls);
	assert_non_null(strstr(captured, "level=debug msg=call request=7 call=ListContainers"));
	log_set_level(CRI_LOG_ERROR);
	capture(log_some_calls);
	assert_string_equal(captured, "");
	log_set_level(CRI_LOG_INFO);
}

static void log_many_failures(void)
{
	const struct grpc_finished finished = { .method = &changes, .object = "", .text = "x", .status = 13 };

	for (int i = 0; i < 5000; i++)
		log_call(&finished);
	usleep(200000);
	log_call(&finished);
}

static void test_failures_cannot_fill_the_log(void **state)
{
	size_t lines = 0;

	(void)state;
	capture(log_many_failures);
	for (const char *at = captured; (at = strchr(at, '\n')); at++)
		lines++;
	assert_in_range(lines, 100, 400);
	assert_non_null(strstr(captured, "failed calls were not logged"));
}

static void test_metrics_count_calls(void **state)
{
	const struct grpc_figures figures = { .connections = 3,
					      .pools = { [RPC_LASTING] = { .queued = 2 } },
					      .bytes = 77 };
	const struct grpc_finished good = { .method = &looks, .milliseconds = 2 };
	const struct grpc_finished bad = { .method = &looks, .status = 5, .milliseconds = 700 };
	const struct grpc_finished unknown = { .status = 12 };
	char *text;

	(void)state;
	metrics_count(&good);
	metrics_count(&good);
	metrics_count(&bad);
	metrics_count(&unknown);
	text = metrics_text(&figures);
	assert_non_null(strstr(text, "cri_server_calls_total{service=\"RuntimeService\",method=\"ListContainers\","
				     "code=\"OK\"} 2\n"));
	assert_non_null(strstr(text, "method=\"ListContainers\",code=\"NOT_FOUND\"} 1\n"));
	assert_non_null(strstr(text, "method=\"unknown\",code=\"UNIMPLEMENTED\"} 1\n"));
	assert_non_null(strstr(text, "cri_server_call_seconds_bucket{method=\"ListContainers\",le=\"0.001\"} 0\n"));
	assert_non_null(strstr(text, "cri_server_call_seconds_bucket{method=\"ListContainers\",le=\"0.0025\"} 2\n"));
	assert_non_null(strstr(text, "cri_server_call_seconds_bucket{method=\"ListContainers\",le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(text, "cri_server_call_seconds_count{method=\"ListContainers\"} 3\n"));
	assert_non_null(strstr(text, "\ncri_server_connections 3\n"));
	assert_non_null(strstr(text, "cri_server_queued_calls{pool=\"lasting\"} 2\n"));
	assert_non_null(strstr(text, "cri_server_buffered_bytes 77\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_quoted_where_they_must_be),
		cmocka_unit_test(test_a_line_never_overflows),
		cmocka_unit_test(test_calls_are_logged_with_what_identifies_them),
		cmocka_unit_test(test_failures_cannot_fill_the_log),
		cmocka_unit_test(test_metrics_count_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core_fixture.h"

#include "base/text.h"
#include "core/api.h"
#include "core/call.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

/* --- describing failures --- */

static void test_a_message_has_object_step_and_text(void **state)
{
	cri_call call;

	(void)state;
	call_init(&call);
	call_object(&call, "container %s", "abc");
	assert_int_equal(call_fail(&call, CRI_EINVAL, "check config", "hostname: %d is too many", 65), CRI_EINVAL);
	assert_int_equal(cri_call_code(&call), CRI_EINVAL);
	assert_int_equal(cri_call_errno(&call), 0);
	assert_string_equal(cri_call_object(&call), "container abc");
	assert_string_equal(cri_call_step(&call), "check config");
	assert_string_equal(cri_call_message(&call), "container abc: check config: hostname: 65 is too many");
}

static void test_a_message_without_an_object(void **state)
{
	cri_call call;

	(void)state;
	call_init(&call);
	call_fail(&call, CRI_ENOTSUP, "step", "text");
	assert_string_equal(cri_call_message(&call), "step: text");
	assert_string_equal(cri_call_object(&call), "");
}

static void test_codes_of_errnos(void **state)
{
	static const struct {
		int error, code;
	} table[] = {
		{ ENOENT, CRI_ENOTFOUND },  { -ENOENT, CRI_ENOTFOUND }, { ENOSPC, CRI_EEXHAUSTED },
		{ EDQUOT, CRI_EEXHAUSTED }, { EPERM, CRI_EPERM },       { -EACCES, CRI_EPERM },
		{ ENOMEM, CRI_ENOMEM },     { EIO, CRI_EINTERNAL },     { -EINVAL, CRI_EINTERNAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		cri_call call;

		call_init(&call);
		assert_int_equal(call_fail_errno(&call, table[i].error, "open", "%s", "/x"), table[i].code);
		assert_int_equal(cri_call_errno(&call), abs(table[i].error));
	}
}

static void test_an_errno_is_explained(void **state)
{
	cri_call call;

	(void)state;
	call_init(&call);
	call_fail_errno(&call, -ENOENT, "open", "%s", "/x");
	assert_string_equal(cri_call_message(&call), "open: /x: No such file or directory");
}

static void test_the_first_failure_is_kept(void **state)
{
	cri_call call;

	(void)state;
	call_init(&call);
	call_object(&call, "pod a");
	call_fail(&call, CRI_EEXIST, "first", "one");
	call_object(&call, "layer b");
	assert_int_equal(call_fail_errno(&call, EIO, "second", "two"), CRI_EINTERNAL);
	assert_string_equal(cri_call_message(&call), "pod a: first: one");
	assert_string_equal(cri_call_object(&call), "pod a");
	assert_int_equal(cri_call_code(&call), CRI_EEXIST);
	assert_int_equal(cri_call_errno(&call), 0);
}

static void test_a_forgiven_failure_is_forgotten_but_not_its_object(void **state)
{
	cri_call call;

	(void)state;
	call_init(&call);
	call_object(&call, "pod a");
	call_fail(&call, CRI_ENOTFOUND, "first", "one");
	call_clear(&call);
	assert_int_equal(cri_call_code(&call), 0);
	assert_string_equal(cri_call_message(&call), "");
	assert_string_equal(cri_call_step(&call), "");
	assert_string_equal(cri_call_object(&call), "");
	call_fail(&call, CRI_EEXIST, "second", "two");
	assert_string_equal(cri_call_message(&call), "pod a: second: two");
}

static void test_messages_are_one_line_of_valid_text(void **state)
{
	cri_call call;
	char text[2000];

	(void)state;
	call_init(&call);
	call_fail(&call, CRI_EINVAL, "read",
		  "a\nb\tc\x7f"
		  "d\xff\xc3\xa9");
	assert_string_equal(cri_call_message(&call), "read: a b c d???");
	/* Two-byte characters, cut in the middle whatever the parity. */
	for (size_t shift = 0; shift < 2; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 2 < sizeof(text); i += 2)
			memcpy(text + i, "\xc3\xa9", 3);
		call_init(&call);
		call_fail(&call, CRI_EINVAL, "read", "%s", text);
		assert_true(strlen(cri_call_message(&call)) >= sizeof(call.message) - 3);
		assert_true(text_is_utf8(cri_call_message(&call), strlen(cri_call_message(&call))));
		assert_null(strchr(cri_call_message(&call), '?'));
	}
}

static void test_null_calls_know_nothing(void **state)
{
	(void)state;
	assert_int_equal(cri_call_code(NULL), 0);
	assert_int_equal(cri_call_errno(NULL), 0);
	assert_string_equal(cri_call_message(NULL), "");
	assert_string_equal(cri_call_object(NULL), "");
	assert_string_equal(cri_call_step(NULL), "");
	assert_int_equal(cri_call_new(NULL), CRI_EINVAL);
	cri_call_set_timeout(NULL, 1);
	cri_call_cancel(NULL);
	cri_call_reset(NULL);
	cri_call_free(NULL);
}

/* --- waiting --- */

static void test_a_wait_times_out(void **state)
{
	cri_call call;
	int64_t start = clock_boot();

	(void)state;
	call_init(&call);
	assert_int_equal(call_wait(&call, "wait", NULL, 0, 30), 0);
	assert_in_range(milliseconds_since(start), 30, 1000);
	assert_int_equal(cri_call_code(&call), 0);
}

static void test_a_wait_tells_what_is_ready(void **state)
{
	int quiet[2], ready[2];
	struct pollfd fds[3];
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(pipe2(quiet, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fds[0] = (struct pollfd){ .fd = quiet[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = -1, .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = ready[0], .events = POLLIN };
	fds[0].revents = fds[1].revents = fds[2].revents = -1;
	assert_int_equal(call_wait(&call, "wait", fds, 3, 0), 0);
	assert_int_equal(fds[0].revents | fds[1].revents | fds[2].revents, 0);
	assert_int_equal(write(ready[1], "x", 1), 1);
	assert_int_equal(call_wait(&call, "wait", fds, 3, -1), 1);
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[2].revents, POLLIN);
	close(quiet[0]);
	close(quiet[1]);
	close(ready[0]);
	close(ready[1]);
}

static void test_a_deadline_ends_waits(void **state)
{
	cri_call *call;
	int64_t start = clock_boot();

	(void)state;
	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(call_remaining(call, 1234), 1234);
	cri_call_set_timeout(call, 40);
	assert_in_range(call_remaining(call, 1000), 1, 40);
	assert_int_equal(call_remaining(call, 7), 7);
	assert_int_equal(call_check(call, "look"), 0);
	assert_int_equal(call_wait(call, "wait for x", NULL, 0, 10), 0);
	assert_int_equal(call_wait(call, "wait for x", NULL, 0, -1), CRI_ETIMEDOUT);
	assert_in_range(milliseconds_since(start), 40, 1000);
	assert_string_equal(cri_call_step(call), "wait for x");
	assert_int_equal(call_remaining(call, 1000), 0);
	assert_int_equal(call_check(call, "look"), CRI_ETIMEDOUT);
	cri_call_set_timeout(call, -1);
	call_clear(call);
	assert_int_equal(call_check(call, "look"), 0);
	cri_call_set_timeout(call, INT64_MAX);
	assert_int_equal(call_check(call, "look"), 0);
	cri_call_set_timeout(call, 0);
	assert_int_equal(call_check(call, "look"), CRI_ETIMEDOUT);
	cri_call_reset(call);
	call_clear(call);
	assert_int_equal(call_check(call, "look"), 0);
	cri_call_free(call);
}

/* A descriptor that is always ready must not keep a call from its deadline. */
static void test_a_deadline_ends_a_busy_loop(void **state)
{
	int ends[2];
	cri_call *call;
	int result;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(cri_call_new(&call), 0);
	cri_call_set_timeout(call, 20);
	do {
		struct pollfd fd = { .fd = ends[0], .events = POLLIN };

		result = call_wait(call, "read", &fd, 1, -1);
	} while (result == 1);
	assert_int_equal(result, CRI_ETIMEDOUT);
	cri_call_free(call);
	close(ends[0]);
	close(ends[1]);
}

static void test_a_cancellation_stays_until_it_is_reset(void **state)
{
	cri_call *call;

	(void)state;
	assert_int_equal(cri_call_new(&call), 0);
	cri_call_cancel(call);
	cri_call_cancel(call);
	assert_int_equal(call_wait(call, "wait for x", NULL, 0, -1), CRI_ECANCELED);
	assert_int_equal(call_check(call, "look"), CRI_ECANCELED);
	assert_string_equal(cri_call_step(call), "wait for x");
	cri_call_reset(call);
	call_clear(call);
	assert_int_equal(call_check(call, "look"), 0);
	cri_call_reset(call);
	cri_call_free(call);
}

static cri_call *alarmed;

static void on_alarm(int signal)
{
	const int before = errno;

	(void)signal;
	errno = EXDEV;
	cri_call_cancel(alarmed);
	if (errno != EXDEV)
		_exit(1);
	errno = before;
}

static void test_a_signal_handler_may_cancel(void **state)
{
	struct sigaction action = { .sa_handler = on_alarm }, before;
	const struct itimerval soon = { .it_value = { .tv_usec = 20000 } };

	(void)state;
	assert_int_equal(cri_call_new(&alarmed), 0);
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(call_wait(alarmed, "wait", NULL, 0, -1), CRI_ECANCELED);
	sigaction(SIGALRM, &before, NULL);
	cri_call_free(alarmed);
}

static void *cancel_later(void *call)
{
	const struct timespec delay = { .tv_nsec = 20000000 };

	nanosleep(&delay, NULL);
	cri_call_cancel(call);
	return NULL;
}

static void test_another_thread_may_cancel(void **state)
{
	pthread_t thread;
	cri_call *call;

	(void)state;
	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(pthread_create(&thread, NULL, cancel_later, call), 0);
	assert_int_equal(call_wait(call, "wait", NULL, 0, -1), CRI_ECANCELED);
	pthread_join(thread, NULL);
	cri_call_free(call);
}

static void test_a_shield_keeps_deadline_and_cancellation_off(void **state)
{
	cri_call *call;
	cri_call child;

	(void)state;
	assert_int_equal(cri_call_new(&call), 0);
	cri_call_cancel(call);
	cri_call_set_timeout(call, 0);
	call_shield(call);
	assert_int_equal(call_wait(call, "undo", NULL, 0, 5), 0);
	call_shield(call);
	assert_int_equal(call_check(call, "undo"), 0);
	assert_in_range(call_remaining(call, INT32_MAX), 1, CALL_SHIELD_MILLISECONDS);
	call_unshield(call);
	assert_int_equal(call_check(call, "undo"), 0);
	call_init_child(&child, call);
	assert_int_equal(call_check(&child, "undo"), 0);
	call->shield_deadline = clock_boot();
	assert_int_equal(call_wait(call, "undo", NULL, 0, -1), CRI_ETIMEDOUT);
	call_unshield(call);
	call_clear(call);
	assert_true(call_check(call, "go on") < 0);
	call_init_child(&child, call);
	assert_true(call_check(&child, "go on") < 0);
	cri_call_free(call);
}

static void test_too_many_descriptors_are_refused(void **state)
{
	struct pollfd fds[CALL_WAIT_MAX + 1];
	cri_call call;

	(void)state;
	for (size_t i = 0; i < CALL_WAIT_MAX + 1; i++)
		fds[i] = (struct pollfd){ .fd = -1 };
	call_init(&call);
	assert_int_equal(call_wait(&call, "wait", fds, CALL_WAIT_MAX, 0), 0);
	assert_int_equal(call_wait(&call, "wait", fds, CALL_WAIT_MAX + 1, 0), CRI_EINTERNAL);
}

/* --- entering the library --- */

static int answer(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	const int *result = args;

	(void)engine;
	(void)call;
	if (*result == 0 && output)
		*(int *)output = 7;
	if (*result == CRI_EEXIST)
		return call_fail(call, CRI_EEXIST, "make", "it is there");
	return *result;
}

static void test_details_agree_with_the_result(void **state)
{
	struct core_fixture *fixture = *state;
	int result = CRI_EEXIST, output = 0;
	cri_call *call;

	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(api_call(&fixture->engine, answer, &result, &output, call), CRI_EEXIST);
	assert_string_equal(cri_call_message(call), "make: it is there");
	assert_int_equal(output, 0);
	result = CRI_EAGAIN;
	assert_int_equal(api_call(&fixture->engine, answer, &result, &output, call), CRI_EAGAIN);
	assert_int_equal(cri_call_code(call), CRI_EAGAIN);
	assert_non_null(strstr(cri_call_message(call), cri_code_text(CRI_EAGAIN)));
	result = 0;
	assert_int_equal(api_call(&fixture->engine, answer, &result, &output, call), 0);
	assert_int_equal(cri_call_code(call), 0);
	assert_string_equal(cri_call_message(call), "");
	assert_int_equal(output, 7);
	assert_int_equal(api_call(&fixture->engine, answer, &result, &output, NULL), 0);
	cri_call_free(call);
}

static void test_null_arguments_are_refused(void **state)
{
	struct core_fixture *fixture = *state;
	int result = 0;
	cri_call *call;

	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(api_call(NULL, answer, &result, NULL, call), CRI_EINVAL);
	assert_non_null(strstr(cri_call_message(call), "engine"));
	assert_int_equal(api_call_output(&fixture->engine, answer, &result, NULL, call), CRI_EINVAL);
	assert_non_null(strstr(cri_call_message(call), "output"));
	assert_int_equal(api_begin(&fixture->engine, answer, &result, sizeof(result), NULL, API_INT32, NULL, call),
			 CRI_EINVAL);
	assert_non_null(strstr(cri_call_message(call), "op"));
	assert_int_equal(api_call(NULL, answer, &result, NULL, NULL), CRI_EINVAL);
	cri_call_free(call);
}

static void test_an_engine_does_not_cross_a_fork(void **state)
{
	struct core_fixture *fixture = *state;
	int result = 0, status;
	cri_op *op = NULL;
	cri_call *call;
	pid_t child;

	assert_int_equal(cri_call_new(&call), 0);
	child = fork();
	if (child == 0) {
		bool refused = api_call(&fixture->engine, answer, &result, NULL, call) == CRI_EFORKED &&
			       strstr(cri_call_message(call), "fork") &&
			       api_begin(&fixture->engine, answer, &result, sizeof(result), NULL, API_NO_OUTPUT, &op,
					 call) == CRI_EFORKED;

		_exit(refused ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	cri_call_free(call);
}

/* --- log lines --- */

static struct {
	int lines;
	cri_log_level level;
	char text[1024];
} logged;

static void keep_line(cri_log_level level, const char *message, void *data)
{
	assert_ptr_equal(data, &logged);
	logged.lines++;
	logged.level = level;
	snprintf(logged.text, sizeof(logged.text), "%s", message);
}

static void test_log_lines(void **state)
{
	struct core_fixture *fixture = *state;
	char text[1000];

	engine_log(&fixture->engine, CRI_LOG_ERROR, "nobody hears this");
	fixture->engine.options.log = keep_line;
	fixture->engine.options.log_data = &logged;
	fixture->engine.options.log_level = CRI_LOG_INFO;
	engine_log(&fixture->engine, CRI_LOG_DEBUG, "not wanted");
	assert_int_equal(logged.lines, 0);
	engine_log(&fixture->engine, CRI_LOG_INFO, "pod %s\nforged line", "a");
	assert_int_equal(logged.lines, 1);
	assert_int_equal(logged.level, CRI_LOG_INFO);
	assert_string_equal(logged.text, "pod a forged line");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	engine_log(&fixture->engine, CRI_LOG_ERROR, "%s", text);
	assert_int_equal(strlen(logged.text), 511);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_has_object_step_and_text),
		cmocka_unit_test(test_a_message_without_an_object),
		cmocka_unit_test(test_codes_of_errnos),
		cmocka_unit_test(test_an_errno_is_explained),
		cmocka_unit_test(test_the_first_failure_is_kept),
		cmocka_unit_test(test_a_forgiven_failure_is_forgotten_but_not_its_object),
		cmocka_unit_test(test_messages_are_one_line_of_valid_text),
		cmocka_unit_test(test_null_calls_know_nothing),
		cmocka_unit_test(test_a_wait_times_out),
		cmocka_unit_test(test_a_wait_tells_what_is_ready),
		cmocka_unit_test(test_a_deadline_ends_waits),
		cmocka_unit_test(test_a_deadline_ends_a_busy_loop),
		cmocka_unit_test(test_a_cancellation_stays_until_it_is_reset),
		cmocka_unit_test(test_a_signal_handler_may_cancel),
		cmocka_unit_test(test_another_thread_may_cancel),
		cmocka_unit_test(test_a_shield_keeps_deadline_and_cancellation_off),
		cmocka_unit_test(test_too_many_descriptors_are_refused),
		cmocka_unit_test_setup_teardown(test_details_agree_with_the_result, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(test_null_arguments_are_refused, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(test_an_engine_does_not_cross_a_fork, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(test_log_lines, core_setup, core_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

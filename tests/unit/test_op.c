/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: their results and their waits, as an event loop sees them. */
#include "op_fixture.h"

#include "core/list.h"

/* --- results --- */

static void test_an_operation_goes_on_when_what_it_waits_for_has_come(void **state)
{
	size_t descriptors = count_descriptors();
	char prefix[] = "got ";
	char *text = NULL;
	cri_op *op;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(begin_read(engine_of(state), prefix, ends[0], 2, NULL, &op, NULL), 0);
	memset(prefix, 'x', sizeof(prefix) - 1);
	assert_false(is_readable(op));
	assert_int_equal(cri_op_finish(op, &text, NULL), CRI_EAGAIN);
	assert_int_equal(write(ends[1], "a", 1), 1);
	assert_true(is_readable(op));
	assert_int_equal(cri_op_finish(op, &text, NULL), CRI_EAGAIN);
	assert_false(is_readable(op));
	assert_null(text);
	assert_int_equal(write(ends[1], "b", 1), 1);
	assert_int_equal(finish(op, &text, NULL), 0);
	assert_string_equal(text, "got ab");
	cri_free(text);
	cri_op_free(op);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(count_descriptors(), descriptors);
}

static int answer_number(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	(void)engine;
	(void)call;
	*(int32_t *)output = *(const int32_t *)args;
	return 0;
}

static void test_a_result_without_a_wait_is_told_by_finish(void **state)
{
	const int32_t number = -77;
	int32_t output = 0;
	cri_op *op;

	assert_int_equal(
		api_begin(engine_of(state), answer_number, &number, sizeof(number), NULL, API_INT32, &op, NULL), 0);
	assert_true(is_readable(op));
	assert_int_equal(cri_op_finish(op, &output, NULL), 0);
	assert_int_equal(output, -77);
	assert_int_equal(cri_op_finish(op, &output, NULL), CRI_EINVAL);
	cri_op_free(op);
}

static int fail_to_write(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	(void)engine;
	(void)args;
	(void)output;
	call_object(call, "pod a");
	return call_fail_errno(call, ENOSPC, "write", "/x");
}

static void test_details_of_a_failure_reach_the_callers_call(void **state)
{
	char *output = NULL;
	cri_call *call;
	cri_op *op;

	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(api_begin(engine_of(state), fail_to_write, NULL, 0, NULL, API_STRING, &op, call), 0);
	assert_int_equal(cri_call_code(call), 0);
	assert_int_equal(finish(op, &output, call), CRI_EEXHAUSTED);
	assert_null(output);
	assert_int_equal(cri_call_code(call), CRI_EEXHAUSTED);
	assert_int_equal(cri_call_errno(call), ENOSPC);
	assert_string_equal(cri_call_object(call), "pod a");
	assert_string_equal(cri_call_step(call), "write");
	assert_string_equal(cri_call_message(call), "pod a: write: /x: No space left on device");
	cri_op_free(op);
	cri_call_free(call);
}

static int answer_list(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	cri_list *list = list_new(LIST_EVENT, sizeof(cri_event));

	(void)engine;
	(void)args;
	(void)call;
	assert_non_null(list_add(list));
	*(cri_list **)output = list;
	return 0;
}

/* The leak checker is the judge. */
static void test_outputs_that_nobody_takes_are_freed(void **state)
{
	cri_list *list = NULL;
	cri_op *op;

	assert_int_equal(begin_read(engine_of(state), "text", -1, 0, NULL, &op, NULL), 0);
	cri_op_free(op);
	assert_int_equal(begin_read(engine_of(state), "text", -1, 0, NULL, &op, NULL), 0);
	assert_int_equal(finish(op, NULL, NULL), 0);
	cri_op_free(op);
	assert_int_equal(api_begin(engine_of(state), answer_list, NULL, 0, NULL, API_LIST, &op, NULL), 0);
	cri_op_free(op);
	assert_int_equal(api_begin(engine_of(state), answer_list, NULL, 0, NULL, API_LIST, &op, NULL), 0);
	assert_int_equal(finish(op, &list, NULL), 0);
	cri_op_free(op);
	assert_int_equal(cri_list_count(list), 1);
	cri_list_free(list);
}

static void test_null_operations(void **state)
{
	cri_call *call;

	(void)state;
	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(cri_op_fd(NULL), -1);
	assert_int_equal(cri_op_finish(NULL, NULL, call), CRI_EINVAL);
	assert_non_null(strstr(cri_call_message(call), "op"));
	cri_op_cancel(NULL);
	cri_op_free(NULL);
	cri_call_free(call);
}

static int refuse_copy(struct arena *arena, void *args, cri_call *call)
{
	(void)arena;
	(void)args;
	return call_fail(call, CRI_EINVAL, "copy", "field: it is wrong");
}

static void test_arguments_that_cannot_be_copied_fail_begin(void **state)
{
	size_t descriptors = count_descriptors();
	cri_op *op = NULL;
	int number = 0;
	cri_call *call;

	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(
		api_begin(engine_of(state), answer_number, &number, sizeof(number), refuse_copy, API_INT32, &op, call),
		CRI_EINVAL);
	assert_null(op);
	assert_string_equal(cri_call_message(call), "copy: field: it is wrong");
	cri_call_free(call);
	assert_int_equal(count_descriptors(), descriptors);
}

static int finish_itself(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	cri_op *const *op = *(cri_op *const *const *)args;

	(void)engine;
	(void)output;
	assert_int_equal(call_wait(call, "wait", NULL, 0, 1), 0);
	assert_int_equal(cri_op_finish(*op, NULL, NULL), CRI_EINVAL);
	return 0;
}

static void test_an_operation_cannot_continue_itself(void **state)
{
	cri_op *op = NULL;
	cri_op *const *const where = &op;

	assert_int_equal(
		api_begin(engine_of(state), finish_itself, &where, sizeof(where), NULL, API_NO_OUTPUT, &op, NULL), 0);
	assert_int_equal(finish(op, NULL, NULL), 0);
	cri_op_free(op);
}

/* --- waits --- */

static int sleep_thrice(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	(void)engine;
	(void)args;
	for (int i = 0; i < 3; i++) {
		int result = call_wait(call, "sleep", NULL, 0, 10);

		if (result < 0)
			return result;
		assert_int_equal(result, 0);
		++*(int32_t *)output;
	}
	return 0;
}

static void test_timeouts_pass(void **state)
{
	int64_t start = clock_boot();
	int32_t rounds = 0;
	cri_op *op;

	assert_int_equal(api_begin(engine_of(state), sleep_thrice, NULL, 0, NULL, API_INT32, &op, NULL), 0);
	assert_false(is_readable(op));
	assert_int_equal(finish(op, &rounds, NULL), 0);
	assert_int_equal(rounds, 3);
	assert_in_range(milliseconds_since(start), 30, 2000);
	cri_op_free(op);
}

static void test_the_deadline_is_that_of_begin(void **state)
{
	cri_call *call;
	char *text = NULL;
	cri_op *op;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(cri_call_new(&call), 0);
	cri_call_set_timeout(call, 20);
	assert_int_equal(begin_read(engine_of(state), "", ends[0], 1, NULL, &op, call), 0);
	cri_call_reset(call);
	assert_false(is_readable(op));
	assert_int_equal(finish(op, &text, call), CRI_ETIMEDOUT);
	assert_string_equal(cri_call_step(call), "read the pipe");
	cri_op_free(op);
	cri_call_set_timeout(call, 0);
	op = NULL;
	assert_int_equal(begin_read(engine_of(state), "", ends[0], 1, NULL, &op, call), CRI_ETIMEDOUT);
	assert_null(op);
	cri_call_reset(call);
	cri_call_cancel(call);
	assert_int_equal(begin_read(engine_of(state), "", ends[0], 1, NULL, &op, call), CRI_ECANCELED);
	assert_null(op);
	cri_call_free(call);
	close(ends[0]);
	close(ends[1]);
}

struct odd_fds {
	int ends[2];
	int file;
};

/* What poll(2) takes and epoll does not. */
static int wait_for_odd_descriptors(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct odd_fds *args = pointer;
	struct pollfd fds[3] = {
		{ .fd = args->ends[0], .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
		{ .fd = args->ends[0], .events = POLLPRI },
	};
	int other;

	(void)engine;
	(void)output;
	assert_int_equal(call_wait(call, "read twice", fds, 3, -1), 1);
	assert_int_equal(fds[0].revents, POLLIN);
	fds[0] = (struct pollfd){ .fd = args->file, .events = POLLIN };
	assert_int_equal(call_wait(call, "read a file", fds, 1, -1), 1);
	fds[0] = (struct pollfd){ .fd = 9999, .events = POLLIN };
	assert_int_equal(call_wait(call, "read nothing", fds, 1, -1), 1);
	assert_int_equal(fds[0].revents, POLLNVAL);
	/* The number of a descriptor that was waited for, for another one. */
	other = dup(args->ends[1]);
	close(args->ends[0]);
	assert_int_equal(dup2(args->file, args->ends[0]), args->ends[0]);
	assert_int_equal(call_wait(call, "sleep", NULL, 0, 1), 0);
	close(other);
	return 0;
}

static void test_descriptors_that_epoll_does_not_take(void **state)
{
	struct odd_fds args;
	cri_op *op;

	assert_int_equal(pipe2(args.ends, O_CLOEXEC), 0);
	args.file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(args.file >= 0);
	assert_int_equal(api_begin(engine_of(state), wait_for_odd_descriptors, &args, sizeof(args), NULL, API_NO_OUTPUT,
				   &op, NULL),
			 0);
	assert_false(is_readable(op));
	assert_int_equal(write(args.ends[1], "x", 1), 1);
	assert_int_equal(finish(op, NULL, NULL), 0);
	cri_op_free(op);
	close(args.ends[0]);
	close(args.ends[1]);
	close(args.file);
}

static int read_for_ever(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	int result;

	(void)engine;
	(void)output;
	do {
		struct pollfd fd = { .fd = *(const int *)args, .events = POLLIN };

		result = call_wait(call, "read", &fd, 1, -1);
	} while (result == 1);
	return result;
}

/* With something to do at any moment, it must still let the loop have its turn, and be cancelled. */
static void test_a_busy_operation_gives_the_thread_back(void **state)
{
	int ends[2];
	cri_op *op;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(
		api_begin(engine_of(state), read_for_ever, ends, sizeof(ends[0]), NULL, API_NO_OUTPUT, &op, NULL), 0);
	for (int i = 0; i < 5; i++) {
		int64_t start = clock_boot();

		assert_true(is_readable(op));
		assert_int_equal(cri_op_finish(op, NULL, NULL), CRI_EAGAIN);
		assert_in_range(milliseconds_since(start), 0, 500);
	}
	cri_op_cancel(op);
	assert_int_equal(finish(op, NULL, NULL), CRI_ECANCELED);
	cri_op_free(op);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_an_operation_goes_on_when_what_it_waits_for_has_come),
		TEST(test_a_result_without_a_wait_is_told_by_finish),
		TEST(test_details_of_a_failure_reach_the_callers_call),
		TEST(test_outputs_that_nobody_takes_are_freed),
		TEST(test_null_operations),
		TEST(test_arguments_that_cannot_be_copied_fail_begin),
		TEST(test_an_operation_cannot_continue_itself),
		TEST(test_timeouts_pass),
		TEST(test_the_deadline_is_that_of_begin),
		TEST(test_descriptors_that_epoll_does_not_take),
		TEST(test_a_busy_operation_gives_the_thread_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

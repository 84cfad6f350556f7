/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that are cancelled or freed in the middle. */
#include "op_fixture.h"

#include <sys/wait.h>

static void *cancel_later(void *op)
{
	const struct timespec delay = { .tv_nsec = 20000000 };

	nanosleep(&delay, NULL);
	cri_op_cancel(op);
	return NULL;
}

static void test_another_thread_cancels(void **state)
{
	pthread_t thread;
	char *text = NULL;
	cri_call *call;
	cri_op *op;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(begin_read(engine_of(state), "", ends[0], 1, NULL, &op, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, cancel_later, op), 0);
	assert_int_equal(finish(op, &text, call), CRI_ECANCELED);
	assert_string_equal(cri_call_step(call), "read the pipe");
	pthread_join(thread, NULL);
	cri_op_free(op);
	cri_call_free(call);
	close(ends[0]);
	close(ends[1]);
}

static void test_freeing_in_the_middle_undoes(void **state)
{
	size_t descriptors = count_descriptors();
	bool ended = false;
	int ends[2];
	cri_op *op;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(begin_read(engine_of(state), "", ends[0], 2, &ended, &op, NULL), 0);
	assert_int_equal(write(ends[1], "a", 1), 1);
	assert_int_equal(cri_op_finish(op, NULL, NULL), CRI_EAGAIN);
	assert_false(ended);
	cri_op_free(op);
	assert_true(ended);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(count_descriptors(), descriptors);
}

struct undo_args {
	int fd;
	bool *undone;
};

/* Is asked to stop in a wait, and must wait for the pipe before it may. */
static int work_and_undo(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct undo_args *args = pointer;
	struct pollfd fd = { .fd = args->fd, .events = POLLIN };
	int result = call_wait(call, "work", NULL, 0, -1);

	(void)engine;
	(void)output;
	assert_int_equal(result, CRI_ECANCELED);
	assert_int_equal(call_wait(call, "work", NULL, 0, -1), CRI_ECANCELED);
	call_shield(call);
	*args->undone = call_wait(call, "undo", &fd, 1, 5000) == 1;
	call_unshield(call);
	assert_int_equal(call_wait(call, "go on", NULL, 0, -1), CRI_ECANCELED);
	return result;
}

static void *write_later(void *fd)
{
	const struct timespec delay = { .tv_nsec = 20000000 };

	nanosleep(&delay, NULL);
	return write(*(int *)fd, "x", 1) == 1 ? fd : NULL;
}

static void test_undoing_may_wait_without_spinning(void **state)
{
	bool undone = false;
	int ends[2];
	cri_call *call;
	cri_op *op;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(cri_call_new(&call), 0);
	const struct undo_args args = { ends[0], &undone };

	assert_int_equal(
		api_begin(engine_of(state), work_and_undo, &args, sizeof(args), NULL, API_NO_OUTPUT, &op, NULL), 0);
	cri_op_cancel(op);
	assert_true(is_readable(op));
	assert_int_equal(cri_op_finish(op, NULL, call), CRI_EAGAIN);
	assert_false(is_readable(op));
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(finish(op, NULL, call), CRI_ECANCELED);
	assert_string_equal(cri_call_step(call), "work");
	assert_true(undone);
	cri_op_free(op);
	cri_call_free(call);
	close(ends[0]);
	close(ends[1]);
}

static void test_freeing_waits_for_shielded_undoing(void **state)
{
	bool undone = false;
	pthread_t thread;
	int ends[2];
	cri_op *op;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct undo_args args = { ends[0], &undone };

	assert_int_equal(
		api_begin(engine_of(state), work_and_undo, &args, sizeof(args), NULL, API_NO_OUTPUT, &op, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_later, &ends[1]), 0);
	cri_op_free(op);
	assert_true(undone);
	pthread_join(thread, NULL);
	close(ends[0]);
	close(ends[1]);
}

static void test_a_forked_child_only_frees_memory(void **state)
{
	bool ended = false;
	char *text = NULL;
	int ends[2], status;
	cri_op *op;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(begin_read(engine_of(state), "", ends[0], 1, &ended, &op, NULL), 0);
	child = fork();
	if (child == 0) {
		bool refused = cri_op_finish(op, &text, NULL) == CRI_EFORKED;

		cri_op_free(op);
		_exit(refused && !ended ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(write(ends[1], "z", 1), 1);
	assert_int_equal(finish(op, &text, NULL), 0);
	assert_string_equal(text, "z");
	cri_free(text);
	cri_op_free(op);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_another_thread_cancels),
		TEST(test_freeing_in_the_middle_undoes),
		TEST(test_undoing_may_wait_without_spinning),
		TEST(test_freeing_waits_for_shielded_undoing),
		TEST(test_a_forked_child_only_frees_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

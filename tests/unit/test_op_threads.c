/* SPDX-License-Identifier: Apache-2.0 */
/* Many operations in one loop, in many threads, and what a thread must not notice of them. */
#include "op_fixture.h"

#include <signal.h>
#include <sys/epoll.h>

#define N_OPS 200
#define ROUNDS 20

struct reader {
	int ends[2];
	cri_op *op;
	char expected[64];
	bool over;
};

static void start_readers(cri_engine *engine, struct reader *readers, int epoll_fd)
{
	for (int i = 0; i < N_OPS; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
		char prefix[16];

		snprintf(prefix, sizeof(prefix), "%d:", i);
		snprintf(readers[i].expected, sizeof(readers[i].expected), "%s", prefix);
		assert_int_equal(pipe2(readers[i].ends, O_CLOEXEC), 0);
		assert_int_equal(begin_read(engine, prefix, readers[i].ends[0], ROUNDS, NULL, &readers[i].op, NULL), 0);
		assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, cri_op_fd(readers[i].op), &event), 0);
	}
}

/* Continues whatever is ready; the number of those that are over now. */
static int turn(struct reader *readers, int epoll_fd)
{
	struct epoll_event events[16];
	int ready = epoll_wait(epoll_fd, events, 16, 10000);
	int over = 0;

	assert_true(ready > 0);
	for (int i = 0; i < ready; i++) {
		struct reader *reader = &readers[events[i].data.u32];
		char *text = NULL;
		int result = cri_op_finish(reader->op, &text, NULL);

		if (result == CRI_EAGAIN)
			continue;
		assert_int_equal(result, 0);
		assert_string_equal(text, reader->expected);
		cri_free(text);
		cri_op_free(reader->op);
		close(reader->ends[0]);
		close(reader->ends[1]);
		reader->over = true;
		over++;
	}
	return over;
}

static void test_many_operations_in_one_loop(void **state)
{
	struct reader *readers = calloc(N_OPS, sizeof(*readers));
	CLEANUP_CLOSE int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int over = 0;

	start_readers(engine_of(state), readers, epoll_fd);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < N_OPS; i++) {
			char letter = (char)('a' + (i + round * 7) % 26);
			size_t length = strlen(readers[i].expected);

			readers[i].expected[length] = letter;
			assert_int_equal(write(readers[i].ends[1], &letter, 1), 1);
		}
		if (round % 3 == 0)
			over += turn(readers, epoll_fd);
	}
	while (over < N_OPS)
		over += turn(readers, epoll_fd);
	free(readers);
}

/* --- stack --- */

#define DEPTH 100

/* Seven kilobytes a level, as functions with paths have. */
__attribute__((noinline)) static unsigned descend(cri_call *call, unsigned depth)
{
	volatile unsigned char frame[7000];
	unsigned sum;

	memset((void *)frame, (int)depth, sizeof(frame));
	if (depth == 0)
		assert_int_equal(call_wait(call, "wait at the bottom", NULL, 0, 1), 0);
	sum = depth ? descend(call, depth - 1) : 0;
	for (size_t i = 0; i < sizeof(frame); i += 1000)
		assert_int_equal(frame[i], depth);
	return sum + 1;
}

static int use_much_stack(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	(void)engine;
	(void)args;
	*(int32_t *)output = (int32_t)descend(call, DEPTH);
	return 0;
}

static void test_deep_calls_fit_the_stack(void **state)
{
	int32_t levels = 0;
	cri_op *op;

	assert_int_equal(api_begin(engine_of(state), use_much_stack, NULL, 0, NULL, API_INT32, &op, NULL), 0);
	assert_int_equal(finish(op, &levels, NULL), 0);
	assert_int_equal(levels, DEPTH + 1);
	cri_op_free(op);
}

/* --- other threads --- */

struct step {
	pthread_t thread;
	bool usr1_blocked;
	int error;
};

/* Inlined thrice into one function: there compilers like to remember where errno is. */
__attribute__((always_inline)) static inline void look(struct step *step, cri_call *call)
{
	sigset_t mask;

	assert_int_equal(close(-1), -1);
	step->error = errno;
	step->thread = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	step->usr1_blocked = sigismember(&mask, SIGUSR1);
	assert_int_equal(call_wait(call, "wait", NULL, 0, 1), 0);
}

/* Looks in each piece at what belongs to the thread. */
static int look_at_the_thread(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	struct step *steps = *(struct step *const *)args;

	(void)engine;
	(void)output;
	look(&steps[0], call);
	look(&steps[1], call);
	look(&steps[2], call);
	return 0;
}

static void *finish_once(void *pointer)
{
	cri_op *op = pointer;
	struct pollfd fd = { .fd = cri_op_fd(op), .events = POLLIN };

	assert_int_equal(poll(&fd, 1, 10000), 1);
	errno = 0;
	assert_int_equal(cri_op_finish(op, NULL, NULL), CRI_EAGAIN);
	return errno == EBADF ? pointer : NULL;
}

static void finish_once_in_a_thread(cri_op *op, pthread_t *thread)
{
	void *answer;

	errno = 0; /* this thread's, which is not to be looked at */
	assert_int_equal(pthread_create(thread, NULL, finish_once, op), 0);
	pthread_join(*thread, &answer);
	assert_ptr_equal(answer, op);
}

static void test_each_piece_belongs_to_the_thread_that_continues(void **state)
{
	struct step steps[3] = { { 0 } };
	struct step *const where = steps;
	sigset_t usr1, before, after;
	pthread_t thread;
	cri_op *op;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	assert_int_equal(
		api_begin(engine_of(state), look_at_the_thread, &where, sizeof(where), NULL, API_NO_OUTPUT, &op, NULL),
		0);
	assert_false(steps[0].usr1_blocked);
	pthread_sigmask(SIG_BLOCK, &usr1, &before);
	finish_once_in_a_thread(op, &thread);

	assert_true(pthread_equal(steps[0].thread, pthread_self()));
	assert_true(steps[1].usr1_blocked);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	finish_once_in_a_thread(op, &thread);
	assert_false(steps[2].usr1_blocked);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	assert_int_equal(finish(op, NULL, NULL), 0);
	pthread_sigmask(SIG_SETMASK, &before, &after);
	assert_true(sigismember(&after, SIGUSR1));
	for (int i = 0; i < 3; i++)
		assert_int_equal(steps[i].error, EBADF);
	cri_op_free(op);
}

struct worker {
	pthread_t thread;
	cri_engine *engine;
	int over;
};

static void *run_many(void *pointer)
{
	struct worker *worker = pointer;

	for (int i = 0; i < 100; i++) {
		char *text = NULL;
		int ends[2];
		cri_op *op;

		if (pipe2(ends, O_CLOEXEC) < 0)
			return NULL;
		if (begin_read(worker->engine, "t", ends[0], 3, NULL, &op, NULL) == 0 &&
		    write(ends[1], "abc", 3) == 3) {
			if (i % 4 == 0)
				cri_op_cancel(op);
			if (i % 5 != 0) {
				int result = finish(op, &text, NULL);

				worker->over += result == (i % 4 == 0 ? CRI_ECANCELED : 0);
			}
			cri_op_free(op);
		}
		cri_free(text);
		close(ends[0]);
		close(ends[1]);
	}
	return NULL;
}

static void test_threads_do_not_disturb_each_other(void **state)
{
	struct worker workers[4];

	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .engine = engine_of(state) };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run_many, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].over, 80);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_many_operations_in_one_loop),
		TEST(test_deep_calls_fit_the_stack),
		TEST(test_each_piece_belongs_to_the_thread_that_continues),
		TEST(test_threads_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

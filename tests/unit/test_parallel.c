/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parallel.h"
#include "base/threads.h"

#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 5000

struct counting {
	atomic_uint calls[MANY];
	pthread_t threads[PARALLEL_WORKERS];
	atomic_uint per_worker[PARALLEL_WORKERS];
	atomic_uint wrong;
};

static void count(void *context, size_t worker, size_t index)
{
	struct counting *counting = context;
	const pthread_t self = pthread_self();

	atomic_fetch_add(&counting->calls[index], 1);
	/* What belongs to a worker is one thread's. */
	if (atomic_fetch_add(&counting->per_worker[worker], 1) == 0)
		counting->threads[worker] = self;
	else if (!pthread_equal(counting->threads[worker], self))
		atomic_fetch_add(&counting->wrong, 1);
	/* On a machine with one free processor the other thread gets its turn, too. */
	if (index % 16 == 0)
		sched_yield();
}

static void test_each_index_once(void **state)
{
	static struct counting counting;
	static const size_t sizes[] = { 0, 1, 15, 16, 17, MANY };

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		counting = (struct counting){ .wrong = 0 };
		parallel_run(sizes[s], count, &counting);
		for (size_t i = 0; i < MANY; i++)
			assert_int_equal(counting.calls[i], i < sizes[s]);
		assert_int_equal(counting.wrong, 0);
		assert_int_equal(counting.per_worker[0] + counting.per_worker[1], sizes[s]);
		if (counting.per_worker[0])
			assert_true(pthread_equal(counting.threads[0], pthread_self()));
	}
}

static void *read_mask(void *mask)
{
	pthread_sigmask(SIG_SETMASK, NULL, mask);
	return NULL;
}

/* No signal of the program ends up in a thread of ours, and the caller's mask stays. */
static void test_signals_are_blocked(void **state)
{
	sigset_t mask, before, after;
	pthread_t thread;

	(void)state;
	sigemptyset(&mask);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(thread_start(&thread, read_mask, &mask), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGCHLD) && sigismember(&mask, SIGUSR1));
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int signal = 1; signal < 32; signal++)
		assert_int_equal(sigismember(&before, signal), sigismember(&after, signal));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_index_once),
					    cmocka_unit_test(test_signals_are_blocked) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

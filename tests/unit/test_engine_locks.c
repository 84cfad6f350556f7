/* SPDX-License-Identifier: Apache-2.0 */
/* Object locks: between threads, between processes, and with a deadline. */
#include "op_fixture.h"

#include "base/lock.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static void test_a_lock_excludes_and_is_given_back(void **state)
{
	cri_engine *engine = engine_of(state);
	int lock = -1, other = -1;
	cri_call call;

	call_init(&call);
	assert_int_equal(engine_lock_object(engine, "a", &lock, &call), 0);
	assert_true(lock >= 0);
	assert_int_equal(engine_trylock_object(engine, "a", &other, &call), CRI_EAGAIN);
	assert_int_equal(cri_call_code(&call), 0);
	assert_int_equal(other, -1);
	lock_release(lock);
	assert_int_equal(engine_trylock_object(engine, "a", &other, &call), 0);
	lock_release(other);
}

static void test_names_and_ids_and_recovery_are_apart(void **state)
{
	cri_engine *engine = engine_of(state);
	int locks[4] = { -1, -1, -1, -1 };
	char path[PATH_MAX];
	cri_call call;

	call_init(&call);
	assert_int_equal(engine_lock_object(engine, "a", &locks[0], &call), 0);
	assert_int_equal(engine_lock_object(engine, "b", &locks[1], &call), 0);
	assert_int_equal(engine_lock_name(engine, "a", &locks[2], &call), 0);
	locks[3] = lock_try(path_lock(engine, path), 0);
	for (int i = 0; i < 4; i++) {
		assert_true(locks[i] >= 0);
		lock_release(locks[i]);
	}
}

static void test_the_deadline_and_a_cancellation_end_the_wait(void **state)
{
	cri_engine *engine = engine_of(state);
	CLEANUP_LOCK int lock = -1;
	int64_t start = clock_boot();
	int other = -1;
	cri_call *call;

	assert_int_equal(cri_call_new(&call), 0);
	call_object(call, "pod a");
	assert_int_equal(engine_lock_name(engine, "a", &lock, call), 0);
	cri_call_set_timeout(call, 30);
	assert_int_equal(engine_lock_name(engine, "a", &other, call), CRI_ETIMEDOUT);
	assert_in_range(milliseconds_since(start), 30, 1000);
	assert_non_null(strstr(cri_call_message(call), "pod a: wait for another call"));
	cri_call_reset(call);
	cri_call_cancel(call);
	assert_int_equal(engine_lock_name(engine, "a", &other, call), CRI_ECANCELED);
	assert_int_equal(other, -1);
	cri_call_free(call);
}

struct counter {
	cri_engine *engine;
	int value; /* guarded by the lock on trust: the thread sanitizer knows nothing of file locks */
};

#define TURNS 50

static void *count(void *pointer)
{
	struct counter *counter = pointer;

	for (int i = 0; i < TURNS; i++) {
		CLEANUP_LOCK int lock = -1;
		cri_call call;
		int value;

		call_init(&call);
		if (engine_lock_object(counter->engine, "a", &lock, &call) < 0)
			return NULL;
		value = __atomic_load_n(&counter->value, __ATOMIC_RELAXED);
		sched_yield();
		__atomic_store_n(&counter->value, value + 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void test_threads_exclude_each_other(void **state)
{
	struct counter counter = { .engine = engine_of(state) };
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, &counter), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter.value, 3 * TURNS);
}

static void test_a_lock_goes_with_its_process(void **state)
{
	cri_engine *engine = engine_of(state);
	int ready[2], status, lock = -1;
	cri_call call;
	pid_t child;
	char byte;

	call_init(&call);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		if (engine_lock_object(engine, "a", &lock, &call) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(engine_trylock_object(engine, "a", &lock, &call), CRI_EAGAIN);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(engine_trylock_object(engine, "a", &lock, &call), 0);
	lock_release(lock);
	close(ready[0]);
	close(ready[1]);
}

static int lock_in_operation(cri_engine *engine, const void *args, void *output, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;

	(void)args;
	(void)output;
	return engine_lock_object(engine, "a", &lock, call);
}

/* Two operations of one thread: the wait for a lock must not block it. */
static void test_an_operation_waits_for_a_lock(void **state)
{
	cri_engine *engine = engine_of(state);
	int lock = -1;
	cri_call call;
	cri_op *op;

	call_init(&call);
	assert_int_equal(engine_lock_object(engine, "a", &lock, &call), 0);
	assert_int_equal(api_begin(engine, lock_in_operation, NULL, 0, NULL, API_NO_OUTPUT, &op, NULL), 0);
	assert_int_equal(cri_op_finish(op, NULL, NULL), CRI_EAGAIN);
	lock_release(lock);
	assert_int_equal(finish(op, NULL, NULL), 0);
	cri_op_free(op);
}

static void test_a_missing_root_is_told(void **state)
{
	cri_engine gone = *engine_of(state);
	int lock = -1;
	cri_call call;

	gone.root = "/nonexistent/root";
	call_init(&call);
	assert_int_equal(engine_lock_object(&gone, "a", &lock, &call), CRI_ENOTFOUND);
	assert_non_null(strstr(cri_call_message(&call), "/nonexistent/root/lock"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_lock_excludes_and_is_given_back),
		TEST(test_names_and_ids_and_recovery_are_apart),
		TEST(test_the_deadline_and_a_cancellation_end_the_wait),
		TEST(test_threads_exclude_each_other),
		TEST(test_a_lock_goes_with_its_process),
		TEST(test_an_operation_waits_for_a_lock),
		TEST(test_a_missing_root_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char path[64];

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/test_lock.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return unlink(path);
}

static int delete_file(void **state)
{
	(void)state;
	return unlink(path) && errno != ENOENT ? -1 : 0;
}

static void test_excludes_in_one_process(void **state)
{
	int fd = lock_try(path, 7), other;

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(lock_try(path, 7), -EAGAIN);
	assert_int_equal(lock_is_held(path, 7), 1);
	assert_int_equal(lock_is_held(path, 6), 0);
	assert_int_equal(lock_is_held(path, 8), 0);
	other = lock_try(path, 8);
	assert_true(other >= 0);
	lock_release(other);
	/* Another close(2) of the same file takes nothing away. */
	assert_int_equal(lock_is_held(path, 7), 1);
	lock_release(fd);
	assert_int_equal(lock_is_held(path, 7), 0);
	fd = lock_try(path, 7);
	assert_true(fd >= 0);
	lock_release(fd);
}

static void test_a_holder_takes_and_gives_single_bytes(void **state)
{
	int fd = lock_try(path, 7), other = lock_try(path, 9);

	(void)state;
	assert_true(fd >= 0 && other >= 0);
	assert_int_equal(lock_take_byte(fd, 8), 0);
	assert_int_equal(lock_take_byte(fd, 9), -EAGAIN);
	assert_int_equal(lock_take_byte(other, 8), -EAGAIN);
	assert_int_equal(lock_is_held(path, 8), 1);
	assert_int_equal(lock_give_byte(fd, 8), 0);
	assert_int_equal(lock_is_held(path, 8), 0);
	assert_int_equal(lock_is_held(path, 7), 1);
	assert_int_equal(lock_is_held(path, 9), 1);
	assert_int_equal(lock_take_byte(fd, 8), 0);
	lock_release(fd);
	assert_int_equal(lock_is_held(path, 8), 0);
	lock_release(other);
}

static void test_file_is_private(void **state)
{
	struct stat status;
	int fd = lock_try(path, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	lock_release(fd);
}

static void test_shared(void **state)
{
	int first, second, alone;

	(void)state;
	first = lock_share(path, 7);
	second = lock_share(path, 7);
	assert_true(first >= 0);
	assert_true(second >= 0);
	assert_int_equal(lock_try(path, 7), -EAGAIN);
	assert_int_equal(lock_is_held(path, 7), 1);
	lock_release(first);
	assert_int_equal(lock_is_held(path, 7), 1);
	lock_release(second);
	assert_int_equal(lock_is_held(path, 7), 0);
	alone = lock_try(path, 7);
	assert_true(alone >= 0);
	assert_int_equal(lock_share(path, 7), -EAGAIN);
	lock_release(alone);
}

static void test_release_with_a_copy_left(void **state)
{
	int fd = lock_try(path, 7), copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_true(copy >= 0);
	lock_release(fd);
	assert_int_equal(lock_is_held(path, 7), 0);
	close(copy);
}

static void test_holder_dies(void **state)
{
	int ready[2];
	char byte;
	pid_t child;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (lock_try(path, 9) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(lock_try(path, 9), -EAGAIN);
	assert_int_equal(lock_is_held(path, 9), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(lock_is_held(path, 9), 0);
	close(ready[0]);
	close(ready[1]);
}

static void test_missing_files(void **state)
{
	(void)state;
	assert_int_equal(lock_is_held("/nonexistent/lock", 1), 0);
	assert_int_equal(lock_try("/nonexistent/lock", 1), -ENOENT);
	assert_int_equal(lock_try("/", 1), -EISDIR);
}

static void test_highest_byte(void **state)
{
	const uint64_t highest = (UINT64_C(1) << 62) - 1;
	CLEANUP_LOCK int fd = lock_try(path, highest);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(lock_is_held(path, highest), 1);
	assert_int_equal(lock_is_held(path, highest - 1), 0);
}

static void test_bytes_of_names(void **state)
{
	(void)state;
	/* FNV-1a's published values, cut. */
	assert_true(lock_byte("") == (UINT64_C(0xcbf29ce484222325) & ((UINT64_C(1) << 62) - 1)));
	assert_true(lock_byte("a") == (UINT64_C(0xaf63dc4c8601ec8c) & ((UINT64_C(1) << 62) - 1)));
	assert_true(lock_byte("foobar") == (UINT64_C(0x85944171f73967e8) & ((UINT64_C(1) << 62) - 1)));
}

#define ROUNDS 300

static int in_section;
static int collisions;

static void *contend(void *unused)
{
	for (int done = 0; done < ROUNDS;) {
		int fd = lock_try(path, 3);

		if (fd == -EAGAIN) {
			sched_yield();
			continue;
		}
		if (fd < 0)
			return (void *)1;
		if (__atomic_add_fetch(&in_section, 1, __ATOMIC_SEQ_CST) != 1)
			__atomic_add_fetch(&collisions, 1, __ATOMIC_SEQ_CST);
		sched_yield();
		__atomic_sub_fetch(&in_section, 1, __ATOMIC_SEQ_CST);
		lock_release(fd);
		done++;
	}
	return unused;
}

static void test_threads_exclude_each_other(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, contend, NULL), 0);
	for (int i = 0; i < 4; i++) {
		void *failed = NULL;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(collisions, 0);
}

static void test_clocks_advance(void **state)
{
	int64_t boot = clock_boot(), wall = clock_wall();

	(void)state;
	assert_true(boot > 0);
	assert_true(clock_boot() >= boot);
	/* 2020 to 2200: nanoseconds, not another unit. */
	assert_true(wall > INT64_C(1577836800) * NANOSECONDS_PER_SECOND);
	assert_true(wall < INT64_C(7258118400) * NANOSECONDS_PER_SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_excludes_in_one_process, make_file, delete_file),
		cmocka_unit_test_setup_teardown(test_a_holder_takes_and_gives_single_bytes, make_file, delete_file),
		cmocka_unit_test_setup_teardown(test_file_is_private, make_file, delete_file),
		cmocka_unit_test_setup_teardown(test_shared, make_file, delete_file),
		cmocka_unit_test_setup_teardown(test_release_with_a_copy_left, make_file, delete_file),
		cmocka_unit_test_setup_teardown(test_holder_dies, make_file, delete_file),
		cmocka_unit_test(test_missing_files),
		cmocka_unit_test_setup_teardown(test_highest_byte, make_file, delete_file),
		cmocka_unit_test(test_bytes_of_names),
		cmocka_unit_test_setup_teardown(test_threads_exclude_each_other, make_file, delete_file),
		cmocka_unit_test(test_clocks_advance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

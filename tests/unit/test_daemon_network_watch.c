/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of networks: what is told, and that nothing is told again and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/network_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned changes;

static void on_change(void)
{
	changes++;
}

/* Turns until it has nothing more to say, or for so many turns. */
static void settle(struct loop *loop, struct network_watch *watch)
{
	assert_int_equal(loop_turn(loop, 0), 0);
	for (int i = 0; i < 50; i++) {
		const int wait = network_watch_tick(watch);

		if (wait < 0)
			return;
		(void)loop_turn(loop, wait);
	}
	fail_msg("it is never done");
}

static void test_file_in_its_place(void **state)
{
	char parent[] = "/tmp/libcri-watch-XXXXXX", path[64];
	struct network_watch *watch = NULL;
	struct loop *loop = NULL;

	(void)state;
	assert_non_null(mkdtemp(parent));
	snprintf(path, sizeof(path), "%s/net.d", parent);
	assert_int_equal(loop_open(&loop), 0);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(network_watch_open(loop, path, on_change, &watch), 0);
	settle(loop, watch);
	assert_int_equal(changes, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	settle(loop, watch);
	assert_true(changes > 0);
	assert_int_equal(rmdir(path), 0);
	network_watch_close(watch);
	loop_close(loop);
	assert_int_equal(rmdir(parent), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_in_its_place),
	};

	return cmocka_run_group_tests_name("watch of networks", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mountinfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void test_lines(void **state)
{
	char text[] = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
		      "malformed\n"
		      "23 22 0:4 mnt:[4026532248] /run/a\\040b\\134\\011c rw unbindable - nsfs nsfs rw\n"
		      "x 22 0:4 / /run rw - tmpfs tmpfs rw\n"
		      "\n"
		      "24 22 0:5 /below\\012 /data rw,nosuid shared:7 master:2 - tmpfs  rw,size=4k\n"
		      "25 22 0:6 / /short rw - proc\n"
		      "26 22 0:6 / /last ro - cgroup2 none rw,nsdelegate";
	struct mountinfo_line line;
	char *at = text;

	(void)state;
	assert_true(mountinfo_next(&at, &line));
	assert_int_equal(line.id, 22);
	assert_string_equal(line.root, "/");
	assert_string_equal(line.mountpoint, "/");
	assert_string_equal(line.propagation, "shared:1");
	assert_string_equal(line.type, "ext4");
	assert_string_equal(line.source, "/dev/sda1");
	assert_string_equal(line.options, "rw,errors=remount-ro");
	assert_true(mountinfo_next(&at, &line));
	assert_int_equal(line.id, 23);
	assert_string_equal(line.root, "mnt:[4026532248]");
	assert_string_equal(line.mountpoint, "/run/a b\\\tc");
	assert_string_equal(line.propagation, "unbindable");
	assert_true(mountinfo_next(&at, &line));
	assert_int_equal(line.id, 24);
	assert_string_equal(line.root, "/below\n");
	assert_string_equal(line.propagation, "shared:7 master:2");
	assert_string_equal(line.type, "tmpfs");
	assert_string_equal(line.source, "");
	assert_string_equal(line.options, "rw,size=4k");
	assert_true(mountinfo_next(&at, &line));
	assert_int_equal(line.id, 26);
	assert_string_equal(line.propagation, "");
	assert_string_equal(line.options, "rw,nsdelegate");
	assert_false(mountinfo_next(&at, &line));
	assert_false(mountinfo_next(&at, &line));
}

static void test_this_machines(void **state)
{
	struct buffer text = BUFFER_EMPTY;
	struct mountinfo_line line;
	struct stat status;
	bool proc = false;
	char *at;

	(void)state;
	assert_int_equal(mountinfo_read(&text), 0);
	at = text.data;
	while (mountinfo_next(&at, &line)) {
		assert_int_equal(*line.mountpoint, '/');
		if (!strcmp(line.mountpoint, "/proc") && !strcmp(line.type, "proc"))
			proc = stat(line.mountpoint, &status) == 0;
	}
	assert_true(proc);
	buffer_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_this_machines) };

	return cmocka_run_group_tests_name("mountinfo", tests, NULL, NULL);
}

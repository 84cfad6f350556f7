/* SPDX-License-Identifier: Apache-2.0 */
/* cri-init: the mounts of a container. Needs root. */
#include "init_player.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static char source[] = "/tmp/test-init-source-XXXXXX";

static int set_up(void **state)
{
	char path[PATH_MAX];

	(void)state;
	if (geteuid())
		return 0;
	(void)player_set_up(state);
	if (!mkdtemp(source) || fs_path(path, sizeof(path), "%s/file", source) < 0)
		return -1;
	return fs_write_atomic(AT_FDCWD, path, "from the host\n", 14, 0644, false);
}

static int tear_down(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	(void)player_tear_down(state);
	return fs_remove_tree(AT_FDCWD, source);
}

/* As the shim does it. */
static void order_mount(const char *from, const char *target, uint32_t flags)
{
	CLEANUP_CLOSE int tree = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	assert_true(tree >= 0);
	player_order(&the_player, INIT_MOUNT, flags, &target, 1, tree);
}

static void order_fresh(const char *type, const char *target, const char *data, uint32_t flags)
{
	const char *const texts[] = { type, target, data };

	player_order(&the_player, INIT_FRESH, flags, texts, 3, -1);
}

static void order(uint32_t type, const char *target)
{
	player_order(&the_player, type, 0, &target, 1, -1);
}

static void record(const char *script)
{
	const char *const arguments[] = { "sh", "-c", script, NULL };

	player_record(&the_player, DEFAULT_CAPABILITIES | UINT64_C(1) << 21, arguments);
}

static const char *run(const char *script)
{
	const char *output;

	record(script);
	player_prepare(&the_player);
	player_go(&the_player);
	output = player_output(&the_player);
	player_end(&the_player);
	return output;
}

static void test_binds(void **state)
{
	char file[PATH_MAX], path[PATH_MAX];

	NEEDS_ROOT();
	assert_int_equal(fs_path(file, sizeof(file), "%s/file", source), 0);
	player_start(&the_player);
	order_mount(source, "/mnt/new/directory", 0);
	order_mount(source, "/var/run/secrets/token", 0);
	order_mount(file, "/etc/new/file", INIT_MOUNT_FILE);
	order_mount(file, "/etc/passwd", INIT_MOUNT_FILE);
	order_mount(source, "/escape/mount", 0);
	order_mount(source, "/../../../up", 0);
	assert_string_equal(run("cat /mnt/new/directory/file /run/secrets/token/file /var/run/secrets/token/file "
				"/etc/new/file /etc/passwd /tmp/test-init-escaped/mount/file /up/file\n"
				"stat -c '%u %a' /run/secrets /mnt/new"),
			    "from the host\nfrom the host\nfrom the host\nfrom the host\nfrom the host\n"
			    "from the host\nfrom the host\n0 755\n0 755\n");
	/* The mounts went with the container; the places stay in its root. */
	assert_int_equal(fs_path(path, sizeof(path), "%s/run/secrets/token", the_player.root), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(fs_path(path, sizeof(path), "%s/tmp/test-init-escaped/mount/file", the_player.root), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_bind_errors(void **state)
{
	char file[PATH_MAX];

	NEEDS_ROOT();
	assert_int_equal(fs_path(file, sizeof(file), "%s/file", source), 0);
	player_start(&the_player);
	order_mount(file, "/home", INIT_MOUNT_FILE);
	record("true");
	player_prepare_fails(&the_player, ENOTDIR);
	assert_string_equal(the_player.message, "/home and what is mounted there are not of one kind");
	player_start(&the_player);
	order_mount(source, "/", 0);
	record("true");
	player_prepare_fails(&the_player, EINVAL);
	player_start(&the_player);
	order_mount(source, "/bin/sh/below", 0);
	record("true");
	player_prepare_fails(&the_player, ENOTDIR);
	player_start(&the_player);
	order(INIT_MOUNT, "/nothing");
	record("true");
	player_prepare_fails(&the_player, EBADMSG);
}

static void test_fresh(void **state)
{
	NEEDS_ROOT();
	player_start(&the_player);
	order_fresh("tmpfs", "/scratch", "mode=1770,size=64k", MS_NOSUID | MS_NODEV | MS_NOEXEC);
	order_fresh("tmpfs", "/fixed", "", MS_RDONLY | MS_NOATIME);
	order_fresh("mqueue", "/dev/mqueue", "", MS_NOSUID | MS_NODEV | MS_NOEXEC);
	assert_string_equal(run("stat -c %a /scratch; mkdir /fixed/x 2>/dev/null || echo read-only\n"
				"while read a b c d e f g; do case $e in /scratch|/fixed|/dev/mqueue) echo $e $f;; "
				"esac; done </proc/self/mountinfo"),
			    "1770\nread-only\n/scratch rw,nosuid,nodev,noexec,relatime\n/fixed ro,noatime\n"
			    "/dev/mqueue rw,nosuid,nodev,noexec,relatime\n");
	player_start(&the_player);
	order_fresh("tmpfs", "/scratch", "nonsense=1", 0);
	record("true");
	player_prepare_fails(&the_player, EINVAL);
	assert_non_null(strstr(the_player.message, "nonsense=1"));
	player_start(&the_player);
	order_fresh("nofs", "/scratch", "", 0);
	record("true");
	player_prepare_fails(&the_player, ENODEV);
	player_start(&the_player);
	order_fresh("tmpfs", "/scratch", "", MS_SYNCHRONOUS);
	record("true");
	player_prepare_fails(&the_player, EINVAL);
}

static void test_masks(void **state)
{
	NEEDS_ROOT();
	player_start(&the_player);
	order(INIT_MASK, "/proc/version");
	order(INIT_MASK, "/proc/bus");
	order(INIT_MASK, "/proc/fs");
	order(INIT_MASK, "/home");
	order(INIT_MASK, "/nonexistent/path");
	order(INIT_MASK, "/bin/sh/path");
	order(INIT_READONLY, "/proc/sys");
	order(INIT_READONLY, "/nonexistent");
	assert_string_equal(run("cat /proc/version; ls -A /proc/bus; ls -A /home\n"
				"echo x 2>/dev/null >/proc/bus/x || echo masked\n"
				"echo 1 2>/dev/null >/proc/sys/kernel/shmmni || echo fixed\n"
				"test -c /proc/version && echo null"),
			    "masked\nfixed\nnull\n");
}

static void test_false_null(void **state)
{
	char file[PATH_MAX];

	NEEDS_ROOT();
	assert_int_equal(fs_path(file, sizeof(file), "%s/file", source), 0);
	/* What should hide must be empty. */
	player_start(&the_player);
	order_mount(file, "/dev/null", INIT_MOUNT_FILE);
	order(INIT_MASK, "/proc/version");
	record("true");
	player_prepare_fails(&the_player, ENODEV);
	assert_string_equal(the_player.step, "mask a path");
}

static void test_readonly_root(void **state)
{
	NEEDS_ROOT();
	player_start(&the_player);
	order_mount(source, "/volume", 0);
	order(INIT_READONLY, "/");
	record("pwd; mkdir /x 2>/dev/null || echo fixed; mkdir /volume/made && echo writable; echo >/dev/null && echo "
	       "ok");
	player_add_text(&the_player, PROCESS_DIRECTORY, "/made/before");
	player_prepare(&the_player);
	player_go(&the_player);
	assert_string_equal(player_output(&the_player), "/made/before\nfixed\nwritable\nok\n");
	assert_int_equal(player_end(&the_player), 0);
	/* With all below it. */
	player_start(&the_player);
	order_mount(source, "/volume/deep", 0);
	order(INIT_READONLY, "/volume");
	assert_string_equal(run("cat /volume/deep/file; echo x 2>/dev/null >/volume/deep/file || echo fixed"),
			    "from the host\nfixed\n");
}

static void test_false_proc(void **state)
{
	const int64_t score = 100;

	NEEDS_ROOT();
	/* A mount over /proc: what is written there would reach nobody. */
	player_start(&the_player);
	order_fresh("tmpfs", "/proc", "", 0);
	order_fresh("tmpfs", "/proc/self", "", 0);
	order_mount("/dev/null", "/proc/self/oom_score_adj", INIT_MOUNT_FILE);
	record("true");
	player_add(&the_player, PROCESS_OOM_SCORE, &score, sizeof(score));
	player_prepare_fails(&the_player, ENODEV);
	assert_string_equal(the_player.step, "set oom_score_adj");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binds),      cmocka_unit_test(test_bind_errors),
		cmocka_unit_test(test_fresh),      cmocka_unit_test(test_masks),
		cmocka_unit_test(test_false_null), cmocka_unit_test(test_readonly_root),
		cmocka_unit_test(test_false_proc),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

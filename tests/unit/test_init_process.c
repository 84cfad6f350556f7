/* SPDX-License-Identifier: Apache-2.0 */
/* cri-init: command, user, environment, directory, terminal, errors, the pause process. Needs root. */
#include "init_player.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void begin(const char *const *arguments)
{
	player_start(&the_player);
	player_record(&the_player, DEFAULT_CAPABILITIES, arguments);
}

static void begin_script(const char *script)
{
	const char *const arguments[] = { "sh", "-c", script, NULL };

	begin(arguments);
}

static const char *finish(void)
{
	const char *output;

	player_prepare(&the_player);
	player_go(&the_player);
	output = player_output(&the_player);
	assert_int_equal(player_end(&the_player), 0);
	return output;
}

static void test_users(void **state)
{
	const int64_t groups[] = { 4000, 11 }, group = 3000;

	NEEDS_ROOT();
	assert_string_equal(player_run(&the_player, "", "id -u; id -G"), "0\n0\n");
	assert_string_equal(the_player.user, "0 0 0");
	assert_string_equal(player_run(&the_player, "app", "id -u; id -G; echo $HOME"), "1000\n1001 11\n/home/app\n");
	assert_string_equal(the_player.user, "1000 1001 1001 11");
	assert_string_equal(player_run(&the_player, "7:8", "id -u; id -G; echo $HOME"), "7\n8\n/\n");
	begin_script("id -u; id -G; grep ^Groups: /proc/self/status");
	player_add_text(&the_player, PROCESS_USER, "1000");
	player_add(&the_player, PROCESS_GROUP, &group, sizeof(group));
	player_add(&the_player, PROCESS_GROUPS, groups, sizeof(groups));
	assert_string_equal(finish(), "1000\n3000 11 4000\nGroups:\t11 3000 4000 \n");
	begin_script("true");
	player_add_text(&the_player, PROCESS_USER, "nobody");
	player_prepare_fails(&the_player, ENOENT);
	assert_string_equal(the_player.step, "find the user");
	assert_string_equal(the_player.message, "/etc/passwd has no user \"nobody\"");
}

static void replace_passwd(mode_t type, size_t size)
{
	char path[PATH_MAX];

	assert_int_equal(fs_path(path, sizeof(path), "%s/etc/passwd", the_player.root), 0);
	assert_int_equal(remove(path), 0);
	if (type == S_IFREG) {
		CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
	} else if (type == S_IFDIR) {
		assert_int_equal(mkdir(path, 0755), 0);
	} else {
		assert_int_equal(mkfifo(path, 0644), 0);
	}
}

static void test_malicious_passwd(void **state)
{
	NEEDS_ROOT();
	/* What is no file is not read, and holds nobody up. */
	replace_passwd(S_IFIFO, 0);
	assert_string_equal(player_run(&the_player, "12", "grep Uid /proc/self/status"), "Uid:\t12\t12\t12\t12\n");
	replace_passwd(S_IFDIR, 0);
	assert_string_equal(player_run(&the_player, "12", "grep Uid /proc/self/status"), "Uid:\t12\t12\t12\t12\n");
	replace_passwd(S_IFREG, (size_t)1 << 40);
	begin_script("true");
	player_prepare_fails(&the_player, EFBIG);
	replace_passwd(S_IFREG, 0);
	assert_string_equal(player_run(&the_player, "12", "id -u"), "12\n");
}

static void test_environment(void **state)
{
	static const char *const arguments[] = { "env", NULL };
	const char *output;

	NEEDS_ROOT();
	begin(arguments);
	output = finish();
	assert_string_equal(output, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOME=/root\n");
	begin(arguments);
	player_add_text(&the_player, PROCESS_ENVIRONMENT, "A=x=y z");
	player_add_text(&the_player, PROCESS_ENVIRONMENT, "HOME=/elsewhere");
	player_add_text(&the_player, PROCESS_ENVIRONMENT, "PATH=/nonexistent:/bin");
	output = finish();
	assert_string_equal(output, "A=x=y z\nHOME=/elsewhere\nPATH=/nonexistent:/bin\n");
}

static void test_directory(void **state)
{
	struct stat status;
	char path[PATH_MAX];

	NEEDS_ROOT();
	begin_script("pwd; stat -c '%U:%G %a' .");
	player_add_text(&the_player, PROCESS_DIRECTORY, "/srv/new/deep");
	player_add_text(&the_player, PROCESS_USER, "app");
	assert_string_equal(finish(), "/srv/new/deep\nroot:root 755\n");
	/* Only root may search it; the image said so, and the process starts there. */
	assert_int_equal(fs_path(path, sizeof(path), "%s/root", the_player.root), 0);
	assert_int_equal(chmod(path, 0700), 0);
	begin_script("pwd");
	player_add_text(&the_player, PROCESS_DIRECTORY, "/root");
	player_add_text(&the_player, PROCESS_USER, "app");
	assert_string_equal(finish(), "/root\n");
	begin_script("pwd");
	player_add_text(&the_player, PROCESS_DIRECTORY, "/missing");
	player_add(&the_player, PROCESS_EXEC, NULL, 0);
	player_prepare(&the_player);
	player_go_fails(&the_player, ENOENT);
	assert_string_equal(the_player.step, "change to the working directory");
	assert_int_equal(fs_path(path, sizeof(path), "%s/missing", the_player.root), 0);
	assert_int_equal(stat(path, &status), -1);
	begin_script("pwd");
	player_add_text(&the_player, PROCESS_DIRECTORY, "/bin/sh");
	player_prepare(&the_player);
	player_go_fails(&the_player, ENOTDIR);
	begin_script("pwd");
	player_add_text(&the_player, PROCESS_DIRECTORY, "/proc/self/fd/3");
	player_prepare_fails(&the_player, ELOOP);
}

static void expect_exec_failure(const char *name, int error, const char *message)
{
	const char *const arguments[] = { name, NULL };

	begin(arguments);
	player_prepare(&the_player);
	player_go_fails(&the_player, error);
	assert_string_equal(the_player.step, "execute");
	assert_string_equal(the_player.message, message);
}

static void test_exec_errors(void **state)
{
	NEEDS_ROOT();
	expect_exec_failure("nosuch", ENOENT, "exec \"nosuch\": executable file not found in $PATH");
	expect_exec_failure("", ENOENT, "exec \"\": executable file not found in $PATH");
	expect_exec_failure("/bin/nosuch", ENOENT, "exec \"/bin/nosuch\"");
	expect_exec_failure("plain", EACCES, "exec \"plain\"");
	expect_exec_failure("/bin", EACCES, "exec \"/bin\"");
	expect_exec_failure("broken", ENOEXEC, "exec \"/bin/broken\"");
}

static void test_nothing_leaks(void **state)
{
	static const char *const arguments[] = { "busybox",        "grep", "-E", "^Sig(Blk|Ign|Cgt)|^Umask",
						 "/proc/1/status", NULL };

	NEEDS_ROOT();
	assert_string_equal(player_run(&the_player, "", "ls /proc/$$/fd; true"), "0\n1\n2\n");
	/* Not through a shell, which ignores SIGQUIT. */
	begin(arguments);
	assert_string_equal(finish(), "Umask:\t0022\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
				      "SigCgt:\t0000000000000000\n");
	/* A pipe of another user can be opened again. */
	assert_string_equal(player_run(&the_player, "app", "echo again >/proc/self/fd/1"), "again\n");
}

static void test_settings(void **state)
{
	const uint32_t mask = 027;
	const struct {
		int32_t resource, padding;
		uint64_t soft, hard;
	} files = { RLIMIT_NOFILE, 0, 17, 100 }, impossible = { RLIMIT_MEMLOCK, 0, UINT64_MAX, UINT64_MAX };

	NEEDS_ROOT();
	begin_script("umask; ulimit -n; ulimit -Hn; read -r a </proc/sys/kernel/hostname; echo $a");
	player_add(&the_player, PROCESS_UMASK, &mask, sizeof(mask));
	player_add(&the_player, PROCESS_RLIMIT, &files, sizeof(files));
	player_add(&the_player, PROCESS_RLIMIT, &impossible, sizeof(impossible));
	player_add_text(&the_player, PROCESS_HOSTNAME, "box");
	player_add_text(&the_player, PROCESS_USER, "app");
	assert_string_equal(finish(), "0027\n17\n100\nbox\n");
	/* Raised where that is allowed, else told. */
	if (the_player.notes[0])
		assert_non_null(strstr(the_player.notes, "resource limit 8 is "));
	begin_script("ulimit -l");
	player_add(&the_player, PROCESS_RLIMIT, &impossible, sizeof(impossible));
	assert_true(!strcmp(finish(), "unlimited\n") == !the_player.notes[0]);
}

static void test_oom_score(void **state)
{
	const int64_t score = 345, low = -900;

	NEEDS_ROOT();
	begin_script("cat /proc/self/oom_score_adj");
	player_add(&the_player, PROCESS_OOM_SCORE, &score, sizeof(score));
	assert_string_equal(finish(), "345\n");
	begin_script("cat /proc/self/oom_score_adj");
	player_add(&the_player, PROCESS_OOM_SCORE, &low, sizeof(low));
	if (strcmp(finish(), "-900\n") != 0)
		assert_non_null(strstr(the_player.notes, "setting it to -900 needs CAP_SYS_RESOURCE"));
	else
		assert_string_equal(the_player.notes, "");
}

static void test_terminal(void **state)
{
	const struct winsize size = { .ws_row = 33, .ws_col = 77 };
	const char *output;

	NEEDS_ROOT();
	begin_script("tty; stat -c %u $(tty); echo $TERM; stty size; echo seen >/dev/tty; ls -1 /proc/$$/fd; "
		     "test /dev/console -ef /dev/pts/0 && echo console");
	player_add(&the_player, PROCESS_TERMINAL, NULL, 0);
	player_add_text(&the_player, PROCESS_USER, "app");
	player_prepare(&the_player);
	assert_true(the_player.output >= 0);
	assert_int_equal(ioctl(the_player.output, TIOCSWINSZ, &size), 0);
	player_go(&the_player);
	output = player_output(&the_player);
	assert_int_equal(player_end(&the_player), 0);
	assert_string_equal(output, "/dev/pts/0\r\n1000\r\nxterm\r\n33 77\r\nseen\r\n0\r\n1\r\n2\r\nconsole\r\n");
}

static void test_messages(void **state)
{
	static const char *const arguments[] = { "true", NULL };

	NEEDS_ROOT();
	/* A record that is cut, or asks for something unknown. */
	begin(arguments);
	the_player.record.length -= 2;
	player_prepare_fails(&the_player, EINVAL);
	begin(arguments);
	player_add(&the_player, 4711, "x", 1);
	player_prepare_fails(&the_player, EINVAL);
	begin(arguments);
	player_add(&the_player, PROCESS_CGROUP_FILES, NULL, 0);
	player_prepare_fails(&the_player, EBADMSG);
	/* The shim goes away before the start. */
	begin(arguments);
	player_prepare(&the_player);
	shutdown(the_player.socket, SHUT_RDWR);
	assert_int_equal(player_end(&the_player), 126);
}

static void test_pause(void **state)
{
	static const char *const nothing[] = { NULL };
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	char path[64];

	NEEDS_ROOT();
	for (int i = 0; i < 2; i++) {
		begin(nothing);
		player_add(&the_player, PROCESS_PAUSE, NULL, 0);
		player_prepare(&the_player);
		player_go(&the_player);
		content.length = 0;
		snprintf(path, sizeof(path), "/proc/%d/status", the_player.init);
		assert_int_equal(fs_read(AT_FDCWD, path, 65536, &content), 0);
		assert_non_null(strstr(content.data, "Name:\tpause\n"));
		assert_non_null(strstr(content.data, "CapPrm:\t0000000000000000\n"));
		assert_non_null(strstr(content.data, "CapBnd:\t0000000000000000\n"));
		assert_non_null(strstr(content.data, "NoNewPrivs:\t1\n"));
		snprintf(path, sizeof(path), "/proc/%d/fd", the_player.init);
		struct stat status;
		assert_int_equal(stat(path, &status), 0);
		/* Since Linux 6.2 the size is the number of descriptors. */
		assert_int_equal(status.st_size, 0);
		assert_int_equal(kill(the_player.init, i ? SIGTERM : SIGINT), 0);
		assert_int_equal(player_end(&the_player), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_exec_errors),
		cmocka_unit_test(test_nothing_leaks),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_oom_score),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_malicious_passwd),
	};

	return cmocka_run_group_tests(tests, player_set_up, player_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "init_player.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define PATIENCE_MILLISECONDS 20000

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n";
static const char group[] = "root:x:0:\napp:x:1001:\naudio:x:11:app\n";

static void copy(char *to, size_t size, const char *text)
{
	assert_true(strlen(text) < size);
	memcpy(to, text, strlen(text) + 1);
}

struct player the_player;

static void write_file(const struct player *player, const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];

	assert_int_equal(fs_path(path, sizeof(path), "%s/%s", player->root, name), 0);
	assert_int_equal(fs_write_atomic(AT_FDCWD, path, text, strlen(text), mode, false), 0);
}

static void make_root(struct player *player)
{
	static const char *const directories[] = {
		"bin", "etc", "dev", "proc", "tmp", "var", "home/app", "root", "old"
	};
	static const char *const commands[] = { "sh",  "cat",   "id",    "ls",   "stat", "tty",
						"env", "mkdir", "sleep", "stty", "grep" };
	CLEANUP_BUFFER struct buffer busybox = BUFFER_EMPTY;
	char path[PATH_MAX];

	memset(player, 0, sizeof(*player));
	copy(player->root, sizeof(player->root), "/tmp/test-init-XXXXXX");
	assert_non_null(mkdtemp(player->root));
	assert_int_equal(chmod(player->root, 0755), 0);
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		assert_int_equal(fs_path(path, sizeof(path), "%s/%s", player->root, directories[i]), 0);
		assert_int_equal(fs_make_directories(path, 0755), 0);
	}
	assert_int_equal(fs_read(AT_FDCWD, "/bin/busybox", 16 << 20, &busybox), 0);
	assert_int_equal(fs_path(path, sizeof(path), "%s/bin/busybox", player->root), 0);
	assert_int_equal(fs_write_atomic(AT_FDCWD, path, busybox.data, busybox.length, 0755, false), 0);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_int_equal(fs_path(path, sizeof(path), "%s/bin/%s", player->root, commands[i]), 0);
		assert_int_equal(symlink("busybox", path), 0);
	}
	write_file(player, "etc/passwd", passwd, 0644);
	write_file(player, "etc/group", group, 0644);
	write_file(player, "bin/plain", "no program\n", 0644);
	write_file(player, "bin/broken", "no program\n", 0755);
	assert_int_equal(fs_path(path, sizeof(path), "%s/var/run", player->root), 0);
	assert_int_equal(symlink("/run", path), 0);
	assert_int_equal(fs_path(path, sizeof(path), "%s/escape", player->root), 0);
	assert_int_equal(symlink("../../../../../../../tmp/test-init-escaped", path), 0);
}

static void remove_root(struct player *player)
{
	assert_int_equal(fs_remove_tree(AT_FDCWD, player->root), 0);
	assert_int_equal(access("/tmp/test-init-escaped", F_OK), -1);
	buffer_free(&player->record);
}

int player_set_up(void **state)
{
	(void)state;
	if (geteuid() == 0)
		make_root(&the_player);
	return 0;
}

int player_tear_down(void **state)
{
	(void)state;
	if (geteuid() == 0)
		remove_root(&the_player);
	return 0;
}

/* What liblxc would have done: mounts, and the root. */
static void enter_root(const char *root)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount(root, root, NULL, MS_BIND, NULL) ||
	    chdir(root) || mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ||
	    mount("dev", "dev", "tmpfs", MS_NOSUID, "mode=0755") || mkdir("dev/pts", 0755) ||
	    mknod("dev/null", S_IFCHR | 0666, makedev(1, 3)) || chmod("dev/null", 0666) ||
	    mknod("dev/tty", S_IFCHR | 0666, makedev(5, 0)) || chmod("dev/tty", 0666) ||
	    mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620") ||
	    symlink("pts/ptmx", "dev/ptmx") || syscall(SYS_pivot_root, ".", "old") || chdir("/") ||
	    umount2("/old", MNT_DETACH))
		_exit(90);
}

static const char *init_path(void)
{
	static char path[PATH_MAX];
	const char *given = getenv("LIBCRI_HELPER_DIRECTORY");
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *tests;

	if (given) {
		snprintf(path, sizeof(path), "%s/cri-init", given);
		return path;
	}
	path[n < 0 ? 0 : n] = '\0';
	tests = strstr(path, "/tests/unit/");
	if (tests)
		memcpy(tests, "/libexec/libcri/cri-init", sizeof("/libexec/libcri/cri-init"));
	return path;
}

__attribute__((noreturn)) static void run_init(const char *root, int socket, int program)
{
	char *const argv[] = { "cri-init", NULL };
	/* What the container must not see. */
	char *const environment[] = { "container=lxc", "SECRET=host", NULL };
	int leaked = open("/", O_RDONLY);

	if (dup2(socket, INIT_SOCKET_FD) < 0 || leaked < 0)
		_exit(91);
	enter_root(root);
	signal(SIGUSR1, SIG_IGN);
	syscall(SYS_execveat, program, "", argv, environment, AT_EMPTY_PATH);
	_exit(92);
}

void player_start(struct player *player)
{
	int fds[2], program = open(init_path(), O_PATH | O_CLOEXEC), status;

	assert_true(program >= 0);
	assert_int_equal(socket_pair(fds), 0);
	player->output = -1;
	player->pid = fork();
	assert_true(player->pid >= 0);
	if (!player->pid) {
		/* Out of the way of the descriptors that cri-init is given. */
		int ours = fcntl(fds[1], F_DUPFD_CLOEXEC, 20), executable = fcntl(program, F_DUPFD_CLOEXEC, 20);

		if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC) < 0)
			_exit(93);
		pid_t init = fork();
		if (!init)
			run_init(player->root, ours, executable);
		if (init < 0 || write(fds[1], &init, sizeof(init)) != sizeof(init))
			_exit(94);
		close_range(0, UINT32_MAX, 0);
		if (waitpid(init, &status, 0) != init)
			_exit(95);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	}
	close(fds[1]);
	close(program);
	player->socket = fds[0];
	assert_int_equal(read(player->socket, &player->init, sizeof(player->init)), sizeof(player->init));
}

static void send_message(struct player *player, uint32_t type, uint32_t flags, const struct buffer *texts,
			 const int *fds, size_t n_fds)
{
	CLEANUP_BUFFER struct buffer message = BUFFER_EMPTY;
	const struct init_message header = { .type = type,
					     .flags = flags,
					     .length = texts ? (uint32_t)texts->length : 0 };

	buffer_append(&message, &header, sizeof(header));
	if (texts)
		buffer_append(&message, texts->data, texts->length);
	assert_false(message.failed);
	/* EPIPE: cri-init has given up already; its answer tells why. */
	int result = socket_send(player->socket, message.data, message.length, fds, n_fds);
	assert_true(result == 0 || result == -EPIPE);
}

void player_order(struct player *player, uint32_t type, uint32_t flags, const char *const *texts, size_t n_texts,
		  int fd)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY;

	for (size_t i = 0; i < n_texts; i++)
		buffer_append(&buffer, texts[i], strlen(texts[i]) + 1);
	send_message(player, type, flags, &buffer, &fd, fd >= 0 ? 1 : 0);
}

void player_add(struct player *player, uint32_t tag, const void *bytes, size_t length)
{
	const uint32_t header[] = { tag, (uint32_t)length };

	buffer_append(&player->record, header, sizeof(header));
	buffer_append(&player->record, bytes, length);
}

void player_add_text(struct player *player, uint32_t tag, const char *text)
{
	player_add(player, tag, text, strlen(text));
}

void player_record(struct player *player, uint64_t capabilities, const char *const *arguments)
{
	const uint64_t sets[5] = { capabilities, capabilities, 0, capabilities, 0 };

	player->record.length = 0;
	player_add(player, PROCESS_CAPABILITIES, sets, sizeof(sets));
	for (; *arguments; arguments++)
		player_add_text(player, PROCESS_ARGUMENT, *arguments);
}

/* 0: the end of the socket. */
static uint32_t receive(struct player *player)
{
	static union {
		struct init_message header;
		char bytes[INIT_MESSAGE_MAX + 1];
	} message;
	struct pollfd readable = { .fd = player->socket, .events = POLLIN };
	int fds[SOCKET_MAX_FDS];
	size_t n_fds;
	ssize_t n;
	const char *first = message.bytes + sizeof(message.header);

	assert_int_equal(poll(&readable, 1, PATIENCE_MILLISECONDS), 1);
	/* One that ends with messages unread resets the connection, once; what it sent comes after that. */
	do {
		n = socket_receive(player->socket, message.bytes, INIT_MESSAGE_MAX, fds, &n_fds, 0);
	} while (n == -ECONNRESET);
	assert_true(n >= 0);
	if (!n)
		return 0;
	assert_int_equal(message.header.length, (size_t)n - sizeof(message.header));
	message.bytes[n] = '\0';
	if (n_fds)
		player->output = fds[0];
	if (message.header.type == INIT_READY) {
		copy(player->user, sizeof(player->user), first);
		player->notes[0] = '\0';
		for (const char *at = first + strlen(first) + 1; at < message.bytes + n; at += strlen(at) + 1)
			strncat(player->notes, at, sizeof(player->notes) - strlen(player->notes) - 1);
		return INIT_READY;
	}
	assert_int_equal(message.header.type, INIT_FAILED);
	player->error = message.header.error;
	copy(player->step, sizeof(player->step), first);
	copy(player->message, sizeof(player->message), first + strlen(first) + 1);
	return INIT_FAILED;
}

static void send_process(struct player *player)
{
	CLEANUP_CLOSE int fd = memfd_create("process", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_full(fd, player->record.data, player->record.length), 0);
	send_message(player, INIT_PROCESS, 0, NULL, &fd, 1);
}

void player_prepare(struct player *player)
{
	uint32_t type;

	send_process(player);
	type = receive(player);
	if (type == INIT_FAILED)
		print_error("%s: %s (%d)\n", player->step, player->message, player->error);
	assert_int_equal(type, INIT_READY);
}

static void expect_failure(struct player *player, int error)
{
	assert_int_equal(receive(player), INIT_FAILED);
	if (player->error != error)
		print_error("%s: %s\n", player->step, player->message);
	assert_int_equal(player->error, error);
	assert_int_equal(receive(player), 0);
	assert_true(player_end(player) >= 126);
}

void player_prepare_fails(struct player *player, int error)
{
	send_process(player);
	expect_failure(player, error);
}

static void send_start(struct player *player)
{
	int out[2], fds[3];

	if (player->output >= 0) {
		send_message(player, INIT_START, 0, NULL, NULL, 0);
		return;
	}
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[1] = out[1];
	fds[2] = out[1];
	send_message(player, INIT_START, 0, NULL, fds, 3);
	close(fds[0]);
	close(out[1]);
	player->output = out[0];
}

void player_go(struct player *player)
{
	uint32_t type;

	send_start(player);
	type = receive(player);
	if (type == INIT_FAILED)
		print_error("%s: %s (%d)\n", player->step, player->message, player->error);
	assert_int_equal(type, 0);
}

void player_go_fails(struct player *player, int error)
{
	send_start(player);
	expect_failure(player, error);
}

const char *player_output(struct player *player)
{
	static char text[65536];
	size_t length = 0;

	for (;;) {
		struct pollfd readable = { .fd = player->output, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&readable, 1, PATIENCE_MILLISECONDS), 1);
		n = read(player->output, text + length, sizeof(text) - 1 - length);
		/* The other side of a terminal has gone: EIO. */
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	text[length] = '\0';
	return text;
}

int player_end(struct player *player)
{
	int status;

	if (player->output >= 0)
		close(player->output);
	player->output = -1;
	assert_int_equal(waitpid(player->pid, &status, 0), player->pid);
	close(player->socket);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

const char *player_run(struct player *player, const char *user, const char *script)
{
	const char *const arguments[] = { "sh", "-c", script, NULL };
	const char *output;

	player_start(player);
	player_record(player, DEFAULT_CAPABILITIES, arguments);
	player_add_text(player, PROCESS_USER, user);
	player_prepare(player);
	player_go(player);
	output = player_output(player);
	assert_int_equal(player_end(player), 0);
	return output;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/socket.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

static int count_fds(void)
{
	CLEANUP_DIR DIR *directory = opendir("/proc/self/fd");
	int n = 0;

	while (directory && readdir(directory))
		n++;
	return n;
}

static void test_message_with_descriptors(void **state)
{
	int pair[2], sent[SOCKET_MAX_FDS], fds[SOCKET_MAX_FDS];
	int before = count_fds();
	size_t n_fds = 99;
	char bytes[16];

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	assert_true(fcntl(pair[0], F_GETFD) & FD_CLOEXEC);
	for (int i = 0; i < SOCKET_MAX_FDS; i++) {
		sent[i] = memfd_create("sent", MFD_CLOEXEC);
		assert_int_equal(pwrite(sent[i], &i, sizeof(i), 0), sizeof(i));
	}
	assert_int_equal(socket_send(pair[0], "hello", 5, sent, SOCKET_MAX_FDS), 0);
	assert_int_equal(socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, 0), 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(n_fds, SOCKET_MAX_FDS);
	for (int i = 0; i < SOCKET_MAX_FDS; i++) {
		int content = -1;

		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		assert_int_equal(pread(fds[i], &content, sizeof(content), 0), sizeof(content));
		assert_int_equal(content, i);
		close(fds[i]);
		close(sent[i]);
	}
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(count_fds(), before);
}

static void test_messages_stay_apart_and_end(void **state)
{
	int pair[2], fds[SOCKET_MAX_FDS];
	size_t n_fds = 99;
	char bytes[16];

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	assert_int_equal(socket_send(pair[0], "one", 3, NULL, 0), 0);
	assert_int_equal(socket_send(pair[0], "two!", 4, NULL, 0), 0);
	assert_int_equal(socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, 0), 3);
	assert_int_equal(n_fds, 0);
	assert_int_equal(socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, 0), 4);
	assert_int_equal(socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, MSG_DONTWAIT), -EAGAIN);
	close(pair[0]);
	assert_int_equal(socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, 0), 0);
	/* No SIGPIPE, which would end this program. */
	assert_int_equal(socket_send(pair[1], "late", 4, NULL, 0), -EPIPE);
	close(pair[1]);
}

static void test_refused_arguments(void **state)
{
	int pair[2], fds[SOCKET_MAX_FDS + 1];

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	for (int i = 0; i <= SOCKET_MAX_FDS; i++)
		fds[i] = pair[0];
	assert_int_equal(socket_send(pair[0], "x", 1, fds, SOCKET_MAX_FDS + 1), -EINVAL);
	assert_int_equal(socket_send(pair[0], "", 0, NULL, 0), -EINVAL);
	fds[0] = -1;
	assert_int_equal(socket_send(pair[0], "x", 1, fds, 1), -EBADF);
	close(pair[0]);
	close(pair[1]);
}

static void test_full_socket(void **state)
{
	char bytes[1024] = { 0 };
	int pair[2], error, n = 0;

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	assert_int_equal(fs_set_nonblocking(pair[0], true), 0);
	do {
		error = socket_send(pair[0], bytes, sizeof(bytes), NULL, 0);
	} while (!error && ++n < 100000);
	assert_int_equal(error, -EAGAIN);
	close(pair[0]);
	close(pair[1]);
}

static void test_cut_message_closes_its_descriptors(void **state)
{
	int pair[2], fds[SOCKET_MAX_FDS], before;
	size_t n_fds = 99;
	char bytes[4];

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	before = count_fds();
	assert_int_equal(socket_send(pair[0], "longer", 6, &pair[0], 1), 0);
	assert_int_equal(socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, 0), -EMSGSIZE);
	assert_int_equal(n_fds, 0);
	assert_int_equal(count_fds(), before);
	close(pair[0]);
	close(pair[1]);
}

static void send_raw(int fd, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(64 * sizeof(int))];
	} control = { 0 };
	struct iovec data = { .iov_base = "x", .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(n_fds * sizeof(int)) };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
	assert_int_equal(sendmsg(fd, &message, 0), 1);
}

static void test_too_many_descriptors(void **state)
{
	int pair[2], sent[64], fds[SOCKET_MAX_FDS], before;
	size_t n_fds = 99;
	char bytes[4];

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	before = count_fds();
	for (int i = 0; i < 64; i++)
		sent[i] = pair[0];
	for (size_t n = SOCKET_MAX_FDS + 1; n <= 64; n++) {
		send_raw(pair[0], sent, n);
		assert_int_equal(socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, 0), -EMSGSIZE);
		assert_int_equal(n_fds, 0);
	}
	assert_int_equal(count_fds(), before);
	close(pair[0]);
	close(pair[1]);
}

static void test_full_descriptor_table(void **state)
{
	int pair[2], sent[4], fds[SOCKET_MAX_FDS], before;
	struct rlimit limit, low;
	size_t n_fds = 99;
	char bytes[4];
	ssize_t n;

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	before = count_fds();
	for (int i = 0; i < 4; i++)
		sent[i] = pair[0];
	send_raw(pair[0], sent, 4);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)pair[1] + 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	n = socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(n, -EMFILE);
	assert_int_equal(n_fds, 0);
	assert_int_equal(count_fds(), before);
	close(pair[0]);
	close(pair[1]);
}

static void test_peek(void **state)
{
	int pair[2], fds[SOCKET_MAX_FDS];
	size_t n_fds = 0;
	char bytes[8];

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	assert_int_equal(socket_send(pair[0], "peek", 4, &pair[0], 1), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, round ? 0 : MSG_PEEK), 4);
		assert_int_equal(n_fds, 1);
		close(fds[0]);
	}
	assert_int_equal(socket_receive(pair[1], bytes, sizeof(bytes), fds, &n_fds, MSG_DONTWAIT), -EAGAIN);
	close(pair[0]);
	close(pair[1]);
}

static char directory[64];

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/test_socket.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int delete_directory(void **state)
{
	(void)state;
	return fs_remove_tree(AT_FDCWD, directory);
}

static int count_entries(const char *path)
{
	CLEANUP_DIR DIR *opened = opendir(path);
	int n = 0;

	while (opened && readdir(opened))
		n++;
	return n - 2;
}

static void check_connection(const char *path)
{
	int listener = socket_listen(path, 0600, 4), client, server, fds[SOCKET_MAX_FDS];
	struct stat status;
	size_t n_fds;
	char bytes[8];

	assert_true(listener >= 0);
	assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(listener, F_GETFL) & O_NONBLOCK);
	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(accept(listener, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	client = socket_connect(path);
	assert_true(client >= 0);
	assert_true(fcntl(client, F_GETFD) & FD_CLOEXEC);
	assert_false(fcntl(client, F_GETFL) & O_NONBLOCK);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(server >= 0);
	assert_int_equal(socket_send(client, "ping", 4, NULL, 0), 0);
	assert_int_equal(socket_receive(server, bytes, sizeof(bytes), fds, &n_fds, 0), 4);
	close(client);
	close(server);
	close(listener);
}

static void test_listen_and_connect(void **state)
{
	char path[PATH_MAX];
	mode_t mask = umask(0077);
	int listener;
	struct stat status;

	(void)state;
	assert_int_equal(fs_path(path, sizeof(path), "%s/socket", directory), 0);
	check_connection(path);
	/* What is there is replaced; the mode does not depend on the umask; nothing else stays. */
	listener = socket_listen(path, 0666, 4);
	umask(mask);
	assert_true(listener >= 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0666);
	close(listener);
	assert_int_equal(count_entries(directory), 1);
	/* Nobody listens any more. */
	assert_int_equal(socket_connect(path), -ECONNREFUSED);
}

static void test_long_paths(void **state)
{
	char path[PATH_MAX], name[201];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(fs_path(path, sizeof(path), "%s/%s/%s", directory, name, name), 0);
	assert_int_equal(fs_make_directories(path, 0700), 0);
	assert_int_equal(fs_path(path, sizeof(path), "%s/%s/%s/%s", directory, name, name, name), 0);
	check_connection(path);
}

static void test_full_backlog(void **state)
{
	char path[PATH_MAX];
	int listener, clients[33], n = 0;

	(void)state;
	assert_int_equal(fs_path(path, sizeof(path), "%s/socket", directory), 0);
	listener = socket_listen(path, 0600, 2);
	assert_true(listener >= 0);
	while (n < 32 && (clients[n] = socket_connect(path)) >= 0)
		n++;
	assert_in_range(n, 1, 31);
	assert_int_equal(clients[n], -EAGAIN);
	while (n)
		close(clients[--n]);
	close(listener);
}

static void test_failures(void **state)
{
	char path[PATH_MAX];
	int before = count_fds();

	(void)state;
	assert_int_equal(socket_connect("/nonexistent/socket"), -ENOENT);
	assert_int_equal(socket_connect(directory), -ECONNREFUSED);
	assert_int_equal(socket_listen("/nonexistent/socket", 0600, 1), -ENOENT);
	assert_int_equal(fs_path(path, sizeof(path), "%s/", directory), 0);
	assert_int_equal(socket_listen(path, 0600, 1), -EINVAL);
	assert_int_equal(fs_path(path, sizeof(path), "%s/directory", directory), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(socket_listen(path, 0600, 1), -EISDIR);
	assert_int_equal(count_entries(directory), 1);
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_with_descriptors),
		cmocka_unit_test(test_messages_stay_apart_and_end),
		cmocka_unit_test(test_refused_arguments),
		cmocka_unit_test(test_full_socket),
		cmocka_unit_test(test_cut_message_closes_its_descriptors),
		cmocka_unit_test(test_too_many_descriptors),
		cmocka_unit_test(test_full_descriptor_table),
		cmocka_unit_test(test_peek),
		cmocka_unit_test_setup_teardown(test_listen_and_connect, make_directory, delete_directory),
		cmocka_unit_test_setup_teardown(test_long_paths, make_directory, delete_directory),
		cmocka_unit_test_setup_teardown(test_full_backlog, make_directory, delete_directory),
		cmocka_unit_test_setup_teardown(test_failures, make_directory, delete_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

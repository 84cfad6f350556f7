/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned namespaces and the state directory, made by the real cri-sandbox. Needs root. */
#include "network/namespaces.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "core/paths.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <cmocka.h>

#define N_PINS 60

static char base[] = "/tmp/test-namespaces-XXXXXX";
static char directory[64], state_directory[64], helpers[PATH_MAX];
static struct cri_engine engine;
static cri_call call;

static cri_key_value pair(const char *key, const char *value)
{
	return (cri_key_value){ CRI_KEY_VALUE_INIT, .key = key, .value = value };
}

static void find_helpers(void)
{
	const char *given = getenv("LIBCRI_HELPER_DIRECTORY");
	ssize_t n = readlink("/proc/self/exe", helpers, sizeof(helpers) - 1);
	char *tests = NULL;

	if (given) {
		snprintf(helpers, sizeof(helpers), "%s", given);
		return;
	}
	helpers[n < 0 ? 0 : n] = '\0';
	tests = strstr(helpers, "/tests/unit/");
	if (tests)
		memcpy(tests, "/libexec/libcri", sizeof("/libexec/libcri"));
}

static int set_up(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	find_helpers();
	if (!mkdtemp(base))
		return -1;
	snprintf(directory, sizeof(directory), "%s/pins", base);
	snprintf(state_directory, sizeof(state_directory), "%s/state", base);
	/* As in an engine: what is mounted there is nobody else's. */
	if (mount("test", base, "tmpfs", 0, NULL) < 0 || mount(NULL, base, NULL, MS_PRIVATE, NULL) < 0)
		return -1;
	engine.state = state_directory;
	engine.root = directory;
	engine.helpers = helpers;
	call_init(&call);
	return mkdir(directory, 0700);
}

static size_t count_mounts(const char *below)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	size_t n = 0;

	assert_int_equal(fs_read(AT_FDCWD, "/proc/self/mountinfo", 64 << 20, &content), 0);
	for (const char *at = content.data; (at = strstr(at, below)); at++)
		n++;
	return n;
}

/* Fails when a test left a mount. */
static int tear_down(void **state)
{
	size_t left;

	(void)state;
	if (geteuid())
		return 0;
	left = count_mounts(base) - 1;
	while (umount2(base, MNT_DETACH) == 0)
		;
	return rmdir(base) < 0 || left ? -1 : 0;
}

#define NEEDS_ROOT()                                                                                                   \
	do {                                                                                                           \
		(void)state;                                                                                           \
		if (geteuid())                                                                                         \
			skip();                                                                                        \
		call_clear(&call);                                                                                     \
	} while (0)

static void expect_ok(int result)
{
	if (result)
		print_error("%s\n", call.message);
	assert_int_equal(result, 0);
}

/* Runs a script inside the pinned namespaces; it must succeed. */
static void inside(const char *in, const char *script)
{
	char path[PATH_MAX];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		static const char *const names[] = { "net", "ipc", "uts", "empty" };

		for (size_t i = 0; i < 4; i++) {
			int fd;

			snprintf(path, sizeof(path), "%s/%s", in, names[i]);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd >= 0 && setns(fd, 0) < 0)
				_exit(99);
		}
		execl("/bin/sh", "sh", "-ec", script, (char *)NULL);
		_exit(98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void assert_nothing_pinned(void)
{
	assert_int_equal(count_mounts(directory), 0);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(mkdir(directory, 0700), 0);
}

static void test_pin(void **state)
{
	const cri_key_value sysctls[] = { pair("net.ipv4.ip_unprivileged_port_start", "77"),
					  pair("net/ipv4/conf/lo/forwarding", "1"), pair("kernel.shm_rmid_forced", "1"),
					  pair("fs.mqueue.msg_max", "33"), pair("kernel.domainname", "example.test") };
	const cri_key_value *const list[] = { &sysctls[0], &sysctls[1], &sysctls[2], &sysctls[3], &sysctls[4] };
	const struct namespace_request request = { .directory = directory,
						   .network = true,
						   .ipc = true,
						   .uts = true,
						   .hostname = "a-pod",
						   .sysctls = list,
						   .n_sysctls = 5 };
	char before[256], after[256];

	NEEDS_ROOT();
	assert_int_equal(gethostname(before, sizeof(before)), 0);
	expect_ok(namespaces_pin(&engine, &request, &call));
	inside(directory, "test \"$(uname -n)\" = a-pod\n"
			  "test $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) = 77\n"
			  "test $(cat /proc/sys/net/ipv4/conf/lo/forwarding) = 1\n"
			  "test $(cat /proc/sys/kernel/shm_rmid_forced) = 1\n"
			  "test $(cat /proc/sys/fs/mqueue/msg_max) = 33\n"
			  "test $(cat /proc/sys/kernel/domainname) = example.test\n"
			  "grep -q '^ *lo:' /proc/net/dev; test $(wc -l </proc/net/dev) = 3\n"
			  "grep -q 7F000001 /proc/net/fib_trie || grep -q 127.0.0.1 /proc/net/fib_trie\n");
	assert_int_equal(gethostname(after, sizeof(after)), 0);
	assert_string_equal(before, after);
	assert_int_equal(count_mounts(directory), 3);
	expect_ok(namespaces_unpin(directory, &call));
	expect_ok(namespaces_unpin(directory, &call));
	assert_nothing_pinned();
}

static void test_some(void **state)
{
	struct namespace_request request = { .directory = directory, .ipc = true };
	char path[PATH_MAX];
	struct statfs status;

	NEEDS_ROOT();
	expect_ok(namespaces_pin(&engine, &request, &call));
	assert_int_equal(count_mounts(directory), 1);
	snprintf(path, sizeof(path), "%s/ipc", directory);
	assert_int_equal(statfs(path, &status), 0);
	assert_int_equal(status.f_type, NSFS_MAGIC);
	/* Pinned already: refused, and that one pin goes with it. */
	assert_true(namespaces_pin(&engine, &request, &call) < 0);
	assert_nothing_pinned();
}

static void refuse(const struct namespace_request *base_request, const char *key, const char *value, const char *text)
{
	const cri_key_value sysctl = pair(key, value);
	const cri_key_value *const list[] = { &sysctl };
	struct namespace_request request = *base_request;

	call_clear(&call);
	request.sysctls = list;
	request.n_sysctls = 1;
	assert_int_equal(namespaces_pin(&engine, &request, &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, key));
	assert_non_null(strstr(call.message, text));
	assert_nothing_pinned();
}

static void test_sysctls_refused(void **state)
{
	struct namespace_request all = { .directory = directory, .network = true, .ipc = true, .uts = true };
	struct namespace_request ipc = { .directory = directory, .ipc = true };

	NEEDS_ROOT();
	refuse(&all, "kernel.core_pattern", "x", "no namespace");
	refuse(&all, "net.../kernel.core_pattern", "x", "");
	refuse(&all, "net.ipv4.no_such_thing", "1", "no such parameter");
	refuse(&all, "net.ipv4.ip_forward", "nonsense", "Invalid argument");
	refuse(&ipc, "net.ipv4.ip_forward", "1", "network namespace, which the pod shares");
	refuse(&ipc, "kernel.domainname", "x", "uts namespace");
}

static void test_failures(void **state)
{
	struct namespace_request request = { .directory = "/nonexistent/pins", .network = true };
	struct cri_engine lost = engine;
	cri_call cancelled;

	NEEDS_ROOT();
	assert_true(namespaces_pin(&engine, &request, &call) < 0);
	request.directory = directory;
	lost.helpers = "/nonexistent";
	call_clear(&call);
	assert_int_equal(namespaces_pin(&lost, &request, &call), CRI_EINTERNAL);
	assert_non_null(strstr(call.message, "cri-sandbox"));
	/* A deadline that has passed leaves nothing, however far the helper came. */
	for (int i = 0; i < 20; i++) {
		call_init(&cancelled);
		cancelled.deadline = clock_boot() + i * INT64_C(100000);
		if (namespaces_pin(&engine, &request, &cancelled) == 0)
			expect_ok(namespaces_unpin(directory, &call));
		assert_nothing_pinned();
	}
}

static void prepare_twice(void)
{
	char path[PATH_MAX];
	struct stat first, second;

	expect_ok(namespaces_prepare_state(&engine, &call));
	assert_int_equal(stat(path_empty_namespace(&engine, path), &first), 0);
	expect_ok(namespaces_prepare_state(&engine, &call));
	assert_int_equal(stat(path_empty_namespace(&engine, path), &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	assert_int_equal(stat("/proc/self/ns/net", &first), 0);
	assert_int_equal(stat(path_host_namespace(&engine, path), &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	/* One mount of its own, three pins. */
	assert_int_equal(count_mounts(state_directory), 4);
	snprintf(path, sizeof(path), "%s/ns", state_directory);
	inside(path, "test $(wc -l </proc/net/dev) = 3; ! grep -q 127.0.0.1 /proc/net/fib_trie\n");
}

static void remove_state(void)
{
	char path[PATH_MAX];

	assert_int_equal(umount2(path_empty_namespace(&engine, path), MNT_DETACH), 0);
	assert_int_equal(umount2(path_host_namespace(&engine, path), MNT_DETACH), 0);
	assert_int_equal(umount2(path_monitor_mounts(&engine, path), MNT_DETACH), 0);
	assert_int_equal(umount2(state_directory, MNT_DETACH), 0);
	assert_int_equal(fs_remove_tree(AT_FDCWD, state_directory), 0);
	assert_int_equal(count_mounts(state_directory), 0);
}

static bool is_private(const char *path)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	char wanted[128];
	const char *line;

	snprintf(wanted, sizeof(wanted), " %s ", path);
	assert_int_equal(fs_read(AT_FDCWD, "/proc/self/mountinfo", 64 << 20, &content), 0);
	line = strstr(content.data, wanted);
	assert_non_null(line);
	*strchr(line, '\n') = '\0';
	return !strstr(line, "shared:") && !strstr(line, "master:");
}

/* A listening socket at "<state>/cri.sock", as systemd makes one for a daemon that is not there yet. */
static int listen_in_state(struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/cri.sock", state_directory);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void assert_reachable(const struct sockaddr_un *address)
{
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
}

/* What was in the state directory before stays reachable. */
static void test_state_with_a_socket_on_tmpfs(void **state)
{
	struct sockaddr_un address;
	int fd;

	NEEDS_ROOT();
	assert_int_equal(mkdir(state_directory, 0755), 0);
	fd = listen_in_state(&address);
	expect_ok(namespaces_prepare_state(&engine, &call));
	assert_reachable(&address);
	close(fd);
	remove_state();
}

static void test_state_with_a_socket_on_disk(void **state)
{
	struct sockaddr_un address;
	int fd;

	NEEDS_ROOT();
	assert_int_equal(mkdir(state_directory, 0755), 0);
	assert_int_equal(mount("test", state_directory, "ramfs", 0, NULL), 0);
	fd = listen_in_state(&address);
	assert_int_equal(namespaces_prepare_state(&engine, &call), CRI_EPRECONDITION);
	assert_non_null(strstr(cri_call_message(&call), address.sun_path));
	call_clear(&call);
	assert_int_equal(count_mounts(state_directory), 1);
	assert_reachable(&address);
	close(fd);
	assert_int_equal(unlink(address.sun_path), 0);
	expect_ok(namespaces_prepare_state(&engine, &call));
	umount2(state_directory, MNT_DETACH);
	assert_int_equal(umount2(state_directory, MNT_DETACH), 0);
	assert_int_equal(count_mounts(state_directory), 0);
	assert_int_equal(rmdir(state_directory), 0);
}

static void test_state_on_tmpfs(void **state)
{
	char path[PATH_MAX];

	NEEDS_ROOT();
	prepare_twice();
	assert_true(is_private(state_directory));
	/* What a crash between making the file and binding it leaves is put right. */
	assert_int_equal(umount2(path_empty_namespace(&engine, path), MNT_DETACH), 0);
	assert_int_equal(umount2(path_host_namespace(&engine, path), MNT_DETACH), 0);
	assert_int_equal(umount2(path_monitor_mounts(&engine, path), MNT_DETACH), 0);
	prepare_twice();
	remove_state();
}

static void test_state_on_disk(void **state)
{
	struct statfs status;

	NEEDS_ROOT();
	assert_int_equal(mkdir(state_directory, 0755), 0);
	/* Not a tmpfs, and shared: what a state below /var would be. */
	assert_int_equal(mount("test", state_directory, "ramfs", 0, NULL), 0);
	assert_int_equal(mount(NULL, state_directory, NULL, MS_SHARED, NULL), 0);
	expect_ok(namespaces_prepare_state(&engine, &call));
	expect_ok(namespaces_prepare_state(&engine, &call));
	assert_int_equal(count_mounts(state_directory), 5);
	assert_int_equal(statfs(state_directory, &status), 0);
	assert_int_equal(status.f_type, TMPFS_MAGIC);
	assert_true(status.f_flags & MS_NOSUID);
	umount2(state_directory, MNT_DETACH);
	assert_int_equal(umount2(state_directory, MNT_DETACH), 0);
	assert_int_equal(count_mounts(state_directory), 0);
	assert_int_equal(rmdir(state_directory), 0);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Fast is the point of the helper: far over the budget of 2 ms something is wrong. */
static void test_time(void **state)
{
	const struct namespace_request request = {
		.directory = directory, .network = true, .ipc = true, .uts = true, .hostname = "fast"
	};
	const size_t median = N_PINS / 2, late = N_PINS - N_PINS / 20;
	int64_t times[N_PINS];

	NEEDS_ROOT();
	for (int i = 0; i < N_PINS; i++) {
		int64_t start = clock_boot();

		expect_ok(namespaces_pin(&engine, &request, &call));
		times[i] = clock_boot() - start;
		expect_ok(namespaces_unpin(directory, &call));
	}
	qsort(times, N_PINS, sizeof(times[0]), compare);
	print_message("pinning net, ipc and uts: p50 %.2f ms, p95 %.2f ms\n", (double)times[median] / 1e6,
		      (double)times[late] / 1e6);
	assert_true(times[N_PINS / 2] < 50 * NANOSECONDS_PER_MILLISECOND);
	assert_nothing_pinned();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_some),
		cmocka_unit_test(test_sysctls_refused),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_state_on_tmpfs),
		cmocka_unit_test(test_state_on_disk),
		cmocka_unit_test(test_state_with_a_socket_on_tmpfs),
		cmocka_unit_test(test_state_with_a_socket_on_disk),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

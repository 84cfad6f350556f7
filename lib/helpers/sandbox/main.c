/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cri-sandbox: makes a pod's namespaces and pins them as files, in the mount namespace of the engine. One request, then
 * it is gone. It does not call helper_start: nothing of what it inherits from the host stays in what it makes.
 */
#include "base/cleanup.h"
#include "base/socket.h"
#include "network/pin_protocol.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define MONITORS "monitors"

#define PROCESSORS_MAX 8192
#define BITS_PER_LONG (8 * sizeof(long))

static union {
	struct pin_request header;
	char bytes[PIN_MESSAGE_MAX];
} request;

static struct pin_answer answer;
static uint32_t wanted; /* PIN_… */

static const struct {
	uint32_t flag;
	int clone_flag;
	const char *source, *name;
} namespaces[] = {
	{ PIN_NETWORK, CLONE_NEWNET, "/proc/self/ns/net", "net" },
	{ PIN_IPC, CLONE_NEWIPC, "/proc/self/ns/ipc", "ipc" },
	{ PIN_UTS, CLONE_NEWUTS, "/proc/self/ns/uts", "uts" },
	{ PIN_EMPTY, CLONE_NEWNET, "/proc/self/ns/net", "empty" },
};

#define N_NAMESPACES (sizeof(namespaces) / sizeof(namespaces[0]))

static bool failed(enum pin_step step, int error)
{
	answer.step = step;
	answer.error = error;
	return false;
}

/* The next text of the request; NULL behind the last. */
static const char *next_text(const char **at, const char *end)
{
	const char *text = *at;

	if (text == end)
		return NULL;
	*at = (const char *)memchr(text, '\0', (size_t)(end - text)) + 1;
	return text;
}

static bool receive_request(const char **at, const char **end)
{
	int fds[SOCKET_MAX_FDS];
	size_t n_fds;
	ssize_t n = socket_receive(PIN_SOCKET_FD, request.bytes, sizeof(request), fds, &n_fds, 0);

	if (n < 0)
		return failed(PIN_STEP_REQUEST, (int)-n);
	if ((size_t)n <= sizeof(request.header) || request.header.length != (size_t)n - sizeof(request.header) ||
	    request.bytes[n - 1] || n_fds)
		return failed(PIN_STEP_REQUEST, EBADMSG);
	*at = request.bytes + sizeof(request.header);
	*end = request.bytes + n;
	return true;
}

static bool unshare_namespaces(void)
{
	int flags = 0;

	for (size_t i = 0; i < N_NAMESPACES; i++) {
		if (wanted & namespaces[i].flag)
			flags |= namespaces[i].clone_flag;
	}
	return unshare(flags) == 0 || failed(PIN_STEP_UNSHARE, errno);
}

static bool raise_loopback(void)
{
	struct ifreq interface = { .ifr_name = "lo" };
	CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &interface) < 0)
		return failed(PIN_STEP_LOOPBACK, errno);
	interface.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &interface) == 0 || failed(PIN_STEP_LOOPBACK, errno);
}

/* The kernel shows below /proc/sys what belongs to the namespaces of who looks. */
static bool write_sysctl(int sysctl_fd, const char *path, const char *value)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	CLEANUP_CLOSE int fd = (int)syscall(SYS_openat2, sysctl_fd, path, &how, sizeof(how));

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return failed(PIN_STEP_SYSCTL, errno);
	return true;
}

static bool write_sysctls(const char *at, const char *end)
{
	CLEANUP_CLOSE int fd = -1;
	const char *path;

	if (at == end)
		return true;
	fd = openat(AT_FDCWD, "/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(PIN_STEP_SYSCTL, errno);
	for (answer.index = 0; (path = next_text(&at, end)); answer.index++) {
		const char *value = next_text(&at, end);

		if (!value)
			return failed(PIN_STEP_REQUEST, EBADMSG);
		if (!write_sysctl(fd, path, value))
			return false;
	}
	return true;
}

static bool make_file(const char *name)
{
	int fd = openat(AT_FDCWD, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return failed(PIN_STEP_FILE, errno);
	close(fd);
	return true;
}

static bool pin(const char *source, const char *name)
{
	return make_file(name) && (mount(source, name, NULL, MS_BIND, NULL) == 0 || failed(PIN_STEP_MOUNT, errno));
}

static bool enter_directory(const char *path)
{
	CLEANUP_CLOSE int fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return (fd >= 0 && fchdir(fd) == 0) || failed(PIN_STEP_FILE, errno);
}

/* mkdir -p of an absolute path, below the present directory. */
static bool make_below(const char *path)
{
	char below[PATH_MAX] = ".";
	size_t length = strlen(path);

	if (length + 2 > sizeof(below))
		return failed(PIN_STEP_REQUEST, ENAMETOOLONG);
	for (size_t i = 1; i <= length; i++) {
		if (path[i] && path[i] != '/')
			continue;
		memcpy(below + 1, path, i);
		below[i + 1] = '\0';
		if (mkdirat(AT_FDCWD, below, 0755) < 0 && errno != EEXIST)
			return failed(PIN_STEP_MONITORS, errno);
	}
	return true;
}

static bool bind_below(const char *path, unsigned long flags)
{
	char below[PATH_MAX] = ".";

	if (!make_below(path))
		return false;
	memcpy(below + 1, path, strlen(path) + 1);
	return mount(path, below, NULL, MS_BIND | flags, NULL) == 0 || failed(PIN_STEP_MONITORS, errno);
}

/* The new root, in the present directory: what liblxc needs, and nothing that would keep the host's mounts busy. */
static bool make_monitor_root(const char *root)
{
	return bind_below("/proc", 0) && bind_below("/sys", 0) && bind_below("/dev", 0) && bind_below(root, MS_REC) &&
	       make_below(PIN_ROOTFS) && make_below(PIN_NO_LAYERS);
}

/* From the engine's mount namespace: a namespace cannot be pinned within itself. false: see errno. */
static bool bind_monitors(int made_fd)
{
	char source[] = "/proc/self/fd/0";

	/* One digit: this process has few descriptors. */
	if (made_fd > 9) {
		errno = EMFILE;
		return false;
	}
	source[sizeof(source) - 2] = (char)('0' + made_fd);
	return mount(source, MONITORS, NULL, MS_BIND, NULL) == 0;
}

/* Makes the namespace and comes back, to the directory. *error: why it could not be bound there. */
static bool try_monitors(const char *directory, const char *root, int host_fd, int *error)
{
	CLEANUP_CLOSE int made_fd = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("libcri", directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=1m") < 0)
		return failed(PIN_STEP_MONITORS, errno);
	if (!enter_directory(directory) || !make_monitor_root(root))
		return false;
	if (syscall(SYS_pivot_root, ".", ".") < 0 || syscall(SYS_umount2, ".", MNT_DETACH) < 0)
		return failed(PIN_STEP_MONITORS, errno);
	made_fd = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (made_fd < 0 || syscall(SYS_setns, host_fd, CLONE_NEWNS) < 0)
		return failed(PIN_STEP_MONITORS, errno);
	if (!enter_directory(directory))
		return false;
	*error = bind_monitors(made_fd) ? 0 : errno;
	return true;
}

/* On the next processor that this process may have. */
static bool run_elsewhere(size_t *processor)
{
	for (; *processor < PROCESSORS_MAX; ++*processor) {
		unsigned long mask[PROCESSORS_MAX / BITS_PER_LONG] = { 0 };

		mask[*processor / BITS_PER_LONG] = 1UL << (*processor % BITS_PER_LONG);
		if (syscall(SYS_sched_setaffinity, 0L, sizeof(mask), mask) == 0) {
			++*processor;
			return true;
		}
	}
	return false;
}

/* A mount namespace is bound only in one that is older, by its number (the kernel's mnt_ns_loop()). Since Linux 6.18
 * each processor numbers by a range of its own: what was made on another processor than the engine's namespace can
 * have the smaller number. On the same one it never has. */
static bool make_monitors(const char *directory, const char *root)
{
	CLEANUP_CLOSE int host_fd = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	size_t processor = 0;
	int error = 0;

	if (host_fd < 0)
		return failed(PIN_STEP_FILE, errno);
	if (!enter_directory(directory) || !make_file(MONITORS))
		return false;
	do {
		if (!try_monitors(directory, root, host_fd, &error))
			return false;
	} while (error == EINVAL && run_elsewhere(&processor));
	return error == 0 || failed(PIN_STEP_MOUNT, error);
}

/* Which takes the longest of all, and nothing of the request is needed for it. */
static bool make_namespaces(void)
{
	return (wanted == PIN_MONITORS || unshare_namespaces()) && (!(wanted & PIN_NETWORK) || raise_loopback());
}

static bool pin_namespaces(void)
{
	const char *at, *end, *directory, *hostname;

	if (!receive_request(&at, &end))
		return false;
	directory = next_text(&at, end);
	hostname = next_text(&at, end);
	if (!directory || !hostname)
		return failed(PIN_STEP_REQUEST, EBADMSG);
	if (wanted == PIN_MONITORS)
		return make_monitors(directory, hostname);
	if (!enter_directory(directory))
		return false;
	if (wanted & PIN_UTS && *hostname && sethostname(hostname, strlen(hostname)) < 0)
		return failed(PIN_STEP_HOSTNAME, errno);
	if (!write_sysctls(at, end))
		return false;
	for (size_t i = 0; i < N_NAMESPACES; i++) {
		if (wanted & namespaces[i].flag && !pin(namespaces[i].source, namespaces[i].name))
			return false;
	}
	return true;
}

static bool read_flags(const char *text)
{
	for (; *text >= '0' && *text <= '9' && wanted < 100; text++)
		wanted = wanted * 10 + (uint32_t)(*text - '0');
	return wanted && !*text;
}

int main(int argc, char **argv)
{
	bool done;

	if (argc != 3 || strcmp(argv[1], "pin") != 0 || !read_flags(argv[2]))
		return 2;
	umask(022);
	done = make_namespaces() && pin_namespaces();
	return socket_send(PIN_SOCKET_FD, &answer, sizeof(answer), NULL, 0) == 0 && done ? 0 : 1;
}

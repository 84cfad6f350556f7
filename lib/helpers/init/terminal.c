/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include "mounts.h"
#include "target.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define DEVPTS_DIRECTORY "/dev/pts"

static const char step[] = "make a terminal";

static int open_devpts(int root_fd)
{
	CLEANUP_CLOSE int fd = target_open(root_fd, DEVPTS_DIRECTORY);
	struct statfs status;

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &status) < 0)
		return -errno;
	return status.f_type == DEVPTS_SUPER_MAGIC ? take_fd(&fd) : -ENODEV;
}

/* Nothing but the kernel makes files in a devpts, but something could be mounted over one. */
static int open_in_devpts(int devpts_fd, const char *name, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, devpts_fd, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int show_as_console(int root_fd, int devpts_fd, int master_fd)
{
	CLEANUP_CLOSE int path_fd = -1;
	unsigned int number;
	char name[16] = "";
	struct composed text = { name, 0, sizeof(name) };

	if (ioctl(master_fd, TIOCGPTN, &number) < 0)
		return -errno;
	compose(&text, "%d", (int64_t)number);
	path_fd = open_in_devpts(devpts_fd, name, O_PATH);
	return path_fd < 0 ? path_fd : mounts_bind_file(root_fd, path_fd, "/dev/console");
}

/* A new session, unless the process leads one already. */
static int control(int slave_fd)
{
	if (setsid() < 0 && errno != EPERM)
		return -errno;
	if (ioctl(slave_fd, TIOCSCTTY, 0) < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++) {
		if (dup3(slave_fd, fd, 0) < 0)
			return -errno;
	}
	return 0;
}

int terminal_make(int root_fd, uint32_t uid, bool console, int *master_fd, struct failure *failure)
{
	CLEANUP_CLOSE int devpts_fd = open_devpts(root_fd);
	CLEANUP_CLOSE int master = -1;
	CLEANUP_CLOSE int slave = -1;
	int unlocked = 0, result;

	if (devpts_fd < 0)
		return fail(failure, devpts_fd, step, DEVPTS_DIRECTORY " is no devpts");
	master = open_in_devpts(devpts_fd, "ptmx", O_RDWR | O_NOCTTY);
	if (master < 0)
		return fail(failure, master, step, DEVPTS_DIRECTORY "/ptmx");
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return fail(failure, errno, step, "TIOCSPTLCK");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return fail(failure, errno, step, "TIOCGPTPEER");
	/* Programs open /dev/tty, /dev/stdout or their terminal's own path again, as their user. */
	if (fchown(slave, uid, (gid_t)-1) < 0)
		return fail(failure, errno, step, "give the terminal to uid %d", (int64_t)uid);
	if (console) {
		result = show_as_console(root_fd, devpts_fd, master);
		if (result < 0)
			return fail(failure, result, step, "/dev/console");
	}
	result = control(slave);
	if (result < 0)
		return fail(failure, result, step, "make it the controlling terminal");
	*master_fd = take_fd(&master);
	return 0;
}

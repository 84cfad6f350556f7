/* SPDX-License-Identifier: Apache-2.0 */
/* cri-mount: mounts one layer of an embedded image (image/mount_protocol.h). Until the very last step what it makes
 * hangs on its descriptors alone: killed, it leaves nothing. */
#include "base/cleanup.h"
#include "base/socket.h"
#include "helpers/helper.h"
#include "image/mount_protocol.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define ANSWER_FD 3
#define SOURCE_FD 4
#define LOOK_NAMESPACE_FD 4
#define MOUNT_NAMESPACE_FD 5

/* Another process may take the free device first. */
#define LOOP_ATTEMPTS 64

#define ATTRIBUTES (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV)

static struct mount_answer answer;

static int failed(enum mount_step step, int error)
{
	answer.step = step;
	answer.error = error;
	return -1;
}

/* A read-only loop device that goes with its last user: first this descriptor, then the file system. */
static int make_loop(char path[32])
{
	const struct loop_config config = {
		.fd = SOURCE_FD,
		.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
	};
	CLEANUP_CLOSE int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return failed(MOUNT_STEP_LOOP_CONTROL, errno);
	for (int i = 0; i < LOOP_ATTEMPTS; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		int device;

		if (number < 0)
			return failed(MOUNT_STEP_LOOP, errno);
		snprintf(path, 32, "/dev/loop%d", number);
		device = open(path, O_RDONLY | O_CLOEXEC);
		if (device < 0)
			return failed(MOUNT_STEP_LOOP, errno);
		if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
			return device;
		(void)failed(MOUNT_STEP_LOOP, errno);
		close(device);
		if (answer.error != EBUSY)
			return -1;
	}
	return -1;
}

static int make_filesystem(const char *type, const char *device)
{
	CLEANUP_CLOSE int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	long mount;

	if (context < 0)
		return failed(MOUNT_STEP_FILESYSTEM, errno);
	if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", device, 0) < 0 ||
	    syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return failed(MOUNT_STEP_SUPERBLOCK, errno);
	mount = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, ATTRIBUTES);
	return mount < 0 ? failed(MOUNT_STEP_MOUNT, errno) : (int)mount;
}

/* Of the mount that it is on alone, without what is mounted below. */
static int bind_directory(void)
{
	struct mount_attr attributes = { .attr_set = ATTRIBUTES, .propagation = MS_PRIVATE };
	int tree = (int)syscall(SYS_open_tree, SOURCE_FD, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return failed(MOUNT_STEP_MOUNT, errno);
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0) {
		(void)failed(MOUNT_STEP_MOUNT, errno);
		close(tree);
		return -1;
	}
	return tree;
}

static bool is_device(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISBLK(status.st_mode);
}

/* Attached nowhere. */
static int make_mount(const char *type)
{
	char path[32] = "/proc/self/fd/4";
	CLEANUP_CLOSE int loop = -1;

	if (strcmp(type, "directory") == 0)
		return bind_directory();
	if (!is_device(SOURCE_FD)) {
		loop = make_loop(path);
		if (loop < 0)
			return -1;
	}
	return make_filesystem(type, path);
}

/* In the monitors' namespace from here on. */
static int open_directory(int namespace, const char *path, int *directory)
{
	struct statx status;

	if (setns(namespace, CLONE_NEWNS) < 0)
		return failed(MOUNT_STEP_NAMESPACE, errno);
	*directory = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*directory < 0 || statx(*directory, "", AT_EMPTY_PATH, 0, &status) < 0)
		return failed(MOUNT_STEP_DIRECTORY, errno);
	if (!(status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return failed(MOUNT_STEP_DIRECTORY, EOPNOTSUPP);
	answer.mounted = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	return 0;
}

static int do_look(const char *path)
{
	CLEANUP_CLOSE int directory = -1;

	return open_directory(LOOK_NAMESPACE_FD, path, &directory);
}

static int do_mount(const char *type, const char *path)
{
	CLEANUP_CLOSE int mount = make_mount(type);
	CLEANUP_CLOSE int directory = -1;

	if (mount < 0 || open_directory(MOUNT_NAMESPACE_FD, path, &directory))
		return -1;
	if (answer.mounted)
		return 0;
	if (syscall(SYS_move_mount, mount, "", directory, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return failed(MOUNT_STEP_MOUNT, errno);
	answer.mounted = 1;
	return 0;
}

static int do_check(const char *type)
{
	CLEANUP_CLOSE int mount = make_mount(type);

	return mount < 0 ? -1 : 0;
}

static int run(int argc, char **argv)
{
	int error = helper_start();

	if (error)
		return failed(MOUNT_STEP_REQUEST, -error);
	if (argc == 3 && strcmp(argv[1], "look") == 0)
		return do_look(argv[2]);
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return do_check(argv[2]);
	if (argc == 4 && strcmp(argv[1], "mount") == 0)
		return do_mount(argv[2], argv[3]);
	return failed(MOUNT_STEP_REQUEST, EINVAL);
}

int main(int argc, char **argv)
{
	int result = run(argc, argv);

	/* A first attempt for a loop device may have failed. */
	if (result == 0)
		answer.step = MOUNT_DONE;
	return socket_send(ANSWER_FD, &answer, sizeof(answer), NULL, 0) || result ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Everything goes by descriptors (open_tree, fsmount, move_mount): no path is resolved twice, and /proc need not be
 * mounted or true. */
#include "mounts.h"

#include "target.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static const char mount_step[] = INIT_STEP_MOUNT;
static const char mask_step[] = "mask a path";
static const char readonly_step[] = "make a path read-only";

static const struct {
	unsigned int flag;
	uint64_t attribute;
} attributes[] = {
	{ MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ MS_NODEV, MOUNT_ATTR_NODEV },
	{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MS_NOATIME, MOUNT_ATTR_NOATIME },
	{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	/* What a mount has when it says nothing. */
	{ MS_RELATIME, MOUNT_ATTR_RELATIME },
};

static int copy_tree(int fd, bool recursive)
{
	long tree = syscall(SYS_open_tree, fd, "",
			    AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));

	return tree < 0 ? -errno : (int)tree;
}

static int attach(int tree_fd, int target_fd)
{
	long result =
		syscall(SYS_move_mount, tree_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);

	return result < 0 ? -errno : 0;
}

static int set_readonly(int fd, bool recursive)
{
	struct mount_attr attribute = { .attr_set = MOUNT_ATTR_RDONLY };
	long result = syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attribute,
			      sizeof(attribute));

	return result < 0 ? -errno : 0;
}

static bool is_directory(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

static int do_mount(int root_fd, const struct order *order, struct failure *failure)
{
	const char *target = order->texts[0];
	enum target_kind kind = order->flags & INIT_MOUNT_FILE ? TARGET_FILE : TARGET_DIRECTORY;
	CLEANUP_CLOSE int target_fd = -1;
	int result;

	if (order->n_texts != 1 || order->n_fds != 1 || order->flags & ~INIT_MOUNT_FILE)
		return fail(failure, EBADMSG, mount_step, "the order is malformed");
	if (!strcmp(target, "/"))
		return fail(failure, EINVAL, mount_step, "nothing can be mounted over the root");
	target_fd = target_make(root_fd, target, kind);
	if (target_fd < 0)
		return fail(failure, target_fd, mount_step, "make %s", target);
	/* The kernel says EINVAL, as to much else. */
	if (is_directory(order->fds[0]) != is_directory(target_fd))
		return fail(failure, ENOTDIR, mount_step, "%s and what is mounted there are not of one kind", target);
	result = attach(order->fds[0], target_fd);
	if (result == -ELOOP)
		return fail(failure, result, mount_step,
			    "%s: below its source a mount namespace is bound; run mount --make-unbindable on that",
			    target);
	return result < 0 ? fail(failure, result, mount_step, "%s", target) : 0;
}

/* Hands "key=value,key" to the file system context. */
static int configure(int context, const char *data)
{
	char option[512];

	while (*data) {
		const char *comma = strchr(data, ',');
		size_t length = comma ? (size_t)(comma - data) : strlen(data);
		char *value;
		long result = 0;

		if (length >= sizeof(option))
			return -ENAMETOOLONG;
		memcpy(option, data, length);
		option[length] = '\0';
		value = strchr(option, '=');
		if (value)
			*value++ = '\0';
		if (length)
			result = syscall(SYS_fsconfig, context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option,
					 value, 0);
		if (result < 0)
			return -errno;
		data += length + (comma ? 1 : 0);
	}
	return syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

static int make_file_system(const char *type, const char *data, uint64_t attribute)
{
	CLEANUP_CLOSE int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int result;
	long mount;

	if (context < 0)
		return -errno;
	result = configure(context, data);
	if (result < 0)
		return result;
	mount = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attribute);
	return mount < 0 ? -errno : (int)mount;
}

static int do_fresh(int root_fd, const struct order *order, struct failure *failure)
{
	const char *type = order->texts[0], *target = order->texts[1];
	unsigned int flags = order->flags;
	CLEANUP_CLOSE int target_fd = -1;
	CLEANUP_CLOSE int tree_fd = -1;
	uint64_t attribute = 0;
	int result;

	if (order->n_texts != 3)
		return fail(failure, EBADMSG, mount_step, "the order is malformed");
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		if (flags & attributes[i].flag)
			attribute |= attributes[i].attribute;
		flags &= ~attributes[i].flag;
	}
	if (flags)
		return fail(failure, EINVAL, mount_step, "%s at %s: flags %x are not known", type, target,
			    (uint64_t)flags);
	target_fd = target_make(root_fd, target, TARGET_DIRECTORY);
	if (target_fd < 0)
		return fail(failure, target_fd, mount_step, "make %s", target);
	tree_fd = make_file_system(type, order->texts[2], attribute);
	if (tree_fd < 0)
		return fail(failure, tree_fd, mount_step, "%s with options \"%s\"", type, order->texts[2]);
	result = attach(tree_fd, target_fd);
	return result < 0 ? fail(failure, result, mount_step, "%s at %s", type, target) : 0;
}

/* The container's own /dev/null, if that is what it is: a mount or the image could have put anything there. */
static int open_null(int root_fd)
{
	CLEANUP_CLOSE int fd = target_open(root_fd, "/dev/null");
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
		return -ENODEV;
	return take_fd(&fd);
}

int mounts_bind_file(int root_fd, int source_fd, const char *target)
{
	CLEANUP_CLOSE int target_fd = target_make(root_fd, target, TARGET_FILE);
	CLEANUP_CLOSE int tree_fd = -1;

	if (target_fd < 0)
		return target_fd;
	tree_fd = copy_tree(source_fd, false);
	return tree_fd < 0 ? tree_fd : attach(tree_fd, target_fd);
}

static int mask_file(int root_fd, int target_fd)
{
	CLEANUP_CLOSE int null_fd = open_null(root_fd);
	CLEANUP_CLOSE int tree_fd = -1;

	if (null_fd < 0)
		return null_fd;
	tree_fd = copy_tree(null_fd, false);
	return tree_fd < 0 ? tree_fd : attach(tree_fd, target_fd);
}

/* All masked directories of a container show one empty file system: the first mount is kept open and copied for the
 * next (which needs it attached). */
static int mask_directory(int target_fd)
{
	static int empty_fd = -1;
	CLEANUP_CLOSE int tree_fd = -1;
	int result;

	if (empty_fd >= 0) {
		tree_fd = copy_tree(empty_fd, false);
		return tree_fd < 0 ? tree_fd : attach(tree_fd, target_fd);
	}
	tree_fd = make_file_system("tmpfs", "size=4k,mode=0555",
				   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (tree_fd < 0)
		return tree_fd;
	result = attach(tree_fd, target_fd);
	if (result == 0)
		empty_fd = take_fd(&tree_fd);
	return result;
}

static int do_mask(int root_fd, const struct order *order, struct failure *failure)
{
	const char *target = order->texts[0];
	CLEANUP_CLOSE int target_fd = -1;
	struct stat status;
	int result;

	if (order->n_texts != 1)
		return fail(failure, EBADMSG, mask_step, "the order is malformed");
	target_fd = target_open(root_fd, target);
	if (target_fd == -ENOENT || target_fd == -ENOTDIR)
		return 0;
	if (target_fd < 0)
		return fail(failure, target_fd, mask_step, "%s", target);
	if (fstat(target_fd, &status) < 0)
		return fail(failure, errno, mask_step, "%s", target);
	result = S_ISDIR(status.st_mode) ? mask_directory(target_fd) : mask_file(root_fd, target_fd);
	return result < 0 ? fail(failure, result, mask_step, "%s", target) : 0;
}

static bool root_is_readonly;

int mounts_finish(int root_fd, struct failure *failure)
{
	int result = root_is_readonly ? set_readonly(root_fd, false) : 0;

	return result < 0 ? fail(failure, result, readonly_step, "/") : 0;
}

static int do_readonly(int root_fd, const struct order *order, struct failure *failure)
{
	const char *target = order->texts[0];
	CLEANUP_CLOSE int target_fd = -1;
	CLEANUP_CLOSE int tree_fd = -1;
	int result;

	if (order->n_texts != 1)
		return fail(failure, EBADMSG, readonly_step, "the order is malformed");
	if (!strcmp(target, "/")) {
		root_is_readonly = true;
		return 0;
	}
	target_fd = target_open(root_fd, target);
	if (target_fd == -ENOENT || target_fd == -ENOTDIR)
		return 0;
	if (target_fd < 0)
		return fail(failure, target_fd, readonly_step, "%s", target);
	tree_fd = copy_tree(target_fd, true);
	if (tree_fd < 0)
		return fail(failure, tree_fd, readonly_step, "%s", target);
	result = set_readonly(tree_fd, true);
	if (result == 0)
		result = attach(tree_fd, target_fd);
	return result < 0 ? fail(failure, result, readonly_step, "%s", target) : 0;
}

bool mounts_is_order(const struct order *order)
{
	return order->type >= INIT_MOUNT && order->type <= INIT_READONLY;
}

int mounts_do(int root_fd, const struct order *order, struct failure *failure)
{
	switch (order->type) {
	case INIT_MOUNT:
		return do_mount(root_fd, order, failure);
	case INIT_FRESH:
		return do_fresh(root_fd, order, failure);
	case INIT_MASK:
		return do_mask(root_fd, order, failure);
	default:
		return do_readonly(root_fd, order, failure);
	}
}

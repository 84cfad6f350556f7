/* SPDX-License-Identifier: Apache-2.0 */
#include "fs.h"

#include "fs_walk.h"

#include <fcntl.h>
#include <string.h>

/* Inodes with several links that were counted: open addressing, at most half full. */
#define LINKED_MAX 65536
#define LINKED_SLOTS_FIRST 256

struct linked_inode {
	uint64_t device, inode;
	bool used;
};

/* So many entries are visited between two looks at whether to go on. Each may cost a seek of a slow disk. */
#define PATIENCE 64

struct usage {
	uint64_t bytes, inodes, visited;
	bool (*goes_on)(void *context);
	void *context;
	struct linked_inode *slots;
	size_t n_slots, n_used;
};

static struct linked_inode *find_slot(struct linked_inode *slots, size_t n_slots, uint64_t device, uint64_t inode)
{
	size_t at = (size_t)((inode ^ device) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (n_slots - 1);

	while (slots[at].used && (slots[at].inode != inode || slots[at].device != device))
		at = (at + 1) & (n_slots - 1);
	return &slots[at];
}

static int grow_slots(struct usage *usage)
{
	size_t n_slots = usage->n_slots ? usage->n_slots * 2 : LINKED_SLOTS_FIRST;
	struct linked_inode *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < usage->n_slots; i++) {
		struct linked_inode *old = &usage->slots[i];

		if (old->used)
			*find_slot(slots, n_slots, old->device, old->inode) = *old;
	}
	free(usage->slots);
	usage->slots = slots;
	usage->n_slots = n_slots;
	return 0;
}

/* 1: counted before; 0: now it is; -ENOMEM. */
static int seen_before(struct usage *usage, uint64_t device, uint64_t inode)
{
	struct linked_inode *slot;

	if (usage->n_used * 2 >= usage->n_slots && usage->n_used < LINKED_MAX) {
		int error = grow_slots(usage);

		if (error)
			return error;
	}
	slot = find_slot(usage->slots, usage->n_slots, device, inode);
	if (slot->used)
		return 1;
	if (usage->n_used < LINKED_MAX) {
		*slot = (struct linked_inode){ .device = device, .inode = inode, .used = true };
		usage->n_used++;
	}
	return 0;
}

/* Counts one object that is no mount point. */
static int count_object(struct usage *usage, const struct statx *status)
{
	if (!S_ISDIR(status->stx_mode) && status->stx_nlink > 1) {
		uint64_t device = (uint64_t)status->stx_dev_major << 32 | status->stx_dev_minor;
		int seen = seen_before(usage, device, status->stx_ino);

		if (seen)
			return seen < 0 ? seen : 0;
	}
	usage->bytes += status->stx_blocks * 512;
	usage->inodes++;
	return 0;
}

static int count_entry(struct fs_visitor *visitor, int directory_fd, const char *name, unsigned char type)
{
	struct usage *usage = visitor->context;
	struct statx status;
	int error;

	(void)type;
	if (++usage->visited % PATIENCE == 0 && usage->goes_on && !usage->goes_on(usage->context))
		return fs_walk_stop(visitor, -ECANCELED);
	if (statx(directory_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &status))
		return errno == ENOENT ? FS_WALK_LEAF : -errno;
	if (status.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return FS_WALK_LEAF;
	error = count_object(usage, &status);
	if (error)
		return error;
	return S_ISDIR(status.stx_mode) ? FS_WALK_DIRECTORY : FS_WALK_LEAF;
}

/* Counts the directory itself and all below it; takes `fd`. */
static int count_tree(struct usage *usage, int fd)
{
	struct fs_visitor visitor = { .visit = count_entry, .context = usage, .depth_max = FS_USAGE_DEPTH_MAX };
	CLEANUP_CLOSE int taken = fd;
	struct statx status;
	int error;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status))
		return -errno;
	error = count_object(usage, &status);
	if (!error)
		error = fs_walk(take_fd(&taken), &visitor);
	/* Whoever moves directories about while they are counted shall not be able to keep his use a secret. */
	if (error == -ESTALE)
		error = 0;
	return error;
}

static int count_leaf(struct usage *usage, int directory_fd, const char *path)
{
	struct statx status;

	if (statx(directory_fd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &status))
		return -errno;
	return count_object(usage, &status);
}

int fs_tree_usage(int directory_fd, const char *path, bool (*goes_on)(void *context), void *context, uint64_t *bytes,
		  uint64_t *inodes)
{
	struct usage usage = { .goes_on = goes_on, .context = context };
	int fd = openat(directory_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error;

	if (fd >= 0)
		error = count_tree(&usage, fd);
	else
		error = errno == ENOTDIR || errno == ELOOP ? count_leaf(&usage, directory_fd, path) : -errno;
	free(usage.slots);
	if (error)
		return error;
	*bytes = usage.bytes;
	*inodes = usage.inodes;
	return 0;
}

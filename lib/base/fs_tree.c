/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over whole trees, of which the depth, the names and the number of entries are somebody else's choice: no
 * recursion, no path, a bounded number of descriptors. */
#include "fs.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

/* Directories above this depth stay open; below, the walk comes back through "..". */
#define OPEN_LEVELS 32

/* How often a directory is walked again when somebody adds to it. */
#define MAX_RETURNS 16

#define VISIT_LEAF 0
#define VISIT_DIRECTORY 1

struct visitor {
	/* An entry: VISIT_LEAF when it is done, VISIT_DIRECTORY to be walked, or -errno. */
	int (*visit)(struct visitor *visitor, int directory_fd, const char *name, unsigned char type);
	/* A directory of which all entries were visited. 0, -EAGAIN to walk it once more, or -errno. May be NULL. */
	int (*leave)(struct visitor *visitor, int parent_fd, const char *name);
	void *context;
	int error;    /* the first one; the walk goes on */
	bool stopped; /* it does not */
};

struct frame {
	int fd;       /* -1: closed, deep in the tree */
	dev_t device; /* of the closed one, to know it again */
	ino_t inode;
	unsigned int returns; /* how often it was walked again */
	struct buffer names;  /* its directories that are not walked yet, each with its NUL; the last one is in work */
};

/* What getdents64(2) answers. Not readdir(3): its stream costs four system calls a directory and 32 KiB. */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	unsigned char type;
	char name[];
};

#define ENTRIES_SIZE 8192

struct walk {
	struct visitor *visitor;
	struct frame *frames;
	size_t depth, capacity;
	_Alignas(struct entry) char entries[ENTRIES_SIZE];
};

static void note_error(struct visitor *visitor, int error)
{
	if (!visitor->error)
		visitor->error = error;
}

static char *last_name(struct frame *frame)
{
	size_t at = frame->names.length;

	if (!at)
		return NULL;
	for (at--; at && frame->names.data[at - 1]; at--)
		;
	return frame->names.data + at;
}

static void drop_last_name(struct frame *frame)
{
	frame->names.length = (size_t)(last_name(frame) - frame->names.data);
}

/* Never through a link nor into a mount, bind mounts of the same file system included: -EXDEV. */
static int open_child(int directory_fd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	long fd;

	do {
		fd = syscall(SYS_openat2, directory_fd, name, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

static void visit(struct walk *walk, struct frame *top, const struct entry *entry)
{
	struct visitor *visitor = walk->visitor;
	int result;

	if (!strcmp(entry->name, ".") || !strcmp(entry->name, ".."))
		return;
	result = visitor->visit(visitor, top->fd, entry->name, entry->type);
	if (result == VISIT_DIRECTORY)
		buffer_append(&top->names, entry->name, strlen(entry->name) + 1);
	else if (result < 0)
		note_error(visitor, result);
}

/* Visits the entries of the top frame's directory; its subdirectories are remembered there. */
static void scan(struct walk *walk)
{
	struct frame *top = &walk->frames[walk->depth - 1];
	struct visitor *visitor = walk->visitor;
	long n;

	if (top->returns && lseek(top->fd, 0, SEEK_SET) < 0) {
		note_error(visitor, -errno);
		return;
	}
	while ((n = syscall(SYS_getdents64, top->fd, walk->entries, sizeof(walk->entries))) > 0) {
		for (long at = 0; at < n && !visitor->stopped;) {
			const struct entry *entry = (const struct entry *)(walk->entries + at);

			visit(walk, top, entry);
			at += entry->length;
		}
		if (top->names.failed)
			note_error(visitor, -ENOMEM);
		if (top->names.failed || visitor->stopped)
			return;
	}
	if (n < 0)
		note_error(visitor, -errno);
}

/* Takes `fd`. */
static int push(struct walk *walk, int fd)
{
	if (walk->depth == walk->capacity) {
		size_t capacity = walk->capacity ? walk->capacity * 2 : OPEN_LEVELS;
		struct frame *frames = reallocarray(walk->frames, capacity, sizeof(*frames));

		if (!frames) {
			close(fd);
			return -ENOMEM;
		}
		walk->frames = frames;
		walk->capacity = capacity;
	}
	walk->frames[walk->depth++] = (struct frame){ .fd = fd };
	return 0;
}

static void pop(struct walk *walk)
{
	struct frame *frame = &walk->frames[--walk->depth];

	if (frame->fd >= 0)
		close(frame->fd);
	buffer_free(&frame->names);
}

/* Deep in the tree only the directory in work stays open. */
static void close_parent(struct walk *walk)
{
	struct frame *parent;
	struct stat status;

	if (walk->depth <= OPEN_LEVELS)
		return;
	parent = &walk->frames[walk->depth - 2];
	/* One that cannot be known again is not found again. */
	parent->inode = 0;
	if (fstat(parent->fd, &status) == 0) {
		parent->device = status.st_dev;
		parent->inode = status.st_ino;
	}
	close(parent->fd);
	parent->fd = -1;
}

/* Enters the directory that is last in the top frame's list. What is none any more is passed by. */
static void descend(struct walk *walk)
{
	struct visitor *visitor = walk->visitor;
	struct frame *top = &walk->frames[walk->depth - 1];
	int error, fd = open_child(top->fd, last_name(top));

	error = fd < 0 ? fd : push(walk, fd);
	if (!error) {
		scan(walk);
		close_parent(walk);
		return;
	}
	if (error == -EACCES && visitor->leave) {
		/* An empty directory goes without being read. */
		error = visitor->leave(visitor, top->fd, last_name(top));
		if (error == -EAGAIN)
			error = -EACCES;
	}
	if (error && error != -ENOENT && error != -ENOTDIR && error != -ELOOP)
		note_error(visitor, error == -EXDEV ? -EBUSY : error);
	drop_last_name(top);
}

/* Opens the parent of the top frame again. Somebody may have moved the directory elsewhere meanwhile: then what lies
 * between here and the deepest directory that is still open is given up. */
static int reopen_parent(struct walk *walk)
{
	struct frame *top = &walk->frames[walk->depth - 1], *parent = top - 1;
	struct stat status;
	int fd;

	if (parent->fd >= 0)
		return 0;
	fd = open_child(top->fd, "..");
	if (fd >= 0 && !fstat(fd, &status) && status.st_dev == parent->device && status.st_ino == parent->inode) {
		parent->fd = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	note_error(walk->visitor, -ESTALE);
	while (walk->frames[walk->depth - 1].fd < 0 || walk->depth > OPEN_LEVELS)
		pop(walk);
	drop_last_name(&walk->frames[walk->depth - 1]);
	return -ESTALE;
}

/* Leaves the top frame, which has no directory left to walk. */
static void ascend(struct walk *walk)
{
	struct visitor *visitor = walk->visitor;
	struct frame *top = &walk->frames[walk->depth - 1], *parent = top - 1;
	int error = 0;

	if (reopen_parent(walk))
		return;
	if (visitor->leave)
		error = visitor->leave(visitor, parent->fd, last_name(parent));
	if (error == -EAGAIN && !visitor->error && top->returns < MAX_RETURNS) {
		top->returns++;
		scan(walk);
		close_parent(walk);
		return;
	}
	if (error)
		note_error(visitor, error == -EAGAIN ? -ENOTEMPTY : error);
	pop(walk);
	drop_last_name(parent);
}

/* Walks below an open directory, which is taken. */
static int walk_tree(int fd, struct visitor *visitor)
{
	struct walk walk;
	int error;

	walk.visitor = visitor;
	walk.frames = NULL;
	walk.depth = walk.capacity = 0;
	error = push(&walk, fd);

	if (!walk.depth)
		return error;
	scan(&walk);
	while (walk.depth) {
		if (visitor->stopped)
			pop(&walk);
		else if (walk.frames[walk.depth - 1].names.length)
			descend(&walk);
		else if (walk.depth > 1)
			ascend(&walk);
		else
			pop(&walk);
	}
	free(walk.frames);
	return visitor->error;
}

static int remove_entry(struct visitor *visitor, int directory_fd, const char *name, unsigned char type)
{
	(void)visitor;
	if (type == DT_DIR)
		return VISIT_DIRECTORY;
	if (!unlinkat(directory_fd, name, 0) || errno == ENOENT)
		return VISIT_LEAF;
	/* Not every file system tells the type. */
	return errno == EISDIR ? VISIT_DIRECTORY : -errno;
}

static int remove_directory(struct visitor *visitor, int parent_fd, const char *name)
{
	(void)visitor;
	if (!unlinkat(parent_fd, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? -EAGAIN : -errno;
}

/* The path without the slashes at its end, behind which links would be followed. */
static int trim_path(const char *path, char trimmed[PATH_MAX])
{
	size_t length = strlen(path);
	const char *name;

	while (length > 1 && path[length - 1] == '/')
		length--;
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(trimmed, path, length);
	trimmed[length] = '\0';
	name = strrchr(trimmed, '/');
	name = name ? name + 1 : trimmed;
	return !*name || !strcmp(name, ".") || !strcmp(name, "..") ? -EINVAL : 0;
}

/* 0, -EAGAIN when something was added meanwhile, or -errno. */
static int remove_tree_once(int directory_fd, const char *path)
{
	struct visitor visitor = { .visit = remove_entry, .leave = remove_directory };
	CLEANUP_CLOSE int fd = openat(directory_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statx status;
	int error;

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return !unlinkat(directory_fd, path, 0) || errno == ENOENT ? 0 : -errno;
	if (fd < 0 && errno == EACCES) {
		error = remove_directory(&visitor, directory_fd, path);
		return error == -EAGAIN ? -EACCES : error;
	}
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status))
		return -errno;
	if (status.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return -EBUSY;
	error = walk_tree(take_fd(&fd), &visitor);
	return error ? error : remove_directory(&visitor, directory_fd, path);
}

int fs_remove_tree(int directory_fd, const char *path)
{
	char trimmed[PATH_MAX];
	int error = trim_path(path, trimmed);

	if (error)
		return error;
	for (int attempt = 0; attempt < MAX_RETURNS; attempt++) {
		error = remove_tree_once(directory_fd, trimmed);
		if (error != -EAGAIN)
			return error;
	}
	return -ENOTEMPTY;
}

/* Inodes with several links that were counted: open addressing, at most half full. */
#define LINKED_MAX 65536
#define LINKED_SLOTS_FIRST 256

struct linked_inode {
	uint64_t device, inode;
	bool used;
};

/* So many entries are visited between two looks at whether to go on. */
#define PATIENCE 1024

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

static int count_entry(struct visitor *visitor, int directory_fd, const char *name, unsigned char type)
{
	struct usage *usage = visitor->context;
	struct statx status;
	int error;

	(void)type;
	if (++usage->visited % PATIENCE == 0 && usage->goes_on && !usage->goes_on(usage->context)) {
		visitor->stopped = true;
		return -ECANCELED;
	}
	if (statx(directory_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &status))
		return errno == ENOENT ? VISIT_LEAF : -errno;
	if (status.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return VISIT_LEAF;
	error = count_object(usage, &status);
	if (error)
		return error;
	return S_ISDIR(status.stx_mode) ? VISIT_DIRECTORY : VISIT_LEAF;
}

/* Counts the directory itself and all below it; takes `fd`. */
static int count_tree(struct usage *usage, int fd)
{
	struct visitor visitor = { .visit = count_entry, .context = usage };
	CLEANUP_CLOSE int taken = fd;
	struct statx status;
	int error;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status))
		return -errno;
	error = count_object(usage, &status);
	if (!error)
		error = walk_tree(take_fd(&taken), &visitor);
	/* Whoever moves directories about while they are counted shall not be able to keep his use a secret. */
	if (error == -ESTALE)
		error = 0;
	return visitor.stopped ? -ECANCELED : error;
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

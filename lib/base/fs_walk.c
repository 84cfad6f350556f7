/* SPDX-License-Identifier: Apache-2.0 */
#include "fs_walk.h"

#include "fs.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

/* How often a directory is walked again when somebody adds to it. */
#define MAX_RETURNS 16

/* So many bytes of names are remembered of one directory before its scan pauses to walk what they name: in the upper
 * levels, and in each of the deep ones, of which there may be many. */
#define NAMES_UPPER 32768
#define NAMES_DEEP 1024

struct frame {
	int fd;       /* -1: closed, deep in the tree */
	dev_t device; /* of the closed one, to know it again */
	ino_t inode;
	unsigned int returns; /* how often it was walked again */
	bool paused;          /* its scan goes on at `next` when `names` is empty */
	int64_t next;
	struct buffer
		names; /* of its directories that are not walked yet, each with its NUL; the last one is in work */
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
	struct fs_visitor *visitor;
	struct frame *frames;
	size_t depth, capacity;
	_Alignas(struct entry) char entries[ENTRIES_SIZE];
};

static void note_error(struct fs_visitor *visitor, int error)
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
	struct fs_visitor *visitor = walk->visitor;
	int result;

	if (!strcmp(entry->name, ".") || !strcmp(entry->name, ".."))
		return;
	result = visitor->visit(visitor, top->fd, entry->name, entry->type);
	if (result == FS_WALK_DIRECTORY)
		buffer_append(&top->names, entry->name, strlen(entry->name) + 1);
	else if (result < 0)
		note_error(visitor, result);
}

/* Whether the names that the top frame remembers are enough for now. */
static bool is_full(const struct walk *walk)
{
	size_t limit = walk->depth <= FS_WALK_OPEN ? NAMES_UPPER : NAMES_DEEP;

	return walk->frames[walk->depth - 1].names.length >= limit;
}

/* Visits one batch of entries. False: no further. */
static bool scan_batch(struct walk *walk, long n)
{
	struct frame *top = &walk->frames[walk->depth - 1];

	for (long at = 0; at < n;) {
		const struct entry *entry = (const struct entry *)(walk->entries + at);

		visit(walk, top, entry);
		if (top->names.failed)
			note_error(walk->visitor, -ENOMEM);
		if (top->names.failed || walk->visitor->stopped)
			return false;
		if (is_full(walk)) {
			top->paused = true;
			top->next = entry->offset;
			return false;
		}
		at += entry->length;
	}
	return true;
}

/* Visits the entries of the top frame's directory from where its descriptor stands; its subdirectories are remembered
 * there. */
static void scan(struct walk *walk)
{
	struct frame *top = &walk->frames[walk->depth - 1];
	long n;

	top->paused = false;
	while ((n = syscall(SYS_getdents64, top->fd, walk->entries, sizeof(walk->entries))) > 0) {
		if (!scan_batch(walk, n))
			return;
	}
	if (n < 0)
		note_error(walk->visitor, -errno);
}

/* Where a scan paused, or at the beginning. The position outlives its descriptor, as NFS needs it to. */
static void scan_from(struct walk *walk, int64_t position)
{
	struct frame *top = &walk->frames[walk->depth - 1];

	if (lseek(top->fd, position, SEEK_SET) < 0) {
		top->paused = false;
		note_error(walk->visitor, -errno);
		return;
	}
	scan(walk);
}

/* Takes `fd`. */
static int push(struct walk *walk, int fd)
{
	if (walk->depth == walk->capacity) {
		size_t capacity = walk->capacity ? walk->capacity * 2 : FS_WALK_OPEN;
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

	if (walk->depth <= FS_WALK_OPEN)
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
	struct fs_visitor *visitor = walk->visitor;
	struct frame *top = &walk->frames[walk->depth - 1];
	int error, fd;

	if (visitor->depth_max && walk->depth == visitor->depth_max) {
		fs_walk_stop(visitor, -ELOOP);
		return;
	}
	fd = open_child(top->fd, last_name(top));
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
	while (walk->frames[walk->depth - 1].fd < 0 || walk->depth > FS_WALK_OPEN)
		pop(walk);
	drop_last_name(&walk->frames[walk->depth - 1]);
	return -ESTALE;
}

/* Leaves the top frame, which has no directory left to walk. */
static void ascend(struct walk *walk)
{
	struct fs_visitor *visitor = walk->visitor;
	struct frame *top = &walk->frames[walk->depth - 1], *parent = top - 1;
	int error = 0;

	if (reopen_parent(walk))
		return;
	if (visitor->leave)
		error = visitor->leave(visitor, parent->fd, last_name(parent));
	if (error == -EAGAIN && !visitor->error && top->returns < MAX_RETURNS) {
		top->returns++;
		scan_from(walk, 0);
		close_parent(walk);
		return;
	}
	if (error)
		note_error(visitor, error == -EAGAIN ? -ENOTEMPTY : error);
	pop(walk);
	drop_last_name(parent);
}

int fs_walk(int fd, struct fs_visitor *visitor)
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
		struct frame *top = &walk.frames[walk.depth - 1];

		if (visitor->stopped)
			pop(&walk);
		else if (top->names.length)
			descend(&walk);
		else if (top->paused)
			scan_from(&walk, top->next);
		else if (walk.depth > 1)
			ascend(&walk);
		else
			pop(&walk);
	}
	free(walk.frames);
	return visitor->error;
}

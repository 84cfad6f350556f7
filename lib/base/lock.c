/* SPDX-License-Identifier: Apache-2.0 */
#include "lock.h"

#include "cleanup.h"

#include <fcntl.h>

static struct flock one_byte(short type, uint64_t offset)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = 1 };
}

static int set_byte(int fd, short type, uint64_t offset)
{
	struct flock lock = one_byte(type, offset);

	if (fcntl(fd, F_OFD_SETLK, &lock))
		return errno == EACCES ? -EAGAIN : -errno;
	return 0;
}

int lock_take_byte(int fd, uint64_t offset)
{
	return set_byte(fd, F_WRLCK, offset);
}

int lock_give_byte(int fd, uint64_t offset)
{
	return set_byte(fd, F_UNLCK, offset);
}

static int take(const char *path, short type, uint64_t offset)
{
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	int result = fd < 0 ? -errno : set_byte(fd, type, offset);

	return result < 0 ? result : take_fd(&fd);
}

int lock_try(const char *path, uint64_t offset)
{
	return take(path, F_WRLCK, offset);
}

int lock_share(const char *path, uint64_t offset)
{
	return take(path, F_RDLCK, offset);
}

void lock_release(int fd)
{
	/* The whole file: this description holds nothing else. */
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	int saved = errno;

	fcntl(fd, F_OFD_SETLK, &lock);
	close(fd);
	errno = saved;
}

int lock_is_held(const char *path, uint64_t offset)
{
	struct flock lock = one_byte(F_WRLCK, offset);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fcntl(fd, F_OFD_GETLK, &lock))
		return -errno;
	return lock.l_type != F_UNLCK;
}

uint64_t lock_byte(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash & ((UINT64_C(1) << 62) - 1);
}

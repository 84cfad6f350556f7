/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that tell what they were started with: the test program itself, with "report" as its argument. */
#ifndef LIBCRI_TESTS_UNIT_SPAWN_FIXTURE_H
#define LIBCRI_TESTS_UNIT_SPAWN_FIXTURE_H

#include "base/buffer.h"
#include "base/fs.h"
#include "base/spawn.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

static char self[PATH_MAX];
static const char *const report_argv[] = { self, "report", NULL };

/* A line for each descriptor, "fd 3 DEVICE INODE", then what else a program can have from its parent. */
static int report(void)
{
	char directory[PATH_MAX] = "";
	DIR *opened = opendir("/proc/self/fd");
	struct dirent *entry;

	while (opened && (entry = readdir(opened))) {
		struct stat status;
		int fd = atoi(entry->d_name);

		/* valgrind keeps its own far up. */
		if (entry->d_name[0] == '.' || fd == dirfd(opened) || fd >= 1000 || fstat(fd, &status))
			continue;
		printf("fd %d %lx %lu%s\n", fd, (unsigned long)status.st_dev, (unsigned long)status.st_ino,
		       fcntl(fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "");
	}
	if (opened)
		closedir(opened);
	printf("cwd %s\n", getcwd(directory, sizeof(directory)));
	printf("leads session %d\n", getsid(0) == getpid());
	for (char **variable = environ; *variable; variable++)
		printf("variable %s\n", *variable);
	return fflush(stdout) ? 1 : 0;
}

static int find_self(void **state)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	return length > 0 ? 0 : -1;
}

/* The next number that a descriptor gets, and how many there are: what is left behind shows in either. */
static int count_fds(void)
{
	DIR *opened = opendir("/proc/self/fd");
	int n = 0;

	while (opened && readdir(opened))
		n++;
	if (opened)
		closedir(opened);
	return n;
}

/* Starts it with a pipe as its standard output, and reads that to its end. */
static int run(struct spawn *spawn, int *pidfd, struct buffer *output)
{
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	spawn->stdout_fd = fds[1];
	error = spawn_program(spawn, pidfd);
	close(fds[1]);
	while (!error) {
		ssize_t n = 0;

		if (buffer_reserve(output, 4096))
			error = -ENOMEM;
		else
			n = fs_read_full(fds[0], output->data + output->length, 4096);
		if (error || n <= 0)
			break;
		output->length += (size_t)n;
		output->data[output->length] = '\0';
	}
	close(fds[0]);
	return error;
}

static inline bool ends_within(int pidfd, int milliseconds)
{
	struct pollfd poller = { .fd = pidfd, .events = POLLIN };

	return poll(&poller, 1, milliseconds) == 1;
}

/* No child of any kind is left, not even one that only __WALL shows. */
static inline void assert_no_children(void)
{
	siginfo_t info;

	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "zygote_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

int open_zygote(const struct fixture *fixture)
{
	char wanted[300];
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int found = -1;

	snprintf(wanted, sizeof(wanted), "%s/containers/---", fixture->state);
	assert_non_null(proc);
	while (found < 0 && (entry = readdir(proc))) {
		char path[300], command[1024] = "";
		int pid = atoi(entry->d_name);
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd < 0)
			continue;
		if (read(fd, command, sizeof(command) - 1) > 9 && !strcmp(command, "cri-shim") &&
		    !strncmp(command + 9, wanted, strlen(wanted)))
			found = pidfd_open(pid, 0);
		close(fd);
	}
	closedir(proc);
	return found;
}

int require_zygote(const struct fixture *fixture)
{
	int pidfd = open_zygote(fixture);

	/* It may be in the middle of execve, where it has no arguments to be known by. */
	for (int i = 0; i < 100 && pidfd < 0; i++) {
		usleep(10000);
		pidfd = open_zygote(fixture);
	}
	assert_true(pidfd >= 0);
	return pidfd;
}

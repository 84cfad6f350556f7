/* SPDX-License-Identifier: Apache-2.0 */
#include "floor.h"

#include "samples.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIERARCHIES_MAX 24

static char hierarchies[HIERARCHIES_MAX][128];
static size_t n_hierarchies;
static bool is_v2; /* alone */

static void find_hierarchies(void)
{
	FILE *file = fopen("/proc/self/mounts", "re");
	char device[256], mountpoint[128], type[64];

	while (file && n_hierarchies < HIERARCHIES_MAX &&
	       fscanf(file, "%255s %127s %63s %*[^\n]", device, mountpoint, type) == 3) {
		if (!strncmp(type, "cgroup", 6)) {
			snprintf(hierarchies[n_hierarchies++], sizeof(*hierarchies), "%s", mountpoint);
			is_v2 = !strcmp(type, "cgroup2");
		}
	}
	if (file)
		fclose(file);
	is_v2 &= n_hierarchies == 1;
}

static void copy_parent_file(const char *group, const char *file)
{
	char path[PATH_MAX], value[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/../%s", group, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, value, sizeof(value));
	close(fd);
	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && n > 0 && write(fd, value, (size_t)n) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

static int make_cgroups(int number)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < n_hierarchies; i++) {
		snprintf(path, sizeof(path), "%s/libcri-floor-%d-%d", hierarchies[i], getpid(), number);
		if (mkdir(path, 0755) < 0)
			return -1;
		if (strstr(hierarchies[i], "cpuset")) {
			copy_parent_file(path, "cpuset.cpus");
			copy_parent_file(path, "cpuset.mems");
		}
	}
	return 0;
}

static int enter_cgroups(int number, pid_t pid)
{
	char path[PATH_MAX], text[16];
	int length = snprintf(text, sizeof(text), "%d", pid);

	for (size_t i = 0; i < n_hierarchies; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/libcri-floor-%d-%d/cgroup.procs", hierarchies[i], getpid(), number);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, text, (size_t)length) < 0)
			return -1;
		close(fd);
	}
	return 0;
}

/* On v2 alone the child is born in its cgroup: to move there would wait for RCU. */
static int open_cgroup(int number)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/libcri-floor-%d-%d", hierarchies[0], getpid(), number);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void remove_cgroups(int number)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < n_hierarchies; i++) {
		snprintf(path, sizeof(path), "%s/libcri-floor-%d-%d", hierarchies[i], getpid(), number);
		for (int tries = 0; rmdir(path) < 0 && errno == EBUSY && tries < 1000; tries++)
			usleep(100);
	}
}

/* In the new namespaces: root file system, then the program. Ends with the reason's errno. */
static int become_container(const char *options, const char *rootfs, int go)
{
	char byte;

	if (read(go, &byte, 1) != 1)
		return EPIPE;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("overlay", rootfs, "overlay", 0, options) < 0 || chdir(rootfs) < 0)
		return errno;
	if (mkdir("proc", 0755) < 0 && errno != EEXIST)
		return errno;
	if (mount("proc", "proc", "proc", 0, NULL) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0)
		return errno;
	execl("/bin/busybox", "sleep", "1000", (char *)NULL);
	return errno;
}

static pid_t start(const char *options, const char *rootfs, int number)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	int cgroup = is_v2 ? open_cgroup(number) : -1;
	int go[2], executed[2];
	char error;
	pid_t pid;

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	if (pipe2(go, O_CLOEXEC) < 0 || pipe2(executed, O_CLOEXEC) < 0)
		return -1;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		error = (char)become_container(options, rootfs, go[0]);
		if (write(executed[1], &error, 1) < 0)
			_exit(1);
		_exit(1);
	}
	close(executed[1]);
	if (cgroup >= 0)
		close(cgroup);
	if (pid > 0 && ((cgroup < 0 && enter_cgroups(number, pid) < 0) || write(go[1], "g", 1) != 1))
		error = 1;
	close(go[0]);
	close(go[1]);
	/* End of file: execve closed it. */
	if (pid > 0 && read(executed[0], &error, 1) != 0) {
		fprintf(stderr, "floor: %s\n", strerror(error));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(executed[0]);
	return pid;
}

int floor_cycle(const char *lower, const char *directory, int number, double *up, double *cycle)
{
	char upper[PATH_MAX], work[PATH_MAX], rootfs[PATH_MAX], options[4096], command[PATH_MAX + 16];
	double begun = now_milliseconds();
	pid_t pid;

	if (!n_hierarchies)
		find_hierarchies();
	snprintf(upper, sizeof(upper), "%s/upper-%d", directory, number);
	snprintf(work, sizeof(work), "%s/work-%d", directory, number);
	snprintf(rootfs, sizeof(rootfs), "%s/rootfs-%d", directory, number);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%.1300s,workdir=%.1300s", lower, upper, work);
	if (mkdir(upper, 0755) < 0 || mkdir(work, 0755) < 0 || mkdir(rootfs, 0755) < 0 || make_cgroups(number) < 0) {
		perror("floor");
		return -1;
	}
	pid = start(options, rootfs, number);
	*up = now_milliseconds() - begun;
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	remove_cgroups(number);
	rmdir(rootfs);
	snprintf(command, sizeof(command), "%s/work", work);
	rmdir(command);
	rmdir(work);
	snprintf(command, sizeof(command), "%s/proc", upper);
	rmdir(command);
	rmdir(upper);
	*cycle = now_milliseconds() - begun;
	return pid > 0 ? 0 : -1;
}

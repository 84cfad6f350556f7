/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way to start a program.
 *
 * The program becomes nobody's business: a host that links libcri must never see a child of ours in waitpid(-1), nor a
 * SIGCHLD. clone(2) with exit signal 0 alone does not do, since execve resets the exit signal to SIGCHLD; so an
 * intermediate with exit signal 0 (CLONE_VM | CLONE_VFORK, nothing is copied, reaped with __WCLONE) starts the program
 * and exits, and the program is reparented to init or to the host's subreaper.
 *
 * The program starts with: its own session, default signal dispositions, an empty signal mask, working directory "/",
 * the given environment only, and no descriptors but 0, 1, 2 and the given ones. Umask, resource limits, nice and
 * oom_score_adj are reset by the helper's own main (helper_start in lib/helpers/helper.h), which can report failures.
 */
#ifndef LIBCRI_BASE_SPAWN_H
#define LIBCRI_BASE_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

struct spawn {
	const char *path;               /* absolute */
	const char *const *argv;        /* NULL-terminated; argv[0] included */
	const char *const *environment; /* NULL: PATH of the system's directories and nothing else */
	const int *fds;                 /* become 3, 4, … in this order; fds 0 to 2 are /dev/null unless set below */
	size_t n_fds;
	int stdin_fd, stdout_fd, stderr_fd; /* -1: /dev/null */
	/* Entered before exec, by writing "0" to these open tasks files of v1; -1 ends the list. NULL: none. */
	const int *cgroup_fds;
	/* The directory of a cgroup of v2 (O_PATH will do), in which the program is born: base/clone.h. Where that
	 * cannot be, it moves there before exec. -1: none. */
	int cgroup_v2_fd;
};

#define SPAWN_INIT .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .cgroup_v2_fd = -1

/* Starts it; any number of threads may at once. 0: execve succeeded; *pidfd, unless NULL, is a descriptor of the
 * program (it can be polled and signalled; nobody of ours reaps it). -errno: of the step that failed; nothing is left
 * behind. -EINTR: it was killed before it could start. */
int spawn_program(const struct spawn *spawn, int *pidfd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/shim_process.h"

#include "base/fs.h"
#include "base/lock.h"
#include "base/text.h"
#include "core/paths.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const lock_files[] = {
	[SHIM_PROCESS_SHIM] = "shim.lock",
	[SHIM_PROCESS_MONITOR] = "monitor.lock",
};

int shim_process_open(cri_engine *engine, const char *id, enum shim_process process)
{
	char path[PATH_MAX];
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	CLEANUP_CLOSE int pidfd = -1;
	int64_t pid;
	int result;

	if (!path_container(engine, id, lock_files[process], path))
		return -ENAMETOOLONG;
	result = fs_read(AT_FDCWD, path, 32, &content);
	if (result < 0)
		return result == -ENOENT ? -ESRCH : result;
	/* Empty: its holder has the lock but has not written its pid yet, or died right then. */
	if (text_to_int64(content.data, &pid) < 0 || pid <= 0)
		return -ESRCH;
	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	/* EINVAL: its process is gone, and the number stays that of a session, of which the monitor is (before
	 * Linux 6.16).
	 */
	if (pidfd < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	/* Held after the pid was opened: the number was its holder's when it was opened, not a later process's. */
	result = lock_is_held(path, 0);
	if (result <= 0)
		return result < 0 ? result : -ESRCH;
	return take_fd(&pidfd);
}

static int kill_and_wait(cri_engine *engine, const char *id, enum shim_process process, cri_call *call)
{
	CLEANUP_CLOSE int pidfd = shim_process_open(engine, id, process);
	struct pollfd poll = { .fd = pidfd, .events = POLLIN };
	int result;

	if (pidfd == -ESRCH)
		return 0;
	if (pidfd < 0)
		return call_fail_errno(call, pidfd, "find the container's helper", "%s", lock_files[process]);
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return call_fail_errno(call, errno, "kill the container's helper", "%s", lock_files[process]);
	result = call_wait(call, "wait for the container's helper to end", &poll, 1, 10000);
	if (result == 0)
		return call_fail(call, CRI_EINTERNAL, "wait for the container's helper to end",
				 "it is still there ten seconds after SIGKILL");
	return result < 0 ? result : 0;
}

int shim_process_kill(cri_engine *engine, const char *id, cri_call *call)
{
	/* The shim first: it would take the monitor's death for the container's and publish an end. */
	int result = kill_and_wait(engine, id, SHIM_PROCESS_SHIM, call);

	return result < 0 ? result : kill_and_wait(engine, id, SHIM_PROCESS_MONITOR, call);
}

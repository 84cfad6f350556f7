/* SPDX-License-Identifier: Apache-2.0 */
#include "become.h"

#include "capabilities.h"
#include "executable.h"
#include "proc.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define KERNEL_SIGNALS 64
#define KERNEL_SIGNAL_SET_SIZE 8

static const char exec_step[] = "execute";

static char executable[PATH_MAX];

void reset_signals(uint64_t blocked)
{
	/* The kernel's own struct sigaction: all zero is SIG_DFL without flags, on every machine. */
	static const uint64_t default_action[8];

	for (long number = 1; number <= KERNEL_SIGNALS; number++)
		(void)syscall(SYS_rt_sigaction, number, default_action, NULL, KERNEL_SIGNAL_SET_SIZE);
	(void)syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, &blocked, NULL, KERNEL_SIGNAL_SET_SIZE);
}

/* A pipe belongs to who made it; opening /dev/stdout again, as web servers do for their logs, takes the owner. A named
 * pipe, a file or a terminal that was handed in is not ours to give away. */
static void give_away_pipe(int fd, uint32_t uid)
{
	struct statfs status;

	if (fstatfs(fd, &status) == 0 && status.f_type == PIPEFS_MAGIC)
		(void)fchown(fd, uid, (gid_t)-1);
}

static int take_stdio(const int *stdio, uint32_t uid, struct failure *failure)
{
	for (int fd = 0; stdio && fd < 3; fd++) {
		give_away_pipe(stdio[fd], uid);
		if (dup3(stdio[fd], fd, 0) < 0)
			return fail(failure, errno, "take the standard descriptors", "%d", (int64_t)fd);
	}
	return 0;
}

static int enter_directory(const struct prepared *prepared)
{
	CLEANUP_CLOSE int fd = fs_open_in_root(prepared->root_fd, prepared->process.directory, O_PATH | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	return fchdir(fd) < 0 ? -errno : 0;
}

/* The filter is in before CAP_SYS_ADMIN goes, which without no_new_privs is needed for it. */
static int filter_system_calls(const struct process *process, struct failure *failure)
{
	const struct sock_fprog program = {
		.len = (unsigned short)process->n_seccomp,
		.filter = (struct sock_filter *)process->seccomp,
	};

	if (process->n_seccomp && syscall(SYS_seccomp, (long)SECCOMP_SET_MODE_FILTER, 0L, &program) < 0)
		return fail(failure, errno, "install the seccomp filter", "");
	return 0;
}

static int change_user(const struct identity *identity, struct failure *failure)
{
	static const char step[] = "change the user";
	long uid = (long)identity->uid, gid = (long)identity->gid;

	if (syscall(SYS_setgroups, identity->n_groups, identity->groups) < 0)
		return fail(failure, errno, step, "setgroups");
	if (prctl(PR_SET_KEEPCAPS, 1UL, 0UL, 0UL, 0UL) < 0)
		return fail(failure, errno, step, "keep capabilities");
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return fail(failure, errno, step, "gid %d", (int64_t)identity->gid);
	if (syscall(SYS_setresuid, uid, uid, uid) < 0)
		return fail(failure, errno, step, "uid %d", (int64_t)identity->uid);
	return 0;
}

int drop_privileges(struct prepared *prepared, int (*before_seccomp)(struct prepared *, struct failure *),
		    struct failure *failure)
{
	static const char step[] = "set the capabilities";
	const struct process *process = &prepared->process;
	const uint64_t *sets = process->capabilities;
	/* execve takes from a user other than root what is not ambient; what is looked for and opened until then should
	 * not be found with more. */
	uint64_t effective = prepared->identity.uid ? sets[AMBIENT] : sets[EFFECTIVE];
	uint64_t extra = process->n_seccomp && !process->no_new_privs ? UINT64_C(1) << CAP_SYS_ADMIN : 0;
	int result = capabilities_bound(sets[BOUNDING]);

	if (result < 0)
		return fail(failure, result, step, "bounding 0x%x", sets[BOUNDING]);
	result = change_user(&prepared->identity, failure);
	if (result < 0)
		return result;
	result = capabilities_set(effective | extra, sets[PERMITTED] | extra, sets[INHERITABLE]);
	if (result == 0)
		result = capabilities_set_ambient(sets[AMBIENT]);
	if (result < 0)
		return fail(failure, result, step, "permitted 0x%x, inheritable 0x%x, ambient 0x%x", sets[PERMITTED],
			    sets[INHERITABLE], sets[AMBIENT]);
	result = before_seccomp(prepared, failure);
	if (result < 0)
		return result;
	if (process->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
		return fail(failure, errno, "set no_new_privs", "");
	result = filter_system_calls(process, failure);
	if (result == 0 && (extra & ~(effective & sets[PERMITTED]))) {
		result = capabilities_set(effective, sets[PERMITTED], sets[INHERITABLE]);
		if (result < 0)
			return fail(failure, result, step, "behind the seccomp filter");
	}
	return result;
}

static int set_limits(const struct process *process, struct failure *failure)
{
	for (size_t i = 0; i < process->n_limits; i++) {
		const struct process_limit *limit = &process->limits[i];

		if (setrlimit((__rlimit_resource_t)limit->resource, &limit->value) < 0)
			return fail(failure, errno, "set a resource limit", "%d", (int64_t)limit->resource);
	}
	return 0;
}

static int find(struct prepared *prepared, struct failure *failure)
{
	const struct process *process = &prepared->process;
	const char *name = process->arguments[0];
	int result = executable_find(name, process_variable(process, "PATH"), executable);

	if (result == -ENOENT && !strchr(name, '/'))
		return fail(failure, ENOENT, exec_step, "exec \"%s\": executable file not found in $PATH", name);
	return result < 0 ? fail(failure, result, exec_step, "exec \"%s\"", name) : 0;
}

/* As the user. The filter may forbid any of this, so it is done before. */
static int do_as_user(struct prepared *prepared, struct failure *failure)
{
	int result = find(prepared, failure);

	if (result < 0)
		return result;
	reset_signals(0);
	if (syscall(SYS_close_range, (long)INIT_SOCKET_FD, (long)UINT32_MAX, (long)CLOSE_RANGE_CLOEXEC) < 0)
		return fail(failure, errno, "close descriptors", "");
	umask(prepared->process.has_umask ? prepared->process.umask : 022);
	return set_limits(&prepared->process, failure);
}

/* root tries the directory first and the user after it, as runc does: images rely on directories that their user may
 * not search, and a network file system may not let root in. */
static int do_as_user_in_directory(struct prepared *prepared, struct failure *failure)
{
	int result = enter_directory(prepared);

	if (result < 0)
		return fail(failure, result, "change to the working directory", "%s", prepared->process.directory);
	return do_as_user(prepared, failure);
}

int become(struct prepared *prepared, const int *stdio, struct failure *failure)
{
	const struct process *process = &prepared->process;
	int entered, result = take_stdio(stdio, prepared->identity.uid, failure);

	if (result < 0)
		return result;
	entered = enter_directory(prepared);
	if (entered < 0 && entered != -EACCES)
		return fail(failure, entered, "change to the working directory", "%s", process->directory);
	if (process->label) {
		result = proc_write_self(prepared->root_fd, "attr/exec", process->label);
		if (result < 0)
			return fail(failure, result, "set the security label", "%s", process->label);
	}
	result = drop_privileges(prepared, entered == 0 ? do_as_user : do_as_user_in_directory, failure);
	if (result < 0)
		return result;
	execve(executable, process->arguments, process->environment);
	return fail(failure, errno, exec_step, "exec \"%s\"", executable);
}

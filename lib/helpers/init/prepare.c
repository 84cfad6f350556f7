/* SPDX-License-Identifier: Apache-2.0 */
#include "prepare.h"

#include "capabilities.h"
#include "mounts.h"
#include "proc.h"
#include "target.h"
#include "terminal.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>

/* One text of READY is the user; what does not fit of the notes is left out. */
static char answer[INIT_MESSAGE_MAX - sizeof(struct init_message)];

static char home[sizeof("HOME=") + PATH_MAX];
static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
static char term[] = "TERM=xterm";

/* Behind the user, as texts of their own. */
__attribute__((noinline)) static void note(struct prepared *prepared, const char *format, ...)
{
	struct composed *text = &prepared->answer;
	va_list arguments;

	if (text->size - text->length < 256)
		return;
	va_start(arguments, format);
	compose_list(text, format, arguments);
	va_end(arguments);
	text->length++;
}

static void *allocate(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Whether a cgroup.procs lists this process. In a cgroup that was made for it there are few beside it. */
static bool is_listed(int fd)
{
	char text[1024];
	ssize_t length = read(fd, text, sizeof(text) - 1);
	const char *at = text;

	if (length <= 0)
		return false;
	text[length] = '\0';
	while (*at) {
		pid_t pid = 0;

		for (; *at >= '0' && *at <= '9'; at++)
			pid = pid * 10 + (*at - '0');
		if (*at != '\n')
			return false;
		if (pid == getpid())
			return true;
		at++;
	}
	return false;
}

/* This process, so long as it is the only one, moves into each of which it has a file. */
static int enter_cgroups(const struct order *order, struct failure *failure)
{
	const bool has_v2 = order->flags & INIT_PROCESS_CGROUP_V2;

	for (size_t i = 1; i < order->n_fds; i++) {
		if (has_v2 && i + 1 == order->n_fds && is_listed(order->fds[i]))
			continue;
		if (write(order->fds[i], "0", 1) < 0)
			return fail(failure, errno, "enter the cgroup", "");
	}
	return 0;
}

/* Of the container's first process, whose cgroup becomes the root of what is seen in /proc/self/cgroup. Kernels without
 * cgroup namespaces show the host's path there. */
static int leave_cgroup_namespace(const struct process *process, struct failure *failure)
{
	if (process->exec || unshare(CLONE_NEWCGROUP) == 0 || errno == EINVAL)
		return 0;
	return fail(failure, errno, "make a cgroup namespace", "");
}

static int read_record(struct prepared *prepared, int fd, struct failure *failure)
{
	static const char step[] = "read the process record";
	struct stat status;
	size_t length;
	char *record, **pointers;
	ssize_t n;

	if (fstat(fd, &status) < 0)
		return fail(failure, errno, step, "");
	if (status.st_size < 0 || status.st_size > PROCESS_RECORD_MAX)
		return fail(failure, EFBIG, step, "it has %d bytes", (int64_t)status.st_size);
	length = (size_t)status.st_size;
	record = allocate(length + 1);
	pointers = allocate(2 * PROCESS_POINTERS(length) * sizeof(*pointers));
	if (!record || !pointers)
		return fail(failure, ENOMEM, step, "");
	n = pread(fd, record, length, 0);
	if (n != (ssize_t)length)
		return fail(failure, n < 0 ? errno : EIO, step, "");
	return process_decode(record, length, pointers, pointers + PROCESS_POINTERS(length), &prepared->process,
			      failure);
}

static int make_directory(const struct prepared *prepared, struct failure *failure)
{
	const char *directory = prepared->process.directory;
	CLEANUP_CLOSE int fd = -1;

	if (prepared->process.exec)
		return 0;
	fd = target_make(prepared->root_fd, directory, TARGET_DIRECTORY);
	return fd < 0 ? fail(failure, fd, "make the working directory", "%s", directory) : 0;
}

static int set_oom_score(struct prepared *prepared, struct failure *failure)
{
	char number[24] = "";
	struct composed text = { number, 0, sizeof(number) };
	int result;

	if (!prepared->process.has_oom_score)
		return 0;
	compose(&text, "%d", prepared->process.oom_score);
	result = proc_write_self(prepared->root_fd, "oom_score_adj", number);
	if (result != -EACCES)
		return result < 0 ? fail(failure, result, "set oom_score_adj", "%s", number) : 0;
	note(prepared, "oom_score_adj stays as it was: setting it to %s needs CAP_SYS_RESOURCE", number);
	return 0;
}

/* Raises hard limits while that is possible; the rest, which may hinder us too, is done last (become.c). */
static int raise_limits(struct prepared *prepared, struct failure *failure)
{
	static const char step[] = "set a resource limit";

	for (size_t i = 0; i < prepared->process.n_limits; i++) {
		struct process_limit *limit = &prepared->process.limits[i];
		__rlimit_resource_t resource = (__rlimit_resource_t)limit->resource;
		struct rlimit present, raised;

		if (getrlimit(resource, &present) < 0)
			return fail(failure, errno, step, "%d", (int64_t)limit->resource);
		raised = (struct rlimit){ present.rlim_cur, limit->value.rlim_max };
		if (limit->value.rlim_max <= present.rlim_max || setrlimit(resource, &raised) == 0)
			continue;
		if (errno != EPERM)
			return fail(failure, errno, step, "%d to %d", (int64_t)limit->resource,
				    (int64_t)limit->value.rlim_max);
		note(prepared, "resource limit %d is %d and not %d: raising it needs CAP_SYS_RESOURCE",
		     (int64_t)limit->resource, (int64_t)present.rlim_max, (int64_t)limit->value.rlim_max);
		limit->value.rlim_max = present.rlim_max;
		if (limit->value.rlim_cur > present.rlim_max)
			limit->value.rlim_cur = present.rlim_max;
	}
	return 0;
}

/* What the engine itself was not given, it cannot give. */
static int cut_capabilities(struct prepared *prepared, struct failure *failure)
{
	uint64_t *sets = prepared->process.capabilities;
	uint64_t effective, permitted, inheritable, missing = 0;
	int result = capabilities_get(&effective, &permitted, &inheritable);

	if (result < 0)
		return fail(failure, result, "read the capabilities", "");
	for (int set = 0; set < CAPABILITY_SETS; set++) {
		missing |= sets[set] & ~permitted;
		sets[set] &= permitted;
	}
	if (missing)
		note(prepared, "capabilities 0x%x are not there to be given", missing);
	return 0;
}

static int set_hostname(const struct process *process, struct failure *failure)
{
	if (process->hostname && sethostname(process->hostname, strlen(process->hostname)) < 0)
		return fail(failure, errno, "set the hostname", "%s", process->hostname);
	return 0;
}

static void complete_environment(struct prepared *prepared)
{
	struct process *process = &prepared->process;

	process_add_variable(process, "PATH", path);
	if (process->terminal)
		process_add_variable(process, "TERM", term);
	compose(&(struct composed){ home, 0, sizeof(home) }, "HOME=%s", prepared->identity.home);
	process_add_variable(process, "HOME", home);
}

/* The user comes first, so that the notes lie behind it. */
static int resolve_user(struct prepared *prepared, struct failure *failure)
{
	struct composed *text = &prepared->answer;
	const struct identity *identity = &prepared->identity;
	int result = identity_resolve_in_root(prepared->root_fd, &prepared->process, &prepared->identity, failure);

	if (result < 0)
		return result;
	compose(text, "%d %d", (int64_t)identity->uid, (int64_t)identity->gid);
	for (size_t i = 0; i < identity->n_groups; i++)
		compose(text, " %d", (int64_t)identity->groups[i]);
	text->length++;
	return 0;
}

int prepare(struct prepared *prepared, struct order *order, struct failure *failure)
{
	struct process *process = &prepared->process;
	int result;

	prepared->master_fd = -1;
	prepared->answer = (struct composed){ answer, 0, sizeof(answer) };
	if (order->n_fds < 1)
		return fail(failure, EBADMSG, "read the process record", "it did not come");
	result = enter_cgroups(order, failure);
	if (result == 0)
		result = read_record(prepared, order->fds[0], failure);
	if (result == 0 && process->cgroup_files && order->n_fds == 1)
		result = fail(failure, EBADMSG, "enter the cgroup", "its files did not come");
	channel_release(order);
	if (result == 0)
		result = leave_cgroup_namespace(process, failure);
	if (result == 0)
		result = set_hostname(process, failure);
	if (result == 0)
		result = make_directory(prepared, failure);
	if (result == 0)
		result = resolve_user(prepared, failure);
	if (result == 0)
		result = set_oom_score(prepared, failure);
	if (result == 0)
		result = raise_limits(prepared, failure);
	if (result == 0)
		result = cut_capabilities(prepared, failure);
	if (result == 0 && process->terminal)
		result = terminal_make(prepared->root_fd, prepared->identity.uid, !process->exec, &prepared->master_fd,
				       failure);
	if (result == 0)
		result = mounts_finish(prepared->root_fd, failure);
	if (result == 0)
		complete_environment(prepared);
	return result;
}

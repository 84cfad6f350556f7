/* SPDX-License-Identifier: Apache-2.0 */
/* Killing all of a cgroup, and telling whether any of it lives. */
#include "cgroup/files.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "kill the cgroup";

#define KILL_MILLISECONDS 30000
#define DELAY_MAX 64

/* On v1 every hierarchy holds all processes; any one tells who they are. NULL on v2 alone. */
static const struct cgroup_hierarchy *v1_hierarchy(const struct cgroup_system *system)
{
	static const char *const preferred[] = { "pids", "freezer", "name=systemd" };

	for (size_t i = 0; i < sizeof(preferred) / sizeof(*preferred); i++) {
		const struct cgroup_hierarchy *hierarchy = cgroup_hierarchy_of(system, preferred[i]);

		if (hierarchy && !hierarchy->v2)
			return hierarchy;
	}
	for (size_t i = 0; i < system->n_hierarchies; i++) {
		if (!system->hierarchies[i].v2)
			return &system->hierarchies[i];
	}
	return NULL;
}

static void count(pid_t pid, void *context)
{
	(void)pid;
	++*(size_t *)context;
}

/* "populated" of cgroup.events: 1, 0, or -errno. The descriptor stays the caller's, for poll(2): POLLPRI comes when it
 * changes after this read. */
static int read_populated(int fd)
{
	char text[256];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	const char *at;

	if (length < 0)
		return errno == ENODEV ? 0 : -errno;
	text[length] = '\0';
	at = strstr(text, "populated ");
	return at ? at[strlen("populated ")] == '1' : -EBADMSG;
}

struct look {
	const struct cgroup_system *system;
	const char *cgroup;
	int events;     /* cgroup.events of the v2 hierarchy; -1: none */
	bool populated; /* it says that there are processes */
};

static int open_events(struct look *look)
{
	const struct cgroup_hierarchy *v2 = cgroup_hierarchy_v2(look->system);
	char path[PATH_MAX];
	int result;

	if (!v2 || look->events >= 0)
		return 0;
	result = cgroup_path(path, v2, look->cgroup, "cgroup.events");
	if (result < 0)
		return result;
	look->events = open(path, O_RDONLY | O_CLOEXEC);
	return look->events < 0 && errno != ENOENT ? -errno : 0;
}

static int is_empty(struct look *look)
{
	const struct cgroup_hierarchy *v1 = v1_hierarchy(look->system);
	char path[PATH_MAX];
	size_t n = 0;
	int result = open_events(look);

	if (result == 0 && look->events >= 0) {
		result = read_populated(look->events);
		look->populated = result > 0;
		if (result > 0)
			return 0;
	}
	if (result == 0 && v1) {
		result = cgroup_path(path, v1, look->cgroup, NULL);
		if (result == 0)
			result = cgroup_each_member(path, count, &n);
	}
	return result < 0 ? result : n == 0;
}

int cgroup_is_empty(const struct cgroup_system *system, const char *path, cri_call *call)
{
	struct look look = { system, path, -1, false };
	int result = is_empty(&look);

	cleanup_close_fd(&look.events);
	return result < 0 ? call_fail_errno(call, result, "look into the cgroup", "%s", path) : result;
}

/* v1's freezer stops forks while a cgroup is killed; and who is frozen, by us or another, dies when thawed. */
static void set_frozen(const struct cgroup_system *system, const char *cgroup, const char *state)
{
	const struct cgroup_hierarchy *freezer = cgroup_hierarchy_of(system, "freezer");
	char path[PATH_MAX];

	if (freezer && !freezer->v2 && cgroup_path(path, freezer, cgroup, "freezer.state") == 0)
		(void)fs_write_text(AT_FDCWD, path, state);
}

static bool is_frozen(const struct cgroup_system *system, const char *cgroup)
{
	const struct cgroup_hierarchy *freezer = cgroup_hierarchy_of(system, "freezer");
	char path[PATH_MAX], state[32];

	return freezer && !freezer->v2 && cgroup_path(path, freezer, cgroup, "freezer.state") == 0 &&
	       cgroup_file_read(path, state, sizeof(state)) > 0 && !text_starts(state, "THAWED");
}

static int kill_v2(const struct cgroup_hierarchy *hierarchy, const char *cgroup)
{
	char path[PATH_MAX];
	size_t found;
	int result = cgroup_path(path, hierarchy, cgroup, "cgroup.kill");

	if (result < 0)
		return result;
	if (fs_write_text(AT_FDCWD, path, "1") == 0)
		return 0;
	/* Kernels before 5.14 have no such file. */
	result = cgroup_path(path, hierarchy, cgroup, NULL);
	return result < 0 ? result : cgroup_kill_members(path, &found);
}

static int kill_v1(const struct cgroup_system *system, const char *cgroup)
{
	char path[PATH_MAX];
	size_t found;
	int result = cgroup_path(path, v1_hierarchy(system), cgroup, NULL);

	if (result < 0)
		return result;
	set_frozen(system, cgroup, "FROZEN");
	result = cgroup_kill_members(path, &found);
	set_frozen(system, cgroup, "THAWED");
	return result;
}

/* Beside v1, v2 kills what is in it, mostly all, at once; what it does not hold comes after that. */
static int kill_once(const struct look *look)
{
	int result = 0;

	if (look->populated)
		result = kill_v2(cgroup_hierarchy_v2(look->system), look->cgroup);
	if (result == 0 && (!look->populated || is_frozen(look->system, look->cgroup)))
		result = kill_v1(look->system, look->cgroup);
	return result;
}

int cgroup_kill(const struct cgroup_system *system, const char *path, cri_call *call)
{
	const int64_t deadline = clock_boot() + KILL_MILLISECONDS * NANOSECONDS_PER_MILLISECOND;
	CLEANUP_CLOSE int events = -1;
	struct look look = { system, path, -1, false };
	int64_t delay = 1;

	for (;;) {
		int result = is_empty(&look);
		struct pollfd wait;

		if (events < 0)
			events = look.events;
		if (result == 0)
			result = kill_once(&look);
		else if (result > 0)
			return 0;
		if (result < 0)
			return call_fail_errno(call, result, step, "%s", path);
		if (clock_boot() >= deadline)
			return call_fail(call, CRI_ETIMEDOUT, step, "%s: processes are left %d seconds after SIGKILL",
					 path, KILL_MILLISECONDS / 1000);
		wait = (struct pollfd){ .fd = events, .events = POLLPRI };
		result = call_wait(call, step, &wait, events >= 0, delay);
		if (result < 0)
			return result;
		if (result == 0 && delay < DELAY_MAX)
			delay *= 2;
	}
}

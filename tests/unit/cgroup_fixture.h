/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup of the test's own, in the hierarchies of this machine, whichever version it has, and processes in it. Needs
 * root; skips without. */
#ifndef LIBCRI_TESTS_UNIT_CGROUP_FIXTURE_H
#define LIBCRI_TESTS_UNIT_CGROUP_FIXTURE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/clone.h"
#include "base/fs.h"
#include "base/text.h"
#include "cgroup/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>

#include <setjmp.h>

#include <cmocka.h>

static struct cgroup_system *cgroups;
static cri_call call;
static char base[64]; /* this test's own cgroup */
static char path[128];

#define assert_good(expression)                                                                                        \
	do {                                                                                                           \
		int good_ = (expression);                                                                              \
		if (good_ < 0)                                                                                         \
			print_error("%s\n", call.message);                                                             \
		assert_int_equal(good_, 0);                                                                            \
	} while (0)

static inline int set_up(void **state)
{
	(void)state;
	call_init(&call);
	if (geteuid() != 0 || cgroup_detect(&cgroups, &call) < 0)
		return 0;
	snprintf(base, sizeof(base), "/libcri-unit-%d", getpid());
	snprintf(path, sizeof(path), "%s/pod/container", base);
	return cgroup_create(cgroups, path, &call);
}

static inline int tear_down(void **state)
{
	int result = 0;

	(void)state;
	if (cgroups) {
		call_init(&call);
		result = cgroup_kill(cgroups, base, &call);
		while (waitpid(-1, NULL, 0) > 0)
			;
		if (result == 0)
			result = cgroup_remove(cgroups, base, &call);
	}
	cgroup_system_free(cgroups);
	cgroups = NULL;
	return result;
}

static inline void need_root(void)
{
	call_init(&call);
	if (!cgroups)
		skip();
}

static inline const struct cgroup_hierarchy *need(const char *controller)
{
	const struct cgroup_hierarchy *hierarchy;

	need_root();
	hierarchy = cgroup_hierarchy_of(cgroups, controller);
	if (hierarchy)
		return hierarchy;
	skip();
	abort(); /* skip() does not come back */
}

static inline const char *file_of(const struct cgroup_hierarchy *hierarchy, const char *cgroup, const char *name)
{
	static char file[PATH_MAX];

	assert_int_equal(fs_path(file, sizeof(file), "%s%s/%s", hierarchy->mountpoint, cgroup, name), 0);
	return file;
}

static inline void assert_value(const char *controller, const char *v1, const char *v2, const char *expected)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_hierarchy_of(cgroups, controller);
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;

	assert_non_null(hierarchy);
	assert_int_equal(fs_read(AT_FDCWD, file_of(hierarchy, path, hierarchy->v2 ? v2 : v1), 4096, &text), 0);
	text.data[strcspn(text.data, "\n")] = '\0';
	assert_string_equal(text.data, expected);
}

/* A process in a cgroup that does what `run` says; the parent goes on when it is inside. */
static inline pid_t start_in(const char *cgroup, void (*run)(void))
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct cgroup_entry entry;
	CLEANUP_CLOSE int directory = -1;
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_good(cgroup_entry_files(cgroups, cgroup, &arena, &entry, &call));
	assert_true(entry.n_files > 0 || entry.v2);
	if (entry.v2) {
		directory = open(entry.v2_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(directory >= 0);
	}
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (size_t i = 0; i < entry.n_files; i++) {
			if (fs_write_text(AT_FDCWD, entry.files[i], "0") < 0)
				_exit(101);
		}
		if (entry.v2 && clone_move_into(directory) < 0)
			_exit(101);
		if (write(ready[1], "", 1) != 1)
			_exit(102);
		run();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static inline void assert_killed(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static inline void sleep_forever(void)
{
	for (;;)
		pause();
}

#define IN_CGROUP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif

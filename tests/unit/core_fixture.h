/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with what it needs, and an engine that is open as far as lib/core looks: two directories and no store. */
#ifndef TESTS_UNIT_CORE_FIXTURE_H
#define TESTS_UNIT_CORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "core/engine.h"
#include "core/paths.h"

#include <fcntl.h>
#include <string.h>

struct core_fixture {
	cri_engine engine;
	char directory[64];
	char root[80], state[80];
};

static inline int core_setup(void **state)
{
	struct core_fixture *fixture = calloc(1, sizeof(*fixture));
	char path[PATH_MAX];

	assert_non_null(fixture);
	strcpy(fixture->directory, "/tmp/libcri-core-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->root, sizeof(fixture->root), "%s/root", fixture->directory);
	snprintf(fixture->state, sizeof(fixture->state), "%s/state", fixture->directory);
	fixture->engine.root = fixture->root;
	fixture->engine.state = fixture->state;
	fixture->engine.helpers = "/usr/libexec/libcri";
	fixture->engine.opened_by = getpid();
	assert_int_equal(pthread_mutex_init(&fixture->engine.settings, NULL), 0);
	assert_int_equal(fs_make_directories(fixture->root, 0700), 0);
	assert_int_equal(fs_make_directories(path_exits(&fixture->engine, path), 0700), 0);
	*state = fixture;
	return 0;
}

static inline int core_teardown(void **state)
{
	struct core_fixture *fixture = *state;

	assert_int_equal(fs_remove_tree(AT_FDCWD, fixture->directory), 0);
	pthread_mutex_destroy(&fixture->engine.settings);
	free(fixture);
	return 0;
}

static inline int64_t milliseconds_since(int64_t start)
{
	return (clock_boot() - start) / NANOSECONDS_PER_MILLISECOND;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a directory of its own, and rows to put into it. */
#ifndef LIBCRI_TESTS_STORE_FIXTURE_H
#define LIBCRI_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "store/database.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MAX_EVENTS 1000

struct fixture {
	char directory[64];
	char path[96];
	struct store *store;
	struct arena arena;
	cri_call call;
};

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	strcpy(fixture->directory, "/tmp/libcri-store-XXXXXX");
	if (!mkdtemp(fixture->directory))
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/libcri.db", fixture->directory);
	call_init(&fixture->call);
	*state = fixture;
	return store_open(fixture->path, MAX_EVENTS, &fixture->store, &fixture->call);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	int result;

	store_close(fixture->store);
	arena_free(&fixture->arena);
	result = fs_remove_tree(AT_FDCWD, fixture->directory);
	free(fixture);
	return result;
}

static inline void fixture_reopen(struct fixture *fixture, uint32_t max_events)
{
	store_close(fixture->store);
	fixture->store = NULL;
	assert_int_equal(store_open(fixture->path, max_events, &fixture->store, &fixture->call), 0);
}

/* A failure with this code, described with all these words, is what came; the call is ready for the next. */
#define ASSERT_FAILED(call, result, expected, ...)                                                                     \
	do {                                                                                                           \
		const char *const words_[] = { __VA_ARGS__ };                                                          \
		assert_int_equal((result), (expected));                                                                \
		assert_int_equal((call)->code, (expected));                                                            \
		for (size_t w_ = 0; w_ < sizeof(words_) / sizeof(words_[0]); w_++) {                                   \
			if (!strstr((call)->message, words_[w_]))                                                      \
				fail_msg("\"%s\" is not in \"%s\"", words_[w_], (call)->message);                      \
		}                                                                                                      \
		call_clear(call);                                                                                      \
	} while (0)

/* The code without a description: for failures that callers expect. */
#define ASSERT_SILENT(call, result, expected)                                                                          \
	do {                                                                                                           \
		assert_int_equal((result), (expected));                                                                \
		assert_int_equal((call)->code, 0);                                                                     \
	} while (0)

static inline struct sandbox_row fixture_sandbox(const char *id, const char *name)
{
	return (struct sandbox_row){
		.id = id,
		.name = name,
		.uid = "uid",
		.namespace_ = "default",
		.attempt = 0,
		.handler = "lxc",
		.config = "{\"c\":1}",
		.labels = "{\"l\":\"1\"}",
		.annotations = "{}",
		.cgroup = "/libcri/pod",
		.network = "{}",
		.pause = "",
	};
}

static inline struct container_row fixture_container(const char *id, const char *sandbox, const char *name)
{
	return (struct container_row){
		.id = id,
		.sandbox_id = sandbox,
		.name = name,
		.image = "busybox",
		.user_specified_image = "busybox:latest",
		.image_id = "sha256:abcd",
		.config = "{\"k\":1}",
		.labels = "{\"a\":\"b\"}",
		.annotations = "{\"n\":\"m\"}",
		.log_path = "",
		.stop_signal = "SIGTERM",
		.cgroup = "/libcri/pod/c",
	};
}

/* 64 hex digits that begin with `number` in 8. */
static inline const char *fixture_id(char id[65], unsigned number)
{
	snprintf(id, 65, "%08x%056d", number, 0);
	return id;
}

static inline void fixture_ready_sandbox(struct fixture *fixture, const char *id, const char *name)
{
	struct sandbox_row row = fixture_sandbox(id, name);
	bool changed = false;

	assert_int_equal(store_sandbox_insert(fixture->store, &row, &fixture->call), 0);
	assert_int_equal(
		store_sandbox_set_state(fixture->store, id, SANDBOX_CREATING, SANDBOX_READY, &changed, &fixture->call),
		0);
	assert_true(changed);
}

static inline int64_t fixture_layer(struct fixture *fixture, const char *diff_id, const char *chain_id)
{
	int64_t id = 0;

	assert_int_equal(store_layer_begin(fixture->store, diff_id, &id, &fixture->call), 0);
	assert_int_equal(store_layer_commit(fixture->store, &id, diff_id, chain_id, 1000, 10, &fixture->call), 0);
	return id;
}

/* The types of the events after `after`, a letter each: Created, started (R), Stopped, Deleted, Oom. */
static inline const char *fixture_events(struct fixture *fixture, int64_t after)
{
	struct event_row *rows;
	size_t n_rows;
	bool lost;
	char *text;

	assert_int_equal(store_event_list(fixture->store, &fixture->arena, after, SIZE_MAX, &rows, &n_rows, &lost,
					  &fixture->call),
			 0);
	text = arena_alloc(&fixture->arena, n_rows + 1);
	assert_non_null(text);
	for (size_t i = 0; i < n_rows; i++)
		text[i] = "CRSDO"[rows[i].type];
	return text;
}

static inline int64_t fixture_last_event(struct fixture *fixture)
{
	int64_t sequence = -1;

	assert_int_equal(store_event_last(fixture->store, &sequence, &fixture->call), 0);
	return sequence;
}

/* The one text that a statement answers on a connection of its own. */
static inline void fixture_sql(struct fixture *fixture, const char *sql, char *answer, size_t size)
{
	sqlite3 *handle = NULL;
	sqlite3_stmt *statement = NULL;

	assert_int_equal(sqlite3_open_v2(fixture->path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
	if (sqlite3_step(statement) == SQLITE_ROW && answer)
		snprintf(answer, size, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

#endif

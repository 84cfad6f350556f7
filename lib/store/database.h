/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the store: connections, transactions and statements.
 *
 * Two connections, so that a list never waits for a writer. Each is used under its mutex for the length of one
 * transaction. A database that somebody else keeps busy ends the transaction: everything is let go, call_wait backs off
 * until the call's deadline, and the work is done again from its beginning. So every piece of work is a function that
 * may run more than once, called from a loop:
 *
 *     struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);
 *
 *     while (transaction_next(&transaction))
 *             transaction.result = insert(&transaction, row);
 *     return transaction.result;
 *
 * A result of 0 commits, any other rolls back. Nothing may leave the loop in between.
 */
#ifndef LIBCRI_STORE_DATABASE_H
#define LIBCRI_STORE_DATABASE_H

#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>

/* A result inside a transaction: the database was busy. Beyond every cri_code; never leaves the store. */
#define STORE_RETRY (-1000)

struct statement {
	const char *sql; /* its address is the key: statements are literals */
	sqlite3_stmt *handle;
};

struct connection {
	pthread_mutex_t mutex;
	sqlite3 *handle;
	bool full; /* PRAGMA synchronous in force: FULL, else NORMAL */
	struct statement *statements;
	size_t n_statements, capacity;
};

struct store {
	char *path;
	uint32_t max_events;
	pid_t opened_by;
	struct connection writer, reader;
};

/* --- connections (connection.c) --- */

/* One attempt: 0, STORE_RETRY or a described failure. The mutex is the caller's. */
int database_open(struct connection *connection, const char *path, bool reader, cri_call *call);
void database_close(struct connection *connection);

/* What a failed SQLite call means: STORE_RETRY, or a code, described. */
int database_failed(const struct connection *connection, const char *path, const char *step, cri_call *call);

/* --- transactions (transaction.c) --- */

enum transaction_kind {
	TRANSACTION_READ,
	TRANSACTION_WRITE,
	TRANSACTION_WRITE_FULL, /* and it survives a power cut, with all that was committed before it */
};

struct transaction {
	struct store *store;
	cri_call *call;
	enum transaction_kind kind;
	int result;
	struct connection *connection; /* while it runs */
	unsigned attempts;
};

static inline struct transaction transaction_of(struct store *store, enum transaction_kind kind, cri_call *call)
{
	return (struct transaction){ .store = store, .call = call, .kind = kind };
}

/* True: do the work (again). False: `result` is final. */
bool transaction_next(struct transaction *transaction);

/* "read the database", "write to the database": the step of its failures. */
const char *transaction_step(const struct transaction *transaction);

/* Waits a little after a STORE_RETRY. 0, or CRI_ETIMEDOUT or CRI_ECANCELED, described. */
int database_back_off(unsigned *attempts, cri_call *call);

/* --- schema (schema.c) --- */

/* Makes the tables of a new database, brings those of an older one up to date, refuses a newer one. Within a write
 * transaction. */
int store_schema_migrate(struct transaction *transaction);

/* --- statements (statement.c) --- */

struct sql_value {
	const char *text; /* NULL and "" are the same in every optional text */
	int64_t number;
	bool is_text;
};
#define SQL_TEXT(value)                                                                                                \
	{                                                                                                              \
		.text = (value), .is_text = true                                                                       \
	}
#define SQL_NUMBER(value)                                                                                              \
	{                                                                                                              \
		.number = (int64_t)(value)                                                                             \
	}
/* The values of ?1, ?2, … Their texts are borrowed until the statement is let go. */
#define SQL_VALUES(...)                                                                                                \
	(const struct sql_value[]){ __VA_ARGS__ },                                                                     \
		sizeof((const struct sql_value[]){ __VA_ARGS__ }) / sizeof(struct sql_value)
#define SQL_NO_VALUES NULL, 0

/* A statement from the connection's cache, bound and ready for sql_step; CLEANUP_STATEMENT lets it go. */
int sql_prepare(struct transaction *transaction, const char *sql, const struct sql_value *values, size_t n_values,
		sqlite3_stmt **statement);

/* 1: a row; 0: there are no more; below 0: STORE_RETRY or described. */
int sql_step(struct transaction *transaction, sqlite3_stmt *statement);

/* Runs a statement that answers no rows. */
int sql_run(struct transaction *transaction, const char *sql, const struct sql_value *values, size_t n_values);

/* The same for one that is inserted, changed or deleted at most: *changed tells whether a row was. */
int sql_change(struct transaction *transaction, bool *changed, const char *sql, const struct sql_value *values,
	       size_t n_values);

/* The number in the first column of the first row. 1: found; 0: no row; below 0 as sql_step. */
int sql_number(struct transaction *transaction, int64_t *number, const char *sql, const struct sql_value *values,
	       size_t n_values);

/* The same for a text. */
int sql_text(struct transaction *transaction, struct arena *arena, const char **text, const char *sql,
	     const struct sql_value *values, size_t n_values);

/* Copies the texts of the first columns of a row into *texts[0], *texts[1], … */
int sql_texts(struct transaction *transaction, struct arena *arena, sqlite3_stmt *statement, const char **const texts[],
	      size_t n_texts);

/* The first column of every row. */
int sql_all_texts(struct transaction *transaction, struct arena *arena, const char *const **texts, size_t *n_texts,
		  const char *sql, const struct sql_value *values, size_t n_values);
int sql_all_numbers(struct transaction *transaction, struct arena *arena, int64_t **numbers, size_t *n_numbers,
		    const char *sql, const struct sql_value *values, size_t n_values);

/* An array in the arena with room for one more than its `n` elements: the same, or when `n` is a power of two a copy of
 * twice the size. NULL: described. */
void *sql_array_grow(struct transaction *transaction, struct arena *arena, void *array, size_t n, size_t element_size);

static inline void cleanup_statement(sqlite3_stmt **statement)
{
	if (*statement) {
		sqlite3_reset(*statement);
		sqlite3_clear_bindings(*statement);
	}
}
#define CLEANUP_STATEMENT CLEANUP(cleanup_statement)

/* --- ids (ids.c) --- */

#define ID_PREFIX_MIN 4

/*
 * The rows whose ids begin with a prefix, without LIKE: ids are lower-case hex digits ("sha256:" before those of
 * images), so they are those from the prefix on and before the prefix followed by "g". The prefix is ?1.
 */
#define SQL_ID_BEGINS(column) column " >= ?1 AND " column " < ?1 || 'g'"

/*
 * The one id among those that `sql` answers, ordered and at most two, for the id or prefix `given`. `what` and `shown`
 * ("container", what the user wrote) are for the text of CRI_ENOTFOUND and CRI_EINVAL; fewer digits than
 * ID_PREFIX_MIN count only when they are a whole id.
 */
int database_resolve_id(struct transaction *transaction, struct arena *arena, const char *what, const char *shown,
			size_t n_digits, const char **id, const char *sql, const struct sql_value *values,
			size_t n_values);

/* --- what several areas need --- */

/*
 * When a new row of a table is made: now, or just after the newest row and the newest event if the clock was set back.
 * `sql` is SQL_NEWEST(table).
 */
#define SQL_NEWEST(table)                                                                                              \
	"SELECT max(coalesce((SELECT created_at FROM " table " ORDER BY row DESC LIMIT 1), 0), "                       \
	"coalesce((SELECT created_at FROM event ORDER BY sequence DESC LIMIT 1), 0))"
int database_creation_time(struct transaction *transaction, const char *sql, int64_t *created_at);

/* Events, with what must go to keep max_events. A container's event is left out when it is a pause container or gone.
 */
int store_event_add_sandbox(struct transaction *transaction, cri_event_type type, const char *id);
int store_event_add_container(struct transaction *transaction, cri_event_type type, const char *id, int32_t exit_code);

/* 1: `layer` exists and is ready; 0: not; below 0 as sql_step. */
int store_layer_is_ready(struct transaction *transaction, int64_t layer);

#endif

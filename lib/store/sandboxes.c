/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include "base/text.h"

#include <string.h>

/* The texts first, in the order of read_row. */
#define COLUMNS                                                                                                        \
	"id, name, uid, namespace, handler, cgroup, pause, labels, annotations, network, config, "                     \
	"attempt, state, created_at"

static const char *state_text(enum sandbox_state state)
{
	switch (state) {
	case SANDBOX_CREATING:
		return "being created";
	case SANDBOX_READY:
		return "ready";
	case SANDBOX_NOTREADY:
		return "stopped";
	case SANDBOX_REMOVING:
		return "being removed";
	}
	return "in an unknown state";
}

static int read_row(struct transaction *transaction, struct arena *arena, sqlite3_stmt *statement,
		    struct sandbox_row *row)
{
	const char **const texts[] = { &row->id,          &row->name,    &row->uid,   &row->namespace_,
				       &row->handler,     &row->cgroup,  &row->pause, &row->labels,
				       &row->annotations, &row->network, &row->config };
	int column = sizeof(texts) / sizeof(texts[0]);

	row->attempt = (uint32_t)sqlite3_column_int64(statement, column++);
	row->state = (enum sandbox_state)sqlite3_column_int(statement, column++);
	row->created_at = sqlite3_column_int64(statement, column);
	return sql_texts(transaction, arena, statement, texts, sizeof(texts) / sizeof(texts[0]));
}

/* 1: found; 0: not. */
static int read_one(struct transaction *transaction, struct arena *arena, struct sandbox_row *row, const char *sql,
		    const struct sql_value *values, size_t n_values)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int result = sql_prepare(transaction, sql, values, n_values, &statement);

	if (result == 0)
		result = sql_step(transaction, statement);
	if (result == 1) {
		result = read_row(transaction, arena, statement, row);
		result = result < 0 ? result : 1;
	}
	return result;
}

static int check_name(struct transaction *transaction, const struct sandbox_row *row)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int result = sql_prepare(transaction,
				 "SELECT id, state FROM sandbox "
				 "WHERE name = ?1 AND namespace = ?2 AND uid = ?3 AND attempt = ?4",
				 SQL_VALUES(SQL_TEXT(row->name), SQL_TEXT(row->namespace_), SQL_TEXT(row->uid),
					    SQL_NUMBER(row->attempt)),
				 &statement);

	if (result == 0)
		result = sql_step(transaction, statement);
	if (result <= 0)
		return result;
	return call_fail(transaction->call, CRI_EEXIST, "reserve the name",
			 "sandbox %s has this name, namespace, uid and attempt; it is %s",
			 (const char *)sqlite3_column_text(statement, 0),
			 state_text((enum sandbox_state)sqlite3_column_int(statement, 1)));
}

static int insert(struct transaction *transaction, struct sandbox_row *row)
{
	int64_t created_at;
	int result = check_name(transaction, row);

	if (result == 0)
		result = database_creation_time(transaction, SQL_NEWEST("sandbox"), &created_at);
	if (result == 0)
		result = sql_run(transaction,
				 "INSERT INTO sandbox(id, name, uid, namespace, handler, cgroup, pause, labels, "
				 "annotations, network, config, attempt, state, created_at, announced) "
				 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0)",
				 SQL_VALUES(SQL_TEXT(row->id), SQL_TEXT(row->name), SQL_TEXT(row->uid),
					    SQL_TEXT(row->namespace_), SQL_TEXT(row->handler), SQL_TEXT(row->cgroup),
					    SQL_TEXT(row->pause), SQL_TEXT(row->labels), SQL_TEXT(row->annotations),
					    SQL_TEXT(row->network), SQL_TEXT(row->config), SQL_NUMBER(row->attempt),
					    SQL_NUMBER(SANDBOX_CREATING), SQL_NUMBER(created_at)));
	if (result == 0)
		row->created_at = created_at;
	return result;
}

int store_sandbox_insert(struct store *store, struct sandbox_row *row, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = insert(&transaction, row);
	return transaction.result;
}

/* For updates of one row that has to be there. */
static int set_text(struct transaction *transaction, const char *sql, const char *id, const char *text)
{
	bool changed;
	int result = sql_change(transaction, &changed, sql, SQL_VALUES(SQL_TEXT(id), SQL_TEXT(text)));

	if (result < 0 || changed)
		return result;
	return call_fail(transaction->call, CRI_ENOTFOUND, transaction_step(transaction), "there is no sandbox \"%s\"",
			 id);
}

int store_sandbox_set_network(struct store *store, const char *id, const char *network, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result =
			set_text(&transaction, "UPDATE sandbox SET network = ?2 WHERE id = ?1", id, network);
	return transaction.result;
}

int store_sandbox_set_config(struct store *store, const char *id, const char *config, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = set_text(&transaction, "UPDATE sandbox SET config = ?2 WHERE id = ?1", id, config);
	return transaction.result;
}

static int set_state(struct transaction *transaction, const char *id, enum sandbox_state from, enum sandbox_state to,
		     bool *changed)
{
	int result =
		sql_change(transaction, changed,
			   "UPDATE sandbox SET state = ?3, announced = announced OR ?4 WHERE id = ?1 AND state = ?2",
			   SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(from), SQL_NUMBER(to), SQL_NUMBER(to == SANDBOX_READY)));

	if (result < 0 || !*changed)
		return result;
	if (from == SANDBOX_CREATING && to == SANDBOX_READY) {
		result = store_event_add_sandbox(transaction, CRI_EVENT_CREATED, id);
		if (result == 0)
			result = store_event_add_sandbox(transaction, CRI_EVENT_STARTED, id);
	} else if (from == SANDBOX_READY && to == SANDBOX_NOTREADY) {
		result = store_event_add_sandbox(transaction, CRI_EVENT_STOPPED, id);
	}
	return result;
}

int store_sandbox_set_state(struct store *store, const char *id, enum sandbox_state from, enum sandbox_state to,
			    bool *changed, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	*changed = false;
	while (transaction_next(&transaction))
		transaction.result = set_state(&transaction, id, from, to, changed);
	if (transaction.result < 0)
		*changed = false;
	return transaction.result;
}

static int check_empty(struct transaction *transaction, const char *id)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *container;
	int result = sql_text(transaction, &arena, &container, "SELECT id FROM container WHERE sandbox_id = ?1 LIMIT 1",
			      SQL_VALUES(SQL_TEXT(id)));

	if (result <= 0)
		return result;
	return call_fail(transaction->call, CRI_EPRECONDITION, "delete the sandbox",
			 "container %s is still in sandbox %s: remove it first", container, id);
}

static int delete (struct transaction *transaction, const char *id)
{
	int64_t announce = 0;
	int result = sql_number(transaction, &announce, "SELECT announced AND state = ?2 FROM sandbox WHERE id = ?1",
				SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(SANDBOX_REMOVING)));

	if (result <= 0)
		return result;
	result = check_empty(transaction, id);
	if (result == 0)
		result = sql_run(transaction, "DELETE FROM sandbox WHERE id = ?1", SQL_VALUES(SQL_TEXT(id)));
	if (result == 0 && announce)
		result = store_event_add_sandbox(transaction, CRI_EVENT_DELETED, id);
	return result;
}

int store_sandbox_delete(struct store *store, const char *id, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = delete (&transaction, id);
	return transaction.result;
}

static int get(struct transaction *transaction, struct arena *arena, const char *id, unsigned states,
	       struct sandbox_row *row)
{
	static const char by_id[] = "SELECT " COLUMNS " FROM sandbox WHERE id = ?1 AND (?2 >> state) & 1";
	const char *whole;
	/* Mostly it is a whole id. */
	int result = read_one(transaction, arena, row, by_id, SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(states)));

	if (result != 0)
		return result < 0 ? result : 0;
	result = database_resolve_id(transaction, arena, "sandbox", id, strlen(id), &whole,
				     "SELECT id FROM sandbox WHERE " SQL_ID_BEGINS("id") " AND (?2 >> state) & 1 "
											 "ORDER BY id LIMIT 2",
				     SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(states)));

	if (result == 0)
		result = read_one(transaction, arena, row, by_id, SQL_VALUES(SQL_TEXT(whole), SQL_NUMBER(states)));
	return result < 0 ? result : 0;
}

int store_sandbox_get(struct store *store, struct arena *arena, const char *id, bool any, struct sandbox_row *row,
		      cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = get(&transaction, arena, id ? id : "", any ? STATES_ALL : SANDBOX_VISIBLE, row);
	return transaction.result;
}

static int by_name(struct transaction *transaction, struct arena *arena, const char *name, const char *uid,
		   const char *namespace_, uint32_t attempt, struct sandbox_row *row)
{
	int result = read_one(transaction, arena, row,
			      "SELECT " COLUMNS " FROM sandbox "
			      "WHERE name = ?1 AND namespace = ?2 AND uid = ?3 AND attempt = ?4",
			      SQL_VALUES(SQL_TEXT(name), SQL_TEXT(namespace_), SQL_TEXT(uid), SQL_NUMBER(attempt)));

	return result == 1 ? 0 : result == 0 ? CRI_ENOTFOUND : result;
}

int store_sandbox_by_name(struct store *store, struct arena *arena, const char *name, const char *uid,
			  const char *namespace_, uint32_t attempt, struct sandbox_row *row, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = by_name(&transaction, arena, name, uid, namespace_, attempt, row);
	return transaction.result;
}

static int list(struct transaction *transaction, struct arena *arena, const char *id_prefix, unsigned states,
		struct sandbox_row **rows, size_t *n_rows)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	struct sandbox_row *array = NULL;
	size_t n = 0;
	const char *sql = text_is_empty(id_prefix)
				  ? "SELECT " COLUMNS " FROM sandbox WHERE (?2 >> state) & 1 "
				    "ORDER BY row DESC"
				  : "SELECT " COLUMNS
				    " FROM sandbox WHERE " SQL_ID_BEGINS("id") " AND (?2 >> state) & 1 "
									       "ORDER BY row DESC";
	int result = sql_prepare(transaction, sql, SQL_VALUES(SQL_TEXT(id_prefix), SQL_NUMBER(states)), &statement);

	while (result == 0 && (result = sql_step(transaction, statement)) == 1) {
		array = sql_array_grow(transaction, arena, array, n, sizeof(*array));
		if (!array)
			return CRI_ENOMEM;
		result = read_row(transaction, arena, statement, &array[n++]);
	}
	*rows = array;
	*n_rows = n;
	return result;
}

int store_sandbox_list(struct store *store, struct arena *arena, const char *id_prefix, unsigned states,
		       struct sandbox_row **rows, size_t *n_rows, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = list(&transaction, arena, id_prefix, states, rows, n_rows);
	return transaction.result;
}

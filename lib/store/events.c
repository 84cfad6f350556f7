/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include "base/clock.h"

/* SELECT … one row of what an event carries; the time is the next one of the event table. */
#define INSERT                                                                                                         \
	"INSERT INTO event(type, exit_code, created_at, container_id, sandbox_id) SELECT ?1, ?2, "                     \
	"max(?3, coalesce((SELECT created_at + 1 FROM event ORDER BY sequence DESC LIMIT 1), 0)), "

/* Drops the oldest beyond max_events, counted from the one just inserted. */
static int trim(struct transaction *transaction)
{
	int64_t newest = sqlite3_last_insert_rowid(transaction->connection->handle);

	return sql_run(transaction, "DELETE FROM event WHERE sequence <= ?1",
		       SQL_VALUES(SQL_NUMBER(newest - transaction->store->max_events)));
}

int store_event_add_sandbox(struct transaction *transaction, cri_event_type type, const char *id)
{
	int result = sql_run(transaction, INSERT "?4, ?4",
			     SQL_VALUES(SQL_NUMBER(type), SQL_NUMBER(0), SQL_NUMBER(clock_wall()), SQL_TEXT(id)));

	return result < 0 ? result : trim(transaction);
}

int store_event_add_container(struct transaction *transaction, cri_event_type type, const char *id, int32_t exit_code)
{
	bool added;
	int result =
		sql_change(transaction, &added, INSERT "id, sandbox_id FROM container WHERE id = ?4 AND NOT pause",
			   SQL_VALUES(SQL_NUMBER(type), SQL_NUMBER(exit_code), SQL_NUMBER(clock_wall()), SQL_TEXT(id)));

	return result < 0 || !added ? result : trim(transaction);
}

/* The newest sequence that ever was: kept by AUTOINCREMENT, also when every event is gone. */
static int last(struct transaction *transaction, int64_t *sequence)
{
	int result;

	*sequence = 0;
	result = sql_number(transaction, sequence, "SELECT seq FROM sqlite_sequence WHERE name = 'event'",
			    SQL_NO_VALUES);
	return result < 0 ? result : 0;
}

int store_event_last(struct store *store, int64_t *sequence, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = last(&transaction, sequence);
	return transaction.result;
}

static int was_dropped(struct transaction *transaction, int64_t after, bool *lost)
{
	int64_t oldest = 0;
	int result =
		sql_number(transaction, &oldest, "SELECT sequence FROM event ORDER BY sequence LIMIT 1", SQL_NO_VALUES);

	if (result == 0) {
		result = last(transaction, &oldest);
		oldest++;
	}
	if (result < 0)
		return result;
	*lost = oldest - 1 > after;
	return 0;
}

static int read_row(struct transaction *transaction, struct arena *arena, sqlite3_stmt *statement,
		    struct event_row *row)
{
	const char **const texts[] = { &row->container_id, &row->sandbox_id };

	row->sequence = sqlite3_column_int64(statement, 2);
	row->type = (cri_event_type)sqlite3_column_int(statement, 3);
	row->created_at = sqlite3_column_int64(statement, 4);
	row->exit_code = sqlite3_column_int(statement, 5);
	return sql_texts(transaction, arena, statement, texts, sizeof(texts) / sizeof(texts[0]));
}

static int list(struct transaction *transaction, struct arena *arena, int64_t after, size_t limit,
		struct event_row **rows, size_t *n_rows, bool *lost)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	struct event_row *array = NULL;
	size_t n = 0;
	int result = was_dropped(transaction, after, lost);

	if (result == 0)
		result = sql_prepare(transaction,
				     "SELECT container_id, sandbox_id, sequence, type, created_at, exit_code "
				     "FROM event WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
				     SQL_VALUES(SQL_NUMBER(after), SQL_NUMBER(limit < INT64_MAX ? limit : INT64_MAX)),
				     &statement);
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

int store_event_list(struct store *store, struct arena *arena, int64_t after, size_t limit, struct event_row **rows,
		     size_t *n_rows, bool *lost, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = list(&transaction, arena, after, limit, rows, n_rows, lost);
	return transaction.result;
}

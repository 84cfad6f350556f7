/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include "base/text.h"

#include <string.h>

/* The texts first, in the order of read_row; those of a fuller row behind those of a lighter one. */
#define LIGHT_TEXTS                                                                                                    \
	"id, sandbox_id, name, reason, message, image, user_specified_image, image_id, log_path, user, stop_signal, "  \
	"cgroup, labels, annotations"
#define STATUS_TEXTS LIGHT_TEXTS ", resources, mounts, shown_log_path"
#define NUMBERS "attempt, state, pause, pid, exit_code, created_at, started_at, finished_at, row"
#define SELECT_LIGHT "SELECT " LIGHT_TEXTS ", " NUMBERS " FROM container "
#define SELECT_STATUS "SELECT " STATUS_TEXTS ", " NUMBERS " FROM container "
#define SELECT_WHOLE                                                                                                   \
	"SELECT " STATUS_TEXTS ", config, " NUMBERS                                                                    \
	" FROM container JOIN container_config ON container_config.container = container.row "

enum detail { LIGHT, STATUS, WHOLE };

/* Pause containers are shown to those who also ask for what no user sees. */
#define SHOWN "(?3 >> state) & 1 AND (NOT pause OR ?4) "

static int read_row(struct transaction *transaction, struct arena *arena, sqlite3_stmt *statement, enum detail detail,
		    struct container_row *row)
{
	const char **const texts[] = {
		&row->id,
		&row->sandbox_id,
		&row->name,
		&row->reason,
		&row->message,
		&row->image,
		&row->user_specified_image,
		&row->image_id,
		&row->log_path,
		&row->user,
		&row->stop_signal,
		&row->cgroup,
		&row->labels,
		&row->annotations,
		&row->resources,
		&row->mounts,
		&row->shown_log_path,
		&row->config,
	};
	static const size_t n_texts_of[] = { [LIGHT] = 14, [STATUS] = 17, [WHOLE] = 18 };
	size_t n_texts = n_texts_of[detail];
	int column = (int)n_texts;
	int64_t container;
	int64_t *layers;
	int result;

	row->attempt = (uint32_t)sqlite3_column_int64(statement, column++);
	row->state = (enum container_state)sqlite3_column_int(statement, column++);
	row->pause = sqlite3_column_int(statement, column++) != 0;
	row->pid = sqlite3_column_int(statement, column++);
	row->exit_code = sqlite3_column_int(statement, column++);
	row->created_at = sqlite3_column_int64(statement, column++);
	row->started_at = sqlite3_column_int64(statement, column++);
	row->finished_at = sqlite3_column_int64(statement, column++);
	container = sqlite3_column_int64(statement, column);
	result = sql_texts(transaction, arena, statement, texts, n_texts);
	if (result < 0 || detail != WHOLE)
		return result;
	result = sql_all_numbers(transaction, arena, &layers, &row->n_layers,
				 "SELECT layer FROM container_layer WHERE container = ?1 ORDER BY position",
				 SQL_VALUES(SQL_NUMBER(container)));
	if (result == 0)
		row->layers = layers;
	return result;
}

#define BY_ID "WHERE id = ?1 AND (?2 >> state) & 1 AND (NOT pause OR ?3)"

/* 1: found; 0: not. */
static int read_one(struct transaction *transaction, struct arena *arena, const char *id, unsigned states, bool any,
		    enum detail detail, struct container_row *row)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int result = sql_prepare(transaction, detail == WHOLE ? SELECT_WHOLE BY_ID : SELECT_STATUS BY_ID,
				 SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(states), SQL_NUMBER(any)), &statement);

	if (result == 0)
		result = sql_step(transaction, statement);
	if (result <= 0)
		return result;
	*row = (struct container_row){ 0 };
	result = read_row(transaction, arena, statement, detail, row);
	return result < 0 ? result : 1;
}

static int get(struct transaction *transaction, struct arena *arena, const char *id, bool any, enum detail detail,
	       struct container_row *row)
{
	const unsigned states = any ? STATES_ALL : CONTAINER_VISIBLE;
	const char *whole;
	/* Mostly it is a whole id. */
	int result = read_one(transaction, arena, id, states, any, detail, row);

	if (result != 0)
		return result < 0 ? result : 0;
	result = database_resolve_id(transaction, arena, "container", id, strlen(id), &whole,
				     "SELECT id FROM container WHERE " SQL_ID_BEGINS(
					     "id") " AND (?2 >> state) & 1 AND (NOT pause OR ?3) ORDER BY id LIMIT 2",
				     SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(states), SQL_NUMBER(any)));
	if (result == 0)
		result = read_one(transaction, arena, whole, states, any, detail, row);
	if (result == 0)
		return call_fail(transaction->call, CRI_ECORRUPT, transaction_step(transaction),
				 "container %s has no config", whole);
	return result < 0 ? result : 0;
}

int store_container_get(struct store *store, struct arena *arena, const char *id, bool any, struct container_row *row,
			cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = get(&transaction, arena, id ? id : "", any, WHOLE, row);
	return transaction.result;
}

int store_container_get_status(struct store *store, struct arena *arena, const char *id, struct container_row *row,
			       cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = get(&transaction, arena, id ? id : "", false, STATUS, row);
	return transaction.result;
}

#define LIST_STATEMENTS(columns)                                                                                       \
	{                                                                                                              \
		columns "WHERE " SHOWN "ORDER BY row DESC",                                                            \
			columns "WHERE " SQL_ID_BEGINS("id") " AND (?2 = '' OR " OF_SANDBOX ") AND " SHOWN             \
							     "ORDER BY row DESC",                                      \
			columns "WHERE " OF_SANDBOX " AND " SHOWN "ORDER BY row DESC",                                 \
	}
#define OF_SANDBOX "(sandbox_id >= ?2 AND sandbox_id < ?2 || 'g')"

static int list(struct transaction *transaction, struct arena *arena, const char *id_prefix, const char *sandbox_prefix,
		unsigned states, bool light, struct container_row **rows, size_t *n_rows)
{
	static const char *const statements[2][3] = { LIST_STATEMENTS(SELECT_WHOLE), LIST_STATEMENTS(SELECT_LIGHT) };
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	struct container_row *array = NULL;
	size_t n = 0;
	int which = !text_is_empty(id_prefix) ? 1 : !text_is_empty(sandbox_prefix) ? 2 : 0;
	int result = sql_prepare(transaction, statements[light][which],
				 SQL_VALUES(SQL_TEXT(id_prefix), SQL_TEXT(sandbox_prefix), SQL_NUMBER(states),
					    SQL_NUMBER((states & ~CONTAINER_VISIBLE) != 0)),
				 &statement);

	while (result == 0 && (result = sql_step(transaction, statement)) == 1) {
		array = sql_array_grow(transaction, arena, array, n, sizeof(*array));
		if (!array)
			return CRI_ENOMEM;
		result = read_row(transaction, arena, statement, light ? LIGHT : WHOLE, &array[n++]);
	}
	*rows = array;
	*n_rows = n;
	return result;
}

int store_container_list(struct store *store, struct arena *arena, const char *id_prefix, const char *sandbox_prefix,
			 unsigned states, bool light, struct container_row **rows, size_t *n_rows, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = list(&transaction, arena, id_prefix, sandbox_prefix, states, light, rows, n_rows);
	return transaction.result;
}

static int check_log(struct transaction *transaction, const char *id, const char *log_path)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *other;
	int result = sql_text(transaction, &arena, &other,
			      "SELECT id FROM container WHERE log_path = ?2 AND state = ?3 AND id <> ?1 LIMIT 1",
			      SQL_VALUES(SQL_TEXT(id), SQL_TEXT(log_path), SQL_NUMBER(CONTAINER_RUNNING)));

	if (result <= 0)
		return result;
	return call_fail(transaction->call, CRI_EEXIST, "check the log path", "running container %s writes to %s",
			 other, log_path);
}

int store_container_check_log(struct store *store, const char *id, const char *log_path, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	if (text_is_empty(log_path))
		return 0;
	while (transaction_next(&transaction))
		transaction.result = check_log(&transaction, id, log_path);
	return transaction.result;
}

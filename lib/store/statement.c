/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include <string.h>

#define STATEMENTS_STEP 16

static int failed(struct transaction *transaction)
{
	return database_failed(transaction->connection, transaction->store->path, transaction_step(transaction),
			       transaction->call);
}

static int no_memory(struct transaction *transaction)
{
	return call_no_memory(transaction->call, transaction_step(transaction));
}

static int reserve(struct transaction *transaction)
{
	struct connection *connection = transaction->connection;
	struct statement *grown;

	if (connection->n_statements < connection->capacity)
		return 0;
	grown = reallocarray(connection->statements, connection->capacity + STATEMENTS_STEP, sizeof(*grown));
	if (!grown)
		return no_memory(transaction);
	connection->statements = grown;
	connection->capacity += STATEMENTS_STEP;
	return 0;
}

static int find(struct transaction *transaction, const char *sql, sqlite3_stmt **statement)
{
	struct connection *connection = transaction->connection;
	sqlite3_stmt *made = NULL;
	int result;

	for (size_t i = 0; i < connection->n_statements; i++) {
		if (connection->statements[i].sql == sql) {
			*statement = connection->statements[i].handle;
			return 0;
		}
	}
	result = reserve(transaction);
	if (result < 0)
		return result;
	if (sqlite3_prepare_v3(connection->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL) != SQLITE_OK)
		return failed(transaction);
	connection->statements[connection->n_statements++] = (struct statement){ sql, made };
	*statement = made;
	return 0;
}

int sql_prepare(struct transaction *transaction, const char *sql, const struct sql_value *values, size_t n_values,
		sqlite3_stmt **statement)
{
	sqlite3_stmt *found = NULL;
	int result = find(transaction, sql, &found);

	if (result < 0)
		return result;
	for (size_t i = 0; i < n_values; i++) {
		const struct sql_value *value = &values[i];
		int index = (int)i + 1;
		int code = value->is_text
				   ? sqlite3_bind_text(found, index, value->text ? value->text : "", -1, SQLITE_STATIC)
				   : sqlite3_bind_int64(found, index, value->number);

		if (code != SQLITE_OK) {
			result = failed(transaction);
			cleanup_statement(&found);
			return result;
		}
	}
	*statement = found;
	return 0;
}

int sql_step(struct transaction *transaction, sqlite3_stmt *statement)
{
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return failed(transaction);
	}
}

int sql_run(struct transaction *transaction, const char *sql, const struct sql_value *values, size_t n_values)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int result = sql_prepare(transaction, sql, values, n_values, &statement);

	return result < 0 ? result : sql_step(transaction, statement);
}

int sql_change(struct transaction *transaction, bool *changed, const char *sql, const struct sql_value *values,
	       size_t n_values)
{
	int result = sql_run(transaction, sql, values, n_values);

	*changed = result == 0 && sqlite3_changes(transaction->connection->handle) > 0;
	return result;
}

int sql_number(struct transaction *transaction, int64_t *number, const char *sql, const struct sql_value *values,
	       size_t n_values)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int result = sql_prepare(transaction, sql, values, n_values, &statement);

	if (result == 0)
		result = sql_step(transaction, statement);
	if (result == 1)
		*number = sqlite3_column_int64(statement, 0);
	return result;
}

static int copy_column(struct transaction *transaction, struct arena *arena, sqlite3_stmt *statement, int column,
		       const char **text)
{
	/* In this order: sqlite3_column_bytes is the length of what sqlite3_column_text made. */
	const unsigned char *bytes = sqlite3_column_text(statement, column);
	size_t length = (size_t)sqlite3_column_bytes(statement, column);
	char *copy;

	/* No column may be NULL, so that means that SQLite had no memory. */
	if (!bytes)
		return no_memory(transaction);
	copy = arena_copy(arena, bytes, length + 1);
	if (!copy)
		return no_memory(transaction);
	*text = copy;
	return 0;
}

int sql_texts(struct transaction *transaction, struct arena *arena, sqlite3_stmt *statement, const char **const texts[],
	      size_t n_texts)
{
	int result = 0;

	for (size_t i = 0; i < n_texts && result == 0; i++)
		result = copy_column(transaction, arena, statement, (int)i, texts[i]);
	return result;
}

int sql_text(struct transaction *transaction, struct arena *arena, const char **text, const char *sql,
	     const struct sql_value *values, size_t n_values)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int result = sql_prepare(transaction, sql, values, n_values, &statement);

	if (result == 0)
		result = sql_step(transaction, statement);
	if (result == 1) {
		int copied = copy_column(transaction, arena, statement, 0, text);

		result = copied < 0 ? copied : 1;
	}
	return result;
}

void *sql_array_grow(struct transaction *transaction, struct arena *arena, void *array, size_t n, size_t element_size)
{
	void *grown;

	if (n & (n - 1)) /* between powers of two there is room */
		return array;
	grown = arena_array(arena, n ? 2 * n : 1, element_size);
	if (!grown) {
		no_memory(transaction);
		return NULL;
	}
	if (n)
		memcpy(grown, array, n * element_size);
	return grown;
}

int sql_all_texts(struct transaction *transaction, struct arena *arena, const char *const **texts, size_t *n_texts,
		  const char *sql, const struct sql_value *values, size_t n_values)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	const char **array = NULL;
	size_t n = 0;
	int result = sql_prepare(transaction, sql, values, n_values, &statement);

	while (result == 0 && (result = sql_step(transaction, statement)) == 1) {
		array = sql_array_grow(transaction, arena, array, n, sizeof(*array));
		if (!array)
			return CRI_ENOMEM;
		result = copy_column(transaction, arena, statement, 0, &array[n++]);
	}
	*texts = array;
	*n_texts = n;
	return result;
}

int sql_all_numbers(struct transaction *transaction, struct arena *arena, int64_t **numbers, size_t *n_numbers,
		    const char *sql, const struct sql_value *values, size_t n_values)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int64_t *array = NULL;
	size_t n = 0;
	int result = sql_prepare(transaction, sql, values, n_values, &statement);

	while (result == 0 && (result = sql_step(transaction, statement)) == 1) {
		array = sql_array_grow(transaction, arena, array, n, sizeof(*array));
		if (!array)
			return CRI_ENOMEM;
		result = 0;
		array[n++] = sqlite3_column_int64(statement, 0);
	}
	*numbers = array;
	*n_numbers = n;
	return result;
}

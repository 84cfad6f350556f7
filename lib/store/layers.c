/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include <inttypes.h>

int store_layer_is_ready(struct transaction *transaction, int64_t layer)
{
	int64_t ready = 0;
	int result =
		sql_number(transaction, &ready, "SELECT ready FROM layer WHERE id = ?1", SQL_VALUES(SQL_NUMBER(layer)));

	return result == 1 ? ready != 0 : result;
}

/* Of a statement whose columns are diff_id, chain_id, id, bytes, inodes. */
static int read_row(struct transaction *transaction, struct arena *arena, sqlite3_stmt *statement,
		    struct layer_row *row)
{
	const char **const texts[] = { &row->diff_id, &row->chain_id };

	row->id = sqlite3_column_int64(statement, 2);
	row->ready = true;
	row->bytes = (uint64_t)sqlite3_column_int64(statement, 3);
	row->inodes = (uint64_t)sqlite3_column_int64(statement, 4);
	return sql_texts(transaction, arena, statement, texts, sizeof(texts) / sizeof(texts[0]));
}

static int find(struct transaction *transaction, struct arena *arena, const char *diff_id, const char *chain_id,
		struct layer_row *row)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int result = sql_prepare(transaction,
				 "SELECT diff_id, chain_id, id, bytes, inodes FROM layer "
				 "WHERE ready AND diff_id = ?1 AND chain_id IN ('', ?2) ORDER BY chain_id LIMIT 1",
				 SQL_VALUES(SQL_TEXT(diff_id), SQL_TEXT(chain_id)), &statement);

	if (result == 0)
		result = sql_step(transaction, statement);
	if (result <= 0)
		return result < 0 ? result : CRI_ENOTFOUND;
	return read_row(transaction, arena, statement, row);
}

int store_layer_find(struct store *store, struct arena *arena, const char *diff_id, const char *chain_id,
		     struct layer_row *row, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = find(&transaction, arena, diff_id, chain_id, row);
	return transaction.result;
}

int store_layer_begin(struct store *store, const char *diff_id, int64_t *id, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction)) {
		transaction.result = sql_run(&transaction,
					     "INSERT INTO layer(diff_id, chain_id, ready, bytes, inodes) "
					     "VALUES (?1, '', 0, 0, 0)",
					     SQL_VALUES(SQL_TEXT(diff_id)));
		if (transaction.result == 0)
			*id = sqlite3_last_insert_rowid(transaction.connection->handle);
	}
	return transaction.result;
}

static int commit(struct transaction *transaction, int64_t *id, const char *diff_id, const char *chain_id,
		  uint64_t bytes, uint64_t inodes)
{
	bool changed;
	int64_t other;
	int result =
		sql_number(transaction, &other, "SELECT id FROM layer WHERE ready AND diff_id = ?1 AND chain_id = ?2",
			   SQL_VALUES(SQL_TEXT(diff_id), SQL_TEXT(chain_id)));

	if (result < 0)
		return result;
	if (result == 1 && other != *id) {
		*id = other;
		return CRI_EEXIST;
	}
	result = sql_change(transaction, &changed,
			    "UPDATE layer SET ready = 1, chain_id = ?2, bytes = ?3, inodes = ?4 "
			    "WHERE id = ?1 AND diff_id = ?5 AND NOT ready",
			    SQL_VALUES(SQL_NUMBER(*id), SQL_TEXT(chain_id), SQL_NUMBER(bytes), SQL_NUMBER(inodes),
				       SQL_TEXT(diff_id)));
	if (result == 0 && !changed)
		return call_fail(transaction->call, CRI_ENOTFOUND, "commit the layer",
				 "layer %" PRId64 " (%s) is no longer being made", *id, diff_id);
	return result;
}

int store_layer_commit(struct store *store, int64_t *id, const char *diff_id, const char *chain_id, uint64_t bytes,
		       uint64_t inodes, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE_FULL, call);

	while (transaction_next(&transaction))
		transaction.result = commit(&transaction, id, diff_id, chain_id, bytes, inodes);
	return transaction.result;
}

static int delete (struct transaction *transaction, int64_t id)
{
	int result = store_layer_is_ready(transaction, id);

	if (result == 1)
		return call_fail(transaction->call, CRI_EPRECONDITION, "delete the layer",
				 "layer %" PRId64 " is ready for use", id);
	return result < 0 ? result
			  : sql_run(transaction, "DELETE FROM layer WHERE id = ?1", SQL_VALUES(SQL_NUMBER(id)));
}

int store_layer_delete(struct store *store, int64_t id, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = delete (&transaction, id);
	return transaction.result;
}

static int is_garbage(struct transaction *transaction, int64_t id, bool *garbage)
{
	int64_t ready = 0;
	int result =
		sql_number(transaction, &ready, "SELECT ready FROM layer WHERE id = ?1", SQL_VALUES(SQL_NUMBER(id)));

	*garbage = result == 1 && !ready;
	return result < 0 ? result : 0;
}

int store_layer_is_garbage(struct store *store, int64_t id, bool *garbage, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = is_garbage(&transaction, id, garbage);
	return transaction.result;
}

int store_layer_exists(struct store *store, int64_t id, bool *exists, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);
	int64_t found = 0;

	while (transaction_next(&transaction)) {
		transaction.result =
			sql_number(&transaction, &found, "SELECT EXISTS (SELECT 1 FROM layer WHERE id = ?1)",
				   SQL_VALUES(SQL_NUMBER(id)));
		*exists = found != 0;
	}
	return transaction.result < 0 ? transaction.result : 0;
}

#define UNREFERENCED                                                                                                   \
	"ready AND NOT EXISTS (SELECT 1 FROM image_layer WHERE image_layer.layer = layer.id) "                         \
	"AND NOT EXISTS (SELECT 1 FROM container_layer WHERE container_layer.layer = layer.id)"

/* A look that needs no write, for the usual case. */
static int count_unreferenced(struct transaction *transaction, struct arena *arena, int64_t **ids, size_t *n_ids,
			      bool *any)
{
	int64_t found = 0;
	int result = sql_number(transaction, &found, "SELECT EXISTS (SELECT 1 FROM layer WHERE " UNREFERENCED ")",
				SQL_NO_VALUES);

	if (result < 0)
		return result;
	*any = found != 0;
	return sql_all_numbers(transaction, arena, ids, n_ids, "SELECT id FROM layer WHERE NOT ready ORDER BY id",
			       SQL_NO_VALUES);
}

static int mark_unreferenced(struct transaction *transaction, struct arena *arena, int64_t **ids, size_t *n_ids)
{
	int result = sql_run(transaction, "UPDATE layer SET ready = 0 WHERE " UNREFERENCED, SQL_NO_VALUES);

	if (result < 0)
		return result;
	return sql_all_numbers(transaction, arena, ids, n_ids, "SELECT id FROM layer WHERE NOT ready ORDER BY id",
			       SQL_NO_VALUES);
}

int store_layer_unused(struct store *store, struct arena *arena, int64_t **ids, size_t *n_ids, cri_call *call)
{
	struct transaction look = transaction_of(store, TRANSACTION_READ, call);
	/* FULL: after a power cut no row may call a layer ready whose directory the caller had begun to destroy. */
	struct transaction mark = transaction_of(store, TRANSACTION_WRITE_FULL, call);
	bool any = false;

	while (transaction_next(&look))
		look.result = count_unreferenced(&look, arena, ids, n_ids, &any);
	if (look.result < 0 || !any)
		return look.result;
	while (transaction_next(&mark))
		mark.result = mark_unreferenced(&mark, arena, ids, n_ids);
	return mark.result;
}

/* A range of the index of ready layers, so that a store without embedded images answers at once. */
#define EMBEDDED                                                                                                       \
	"SELECT diff_id, chain_id, id, bytes, inodes FROM layer WHERE ready AND diff_id >= '" LAYER_EMBEDDED_PREFIX    \
	"' AND diff_id < '" LAYER_EMBEDDED_END "'"

static int embedded(struct transaction *transaction, struct arena *arena, bool idle, struct layer_row **rows,
		    size_t *n_rows)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	struct layer_row *array = NULL;
	size_t n = 0;
	int result = sql_prepare(transaction,
				 idle ? EMBEDDED " AND NOT EXISTS (SELECT 1 FROM container_layer "
						 "WHERE container_layer.layer = layer.id)"
				      : EMBEDDED,
				 SQL_NO_VALUES, &statement);

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

int store_layer_embedded(struct store *store, struct arena *arena, bool idle, struct layer_row **rows, size_t *n_rows,
			 cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = embedded(&transaction, arena, idle, rows, n_rows);
	return transaction.result;
}

static int usage(struct transaction *transaction, uint64_t *bytes, uint64_t *inodes)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int result = sql_prepare(transaction,
				 "SELECT coalesce(sum(bytes), 0), coalesce(sum(inodes), 0) FROM layer WHERE ready",
				 SQL_NO_VALUES, &statement);

	if (result == 0)
		result = sql_step(transaction, statement);
	if (result < 0)
		return result;
	*bytes = (uint64_t)sqlite3_column_int64(statement, 0);
	*inodes = (uint64_t)sqlite3_column_int64(statement, 1);
	return 0;
}

int store_layer_usage(struct store *store, uint64_t *bytes, uint64_t *inodes, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = usage(&transaction, bytes, inodes);
	return transaction.result;
}

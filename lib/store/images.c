/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include "base/text.h"

#include <string.h>

/* The texts first, in the order of read_row. */
#define SELECT "SELECT id, config, manifest_digest, manifest, bytes, pinned, embedded, created_at, row FROM image "

#define ID_PREFIX "sha256:"

/* --- commit --- */

/* A manifest, once known, is not forgotten for an archive that has none; a pin stays until the image goes. */
static int upsert(struct transaction *transaction, const struct image_row *row, int64_t created_at)
{
	return sql_run(transaction,
		       "INSERT INTO image(id, config, manifest_digest, manifest, bytes, pinned, embedded, created_at) "
		       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(id) DO UPDATE SET "
		       "config = excluded.config, "
		       "manifest_digest = iif(excluded.manifest = '', manifest_digest, excluded.manifest_digest), "
		       "manifest = iif(excluded.manifest = '', manifest, excluded.manifest), "
		       "bytes = excluded.bytes, pinned = pinned OR excluded.pinned, embedded = excluded.embedded",
		       SQL_VALUES(SQL_TEXT(row->id), SQL_TEXT(row->config), SQL_TEXT(row->manifest_digest),
				  SQL_TEXT(row->manifest), SQL_NUMBER(row->bytes), SQL_NUMBER(row->pinned),
				  SQL_NUMBER(row->embedded), SQL_NUMBER(created_at)));
}

static int set_names(struct transaction *transaction, int64_t image, const struct image_row *row)
{
	int result = 0;

	for (size_t i = 0; i < row->n_tags && result == 0; i++)
		result = sql_run(transaction,
				 "INSERT INTO image_tag(name, image) VALUES (?1, ?2) "
				 "ON CONFLICT(name) DO UPDATE SET image = excluded.image",
				 SQL_VALUES(SQL_TEXT(row->tags[i]), SQL_NUMBER(image)));
	for (size_t i = 0; i < row->n_digests && result == 0; i++)
		result = sql_run(transaction, "INSERT OR IGNORE INTO image_digest(name, image) VALUES (?1, ?2)",
				 SQL_VALUES(SQL_TEXT(row->digests[i]), SQL_NUMBER(image)));
	return result;
}

static int set_layers(struct transaction *transaction, int64_t image, const struct image_row *row)
{
	int result = sql_run(transaction, "DELETE FROM image_layer WHERE image = ?1", SQL_VALUES(SQL_NUMBER(image)));

	for (size_t i = 0; i < row->n_layers && result == 0; i++) {
		result = store_layer_is_ready(transaction, row->layers[i]);
		if (result == 0)
			return call_fail(transaction->call, CRI_ENOTFOUND, "commit the image",
					 "a layer of image %s was removed meanwhile: pull it again", row->id);
		if (result == 1)
			result = sql_run(transaction,
					 "INSERT INTO image_layer(image, position, layer) VALUES (?1, ?2, ?3)",
					 SQL_VALUES(SQL_NUMBER(image), SQL_NUMBER(i), SQL_NUMBER(row->layers[i])));
	}
	return result;
}

/* --- rows --- */

static int read_names(struct transaction *transaction, struct arena *arena, int64_t image, struct image_row *row)
{
	int64_t *layers = NULL;
	int result = sql_all_texts(transaction, arena, &row->tags, &row->n_tags,
				   "SELECT name FROM image_tag WHERE image = ?1 ORDER BY name",
				   SQL_VALUES(SQL_NUMBER(image)));

	if (result == 0)
		result = sql_all_texts(transaction, arena, &row->digests, &row->n_digests,
				       "SELECT name FROM image_digest WHERE image = ?1 ORDER BY name",
				       SQL_VALUES(SQL_NUMBER(image)));
	if (result == 0)
		result = sql_all_numbers(transaction, arena, &layers, &row->n_layers,
					 "SELECT layer FROM image_layer WHERE image = ?1 ORDER BY position",
					 SQL_VALUES(SQL_NUMBER(image)));
	row->layers = layers;
	return result;
}

static int read_row(struct transaction *transaction, struct arena *arena, sqlite3_stmt *statement,
		    struct image_row *row)
{
	const char **const texts[] = { &row->id, &row->config, &row->manifest_digest, &row->manifest };
	int result = sql_texts(transaction, arena, statement, texts, sizeof(texts) / sizeof(texts[0]));

	row->bytes = (uint64_t)sqlite3_column_int64(statement, 4);
	row->pinned = sqlite3_column_int(statement, 5) != 0;
	row->embedded = sqlite3_column_int(statement, 6) != 0;
	row->created_at = sqlite3_column_int64(statement, 7);
	return result < 0 ? result : read_names(transaction, arena, sqlite3_column_int64(statement, 8), row);
}

static int read_id(struct transaction *transaction, struct arena *arena, const char *id, struct image_row *row)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int result = sql_prepare(transaction, SELECT "WHERE id = ?1", SQL_VALUES(SQL_TEXT(id)), &statement);

	if (result == 0)
		result = sql_step(transaction, statement);
	return result < 0 ? result : read_row(transaction, arena, statement, row);
}

static int commit(struct transaction *transaction, const struct image_row *row, struct arena *arena,
		  struct image_row *stored)
{
	int64_t created_at = 0, image = 0;
	int result = database_creation_time(transaction, SQL_NEWEST("image"), &created_at);

	if (result == 0)
		result = upsert(transaction, row, created_at);
	if (result == 0)
		result = sql_number(transaction, &image, "SELECT row FROM image WHERE id = ?1",
				    SQL_VALUES(SQL_TEXT(row->id)));
	if (result >= 0)
		result = set_names(transaction, image, row);
	if (result == 0)
		result = set_layers(transaction, image, row);
	return result < 0 || !stored ? result : read_id(transaction, arena, row->id, stored);
}

int store_image_commit(struct store *store, const struct image_row *row, struct arena *arena, struct image_row *stored,
		       cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE_FULL, call);

	while (transaction_next(&transaction))
		transaction.result = commit(&transaction, row, arena, stored);
	return transaction.result;
}

int store_image_pin(struct store *store, const char *id, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result =
			sql_run(&transaction, "UPDATE image SET pinned = 1 WHERE id = ?1", SQL_VALUES(SQL_TEXT(id)));
	return transaction.result;
}

int store_image_delete(struct store *store, const char *id, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE_FULL, call);

	while (transaction_next(&transaction))
		transaction.result = sql_run(&transaction, "DELETE FROM image WHERE id = ?1", SQL_VALUES(SQL_TEXT(id)));
	return transaction.result;
}

/* --- queries --- */

/* By tag or name@digest, of which the image that was stored last counts. 1: found; 0: not. */
static int by_name(struct transaction *transaction, struct arena *arena, const char *name, const char **id)
{
	return sql_text(transaction, arena, id,
			"SELECT id FROM image WHERE row = coalesce((SELECT image FROM image_tag WHERE name = ?1), "
			"(SELECT max(image) FROM image_digest WHERE name = ?1))",
			SQL_VALUES(SQL_TEXT(name)));
}

static int by_id(struct transaction *transaction, struct arena *arena, const char *reference, const char **id)
{
	const char *digits = text_starts(reference, ID_PREFIX) ? reference + strlen(ID_PREFIX) : reference;
	const char *prefix = arena_printf(arena, ID_PREFIX "%s", digits);

	if (!prefix)
		return call_no_memory(transaction->call, transaction_step(transaction));
	return database_resolve_id(transaction, arena, "image", reference, strlen(digits), id,
				   "SELECT id FROM image WHERE " SQL_ID_BEGINS("id") " ORDER BY id LIMIT 2",
				   SQL_VALUES(SQL_TEXT(prefix)));
}

static int get(struct transaction *transaction, struct arena *arena, const char *reference, struct image_row *row)
{
	const char *id = NULL;
	int result = by_name(transaction, arena, reference, &id);

	if (result == 0)
		result = by_id(transaction, arena, reference, &id);
	return result < 0 ? result : read_id(transaction, arena, id, row);
}

int store_image_get(struct store *store, struct arena *arena, const char *reference, struct image_row *row,
		    cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = get(&transaction, arena, reference ? reference : "", row);
	return transaction.result;
}

static int list(struct transaction *transaction, struct arena *arena, struct image_row **rows, size_t *n_rows)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	struct image_row *array = NULL;
	size_t n = 0;
	int result = sql_prepare(transaction, SELECT "ORDER BY row DESC", SQL_NO_VALUES, &statement);

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

int store_image_list(struct store *store, struct arena *arena, struct image_row **rows, size_t *n_rows, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = list(&transaction, arena, rows, n_rows);
	return transaction.result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

static int get(struct transaction *transaction, struct arena *arena, const char *key, const char **value)
{
	int result = sql_text(transaction, arena, value, "SELECT value FROM setting WHERE key = ?1",
			      SQL_VALUES(SQL_TEXT(key)));

	return result == 1 ? 0 : result == 0 ? CRI_ENOTFOUND : result;
}

int store_setting_get(struct store *store, struct arena *arena, const char *key, const char **value, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_READ, call);

	while (transaction_next(&transaction))
		transaction.result = get(&transaction, arena, key, value);
	return transaction.result;
}

static int set(struct transaction *transaction, const char *key, const char *value)
{
	if (!value)
		return sql_run(transaction, "DELETE FROM setting WHERE key = ?1", SQL_VALUES(SQL_TEXT(key)));
	return sql_run(transaction,
		       "INSERT INTO setting(key, value) VALUES (?1, ?2) "
		       "ON CONFLICT(key) DO UPDATE SET value = excluded.value",
		       SQL_VALUES(SQL_TEXT(key), SQL_TEXT(value)));
}

int store_setting_set(struct store *store, const char *key, const char *value, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = set(&transaction, key, value);
	return transaction.result;
}

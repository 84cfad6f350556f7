/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#define BACK_OFF_LIMIT 20 /* ms */

int database_back_off(unsigned *attempts, cri_call *call)
{
	unsigned exponent = *attempts < 5 ? *attempts : 5;
	int64_t pause = INT64_C(1) << exponent;
	int result;

	(*attempts)++;
	result = call_wait(call, "wait for the database", NULL, 0, pause < BACK_OFF_LIMIT ? pause : BACK_OFF_LIMIT);
	return result < 0 ? result : 0;
}

const char *transaction_step(const struct transaction *transaction)
{
	return transaction->kind == TRANSACTION_READ ? "read the database" : "write to the database";
}

/* By sqlite3_exec and never from the cache of statements: this pragma takes effect when it is compiled. */
static int set_synchronous(struct connection *connection, bool full)
{
	int code;

	if (connection->full == full)
		return SQLITE_OK;
	code = sqlite3_exec(connection->handle, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
			    NULL, NULL, NULL);
	if (code == SQLITE_OK)
		connection->full = full;
	return code;
}

/* Some failures (a full disk) have rolled back already. */
static void roll_back(struct connection *connection)
{
	if (!sqlite3_get_autocommit(connection->handle))
		sqlite3_exec(connection->handle, "ROLLBACK", NULL, NULL, NULL);
}

static int begin(struct transaction *transaction)
{
	struct connection *connection = transaction->connection;

	/* For the last one there was no memory, maybe. */
	roll_back(connection);
	if (set_synchronous(connection, transaction->kind == TRANSACTION_WRITE_FULL) != SQLITE_OK)
		return database_failed(connection, transaction->store->path, transaction_step(transaction),
				       transaction->call);
	/* A write takes its lock at once: a transaction that reads first and cannot write then is of no use. */
	return sql_run(transaction, transaction->kind == TRANSACTION_READ ? "BEGIN" : "BEGIN IMMEDIATE", SQL_NO_VALUES);
}

static void end(struct transaction *transaction)
{
	struct connection *connection = transaction->connection;

	if (transaction->result == 0)
		transaction->result = sql_run(transaction, "COMMIT", SQL_NO_VALUES);
	roll_back(connection);
	transaction->connection = NULL;
	pthread_mutex_unlock(&connection->mutex);
}

bool transaction_next(struct transaction *transaction)
{
	struct store *store = transaction->store;
	struct connection *connection = transaction->kind == TRANSACTION_READ ? &store->reader : &store->writer;

	if (transaction->connection) {
		end(transaction);
		if (transaction->result != STORE_RETRY)
			return false;
	}
	for (;;) {
		if (transaction->result == STORE_RETRY) {
			transaction->result = database_back_off(&transaction->attempts, transaction->call);
			if (transaction->result < 0)
				return false;
		}
		pthread_mutex_lock(&connection->mutex);
		transaction->connection = connection;
		transaction->result = begin(transaction);
		if (transaction->result == 0)
			return true;
		end(transaction);
		if (transaction->result != STORE_RETRY)
			return false;
	}
}

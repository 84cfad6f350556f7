/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include <string.h>

static int open_connection(struct store *store, struct connection *connection, bool reader, cri_call *call)
{
	unsigned attempts = 0;
	int result;

	/* Another process may be making the database, or be the last to close it. */
	while ((result = database_open(connection, store->path, reader, call)) == STORE_RETRY) {
		result = database_back_off(&attempts, call);
		if (result < 0)
			break;
	}
	return result;
}

static int migrate(struct store *store, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE_FULL, call);

	while (transaction_next(&transaction))
		transaction.result = store_schema_migrate(&transaction);
	return transaction.result;
}

static struct store *store_new(const char *path, uint32_t max_events)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->path = strdup(path);
	if (!store->path) {
		free(store);
		return NULL;
	}
	store->max_events = max_events ? max_events : 1;
	store->opened_by = getpid();
	pthread_mutex_init(&store->writer.mutex, NULL);
	pthread_mutex_init(&store->reader.mutex, NULL);
	return store;
}

int store_open(const char *path, uint32_t max_events, struct store **store, cri_call *call)
{
	struct store *opened = store_new(path, max_events);
	int result;

	if (!opened)
		return call_no_memory(call, "open the database");
	result = open_connection(opened, &opened->writer, false, call);
	if (result == 0)
		result = migrate(opened, call);
	if (result == 0)
		result = open_connection(opened, &opened->reader, true, call);
	if (result < 0) {
		store_close(opened);
		return result;
	}
	*store = opened;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	/* SQLite must not be carried over a fork, not even to close it (sqlite.org, "How To Corrupt", 2.6): the child
	 * does not hold the locks that its copy believes in. Its copy is left as it is. */
	if (store->opened_by == getpid()) {
		database_close(&store->reader);
		database_close(&store->writer);
		pthread_mutex_destroy(&store->reader.mutex);
		pthread_mutex_destroy(&store->writer.mutex);
	}
	free(store->path);
	free(store);
}

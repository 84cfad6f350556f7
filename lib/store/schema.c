/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables. The numbers of enum sandbox_state, enum container_state and cri_event_type are in them: they never change
 * their meaning, as little as those of cri_event_type may.
 *
 * Rows are numbered in the order of their making (`row`), so newest first needs neither an index nor a sort. What lists
 * show comes first in a table, what is large last or in a table of its own: a change of state does not write a config
 * again, and a list does not read past it.
 */
#include "store/database.h"

#include <inttypes.h>

#define SCHEMA_VERSION 2

static const char *const version_1[] = {
	"CREATE TABLE setting("
	"key TEXT PRIMARY KEY, "
	"value TEXT NOT NULL) STRICT, WITHOUT ROWID",

	/* announced: event CREATED was given, so DELETED has to follow. */
	"CREATE TABLE sandbox("
	"row INTEGER PRIMARY KEY, "
	"id TEXT NOT NULL UNIQUE, "
	"state INTEGER NOT NULL, "
	"announced INTEGER NOT NULL, "
	"attempt INTEGER NOT NULL, "
	"created_at INTEGER NOT NULL, "
	"name TEXT NOT NULL, "
	"uid TEXT NOT NULL, "
	"namespace TEXT NOT NULL, "
	"handler TEXT NOT NULL, "
	"cgroup TEXT NOT NULL, "
	"pause TEXT NOT NULL, "
	"labels TEXT NOT NULL, "
	"annotations TEXT NOT NULL, "
	"network TEXT NOT NULL, "
	"config TEXT NOT NULL, "
	"UNIQUE(name, namespace, uid, attempt)) STRICT",

	/* The unique index begins with sandbox_id, so it also serves the foreign key; pause keeps the pause container's
	 * name out of the pod's. */
	"CREATE TABLE container("
	"row INTEGER PRIMARY KEY, "
	"id TEXT NOT NULL UNIQUE, "
	"sandbox_id TEXT NOT NULL REFERENCES sandbox(id), "
	"state INTEGER NOT NULL, "
	"announced INTEGER NOT NULL, "
	"pause INTEGER NOT NULL, "
	"attempt INTEGER NOT NULL, "
	"pid INTEGER NOT NULL, "
	"exit_code INTEGER NOT NULL, "
	"created_at INTEGER NOT NULL, "
	"started_at INTEGER NOT NULL, "
	"finished_at INTEGER NOT NULL, "
	"name TEXT NOT NULL, "
	"reason TEXT NOT NULL, "
	"message TEXT NOT NULL, "
	"image TEXT NOT NULL, "
	"user_specified_image TEXT NOT NULL, "
	"image_id TEXT NOT NULL, "
	"log_path TEXT NOT NULL, "
	"user TEXT NOT NULL, "
	"stop_signal TEXT NOT NULL, "
	"cgroup TEXT NOT NULL, "
	"labels TEXT NOT NULL, "
	"annotations TEXT NOT NULL, "
	"resources TEXT NOT NULL, "
	"UNIQUE(sandbox_id, pause, name, attempt)) STRICT",

	"CREATE TABLE container_config("
	"container INTEGER PRIMARY KEY REFERENCES container(row) ON DELETE CASCADE, "
	"config TEXT NOT NULL) STRICT",

	/* AUTOINCREMENT: an id names a directory, which may outlive its row. chain_id "": stored by diff id alone. */
	"CREATE TABLE layer("
	"id INTEGER PRIMARY KEY AUTOINCREMENT, "
	"diff_id TEXT NOT NULL, "
	"chain_id TEXT NOT NULL, "
	"ready INTEGER NOT NULL, "
	"bytes INTEGER NOT NULL, "
	"inodes INTEGER NOT NULL) STRICT",
	"CREATE UNIQUE INDEX layer_ready ON layer(diff_id, chain_id) WHERE ready",
	"CREATE INDEX layer_unready ON layer(ready) WHERE NOT ready",

	"CREATE TABLE container_layer("
	"container INTEGER NOT NULL REFERENCES container(row) ON DELETE CASCADE, "
	"position INTEGER NOT NULL, "
	"layer INTEGER NOT NULL REFERENCES layer(id), "
	"PRIMARY KEY(container, position)) STRICT, WITHOUT ROWID",
	"CREATE INDEX container_layer_layer ON container_layer(layer)",

	"CREATE TABLE image("
	"row INTEGER PRIMARY KEY, "
	"id TEXT NOT NULL UNIQUE, "
	"bytes INTEGER NOT NULL, "
	"pinned INTEGER NOT NULL, "
	"embedded INTEGER NOT NULL, "
	"created_at INTEGER NOT NULL, "
	"manifest_digest TEXT NOT NULL, "
	"config TEXT NOT NULL, "
	"manifest TEXT NOT NULL) STRICT",

	"CREATE TABLE image_tag("
	"name TEXT PRIMARY KEY, "
	"image INTEGER NOT NULL REFERENCES image(row) ON DELETE CASCADE) STRICT, WITHOUT ROWID",
	"CREATE INDEX image_tag_image ON image_tag(image)",

	/* The digest of an index stands for the images of several platforms. */
	"CREATE TABLE image_digest("
	"name TEXT NOT NULL, "
	"image INTEGER NOT NULL REFERENCES image(row) ON DELETE CASCADE, "
	"PRIMARY KEY(name, image)) STRICT, WITHOUT ROWID",
	"CREATE INDEX image_digest_image ON image_digest(image)",

	"CREATE TABLE image_layer("
	"image INTEGER NOT NULL REFERENCES image(row) ON DELETE CASCADE, "
	"position INTEGER NOT NULL, "
	"layer INTEGER NOT NULL REFERENCES layer(id), "
	"PRIMARY KEY(image, position)) STRICT, WITHOUT ROWID",
	"CREATE INDEX image_layer_layer ON image_layer(layer)",

	"CREATE TABLE event("
	"sequence INTEGER PRIMARY KEY AUTOINCREMENT, "
	"type INTEGER NOT NULL, "
	"exit_code INTEGER NOT NULL, "
	"created_at INTEGER NOT NULL, "
	"container_id TEXT NOT NULL, "
	"sandbox_id TEXT NOT NULL) STRICT",
};

/* What a status shows of a container's config, which it need not read for that. */
static const char *const version_2[] = {
	"ALTER TABLE container ADD COLUMN mounts TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE container ADD COLUMN shown_log_path TEXT NOT NULL DEFAULT ''",
	"UPDATE container SET "
	"mounts = coalesce((SELECT '{\"mounts\":' || json_extract(config, '$.mounts') || '}' "
	"FROM container_config WHERE container_config.container = container.row), ''), "
	"shown_log_path = iif(log_path = '', '', coalesce((SELECT json_extract(sandbox.config, '$.log_directory') "
	"|| '/' || json_extract(container_config.config, '$.log_path') "
	"FROM sandbox JOIN container_config ON container_config.container = container.row "
	"WHERE sandbox.id = container.sandbox_id), ''))",
};

/* Once in the life of a database: past the cache of statements. */
static int execute(struct transaction *transaction, const char *sql)
{
	const struct connection *connection = transaction->connection;

	if (sqlite3_exec(connection->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return database_failed(connection, transaction->store->path, "make the tables", transaction->call);
}

static int execute_all(struct transaction *transaction, const char *const *statements, size_t n)
{
	int result = 0;

	for (size_t i = 0; i < n && result == 0; i++)
		result = execute(transaction, statements[i]);
	return result;
}
#define EXECUTE_ALL(transaction, statements)                                                                           \
	execute_all(transaction, statements, sizeof(statements) / sizeof((statements)[0]))

static int make_version_1(struct transaction *transaction)
{
	int64_t tables = 0;
	int result = sql_number(transaction, &tables, "SELECT count(*) FROM sqlite_schema", SQL_NO_VALUES);

	if (result < 0)
		return result;
	if (tables > 0)
		return call_fail(transaction->call, CRI_EPRECONDITION, "open the database",
				 "%s is a database of another program: choose another root", transaction->store->path);
	return EXECUTE_ALL(transaction, version_1);
}

int store_schema_migrate(struct transaction *transaction)
{
	int64_t version = 0;
	int result = sql_number(transaction, &version, "PRAGMA user_version", SQL_NO_VALUES);

	if (result < 0)
		return result;
	switch (version) {
	case 0:
		result = make_version_1(transaction);
		if (result == 0)
			result = EXECUTE_ALL(transaction, version_2);
		break;
	case 1:
		result = EXECUTE_ALL(transaction, version_2);
		break;
	case SCHEMA_VERSION:
		return 0;
	default:
		return call_fail(transaction->call, CRI_EPRECONDITION, "open the database",
				 "%s has schema version %" PRId64 ", and this libcri knows versions up to %d: use a "
				 "newer libcri",
				 transaction->store->path, version, SCHEMA_VERSION);
	}
	return result < 0 ? result : execute(transaction, "PRAGMA user_version = 2");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a connection to the database, and what its failures mean. */
#include "store/database.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* How often a statement is tried again in place, after 0.1, 0.2, 0.4 and 0.8 ms: longer than the transactions of other
 * processes usually take, and too short to be noticed by a caller's event loop. What takes longer is for call_wait. */
#define BUSY_TRIES 4
#define BUSY_FIRST_NANOSECONDS 100000L

/* SQLite's own busy timeout sleeps in steps of whole milliseconds, or of whole seconds in some builds. */
static int busy_pause(void *unused, int count)
{
	struct timespec pause = { 0, BUSY_FIRST_NANOSECONDS << count };

	(void)unused;
	if (count >= BUSY_TRIES)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

static int corrupted(const char *path, const char *step, const char *reason, cri_call *call)
{
	return call_fail(call, CRI_ECORRUPT, step,
			 "%s is damaged (%s): stop the programs that use it, then move it and its -wal aside and "
			 "save what can be read with \"sqlite3 FILE .recover\", or begin with an empty root",
			 path, reason);
}

static int system_failed(sqlite3 *handle, const char *path, const char *step, cri_call *call)
{
	int error = sqlite3_system_errno(handle);
	const char *reason = sqlite3_errmsg(handle);

	return error ? call_fail_errno(call, error, step, "%s: %s", path, reason)
		     : call_fail(call, CRI_EINTERNAL, step, "%s: %s", path, reason);
}

int database_failed(const struct connection *connection, const char *path, const char *step, cri_call *call)
{
	sqlite3 *handle = connection->handle;
	const char *reason = sqlite3_errmsg(handle);
	int code = sqlite3_extended_errcode(handle);

	if (code == SQLITE_IOERR_NOMEM)
		return call_no_memory(call, step);
	/* A page that says it is there and is not: the file was cut. */
	if (code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS)
		return corrupted(path, step, reason, call);
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL: /* lost the race for the WAL's locks too often */
		return STORE_RETRY;
	case SQLITE_NOMEM:
		return call_no_memory(call, step);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return corrupted(path, step, reason, call);
	case SQLITE_FULL:
		return call_fail(call, CRI_EEXHAUSTED, step, "%s: no space is left on its file system: free some",
				 path);
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return call_fail(call, CRI_EPERM, step, "%s: %s", path, reason);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return system_failed(handle, path, step, call);
	default:
		return call_fail(call, CRI_EINTERNAL, step, "%s: %s (SQLite code %d)", path, reason, code);
	}
}

/*
 * SQLite makes its files with mode 0644 and gives the -wal and the -shm the mode of the database. So the file is made
 * before, empty, and by mknod: a close(2) of a descriptor of it would drop the locks that SQLite holds on it elsewhere
 * in this process (fcntl(2), "record locks").
 */
static int make_file(const char *path, cri_call *call)
{
	const char *step = "make the database";

	if (mknod(path, S_IFREG | 0600, 0) < 0)
		return errno == EEXIST ? 0 : call_fail_errno(call, errno, step, "%s", path);
	/* Whatever the umask took away. */
	if (chmod(path, 0600) < 0)
		return call_fail_errno(call, errno, step, "%s", path);
	return 0;
}

/* journal_mode answers the mode in force, which stays another where the file system has no shared memory. */
static int use_wal(struct connection *connection, const char *path, const char *step, cri_call *call)
{
	sqlite3_stmt *statement = NULL;
	const char *mode = NULL;
	int code = sqlite3_prepare_v2(connection->handle, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
	int result = 0;

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		result = database_failed(connection, path, step, call);
	else
		mode = (const char *)sqlite3_column_text(statement, 0);
	if (code == SQLITE_ROW && (!mode || strcmp(mode, "wal") != 0))
		result = call_fail(call, CRI_EPRECONDITION, step,
				   "%s: its file system cannot do write-ahead logging: use a local one", path);
	sqlite3_finalize(statement);
	return result;
}

static int configure(struct connection *connection, const char *path, bool reader, cri_call *call)
{
	/* cache_size: KiB. The journal is cut back to this many bytes after it had to grow beyond them. */
	static const char settings[] = "PRAGMA synchronous = NORMAL;"
				       "PRAGMA foreign_keys = ON;"
				       "PRAGMA trusted_schema = OFF;"
				       "PRAGMA cell_size_check = ON;"
				       "PRAGMA secure_delete = FAST;"
				       "PRAGMA temp_store = MEMORY;"
				       "PRAGMA cache_size = -256;"
				       "PRAGMA mmap_size = 0;"
				       "PRAGMA wal_autocheckpoint = 1000;"
				       "PRAGMA journal_size_limit = 4194304;";
	const char *step = "open the database";
	int code;
	int result;

	sqlite3_extended_result_codes(connection->handle, 1);
	sqlite3_busy_handler(connection->handle, busy_pause, NULL);
	/* First, since it is the first that reads the file. */
	result = use_wal(connection, path, step, call);
	if (result < 0)
		return result;
	code = sqlite3_exec(connection->handle, settings, NULL, NULL, NULL);
	if (code == SQLITE_OK && reader)
		code = sqlite3_exec(connection->handle, "PRAGMA query_only = ON", NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : database_failed(connection, path, step, call);
}

int database_open(struct connection *connection, const char *path, bool reader, cri_call *call)
{
	/* Nothing that the host may have set for its own use of SQLite: no shared cache, not its default VFS. Also
	 * the reader opens for writing, or it could not recover the WAL of a killed process. */
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	int result = make_file(path, call);
	int code;

	if (result < 0)
		return result;
	code = sqlite3_open_v2(path, &connection->handle, flags, "unix");
	if (!connection->handle)
		return call_no_memory(call, "open the database");
	if (code != SQLITE_OK)
		result = database_failed(connection, path, "open the database", call);
	else
		result = configure(connection, path, reader, call);
	if (result < 0)
		database_close(connection);
	return result;
}

void database_close(struct connection *connection)
{
	for (size_t i = 0; i < connection->n_statements; i++)
		sqlite3_finalize(connection->statements[i].handle);
	free(connection->statements);
	connection->statements = NULL;
	connection->n_statements = 0;
	connection->capacity = 0;
	sqlite3_close(connection->handle);
	connection->handle = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The life of container rows; container_queries.c reads them. */
#include "store/database.h"

#include "base/text.h"

#include <stdio.h>

static const char *state_text(int64_t state)
{
	switch ((enum container_state)state) {
	case CONTAINER_CREATING:
		return "is being created";
	case CONTAINER_CREATED:
		return "was created and not started";
	case CONTAINER_RUNNING:
		return "is running";
	case CONTAINER_EXITED:
		return "has exited";
	case CONTAINER_REMOVING:
		return "is being removed";
	}
	return "is in an unknown state";
}

const char *store_exit_reason(const char *reason, int32_t exit_code, bool oom)
{
	if (!text_is_empty(reason))
		return reason;
	if (oom)
		return "OOMKilled";
	return exit_code == 0 ? "Completed" : "Error";
}

/* 1: found; 0: not. */
static int state_of(struct transaction *transaction, const char *id, int64_t *state)
{
	return sql_number(transaction, state, "SELECT state FROM container WHERE id = ?1", SQL_VALUES(SQL_TEXT(id)));
}

static int not_found(struct transaction *transaction, const char *id)
{
	return call_fail(transaction->call, CRI_ENOTFOUND, transaction_step(transaction),
			 "there is no container \"%s\"", id);
}

/* --- insert --- */

/* A pause container is made while its pod is. */
static int check_sandbox(struct transaction *transaction, const struct container_row *row)
{
	int64_t state;
	int result = sql_number(transaction, &state, "SELECT state FROM sandbox WHERE id = ?1",
				SQL_VALUES(SQL_TEXT(row->sandbox_id)));

	if (result < 0 || (result == 1 && state == SANDBOX_READY))
		return result < 0 ? result : 0;
	if (result == 1 && state == SANDBOX_CREATING && row->pause)
		return 0;
	return call_fail(transaction->call, CRI_EPRECONDITION, "check the sandbox", "sandbox %s %s", row->sandbox_id,
			 result == 0 ? "is gone" : "is not ready");
}

static int check_name(struct transaction *transaction, const struct container_row *row)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *other;
	int result = sql_text(transaction, &arena, &other,
			      "SELECT id FROM container "
			      "WHERE sandbox_id = ?1 AND pause = ?2 AND name = ?3 AND attempt = ?4",
			      SQL_VALUES(SQL_TEXT(row->sandbox_id), SQL_NUMBER(row->pause), SQL_TEXT(row->name),
					 SQL_NUMBER(row->attempt)));

	if (result <= 0)
		return result;
	return call_fail(transaction->call, CRI_EEXIST, "reserve the name",
			 "container %s of the same sandbox has this name and attempt", other);
}

static int insert_row(struct transaction *transaction, const struct container_row *row, int64_t created_at)
{
	return sql_run(transaction,
		       "INSERT INTO container(id, sandbox_id, name, attempt, state, announced, pause, pid, exit_code, "
		       "created_at, started_at, finished_at, reason, message, image, user_specified_image, image_id, "
		       "labels, annotations, log_path, resources, user, stop_signal, cgroup, mounts, shown_log_path) "
		       "VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 0, 0, ?7, 0, 0, '', '', ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
		       "?15, ?16, ?17, ?18, ?19)",
		       SQL_VALUES(SQL_TEXT(row->id), SQL_TEXT(row->sandbox_id), SQL_TEXT(row->name),
				  SQL_NUMBER(row->attempt), SQL_NUMBER(CONTAINER_CREATING), SQL_NUMBER(row->pause),
				  SQL_NUMBER(created_at), SQL_TEXT(row->image), SQL_TEXT(row->user_specified_image),
				  SQL_TEXT(row->image_id), SQL_TEXT(row->labels), SQL_TEXT(row->annotations),
				  SQL_TEXT(row->log_path), SQL_TEXT(row->resources), SQL_TEXT(row->user),
				  SQL_TEXT(row->stop_signal), SQL_TEXT(row->cgroup), SQL_TEXT(row->mounts),
				  SQL_TEXT(row->shown_log_path)));
}

static int insert_layers(struct transaction *transaction, int64_t container, const struct container_row *row)
{
	int result = 0;

	for (size_t i = 0; i < row->n_layers && result == 0; i++) {
		result = store_layer_is_ready(transaction, row->layers[i]);
		if (result == 0)
			return call_fail(transaction->call, CRI_ENOTFOUND, "keep the image's layers",
					 "a layer of image %s was removed meanwhile: pull the image again",
					 row->image_id);
		if (result == 1)
			result = sql_run(transaction,
					 "INSERT INTO container_layer(container, position, layer) VALUES (?1, ?2, ?3)",
					 SQL_VALUES(SQL_NUMBER(container), SQL_NUMBER(i), SQL_NUMBER(row->layers[i])));
	}
	return result;
}

static int insert(struct transaction *transaction, struct container_row *row)
{
	int64_t created_at = 0;
	int64_t container;
	int result = check_sandbox(transaction, row);

	if (result == 0)
		result = check_name(transaction, row);
	if (result == 0)
		result = database_creation_time(transaction, SQL_NEWEST("container"), &created_at);
	if (result == 0)
		result = insert_row(transaction, row, created_at);
	if (result < 0)
		return result;
	container = sqlite3_last_insert_rowid(transaction->connection->handle);
	result = sql_run(transaction, "INSERT INTO container_config(container, config) VALUES (?1, ?2)",
			 SQL_VALUES(SQL_NUMBER(container), SQL_TEXT(row->config)));
	if (result == 0)
		result = insert_layers(transaction, container, row);
	if (result == 0)
		row->created_at = created_at;
	return result;
}

int store_container_insert(struct store *store, struct container_row *row, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = insert(&transaction, row);
	return transaction.result;
}

/* --- states --- */

/* Why an update that needs a state changed nothing. */
static int wrong_state(struct transaction *transaction, const char *id)
{
	int64_t state;
	int result = state_of(transaction, id, &state);

	if (result < 0)
		return result;
	if (result == 0)
		return not_found(transaction, id);
	return call_fail(transaction->call, CRI_EPRECONDITION, "check its state", "container %s %s", id,
			 state_text(state));
}

static int created(struct transaction *transaction, const char *id, const char *user, int32_t pid)
{
	bool changed;
	int result = sql_change(transaction, &changed,
				"UPDATE container SET state = ?3, announced = 1, user = ?4, pid = ?5 "
				"WHERE id = ?1 AND state = ?2",
				SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(CONTAINER_CREATING), SQL_NUMBER(CONTAINER_CREATED),
					   SQL_TEXT(user), SQL_NUMBER(pid)));

	if (result == 0 && !changed)
		return wrong_state(transaction, id);
	return result < 0 ? result : store_event_add_container(transaction, CRI_EVENT_CREATED, id, 0);
}

int store_container_created(struct store *store, const char *id, const char *user, int32_t pid, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = created(&transaction, id, user, pid);
	return transaction.result;
}

static int started(struct transaction *transaction, const char *id, int64_t started_at)
{
	bool changed;
	int result = sql_change(transaction, &changed,
				"UPDATE container SET state = ?3, started_at = ?4 WHERE id = ?1 AND state = ?2",
				SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(CONTAINER_CREATED), SQL_NUMBER(CONTAINER_RUNNING),
					   SQL_NUMBER(started_at)));

	if (result == 0 && !changed)
		return wrong_state(transaction, id);
	return result < 0 ? result : store_event_add_container(transaction, CRI_EVENT_STARTED, id, 0);
}

int store_container_started(struct store *store, const char *id, int64_t started_at, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = started(&transaction, id, started_at);
	return transaction.result;
}

static int update_exited(struct transaction *transaction, const char *id, const struct container_exit *exit)
{
	return sql_run(transaction,
		       "UPDATE container SET state = ?2, finished_at = ?3, exit_code = ?4, reason = ?5, message = ?6, "
		       "started_at = iif(started_at = 0, ?7, started_at) WHERE id = ?1",
		       SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(CONTAINER_EXITED), SQL_NUMBER(exit->finished_at),
				  SQL_NUMBER(exit->exit_code),
				  SQL_TEXT(store_exit_reason(exit->reason, exit->exit_code, exit->oom)),
				  SQL_TEXT(exit->message), SQL_NUMBER(exit->started_at)));
}

static int exited(struct transaction *transaction, const char *id, const struct container_exit *exit, bool *changed)
{
	int64_t state;
	int result = state_of(transaction, id, &state);

	*changed = false;
	if (result <= 0)
		return result < 0 ? result : CRI_ENOTFOUND;
	if (state != CONTAINER_CREATED && state != CONTAINER_RUNNING)
		return 0;
	result = update_exited(transaction, id, exit);
	/* Its end was quicker than the commit of its start. */
	if (result == 0 && state == CONTAINER_CREATED && exit->started_at)
		result = store_event_add_container(transaction, CRI_EVENT_STARTED, id, 0);
	if (result == 0 && exit->oom)
		result = store_event_add_container(transaction, CRI_EVENT_OOM, id, 0);
	if (result == 0)
		result = store_event_add_container(transaction, CRI_EVENT_STOPPED, id, exit->exit_code);
	*changed = true;
	return result;
}

int store_container_exited(struct store *store, const char *id, const struct container_exit *exit, bool *changed,
			   cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	*changed = false;
	while (transaction_next(&transaction))
		transaction.result = exited(&transaction, id, exit, changed);
	if (transaction.result < 0)
		*changed = false;
	return transaction.result;
}

static int set_resources(struct transaction *transaction, const char *id, const char *resources)
{
	bool changed;
	int result = sql_change(transaction, &changed, "UPDATE container SET resources = ?2 WHERE id = ?1",
				SQL_VALUES(SQL_TEXT(id), SQL_TEXT(resources)));

	return result < 0 || changed ? result : not_found(transaction, id);
}

int store_container_set_resources(struct store *store, const char *id, const char *resources, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = set_resources(&transaction, id, resources);
	return transaction.result;
}

static int removing(struct transaction *transaction, const char *id, bool *changed)
{
	int64_t state;
	int result = state_of(transaction, id, &state);

	*changed = false;
	if (result <= 0)
		return result;
	if (state == CONTAINER_RUNNING)
		return wrong_state(transaction, id);
	return sql_change(transaction, changed, "UPDATE container SET state = ?2 WHERE id = ?1 AND state <> ?2",
			  SQL_VALUES(SQL_TEXT(id), SQL_NUMBER(CONTAINER_REMOVING)));
}

int store_container_removing(struct store *store, const char *id, bool *changed, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	*changed = false;
	while (transaction_next(&transaction))
		transaction.result = removing(&transaction, id, changed);
	if (transaction.result < 0)
		*changed = false;
	return transaction.result;
}

static int delete (struct transaction *transaction, const char *id)
{
	int64_t announced = 0;
	int result = sql_number(transaction, &announced, "SELECT announced FROM container WHERE id = ?1",
				SQL_VALUES(SQL_TEXT(id)));

	if (result <= 0)
		return result;
	/* The event first: it is made from the row. */
	result = announced ? store_event_add_container(transaction, CRI_EVENT_DELETED, id, 0) : 0;
	if (result == 0)
		result = sql_run(transaction, "DELETE FROM container WHERE id = ?1", SQL_VALUES(SQL_TEXT(id)));
	return result;
}

int store_container_delete(struct store *store, const char *id, cri_call *call)
{
	struct transaction transaction = transaction_of(store, TRANSACTION_WRITE, call);

	while (transaction_next(&transaction))
		transaction.result = delete (&transaction, id);
	return transaction.result;
}

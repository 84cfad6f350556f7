/* SPDX-License-Identifier: Apache-2.0 */
/* Ids from what users write of them, and the times that order objects. */
#include "store/database.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

/* How much of a user's text an error shows. */
#define SHOWN_LENGTH 128

static int not_found(struct transaction *transaction, const char *what, const char *shown)
{
	return call_fail(transaction->call, CRI_ENOTFOUND, "find it", "there is no %s \"%.*s\"", what, SHOWN_LENGTH,
			 shown);
}

int database_resolve_id(struct transaction *transaction, struct arena *arena, const char *what, const char *shown,
			size_t n_digits, const char **id, const char *sql, const struct sql_value *values,
			size_t n_values)
{
	const char *given = values[0].text ? values[0].text : "";
	const char *const *found;
	size_t n_found;
	int result;

	/* No object is named by nothing: it is not one that is gone. */
	if (text_is_empty(shown))
		return call_fail(transaction->call, CRI_EINVAL, "check arguments", "%s id: it is empty", what);
	result = sql_all_texts(transaction, arena, &found, &n_found, sql, values, n_values);
	if (result < 0)
		return result;
	/* A whole id sorts before those that it is the beginning of. */
	if (n_found == 0 || (strcmp(found[0], given) != 0 && n_digits < ID_PREFIX_MIN))
		return not_found(transaction, what, shown);
	if (n_found > 1 && strcmp(found[0], given) != 0)
		return call_fail(transaction->call, CRI_EINVAL, "find it",
				 "\"%.*s\" is the beginning of more than one %s id: give more digits", SHOWN_LENGTH,
				 shown, what);
	*id = found[0];
	return 0;
}

int database_creation_time(struct transaction *transaction, const char *sql, int64_t *created_at)
{
	int64_t last = 0;
	int64_t now = clock_wall();
	int result = sql_number(transaction, &last, sql, SQL_NO_VALUES);

	if (result < 0)
		return result;
	*created_at = now > last ? now : last + 1;
	return 0;
}

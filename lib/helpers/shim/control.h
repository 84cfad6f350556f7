/* SPDX-License-Identifier: Apache-2.0 */
/* The clients of DIRECTORY/shim.sock. */
#ifndef LIBCRI_HELPERS_SHIM_CONTROL_H
#define LIBCRI_HELPERS_SHIM_CONTROL_H

#include "shim.h"

#include "base/json.h"

/* Listens and serves from now on. */
int control_listen(struct shim *shim, struct failure *failure);

/* Sends an answer, with at most one descriptor (-1: none), and frees it. A client that does not take it is
 * disconnected when the loop gets to it. NULL as connection: nobody is there any more. NULL as answer: memory ran out,
 * and so it is told. */
void control_answer(struct connection *connection, cJSON *answer, int fd);
void control_answer_failure(struct connection *connection, const struct failure *failure);

/* {"ok":true}, or NULL. */
cJSON *control_ok(void);
/* {"error":{…}}, or NULL. */
cJSON *control_error(const struct failure *failure);

/* The connection's command is over and its exit told: it may ask for other things again. */
void control_exec_over(struct connection *connection);

#endif

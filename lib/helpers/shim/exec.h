/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in the running container, one for each connection that asked for it. */
#ifndef LIBCRI_HELPERS_SHIM_EXEC_H
#define LIBCRI_HELPERS_SHIM_EXEC_H

#include "shim.h"

struct exec;

/* A command that is to come. The process record becomes the exec's, also on failure. */
int exec_new(struct shim *shim, struct connection *connection, bool terminal, int record, struct exec **exec,
	     struct failure *failure);

/* Starts it with its stdin, stdout and stderr, or none of them with a terminal. They stay the caller's. The answer
 * comes through the connection: {"ok":true,"pid":N} and later {"exit_code":N,"signal":N}. On failure the exec is freed.
 */
int exec_go(struct exec *exec, const int *fds, size_t n_fds, struct failure *failure);

int exec_signal(struct exec *exec, int signal, struct failure *failure);
int exec_resize(struct exec *exec, unsigned int columns, unsigned int rows, struct failure *failure);

/* Its client is gone: kills what it started. */
void exec_abandon(struct exec *exec);

/* The container has ended, and its processes with it: tells the clients what became of theirs. */
void exec_end_all(struct shim *shim);

#endif

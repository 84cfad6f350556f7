/* SPDX-License-Identifier: Apache-2.0 */
/* The process record of an exec: that of the container's first process, with another command. */
#ifndef LIBCRI_RUNTIME_PROCESS_EXEC_H
#define LIBCRI_RUNTIME_PROCESS_EXEC_H

#include "core/engine.h"

struct process_exec {
	const char *const *command;
	size_t n_command;
	cri_key_values environment; /* beside the container's; the same name replaces */
	size_t n_environment;
	const char *directory; /* "": the container's */
	bool terminal;
};

/* The exit code of a command that could not be executed, by errno: 127 not found, 126 not executable, 128 otherwise, as
 * shells, Docker and Kubernetes have it. */
int process_exit_code(int error);

/* Writes the record into a sealed memfd. *fd is O_CLOEXEC. */
int process_exec_record(cri_engine *engine, const char *id, const struct process_exec *exec, int *fd, cri_call *call);

#endif

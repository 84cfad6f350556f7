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

/* Writes the record into a sealed memfd. *fd is O_CLOEXEC. */
int process_exec_record(cri_engine *engine, const char *id, const struct process_exec *exec, int *fd, cri_call *call);

#endif
